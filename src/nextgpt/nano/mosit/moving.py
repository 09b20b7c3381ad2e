"""Turns about clips: video -> text, image, audio, video."""

from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.clips import ClipScene
from nextgpt.nano.image_questions import a_colour
from nextgpt.nano.mosit.asks import ask_about
from nextgpt.nano.mosit.stills import (
    drawn_on_another,
    play_thing,
    silence_of,
    some_thing,
    sound_of_thing,
    thing_of,
    verb,
)
from nextgpt.nano.mosit.talk import Step, Subject, Talk, read_first
from nextgpt.nano.mosit.world import settled_codes
from nextgpt.nano.rows import Item
from nextgpt.nano.settled_clips import MOTIONS
from nextgpt.nano.settled_rows import plainest

OPPOSITES = {
    "left": "right",
    "up": "down",
    "clockwise": "counterclockwise",
    "grow": "shrink",
    "fade-in": "fade-out",
}
OPPOSITES |= {there: back for back, there in OPPOSITES.items()}


def clip(talk: Talk, sounding: bool | None = False, motions: tuple[str, ...] = MOTIONS) -> Item | None:
    """A clip of one thing, settled or otherwise. sounding: as of a picture."""
    thing, motion = some_thing(talk, sounding), talk.rng.choice(motions)
    if thing is None:
        return None
    if talk.rng.random() < 0.5:
        return talk.world.moved_otherwise(thing, motion)
    return talk.world.clip(thing, motion, talk.world.colour())


def is_one(item: Item) -> bool:
    scene = item.scene
    return isinstance(scene, ClipScene) and len(scene.tracks) == 1 and scene.subject.code in settled_codes()


def motion_of(item: Item) -> str:
    return str(item.scene.tracks[0].motion)


def one(talk: Talk) -> Subject | None:
    return talk.subject("video", lambda: clip(talk), is_one)


def tell(talk: Talk) -> Step | None:
    return ask_about(talk, subject) if (subject := one(talk)) else None


def still_of(talk: Talk) -> Step | None:
    if (subject := one(talk)) is None:
        return None
    made = talk.world.picture(thing_of(subject), subject.item.scene.colour)
    return talk.make("still-of", (subject,), (made,))


def still_on(talk: Talk) -> Step | None:
    """ "Draw it on blue.": who asks for a drawing of a clip does not ask for a clip."""
    return drawn_on_another(talk, "still-on", one(talk))


def sounds(item: Item) -> bool:
    return is_one(item) and item.scene.subject.name in FITS


def sound_of(talk: Talk) -> Step | None:
    return sound_of_thing(talk, talk.subject("video", lambda: clip(talk, True), sounds))


def no_sound(talk: Talk) -> Step | None:
    return silence_of(talk, talk.subject("video", lambda: clip(talk, None), is_silent))


def is_silent(item: Item) -> bool:
    return is_one(item) and not sounds(item)


def play_on(talk: Talk) -> Step | None:
    return play_thing(talk, talk.subject("video", lambda: clip(talk, True), sounds))


def _animate(talk: Talk, topic: str, subject: Subject, made: Item, **words: str) -> Step:
    """What was seen, and what moves instead."""
    seen = talk.world.clip(thing_of(subject), motion_of(subject.item), subject.item.scene.colour)
    step = talk.make(topic, (subject,), (made,), **words)
    return read_first(f"I see {plainest(seen).plain_caption}.", step)


def reverse(talk: Talk) -> Step | None:
    subject = talk.subject(
        "video",
        lambda: clip(talk, motions=tuple(OPPOSITES)),
        lambda item: is_one(item) and motion_of(item) in OPPOSITES,
    )
    if subject is None:
        return None
    motion, colour = OPPOSITES[motion_of(subject.item)], subject.item.scene.colour
    return _animate(talk, "reverse-clip", subject, talk.world.clip(thing_of(subject), motion, colour))


def recolour(talk: Talk) -> Step | None:
    if (subject := one(talk)) is None:
        return None
    colour = talk.world.colour(subject.item.scene.colour)
    made = talk.world.clip(thing_of(subject), motion_of(subject.item), colour)
    return _animate(talk, "recolour-clip", subject, made, colour=colour, a_colour=a_colour(colour))


def other_motion(talk: Talk) -> Step | None:
    """ "Now let it grow." """
    if (subject := one(talk)) is None:
        return None
    motion = talk.rng.choice([m for m in MOTIONS if m != motion_of(subject.item)])
    made = talk.world.clip(thing_of(subject), motion, subject.item.scene.colour)
    step = _animate(talk, "animate", subject, made, verb=verb(talk, motion))
    said = [part["text"] for part in step.user if part["type"] == "text"]
    return None if any(name in said[0] for name in ("picture", "drawing", "image")) else step
