"""Sounds: what is heard is what the caption says."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from nextgpt.nano import captions
from nextgpt.nano.instruments import instruments
from nextgpt.nano.sheets import show_sheet
from nextgpt.nano.sound_scenes import SOUND_KINDS, sample_sound_scene
from nextgpt.nano.sounds import FONT_FILES, RATE, SAMPLES_PART, SoundScene, Stroke, render_sound
from nextgpt.parts import PARTS, is_complete

PARTS_NEEDED = ("fluid-soundfont", "musescore-soundfont", SAMPLES_PART, "tinysoundfont", "unicode-emoji")
pytestmark = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in PARTS_NEEDED), reason="soundfonts are not in the cache"
)


def num_onsets(wave: np.ndarray) -> int:
    """Jumps of the energy of 20 ms, at most one in 0.2 s."""
    step = RATE // 50
    energy = np.array([np.square(wave[i : i + step]).mean() for i in range(0, len(wave) - step, step)])
    decibels = 10 * np.log10(energy + 1e-7)
    onsets, last = 0, -100
    for index in range(2, len(decibels)):
        if decibels[index] - decibels[index - 2 : index].min() > 9 and index - last > 10:
            onsets, last = onsets + 1, index
    return onsets


def pitch(wave: np.ndarray) -> float:
    """Strongest low frequency in Hz, by autocorrelation."""
    window = wave - wave.mean()
    spectrum = np.abs(np.fft.rfft(window, 2 * len(window))) ** 2
    correlation = np.fft.irfft(spectrum)[: RATE // 40]
    start = int(np.argmax(correlation < 0)) or 8
    return RATE / (start + int(np.argmax(correlation[start:])))


def notes(name: str, program: int, heights: list[int], length: float = 0.5) -> SoundScene:
    strokes = tuple(
        Stroke(f"fluid:program:{program}", 0.1 + n * (length + 0.15), length, note)
        for n, note in enumerate(heights)
    )
    return SoundScene("notes", 3.0, strokes, name)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_count_is_the_number_of_onsets(count: int) -> None:
    assert num_onsets(render_sound(notes("piano", 0, [60] * count))) == count


def test_note_has_its_pitch() -> None:
    wave = render_sound(notes("flute", 73, [69], length=1.0))
    assert abs(pitch(wave[RATE // 2 : RATE]) / 440 - 1) < 0.03


def test_scale_goes_its_way() -> None:
    for seed in range(6):
        scene = sample_sound_scene(random.Random(seed), "scale", "train")
        heights = [stroke.note for stroke in scene.strokes]
        assert heights == sorted(heights, reverse=scene.direction == "down")


def test_sequence_has_a_gap_of_silence() -> None:
    scene = sample_sound_scene(random.Random(3), "sequence", "train")
    wave = render_sound(scene)
    first, second = scene.strokes
    gap = wave[round((second.start - 0.04) * RATE) : round((second.start - 0.01) * RATE)]
    assert first.start < second.start and np.abs(gap).max() < 0.02


@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_form_and_determinism(kind: str) -> None:
    scene = sample_sound_scene(random.Random(7), kind, "train")
    render_sound(sample_sound_scene(random.Random(8), "notes", "train"))
    wave = render_sound(scene)
    render_sound(sample_sound_scene(random.Random(9), "sequence", "train"))
    again = render_sound(SoundScene.from_dict(json.loads(json.dumps(scene.to_dict()))))
    assert wave.dtype == np.float32 and wave.ndim == 1 and 2 * RATE <= len(wave) <= 4 * RATE
    assert np.array_equal(wave, again)
    assert abs(np.abs(wave).max() - 0.7) < 1e-3


def test_timbre_split_plays_one_font_only() -> None:
    for seed in range(30):
        scene = sample_sound_scene(random.Random(seed), random.Random(seed).choice(SOUND_KINDS), "timbre")
        assert scene.parts == (FONT_FILES["timgm6mb"][0],)


@pytest.mark.parametrize("name", instruments())
def test_every_instrument_sounds(name: str) -> None:
    one = instruments()[name]
    font = one.fonts[0]
    voices = [f"{font}:program:{n}" for n in one.programs] + [f"{font}:drum:{n}" for n in one.keys]
    voices += [f"sample:{sample}" for sample in one.samples]
    for voice in voices:
        wave = render_sound(SoundScene("effect", 2.0, (Stroke(voice, 0.1, one.hold, one.low),), name))
        assert np.sqrt(np.square(wave).mean()) > 0.005, voice


def test_sheet_and_page(tmp_path: Path) -> None:
    path = show_sheet("audio", tmp_path / "sounds.png", n=3)
    assert path.stat().st_size > 1000
    assert (tmp_path / "sounds.html").read_text().count("<audio") == 3


def test_audio_captions_golden() -> None:
    def said(scene: SoundScene) -> set[str]:
        return {captions.audio_caption(scene, random.Random(seed)) for seed in range(40)}

    three = SoundScene("notes", 3.0, notes("violin", 40, [80] * 3).strokes, "violin", pitch="high")
    assert {"three high notes of a violin", "a violin playing three high notes"} <= said(three)
    strokes = (Stroke("sample:misc_crow", 0.1, 0.6), Stroke("fluid:program:0", 1.2, 0.8))
    sequence = SoundScene("sequence", 2.5, strokes, "crow", second="piano")
    assert "a crow followed by a piano note" in said(sequence)
    scale = SoundScene("scale", 3.0, notes("flute", 73, [60, 62, 64, 65]).strokes, "flute", direction="up")
    assert "a flute playing four notes going up" in said(scale)
    assert captions.audio_slots(scale) == {
        "first": "flute",
        "count": "four",
        "pitch": "",
        "direction": "up",
        "second": "",
    }
