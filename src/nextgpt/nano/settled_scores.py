"""What a settled sound holds, voice by voice: the truth beside a decoder's reading of its sentence."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.nano import split
from nextgpt.nano.instruments import instruments
from nextgpt.nano.settled_sound_scenes import CELL, SECONDS
from nextgpt.nano.sounds import SoundScene, Stroke

CELLS = round(SECONDS / CELL)
UNUSED = -1.0


@cache
def numbers() -> dict[str, int]:
    """A trained instrument's name -> its number; names that are held out have none."""
    names = [name for name, one in instruments().items() if not split.is_held_out_name(one.key)]
    return {name: number for number, name in enumerate(names)}


def settled_score(scene: SoundScene, reader: Any) -> NDArray[np.float32]:
    """(reader.num_layers, 3 + CELLS * reader.num_steps): the instrument's number, -1 for a voice that is not used; its
    lowest note above reader.lowest; cells that a note is held; the loudness of what begins in each cell, by semitones
    above the lowest note."""
    rows = np.zeros((reader.num_layers, 3 + CELLS * reader.num_steps), np.float32)
    rows[:, 0] = UNUSED
    if scene.second:
        groups = [(scene.first, scene.strokes[:1]), (scene.second, scene.strokes[1:])]
    else:
        groups = [(scene.first, scene.strokes)]
    for row, (name, strokes) in zip(rows, groups):
        row[:] = told(numbers()[name], strokes, reader)
    return rows


def told(number: int, strokes: tuple[Stroke, ...], reader: Any) -> NDArray[np.float32]:
    base = min(stroke.note for stroke in strokes)
    loud = np.zeros((CELLS, reader.num_steps), np.float32)
    for stroke in strokes:
        loud[round(stroke.start / CELL), stroke.note - base] = stroke.loudness
    return np.array([number, base - reader.lowest, strokes[0].seconds / CELL, *loud.ravel()], np.float32)
