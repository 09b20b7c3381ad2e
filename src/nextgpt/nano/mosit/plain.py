"""Turns without a shown medium: requests for one, refusals, plain chat, and questions about the conversation."""

from collections.abc import Callable
from dataclasses import dataclass

from nextgpt.nano import phrasings
from nextgpt.nano.generation_rows import make_one
from nextgpt.nano.instruments import instruments
from nextgpt.nano.mosit import heard
from nextgpt.nano.mosit.refusable import REFUSED, words_of
from nextgpt.nano.mosit.talk import ORDER, Seen, Step, Talk
from nextgpt.nano.nouns import NUMBER_WORDS, with_article
from nextgpt.nano.rows import Item, text
from nextgpt.nano.settled_clips import MOTIONS
from nextgpt.nano.settled_rows import plainest

KINDS = ("note", "notes", "scale", "chord", "rhythm", "effect", "sequence")


def draw(talk: Talk) -> Step | None:
    world, rng = talk.world, talk.rng
    thing, colour = world.thing(), world.colour()
    makers = (
        lambda: world.picture(thing, colour),
        lambda: world.picture(thing, colour, rng.choice((2, 3, 4))),
        lambda: world.picture(thing, colour, size=rng.choice(("small", "large"))),
        lambda: world.pair(thing, world.other_thing(thing), colour),
    )
    return _wish(talk, rng.choices(makers, (4, 2, 1, 2))[0]())


def play(talk: Talk) -> Step | None:
    kinds = [kind for kind in KINDS if talk.world.split_name == "train" or kind != "effect"]
    if talk.world.split_name == "name":
        kinds = ["notes"]
    return _wish(talk, heard.settled_sound(talk, talk.rng.choice(kinds)))


def animate(talk: Talk) -> Step | None:
    world = talk.world
    return _wish(talk, world.clip(world.thing(), talk.rng.choice(MOTIONS), world.colour()))


def _wish(talk: Talk, item: Item) -> Step:
    made = plainest(item)
    wish = make_one(talk.rng, item, talk.held_out, made)
    return Step(f"text->{item.modality}", wish.task, wish.user, wish.reply, wish.expected, made=(made,))


# What can not be made is asked for in the words of what can be: only the name may tell.
ASKED_AS = {"refuse-thing": ("wish-image", "wish-video"), "refuse-sound": ("wish-audio",)}


def refuse(talk: Talk) -> Step | None:
    topic = talk.rng.choice(tuple(REFUSED))
    words = {REFUSED[topic]: talk.rng.choice(words_of(topic, talk.held_out))}
    words |= {"a": with_article(talk.world.thing().name)} if topic == "refuse-form" else {}
    if topic == "refuse-form" and talk.world.split_name != "name":
        words["a"] = with_article(_trained_name(talk))
    question = talk.rng.choice(ASKED_AS.get(topic, (topic,)))
    return _words_only(talk, topic, "", question, **words)


def _trained_name(talk: Talk) -> str:
    return talk.world.other_thing(talk.world.thing()).name


def missing(talk: Talk) -> Step | None:
    """A question about a medium of a kind that nobody has shown."""
    there = {seen.item.modality for seen in talk.history}
    absent = [modality for modality in ORDER if modality not in there]
    return _words_only(talk, f"missing-{talk.rng.choice(absent)}", "") if absent else None


def abilities(talk: Talk) -> Step | None:
    return _words_only(talk, "abilities", "")


def _words_only(talk: Talk, topic: str, expected: str, question: str = "", **words: str) -> Step:
    reply = text(phrasings.answer(talk.rng, topic, **words))
    asked = text(talk.ask(question or topic, **words))
    return Step("text->text", f"mosit-{topic}", (asked,), (reply,), expected)


@dataclass(frozen=True)
class Answer:
    """How the first thing of a modality is named; counts(item): whether its number is more than one thing's."""

    topic: str
    noun: Callable[[str], str]
    counts: Callable[[Item], bool]


def _is_several(item: Item) -> bool:
    return item.slots.get("count") in NUMBER_WORDS[2:]


ANSWERS = {
    "image": Answer("first-seen", with_article, _is_several),
    "video": Answer("first-seen", with_article, _is_several),
    "audio": Answer(
        "first-heard", lambda name: instruments()[name].noun, lambda item: False
    ),  # notes, one player
}


def what_was_first(talk: Talk) -> Step | None:
    """ "What did I play first?", when the user has shown several."""
    for modality in talk.rng.sample(ORDER, len(ORDER)):
        seen = list(talk.users(modality))
        if len(seen) > 1 and len({one.item.name for one in seen}) > 1 and _is_one(seen[0].item):
            return _first(talk, modality, seen[0])
    return None


def _is_one(item: Item) -> bool:
    """One thing, or one player: something that a name answers."""
    return not any(item.slots.get(field) for field in ("name_b", "second")) and not ANSWERS[
        item.modality
    ].counts(item)


def _first(talk: Talk, modality: str, seen: Seen) -> Step:
    name = seen.item.name
    answer = ANSWERS[modality]
    reply = text(phrasings.answer(talk.rng, answer.topic, a=answer.noun(name)))
    question = text(talk.ask(f"first-{modality}"))
    return Step(f"{modality}->text", f"mosit-first-{modality}", (question,), (reply,), name, not seen.named,
                asked=(seen.item,))  # fmt: skip
