"""Which sounds are made: notes, scales, sequences and effects that a split allows."""

import random
from functools import cache

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.instruments import PITCHED, Instrument, instruments
from nextgpt.nano.sounds import SoundScene, Stroke

SOUND_KINDS = ("notes", "scale", "sequence", "effect")
LOW_TOP, HIGH_BOTTOM = 55, 70  # MIDI: "low" is below G3, "high" above B4; notes between have no word
_STEPS = (0, 2, 4, 5, 7)
_MAX_TRIES = 1000


@cache
def sound_pool(held_out: bool, kind: str) -> tuple[Instrument, ...]:
    """Instruments whose names are (not) held out and that a kind can use."""
    chosen = PITCHED if kind == "scale" else tuple(instruments().values())
    if kind in ("notes", "effect"):
        chosen = tuple(one for one in chosen if (one.unit == "effect") == (kind == "effect"))
    return tuple(one for one in chosen if split.is_held_out_name(one.key) == held_out)


def sample_sound_scene(
    rng: random.Random, kind: str, split_name: str, instrument: Instrument | None = None
) -> SoundScene:
    """A sound that the split allows. In split "combination" the pair is held out: notes instrument|count,
    sequence instrument|instrument, scale instrument|direction. Split "timbre" plays on the held-out font
    alone.
    """
    make = {"notes": _notes, "scale": _scale, "sequence": _sequence, "effect": _effect}[kind]
    for attempt in range(_MAX_TRIES):
        keep = instrument if attempt < _MAX_TRIES // 2 else None
        first = keep or rng.choice(sound_pool(split_name == "name", kind))
        if split_name == "timbre" and not _font_plays(first):
            continue
        scene = make(rng, split_name, first)
        if scene is not None:
            return scene
    raise DataError(f"no {kind} sound for split {split_name}")


def _fits(split_name: str, first: str, second: str) -> bool:
    """Whether the pair stands on the right side of the split."""
    return split_name == "name" or split.is_held_out_pair(first, second) == (split_name == "combination")


def _notes(rng: random.Random, split_name: str, instrument: Instrument) -> SoundScene | None:
    count = rng.randint(2 if split_name == "combination" else 1, 4)
    if not _fits(split_name, instrument.key, split.attribute_key("count", count)):
        return None
    pitch, centre = _register(rng, instrument)
    gap = rng.uniform(0.1, 0.2)
    length = rng.uniform(0.35, 0.5) if count > 2 else rng.uniform(0.45, 0.8)
    voice = _voice(rng, split_name, instrument)
    strokes, time = [], 0.1
    for _ in range(count):
        strokes.append(_stroke(voice, time, length, _near(rng, centre, pitch)))
        time += length + gap
    return SoundScene("notes", _seconds(time), tuple(strokes), instrument.name, pitch=pitch)


def _register(rng: random.Random, instrument: Instrument) -> tuple[str, int]:
    """(low, high or "", a note of it)."""
    if not instrument.is_pitched:
        return "", 60
    options = [("", min(max(62, instrument.low), instrument.high))]
    options += [("low", rng.randint(instrument.low, LOW_TOP - 4))] if instrument.low < LOW_TOP - 4 else []
    options += (
        [("high", rng.randint(HIGH_BOTTOM + 4, instrument.high))] if instrument.high > HIGH_BOTTOM + 4 else []
    )
    chosen = rng.choice(options[1:]) if len(options) > 1 and rng.random() < 0.75 else options[0]
    if chosen[0] == "" and not LOW_TOP <= chosen[1] <= HIGH_BOTTOM:
        return rng.choice(options[1:])
    return chosen


def _near(rng: random.Random, note: int, pitch: str) -> int:
    """Half of all repeated notes stay on one pitch, the others wander within their register."""
    wandered = note + rng.choice((0, 0, 0, -3, -2, 2, 3))
    return (
        min(wandered, LOW_TOP)
        if pitch == "low"
        else max(wandered, HIGH_BOTTOM)
        if pitch == "high"
        else wandered
    )


def _scale(rng: random.Random, split_name: str, instrument: Instrument) -> SoundScene | None:
    direction = rng.choice(("up", "down"))
    if not _fits(split_name, instrument.key, split.attribute_key("direction", direction)):
        return None
    count = rng.choice((4, 5))
    base = rng.randint(instrument.low, instrument.high - _STEPS[count - 1])
    notes = [base + step for step in _STEPS[:count]]
    length = rng.uniform(0.3, 0.5)
    voice = _voice(rng, split_name, instrument)
    ordered = notes if direction == "up" else notes[::-1]
    strokes = [_stroke(voice, 0.1 + index * length, length, note) for index, note in enumerate(ordered)]
    seconds = _seconds(0.1 + count * length)
    return SoundScene("scale", seconds, tuple(strokes), instrument.name, direction=direction)


def _sequence(rng: random.Random, split_name: str, first: Instrument) -> SoundScene | None:
    second = rng.choice(sound_pool(False, "sequence"))
    if second.key == first.key or not _fits(split_name, first.key, second.key):
        return None
    if split_name == "timbre" and not _font_plays(second):
        return None
    strokes, time = [], 0.1
    for instrument in (first, second):
        _pitch, note = _register(rng, instrument)
        length = min(instrument.hold, 1.3) if not instrument.is_pitched else rng.uniform(0.7, 1.1)
        strokes.append(_stroke(_voice(rng, split_name, instrument), time, length, note))
        time += max(length, 0.6) + rng.uniform(0.4, 0.6)
    return SoundScene("sequence", _seconds(time), tuple(strokes), first.name, second=second.name)


def _effect(rng: random.Random, split_name: str, instrument: Instrument) -> SoundScene | None:
    if split_name == "combination":
        return None
    length = instrument.hold * rng.uniform(0.9, 1.2)
    strokes = (_stroke(_voice(rng, split_name, instrument), rng.uniform(0.05, 0.4), length, 60),)
    return SoundScene("effect", _seconds(length + 0.5), strokes, instrument.name)


def _font_plays(instrument: Instrument) -> bool:
    return bool(instrument.programs or instrument.keys)


def _voice(rng: random.Random, split_name: str, instrument: Instrument) -> str:
    font = split.HELD_OUT_FONT if split_name == "timbre" else rng.choice(split.TRAIN_FONTS)
    if split_name != "timbre" and font not in instrument.fonts:
        font = instrument.fonts[0]
    voices = [f"{font}:program:{number}" for number in instrument.programs]
    voices += [f"{font}:drum:{key}" for key in instrument.keys]
    if split_name != "timbre":
        voices += [f"sample:{name}" for name in instrument.samples]
    return rng.choice(voices)


def _stroke(voice: str, start: float, seconds: float, note: int) -> Stroke:
    return Stroke(voice, round(start, 3), round(seconds, 3), note)


def _seconds(time: float) -> float:
    """Length of the whole sound: 2 to 4 s."""
    return round(min(4.0, max(2.0, time + 0.3)), 2)
