"""Turns about sounds: audio -> text, image, audio, video."""

from nextgpt.nano.instruments import instruments
from nextgpt.nano.mosit.asks import ask_about, is_askable
from nextgpt.nano.mosit.stills import verb
from nextgpt.nano.mosit.talk import Step, Subject, Talk, read_first
from nextgpt.nano.mosit.world import drawings, settled_by_instrument, thing_named
from nextgpt.nano.nouns import NUMBER_WORDS
from nextgpt.nano.rows import Item
from nextgpt.nano.settled_clips import MOTIONS
from nextgpt.nano.settled_rows import plainest
from nextgpt.nano.settled_sound_scenes import SettledScene
from nextgpt.nano.sources import Thing

TIMES = {2: "twice", 3: "three times", 4: "four times"}
QUICKLY = {"slow": ("slowly", "in a slow way"), "fast": ("quickly", "fast")}


def sound(talk: Talk, drawn: bool = False) -> Item | None:
    one = talk.world.instrument(drawn)
    if talk.rng.random() < 0.5:
        return talk.world.played_otherwise(one)
    kinds = [kind for kind in ("notes", "scale", "effect") if one.name in settled_by_instrument(kind)]
    return talk.world.sound(talk.rng.choice(settled_by_instrument(talk.rng.choice(kinds))[one.name]))


def settled_sound(talk: Talk, kind: str) -> Item:
    names = [name for name in settled_by_instrument(kind) if name in _allowed(talk)]
    scenes = settled_by_instrument(kind)[talk.rng.choice(names)]
    return talk.world.sound(talk.rng.choice(scenes))


def _allowed(talk: Talk) -> set[str]:
    from nextgpt.nano import split

    wanted = talk.world.split_name == "name"
    return {one.name for one in instruments().values() if split.is_held_out_name(one.key) == wanted}


def tell(talk: Talk) -> Step | None:
    subject = talk.subject("audio", lambda: sound(talk), is_askable)
    return ask_about(talk, subject) if subject else None


def is_drawn(item: Item) -> bool:
    return not item.scene.second and item.scene.first in drawings()


def thing_of(subject: Subject) -> Thing:
    return thing_named(drawings()[subject.item.scene.first])


def source_of(talk: Talk) -> Step | None:
    subject = talk.subject("audio", lambda: sound(talk, True), is_drawn)
    if subject is None:
        return None
    colour = talk.world.colour()
    return talk.make("source-of", (subject,), (talk.world.picture(thing_of(subject), colour),), colour=colour)


def animate_source(talk: Talk) -> Step | None:
    subject = talk.subject("audio", lambda: sound(talk, True), is_drawn)
    if subject is None:
        return None
    motion, colour = talk.rng.choice(MOTIONS), talk.world.colour()
    made = talk.world.clip(thing_of(subject), motion, colour)
    step = talk.make("animate-source", (subject,), (made,), colour=colour, verb=verb(talk, motion))
    return read_first(f"I hear {instruments()[subject.item.scene.first].noun}.", step)


def see_and_move(talk: Talk) -> Step | None:
    subject = talk.subject("audio", lambda: sound(talk, True), is_drawn)
    if subject is None:
        return None
    motion, colour, thing = talk.rng.choice(MOTIONS), talk.world.colour(), thing_of(subject)
    made = (talk.world.picture(thing, colour), talk.world.clip(thing, motion, colour))
    return talk.make("see-and-move", (subject,), made, colour=colour, verb=verb(talk, motion))


def _other(talk: Talk, scene: SettledScene, **wanted: object) -> SettledScene | None:
    """A scene of the same kind and of the same words but for those that are given."""
    player = str(wanted.pop("first", scene.first))
    number = wanted.pop("number", len(scene.strokes))
    same = {"pitch": scene.pitch, "direction": scene.direction, "speed": scene.speed, "chord": scene.chord,
            "rhythm": scene.rhythm} | wanted  # fmt: skip
    for one in settled_by_instrument(scene.kind).get(player, ()):
        if len(one.strokes) == number and all(getattr(one, key) == value for key, value in same.items()):
            return one
    return None


def is_settled(item: Item, *kinds: str) -> bool:
    return isinstance(item.scene, SettledScene) and item.scene.kind in kinds


def _play(talk: Talk, topic: str, subject: Subject, other: SettledScene | None, **words: str) -> Step | None:
    """What was heard, and what is played instead."""
    if other is None:
        return None
    step = talk.make(topic, (subject,), (talk.world.sound(other),), **words)
    return read_first(f"I hear {plainest(subject.item).plain_caption}.", step)


def reverse(talk: Talk) -> Step | None:
    """A scale, the other way."""
    subject = talk.subject(
        "audio", lambda: settled_sound(talk, "scale"), lambda item: is_settled(item, "scale")
    )
    if subject is None:
        return None
    scene = subject.item.scene
    other = _other(talk, scene, direction={"up": "down", "down": "up"}[scene.direction])
    return _play(talk, "reverse-sound", subject, other)


def on_another(talk: Talk) -> Step | None:
    """What was played, on another instrument."""
    kind = talk.rng.choice(("note", "notes", "scale", "chord", "rhythm"))
    subject = talk.subject(
        "audio",
        lambda: settled_sound(talk, kind),
        lambda item: is_settled(item, "note", "notes", "scale", "chord", "rhythm"),
    )
    if subject is None:
        return None
    scene = subject.item.scene
    player = talk.rng.choice([name for name in settled_by_instrument(scene.kind) if name != scene.first])
    if instruments()[player].unit != instruments()[scene.first].unit:
        return None
    return _play(talk, "on-another", subject, _other(talk, scene, first=player), a=instruments()[player].noun)


def speed_of(talk: Talk) -> Step | None:
    kind = talk.rng.choice(("notes", "scale"))
    subject = talk.subject(
        "audio", lambda: settled_sound(talk, kind), lambda item: is_settled(item, "notes", "scale")
    )
    if subject is None or len(subject.item.scene.strokes) < 2:
        return None
    speed = talk.rng.choice([one for one in QUICKLY if one != subject.item.scene.speed])
    quickly = talk.rng.choice(QUICKLY[speed])
    return _play(talk, "speed-of", subject, _other(talk, subject.item.scene, speed=speed), quickly=quickly)


def repeat(talk: Talk) -> Step | None:
    """One note, then some of them."""
    subject = talk.subject(
        "audio", lambda: settled_sound(talk, "notes"), lambda item: is_settled(item, "notes")
    )
    if subject is None:
        return None
    scene = subject.item.scene
    if not instruments()[scene.first].is_pitched:
        return None
    number = talk.rng.choice([one for one in TIMES if one != len(scene.strokes)])
    speed = scene.speed if len(scene.strokes) > 1 else ""
    words = {"number": NUMBER_WORDS[number], "times": TIMES[number]}
    return _play(talk, "repeat", subject, _other(talk, scene, number=number, speed=speed), **words)
