"""Settled sounds: the caption says everything that is heard, and the split holds."""

import random
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.instruments import instruments
from nextgpt.nano.settled_sound_captions import (
    TEMPLATES,
    settled_sound_caption,
    settled_templates,
    topic_of,
)
from nextgpt.nano.settled_sound_scenes import KINDS, NOTE_NAMES, SECONDS, usual_note, voice
from nextgpt.nano.settled_sounds import (
    FAMILIES,
    SHARES,
    SPLITS,
    family,
    settled_scenes,
    settled_sound_items,
    split_of,
    vocoder_scenes,
)
from nextgpt.nano.sheets import show_sheet
from nextgpt.nano.sounds import RATE, SAMPLES_PART, SoundScene, render_sound
from nextgpt.parts import PARTS, is_complete

needs_names = pytest.mark.skipif(
    not is_complete(PARTS["unicode-emoji"]), reason="the emoji names are not in the cache"
)
SOUND_PARTS = ("fluid-soundfont", SAMPLES_PART, "tinysoundfont", "unicode-emoji")
needs_fonts = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in SOUND_PARTS), reason="soundfonts are not in the cache"
)
TOPICS = (*TEMPLATES, "scale-down")


@needs_names
@pytest.mark.parametrize("split_name", SPLITS)
def test_items_stand_on_their_side_of_the_split(split_name: str) -> None:
    trained = {
        text
        for scene in (scene for kind in KINDS for scene in settled_scenes(kind, "train"))
        for pair in scene.pairs
        for text in ["|".join(sorted(pair))]
    }
    for item in settled_sound_items(split_name, 400):
        scene = item.scene
        keys = [instruments()[name].key for name in (scene.first, scene.second) if name]
        held_out = [split.is_held_out_pair(*pair) for pair in scene.pairs]
        assert item.split == split_name and set(item.source) <= split.TRAINING_SOURCES
        assert next(split.is_held_out_name(key) for key in keys) == (split_name == "name")
        if split_name == "train":
            assert not any(held_out) and not any(map(split.is_held_out_name, keys))
        if split_name == "combination":
            new = [pair for pair in scene.pairs if "|".join(sorted(pair)) not in trained]
            assert any(held_out) and new


@needs_names
def test_both_halves_of_held_out_pairs_are_trained() -> None:
    trained = {
        key for kind in KINDS for s in settled_scenes(kind, "train") for pair in s.pairs for key in pair
    }
    held = {
        key for kind in KINDS for s in settled_scenes(kind, "combination") for pair in s.pairs for key in pair
    }
    assert held <= trained


@needs_names
def test_kinds_come_by_their_shares_and_a_seed_gives_the_same_items() -> None:
    items = list(settled_sound_items("train", 2000))
    for kind, share in SHARES.items():
        assert abs(sum(item.scene.kind == kind for item in items) / 2000 - share) < 0.04
    assert sum(SHARES.values()) == pytest.approx(1) and list(SHARES) == list(KINDS)
    again = list(settled_sound_items("train", 50))
    assert [item.to_dict() for item in again] == [item.to_dict() for item in items[:50]]
    assert items[0].caption != next(settled_sound_items("train", 1, seed=1)).caption
    assert items[0].id == "audio-settled-train-00000" and items[0].modality == "audio"


@needs_names
def test_an_unknown_split_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"timbre.*use one of train, combination, name"):
        list(settled_sound_items("timbre", 1))


@pytest.mark.parametrize("topic", TOPICS)
def test_twelve_phrasings_and_some_held_out(topic: str) -> None:
    assert len(settled_templates(topic, False)) >= 12
    assert not set(settled_templates(topic, False)) & set(settled_templates(topic, True))
    assert all(split.is_held_out_phrasing(text) for text in settled_templates(topic, True))
    assert settled_templates(topic, True)


NEEDED = {
    "note": ["{note}"],
    "notes": ["{number}|{times}", "{speed}|{quickly}"],
    "hits": ["{number}|{times}", "{speed}|{quickly}"],
    "scale": ["rising|ascending|up"],
    "scale-down": ["falling|descending|down"],
    "chord": ["{root}", "{chord}"],
    "rhythm": ["{rhythm}"],
    "sequence": ["{one}", "{two}"],
}


@pytest.mark.parametrize("topic", NEEDED)
def test_every_template_says_what_settles_the_sound(topic: str) -> None:
    for held_out in (False, True):
        for text in settled_templates(topic, held_out):
            for words in NEEDED[topic]:
                assert any(word in text for word in words.split("|")), text


@needs_names
def test_equal_captions_are_equal_sounds() -> None:
    """A caption is a function's argument: no two scenes share one."""
    said: dict[str, set[SoundScene]] = {}
    for item in settled_sound_items("train", 6000):
        said.setdefault(item.caption, set()).add(item.scene)
    assert max(map(len, said.values())) == 1


