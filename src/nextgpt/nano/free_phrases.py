"""Phrases that no caption asks for: any notes of an instrument's range, for the half of a reader that plays scores.

Settled scenes play few notes of each instrument. What was learned from them alone was learned by heart: a held-out
note, a semitone away, came out wrong. Nothing held out is played here: no phrase of another split, no note whose name
is held out for the instrument.
"""

import random
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from nextgpt.nano import split
from nextgpt.nano.instruments import PITCHED, Instrument, instruments
from nextgpt.nano.settled_scores import CELLS
from nextgpt.nano.settled_sound_scenes import CELL, KINDS, LONG, NOTE_NAMES, SECONDS, voice
from nextgpt.nano.settled_sounds import SPLITS, settled_scenes
from nextgpt.nano.sounds import SoundScene, Stroke

LENGTHS = (0.1, 0.25, 0.45, 1.0, LONG)
GAPS = (2, 8)  # cells from stroke to stroke
SINGLE, CHORD = 0.4, 0.25  # shares; the rest goes on from note to note
LAST = CELLS - 4  # a stroke that begins later could hardly be heard


def free_phrases(number: int, reader: Any, seed: int = 0) -> Iterator[SoundScene]:
    """Scenes of trained instruments that a score of that reader's config can say."""
    rng = random.Random(f"{seed}:free phrases")
    trained = [one for one in PITCHED if not split.is_held_out_name(one.key)]
    return islice(filter(is_free, _phrases(rng, trained, reader)), number)


def _phrases(rng: random.Random, trained: list[Instrument], reader: Any) -> Iterator[SoundScene]:
    lowest, reach = reader.lowest, reader.num_steps - 1
    highest = lowest + reader.num_notes - 1
    while True:
        one = rng.choice(trained)
        base = rng.randint(max(one.low, lowest), max(min(one.high, highest) - reach, lowest))
        length = rng.choice(LENGTHS)
        beats = tuple(
            Stroke(voice(one), round(cell * CELL, 3), length, base + step, 1.0)
            for cell, step in _beats(rng, reach)
        )
        yield SoundScene("free", SECONDS, beats, one.name)


def _beats(rng: random.Random, reach: int) -> list[tuple[int, int]]:
    """(cell, semitones above the base): one note, a chord, or a line of up to eight."""
    chance, cell = rng.random(), 1
    if chance < SINGLE:
        return [(cell, rng.randint(0, reach))]
    if chance < SINGLE + CHORD:
        return [(cell, step) for step in sorted(rng.sample(range(reach + 1), rng.randint(2, 3)))]
    beats: list[tuple[int, int]] = []
    while len(beats) < 8 and cell < LAST:
        beats.append((cell, rng.randint(0, reach)))
        cell += rng.randint(*GAPS)
    return beats


def is_free(scene: SoundScene) -> bool:
    """Whether nothing of it is held out."""
    key = instruments()[scene.first].key
    named = [NOTE_NAMES[stroke.note] for stroke in scene.strokes if stroke.note in NOTE_NAMES]
    if any(split.is_held_out_pair(key, split.attribute_key("note", name)) for name in named):
        return False
    return _sounds(scene) not in _held_out()


def _sounds(scene: SoundScene) -> frozenset[Stroke]:
    return frozenset(scene.strokes)


@cache
def _held_out() -> frozenset[frozenset[Stroke]]:
    """What the scenes of the other splits sound like."""
    others = [name for name in SPLITS if name != "train"]
    return frozenset(_sounds(one) for kind in KINDS for name in others for one in settled_scenes(kind, name))
