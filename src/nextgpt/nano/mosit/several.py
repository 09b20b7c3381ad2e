"""Turns about several media in one message, and requests for several in one reply."""

from collections.abc import Iterator
from dataclasses import replace

from nextgpt.nano import audio_questions, generation_rows, image_questions
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.mosit import heard, moving, stills
from nextgpt.nano.mosit.asks import SLOTS
from nextgpt.nano.mosit.talk import Step, Subject, Talk, cell_name
from nextgpt.nano.mosit.world import plain_sound, settled_by_instrument, settled_twin
from nextgpt.nano.nouns import with_article
from nextgpt.nano.rows import Item, Turn, text
from nextgpt.nano.settled_clips import MOTIONS
from nextgpt.nano.settled_rows import plainest


def _two(first: Item | None, second: Item | None) -> tuple[Subject, Subject] | None:
    if first is None or second is None or set(first.name.split()) & set(second.name.split()):
        return None
    return Subject(first, True, True), Subject(second, True, True)


def _two_pictures(talk: Talk) -> tuple[Subject, Subject] | None:
    return _two(stills.picture(talk), stills.picture(talk)) if talk.fresh else None


def colour_of_other(talk: Talk) -> Step | None:
    """The first thing on the colour of the second picture."""
    if (both := _two_pictures(talk)) is None:
        return None
    made = talk.world.picture(stills.thing_of(both[0]), both[1].item.scene.colour)
    return talk.make("colour-of-other", both, (made,))


def side_by_side(talk: Talk) -> Step | None:
    if (both := _two_pictures(talk)) is None:
        return None
    colour = talk.world.colour()
    made = talk.world.pair(stills.thing_of(both[0]), stills.thing_of(both[1]), colour)
    return talk.make("side-by-side", both, (made,), colour=colour)


def which(talk: Talk) -> Step | None:
    if (both := _two_pictures(talk)) is None:
        return None
    plain = [_plain(one.item) for one in both]
    if not all(image_questions.is_clear(item) for item in plain):
        return None
    return _answered(talk, both, image_questions.ask_which(talk.rng, plain[0], plain[1], talk.held_out))


def fit(talk: Talk) -> Step | None:
    """Whether a sound fits a picture; every second one does not."""
    if not talk.fresh:
        return None
    picture = stills.picture(talk, True)
    fits = talk.rng.random() < 0.5
    sound = _played(talk, picture) if fits and picture else heard.sound(talk, True)
    if picture is None or sound is None or (sound.scene.first in FITS[picture.name]) != fits:
        return None
    both = (Subject(picture, True, True), Subject(sound, True, True))
    turn = audio_questions.ask_fit(talk.rng, _plain(picture), _plain(sound), talk.held_out)
    return _answered(talk, both, turn)


def _played(talk: Talk, picture: Item) -> Item:
    return talk.world.sound(plain_sound(talk.rng.choice(FITS[picture.name])))


def _plain(item: Item) -> Item:
    return replace(item, slots=SLOTS[item.modality](item.scene))


def _answered(talk: Talk, both: tuple[Subject, Subject], turn: Turn) -> Step:
    shown = (both[0].item, both[1].item)
    user = talk.message(shown, turn.question)
    return Step(cell_name(shown, []), turn.task, user, (text(turn.answer),), turn.expected, True, shown,
                choices=turn.choices, asked=shown)  # fmt: skip


def one_after_other(talk: Talk) -> Step | None:
    """Two sounds become one."""
    if not talk.fresh:
        return None
    first, second = talk.world.instrument(), talk.world.instrument()
    if first.key == second.key:
        return None
    both = _two(*(talk.world.sound(plain_sound(one.name)) for one in (first, second)))
    joined = [one for one in settled_by_instrument("sequence")[first.name] if one.second == second.name]
    return talk.make("one-after-other", both, (talk.world.sound(joined[0]),)) if both and joined else None


def move_like(talk: Talk) -> Step | None:
    """The thing of a picture with the motion of a clip, on the picture's colour."""
    if not talk.fresh:
        return None
    both = _two(stills.picture(talk), moving.clip(talk))
    if both is None:
        return None
    picture, clip = both
    motion, colour = moving.motion_of(clip.item), picture.item.scene.colour
    return talk.make("move-like", both, (talk.world.clip(stills.thing_of(picture), motion, colour),))


def two_wishes(talk: Talk) -> Step | None:
    """ "Draw a red apple on blue and play three notes of a piano." """
    return _wishes(talk, "two-wishes", "gen-mixed", tuple(_any_media(talk))[:2])


def three_wishes(talk: Talk) -> Step | None:
    """A picture, a sound and a clip, in any order."""
    return _wishes(talk, "three-wishes", "three-wishes", tuple(_any_media(talk)))


def all_of_one(talk: Talk) -> Step | None:
    """A thing that can be heard, drawn, played and animated."""
    world, rng = talk.world, talk.rng
    thing, motion, colour = world.thing(True), rng.choice(MOTIONS), world.colour()
    items = (world.picture(thing, colour), world.sound(plain_sound(FITS[thing.name][0])),
             world.clip(thing, motion, colour))  # fmt: skip
    made = tuple(map(plainest, items))
    words = talk.ask("all-of-one", a=with_article(thing.name), colour=colour, verb=stills.verb(talk, motion))
    reply, expected = generation_rows.reply(rng, made), generation_rows.captions_of(made)
    return Step(cell_name([], made), "mosit-all-of-one", (text(words),), reply, expected, made=made)


def _any_media(talk: Talk) -> Iterator[Item]:
    """A picture, a clip and a sound of anything, in random order."""
    world, rng = talk.world, talk.rng
    sound = heard.settled_sound(talk, rng.choice(("note", "notes", "scale")))
    makers = (
        lambda: world.picture(world.thing(), world.colour()),
        lambda: world.clip(world.thing(), rng.choice(MOTIONS), world.colour()),
        lambda: sound,
    )
    return (make() for make in rng.sample(makers, len(makers)))


def _wishes(talk: Talk, task: str, topic: str, items: tuple[Item, ...]) -> Step:
    made = tuple(map(plainest, items))
    wish = generation_rows.make_several(talk.rng, topic, items, talk.held_out, made)
    return Step(cell_name([], made), f"mosit-{task}", wish.user, wish.reply, wish.expected, made=made)


def draw_and_play_clip(talk: Talk) -> Step | None:
    """From a clip: a picture on another colour, and the sound."""
    subject = talk.subject("video", lambda: moving.clip(talk, True), moving.sounds)
    if subject is None:
        return None
    colour = talk.world.colour(subject.item.scene.colour)
    thing = settled_twin(subject.item.scene.subject)
    made = (talk.world.picture(thing, colour), talk.world.sound(plain_sound(FITS[thing.name][0])))
    return talk.make("draw-and-play", (subject,), made, colour=colour)
