"""Wishes for a thing by its name, with or without more said of it: things that can be made, and things that can not.

Where every other request says more than the name, a name alone comes to mean that the thing is not known, and "Draw a
dog." is declined: only the name may tell.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nextgpt.nano import phrasings
from nextgpt.nano.captions import MOTION_WORDS
from nextgpt.nano.mosit.refusable import words_of
from nextgpt.nano.mosit.talk import Maker, Step, Talk
from nextgpt.nano.mosit.world import plain_sound
from nextgpt.nano.nouns import with_article
from nextgpt.nano.rows import Item, text
from nextgpt.nano.settled_clips import MOTIONS

COLOUR, MOTION = "white", "bounce"  # where nothing is said of them


@dataclass(frozen=True)
class Wish:
    """made(talk, more): a medium, and the words that ask for it; more: whether they say more than the name.
    declined: the topic that has things which can not be made; said(talk): what is said behind such a name."""

    made: Callable[[Talk, bool], tuple[Item, str]]
    declined: str
    said: Callable[[Talk], str]


def _said(motion: str, colour: str) -> str:
    """Behind a name: how it moves, if it does, and on which colour."""
    return (f" {MOTION_WORDS[motion][0]}" if motion else "") + f" on {colour}"


def _picture(talk: Talk, more: bool) -> tuple[Item, str]:
    thing, colour = talk.world.thing(), talk.world.colour() if more else COLOUR
    words = with_article(thing.name) + (_said("", colour) if more else "")
    return talk.world.picture(thing, colour), words


def _clip(talk: Talk, more: bool) -> tuple[Item, str]:
    thing, colour = talk.world.thing(), talk.world.colour() if more else COLOUR
    motion = talk.rng.choice(MOTIONS) if more else MOTION
    words = with_article(thing.name) + (_said(motion, colour) if more else "")
    return talk.world.clip(thing, motion, colour), words


def _sound(talk: Talk, more: bool) -> tuple[Item, str]:
    instrument = talk.world.instrument()
    return talk.world.sound(plain_sound(instrument.name)), instrument.noun


WISHED = {
    "image": Wish(_picture, "refuse-thing", lambda talk: _said("", talk.world.colour())),
    "video": Wish(_clip, "refuse-thing", lambda talk: _said(talk.rng.choice(MOTIONS), talk.world.colour())),
    "audio": Wish(_sound, "refuse-sound", lambda talk: ""),
}


def granted(modality: str) -> Maker:
    def wish(talk: Talk) -> Step | None:
        item, words = WISHED[modality].made(talk, talk.rng.random() < 0.3)
        return talk.make(f"wish-{modality}", (), (item,), thing=words)

    return wish


def declined(modality: str) -> Maker:
    def wish(talk: Talk) -> Step | None:
        topic = WISHED[modality].declined
        thing = talk.rng.choice(words_of(topic, talk.held_out))
        said = WISHED[modality].said(talk) if talk.rng.random() < 0.5 else ""
        reply = text(phrasings.answer(talk.rng, topic, thing=thing))
        question = text(talk.ask(f"wish-{modality}", thing=thing + said))
        return Step("text->text", "mosit-refuse-wish", (question,), (reply,), "")

    return wish


GRANTED = tuple(map(granted, WISHED))
DECLINED = tuple(map(declined, WISHED))
