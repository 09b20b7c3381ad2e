"""Played sounds: a scene is a list of strokes of fonts and samples; rendering gives 16 kHz mono."""

import sys
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from nextgpt.errors import DataError
from nextgpt.nano.sources import find_file, part_folder

RATE = 16_000
FONT_FILES = {
    "musescore": ("musescore-soundfont", "MuseScore_General_Lite.sf3"),
    "fluid": ("fluid-soundfont", "FluidR3_GM.sf2"),
    "timgm6mb": ("timgm6mb-soundfont", "TimGM6mb.sf2"),
}
SAMPLES_PART = "supersonic-samples"
_FONT_RATE = 32_000  # fonts interpolate linearly: play at twice the rate, then filter
_RELEASE = 0.25  # seconds that a stroke rings on, fading
_PEAK = 0.7
_WAVES_KEPT = 4096  # a second of a stroke is 64 KB


@dataclass(frozen=True)
class Stroke:
    """One sound event. `voice`: "<font>:program:<n>", "<font>:drum:<key>" or "sample:<file stem>"."""

    voice: str
    start: float
    seconds: float
    note: int = 60
    loudness: float = 1.0

    @property
    def part(self) -> str:
        font = self.voice.split(":")[0]
        return SAMPLES_PART if font == "sample" else FONT_FILES[font][0]


@dataclass(frozen=True)
class SoundScene:
    """Strokes within `seconds`; the other fields say what they mean ("" where a kind has none)."""

    kind: str
    seconds: float
    strokes: tuple[Stroke, ...]
    first: str
    second: str = ""
    pitch: str = ""
    direction: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SoundScene":
        return cls(**(data | {"strokes": tuple(Stroke(**stroke) for stroke in data["strokes"])}))

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(sorted({stroke.part for stroke in self.strokes}))


def render_sound(scene: SoundScene) -> NDArray[np.float32]:
    """float32 (samples,) at 16 kHz, peak 0.7."""
    mixed = np.zeros(round(scene.seconds * RATE), np.float32)
    for stroke in scene.strokes:
        start = round(stroke.start * RATE)
        wave = _stroke_wave(stroke.voice, stroke.note, stroke.seconds)[: max(0, len(mixed) - start)]
        mixed[start : start + len(wave)] += stroke.loudness * wave
    peak = float(np.abs(mixed).max(initial=0.0))
    return mixed * np.float32(_PEAK / peak) if peak > 0 else mixed


@lru_cache(maxsize=_WAVES_KEPT)
def _stroke_wave(voice: str, note: int, seconds: float) -> NDArray[np.float32]:
    """One stroke at 16 kHz with peak 1, faded out at its end. Kept, so it is read-only."""
    font, *rest = voice.split(":")
    if font == "sample":
        wave = _load_sample(rest[0])[: round((seconds + _RELEASE) * RATE)].copy()
    else:
        is_drum = rest[0] == "drum"
        program, key = (0, int(rest[1])) if is_drum else (int(rest[1]), note)
        wave = soxr.resample(_play(font, program, is_drum, key, seconds), _FONT_RATE, RATE)
    fade = min(len(wave), round(0.08 * RATE))
    wave[len(wave) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    wave /= max(1e-6, float(np.abs(wave).max(initial=0.0)))
    wave.flags.writeable = False
    return wave


def _play(font: str, program: int, is_drum: bool, note: int, seconds: float) -> NDArray[np.float32]:
    """A held note and its release from a soundfont, at 32 kHz.

    Played twice: the synth's filters keep the state of whatever was played before, so that the first time
    depends on history and the second does not.
    """
    _play_once(font, program, is_drum, note, seconds)
    return _play_once(font, program, is_drum, note, seconds)


def _play_once(font: str, program: int, is_drum: bool, note: int, seconds: float) -> NDArray[np.float32]:
    synth = _font(font)
    synth.reset()  # notes end within 10 ms, so that the next one uses the same voices
    _render(synth, 0.05)
    synth.channel_set_bank(0, 128 if is_drum else 0)
    synth.channel_set_preset_number(0, program, is_drum)
    synth.channel_note_on(0, note, 0.8)
    held = _render(synth, seconds)
    synth.channel_note_off(0, note)
    return np.concatenate([held, _render(synth, _RELEASE)])


def _render(synth: Any, seconds: float) -> NDArray[np.float32]:
    buffer = np.zeros(round(seconds * _FONT_RATE), np.float32)
    synth.render(buffer.view(np.uint8), False)
    return buffer


@cache
def _font(name: str) -> Any:
    if name not in FONT_FILES:
        raise DataError(f"unknown soundfont {name}: use one of {', '.join(FONT_FILES)}")
    module = _tinysoundfont()
    synth = module.SoundFont(str(find_file(*FONT_FILES[name])))
    synth.set_output(module.OutputMode.Mono, _FONT_RATE, 0.0)
    synth.channel_set_preset_number(0, 0, False)
    for note in range(36, 84):  # voices are made when first needed, with chance memory in their filters
        synth.channel_note_on(0, note, 0.8)
    _render(synth, 1.0)
    return synth


def _tinysoundfont() -> Any:
    """The compiled module: installed, or from its wheel in the cache (its declared pyaudio does not
    build).
    """
    try:
        from tinysoundfont import _tinysoundfont as module
    except ImportError:
        sys.path.append(str(part_folder("tinysoundfont")))
        from tinysoundfont import _tinysoundfont as module
    return module


@cache
def _load_sample(name: str) -> NDArray[np.float32]:
    samples, rate = soundfile.read(find_file(SAMPLES_PART, f"{name}.flac"), dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE)
    return np.asarray(_without_silence(mono)[: 4 * RATE], np.float32)


def _without_silence(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
    return wave[loud[0] :] if len(loud) else wave
