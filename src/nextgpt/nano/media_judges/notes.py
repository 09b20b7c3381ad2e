"""Notes of a sound: where they begin, how high they are, whether they rise. librosa's onset detection and YIN.

Pitch is MIDI's (60 is middle C, a semitone is 1).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.errors import optional_library

RATE = 16_000
HOP, FRAME = 160, 2048  # 10 ms; 128 ms, five periods of the lowest note
LOWEST, HIGHEST = 32.0, 3000.0  # Hz
LOUD = 0.15  # of the loudest frame: quieter ones have no pitch
LAG = 4  # frames over which a beginning rises
RISE, SHARE = 4.0, 0.3  # dB, and of the strongest beginning: what a beginning must have
APART = 0.14  # seconds between beginnings

Wave = NDArray[np.float32]
Pitches = NDArray[np.float32]  # (frames,), what `pitches` gives


def librosa() -> Any:
    """Imported when it is first needed; DataError without it."""
    return optional_library("librosa", "eval", "Judging sounds")


def loudness(wave: Wave) -> NDArray[np.float32]:
    """(frames,): root mean square about every 10 ms."""
    return np.asarray(librosa().feature.rms(y=wave, frame_length=512, hop_length=HOP)[0], np.float32)


def onsets(wave: Wave) -> NDArray[np.float32]:
    """Seconds at which notes begin: peaks of how much a log-mel spectrogram rises within 40 ms.

    A note that begins while the same one still sounds rises little, so the floor lies 50 dB below the loudest; what
    trembles within a note (choirs, synthesizers) stays below a share of the strongest beginning.
    """
    module = librosa()
    mel = module.feature.melspectrogram(y=wave, sr=RATE, n_fft=1024, hop_length=HOP, n_mels=64, fmin=60)
    if mel.max(initial=0.0) <= 1e-9:
        return np.zeros(0, np.float32)
    decibels = 10 * np.log10(mel + mel.max() * 1e-5)
    rise = np.maximum(0.0, decibels[:, LAG:] - decibels[:, :-LAG])
    strength = np.pad(np.sqrt((rise**2).mean(0)), (LAG, 0))
    found = module.util.peak_pick(
        strength,
        pre_max=5,
        post_max=5,
        pre_avg=15,
        post_avg=15,
        delta=RISE / 2,
        wait=round(APART * RATE / HOP),
    )
    strong = strength[found] > max(RISE, SHARE * float(strength.max()))
    return np.asarray(found[strong] * HOP / RATE, np.float32)


def pitches(wave: Wave) -> Pitches:
    """(frames,): MIDI pitch every 10 ms, NaN where it is quiet."""
    hertz = librosa().yin(wave, fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=FRAME, hop_length=HOP)
    midi = 69 + 12 * np.log2(hertz / 440)
    level = loudness(wave)
    length = min(len(midi), len(level))
    quiet = level[:length] < LOUD * level.max(initial=1e-9)
    return np.where(quiet, np.nan, midi[:length]).astype(np.float32)


def pitch(found: Pitches) -> float:
    """The middle pitch of one note; NaN in silence."""
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else float("nan")


def slope(found: Pitches) -> float:
    """Semitones a second: the median slope between any two moments (Theil-Sen); 0 in silence."""
    at = np.flatnonzero(np.isfinite(found))[::3]
    if len(at) < 4:
        return 0.0
    first, second = np.triu_indices(len(at), min(20, len(at) - 1))  # moments well apart, where there are such
    return float(np.median((found[at[second]] - found[at[first]]) / (at[second] - at[first]))) * RATE / HOP
