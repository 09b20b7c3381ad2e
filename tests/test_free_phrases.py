"""Phrases without a caption play nothing that is held out, and a score says all of them."""

import numpy as np

from nextgpt.nano import split
from nextgpt.nano.free_phrases import LENGTHS, free_phrases, is_free
from nextgpt.nano.instruments import instruments
from nextgpt.nano.settled_scores import CELLS, settled_score
from nextgpt.nano.settled_sound_scenes import CELL, NOTE_NAMES
from nextgpt.nano.settled_sounds import settled_scenes
from nextgpt.nn.decoders.config import ScoreReaderConfig

READER = ScoreReaderConfig()
PHRASES = list(free_phrases(400, READER))


def test_they_are_the_same_in_every_run_and_vary() -> None:
    assert PHRASES[:20] == list(free_phrases(20, READER))
    assert PHRASES[:20] != list(free_phrases(20, READER, seed=1))
    assert {len({stroke.start for stroke in one.strokes}) for one in PHRASES} > {1, 4, 6}
    assert {stroke.note % 12 for one in PHRASES for stroke in one.strokes} == set(range(12))


def test_no_held_out_name_or_named_note_is_played() -> None:
    for one in PHRASES:
        key = instruments()[one.first].key
        assert not split.is_held_out_name(key)
        for stroke in one.strokes:
            name = NOTE_NAMES.get(stroke.note)
            assert not (name and split.is_held_out_pair(key, split.attribute_key("note", name)))


def test_scenes_of_other_splits_are_not_free() -> None:
    held_out = [one for kind in ("notes", "scale", "chord") for one in settled_scenes(kind, "combination")]
    assert held_out and not any(map(is_free, held_out))
    assert any(map(is_free, settled_scenes("scale", "train")))


def test_a_score_says_every_stroke() -> None:
    for one in PHRASES:
        row = settled_score(one, READER)[0]
        loud = row[3:].reshape(CELLS, READER.num_steps)
        told = {(cell, READER.lowest + int(row[1]) + step) for cell, step in zip(*np.nonzero(loud))}
        assert max(stroke.note for stroke in one.strokes) < READER.lowest + READER.num_notes
        assert told == {(round(stroke.start / CELL), stroke.note) for stroke in one.strokes}
        assert any(abs(row[2] * CELL - length) < 1e-5 for length in LENGTHS)