@needs_names
def test_captions_golden() -> None:
    def captions(kind: str, **words: str) -> set[str]:
        scenes = [s for name in SPLITS for s in settled_scenes(kind, name)]
        scene = next(s for s in scenes if all(getattr(s, key) == value for key, value in words.items()))
        return {settled_sound_caption(scene, random.Random(n), held_out=n % 3 == 0) for n in range(300)}

    assert {"a violin playing the note A4", "A4 played by a violin"} <= captions(
        "note", first="violin", pitch="A4"
    )
    assert "middle C on a piano" in captions("note", first="piano", pitch="C4")
    assert "a rising scale on a piano" in captions("scale", first="piano", direction="up", speed="")
    assert "a fast piano scale going down" in captions("scale", first="piano", direction="down", speed="fast")
    assert "a C minor chord on a guitar" in captions("chord", first="guitar", pitch="C", chord="minor")
    assert "first a crow, then a piano note" in captions("sequence", first="crow", second="piano")


@needs_names
def test_slots_say_what_a_judge_needs() -> None:
    items = {item.scene.kind: item for item in settled_sound_items("combination", 200)}
    for kind, item in items.items():
        slots = item.slots
        assert slots["kind"] == kind and slots["first"] == item.scene.first and slots["family"]
        if kind == "note":
            assert NOTE_NAMES[int(slots["note"])] == slots["pitch"]
        if kind == "scale":
            notes = [int(note) for note in slots["note"].split()]
            assert notes == sorted(notes, reverse=slots["direction"] == "down") and slots["count"] == "five"
        if kind == "chord":
            assert len(slots["note"].split()) == 3
        if kind == "sequence":
            assert slots["second"] and slots["second_family"]
            pitched = [instruments()[slots[name]].is_pitched for name in ("first", "second")]
            assert len(slots["note"].split()) == sum(pitched)
    assert topic_of(items["notes"].scene) in ("one", "notes", "hit", "hits")


def test_families_and_usual_notes() -> None:
    named = {one.name: family(one) for one in instruments().values()}
    assert (named["violin"], named["flute"], named["snare drum"]) == ("strings", "pipe", "drums")
    assert (named["helicopter"], named["crow"]) == ("sound effects", "sound effects")
    assert set(named.values()) <= {*FAMILIES, "drums"}
    for one in instruments().values():
        assert one.low <= usual_note(one) <= one.high and ":" in voice(one)


@needs_names
def test_split_of_is_one_answer_a_scene() -> None:
    for kind, make in KINDS.items():
        scenes = list(islice(make(), 300))
        assert {split_of(scene) for scene in scenes} <= {*SPLITS, ""}, kind
        for scene in scenes:
            assert all(s.start >= 0 and s.start + s.seconds < SECONDS for s in scene.strokes)


@needs_fonts
def test_rendering_is_exact_and_fast() -> None:
    items = list(settled_sound_items("train", 300))
    for item in items:
        render_sound(item.scene)  # the strokes are kept
    began = time.monotonic()
    waves = [render_sound(item.scene) for item in items]
    assert (time.monotonic() - began) / len(items) < 0.005
    for item, wave in zip(items[:60], waves):
        assert wave.shape == (65_536,) and wave.dtype == np.float32
        assert abs(np.abs(wave).max() - 0.7) < 1e-3
        assert np.abs(wave[: round(0.1 * RATE)]).max() == 0  # nothing before 0.1 s
        copy = SoundScene.from_dict.__func__(type(item.scene), item.scene.to_dict())
        assert copy == item.scene


@needs_fonts
def test_named_notes_have_their_pitch() -> None:
    for pitch, hertz in (("C3", 130.81), ("A4", 440.0), ("C6", 1046.5)):
        scenes = [s for n in SPLITS for s in settled_scenes("note", n) if s.pitch == pitch]
        scene = next(s for s in scenes if s.first in ("cello", "flute"))
        wave = render_sound(scene)[RATE // 2 : RATE // 2 + 8192]
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(8192), 65_536))
        low, high = (round(hertz * 2 ** (step / 12) * 65_536 / RATE) for step in (-1, 1))
        assert spectrum[low:high].max() > 0.02 * spectrum.max()
        place = low + int(spectrum[low:high].argmax())
        assert abs(12 * np.log2(place * RATE / 65_536 / hertz)) < 0.5


@needs_fonts
def test_sheet_and_page(tmp_path: Path) -> None:
    path = show_sheet("audio", tmp_path / "settled.png", n=5, settled=True)
    page = (tmp_path / "settled.html").read_text()
    assert path.stat().st_size > 1000 and page.count("<audio") == 5
    assert all(item.caption in page for item in settled_sound_items("train", 5))


@needs_fonts
def test_a_vocoder_learns_from_trained_sounds_only() -> None:
    scenes = list(vocoder_scenes(60))
    assert [scene.kind == "any" for scene in scenes] == [bool(index % 2) for index in range(60)]
    for scene in scenes:
        assert set(scene.parts) <= split.TRAINING_SOURCES and scene.seconds == SECONDS
        assert not split.is_held_out_name(instruments()[scene.first].key)
