"""How well mel pictures become sounds again: the trained vocoder against Griffin-Lim, on held-out combinations.

    python bench/vocoder.py [decoder folder or training folder, else the shipped one] [number of sounds]

log-mel: mean absolute difference of natural logarithms of mel power, between the sound and its copy. STFT: sum of
absolute differences of magnitudes over the sum of true magnitudes (spectral convergence in L1), mean over windows
of 512, 1024 and 2048. Pitch: share of sounds of one named note whose pitch, found by YIN (de Cheveigne and
Kawahara 2002), is within half a semitone of the note; the row "true" is the detector's ceiling.
"""

import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from nextgpt.nano.settled_sounds import settled_sound_items
from nextgpt.nano.sounds import RATE, render_sound
from nextgpt.nn.decoders import decoder_folder, mel, untrained_decoder
from nextgpt.nn.decoders.config import AudioFacts, nano_audio
from nextgpt.nn.decoders.vocoder import Vocoder


def yin(wave: np.ndarray, low: float = 60.0, high: float = 2000.0, threshold: float = 0.15) -> float:
    """Hz of a steady stretch (2048 samples and more)."""
    length, longest = 1600, int(RATE / low)
    head = wave[:length]
    spectrum = np.fft.rfft(wave[: length + longest], 8192)
    product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(head, 8192)))[:longest]
    energy = np.concatenate([[0.0], np.cumsum(wave[: length + longest] ** 2)])
    difference = energy[length] + energy[length : length + longest] - energy[:longest] - 2 * product
    mean = np.cumsum(difference[1:]) / np.arange(1, longest)
    normal = np.concatenate([[1.0], difference[1:] / np.maximum(mean, 1e-9)])
    shortest = int(RATE / high)
    good = np.flatnonzero(normal[shortest:] < threshold)
    lag = shortest + (int(good[0]) if len(good) else int(normal[shortest:].argmin()))
    while lag + 1 < longest and normal[lag + 1] < normal[lag]:
        lag += 1
    if 0 < lag < longest - 1:
        a, b, c = normal[lag - 1 : lag + 2]
        return RATE / (lag + 0.5 * (a - c) / max(a - 2 * b + c, 1e-9))
    return RATE / lag


def semitones_off(wave: np.ndarray, note: int) -> float:
    """Median over five places of the note's first second."""
    places = (0.25, 0.4, 0.55, 0.7, 0.85)
    found = [yin(wave[int(at * RATE) : int(at * RATE) + 2400]) for at in places]
    return abs(12 * np.log2(np.median(found) / 440) + 69 - note)


def stft_error(true: torch.Tensor, copy: torch.Tensor) -> float:
    errors = []
    for size in (512, 1024, 2048):
        one, two = (
            torch.stft(wave, size, size // 4, window=torch.hann_window(size), return_complex=True).abs()
            for wave in (true, copy)
        )
        errors.append(((one - two).abs().sum() / one.sum()).item())
    return float(np.mean(errors))


def measure(
    name: str, copy_of: Callable[[torch.Tensor], torch.Tensor], items: list, facts: AudioFacts
) -> None:
    levels, spectra, pitches, seconds = [], [], [], 0.0
    for item in items:
        true = torch.from_numpy(render_sound(item.scene))
        level = mel.log_mel(true, facts)
        began = time.perf_counter()
        copy = true if name == "true" else copy_of(mel.to_unit(level, facts)[None])[0]
        seconds += time.perf_counter() - began
        levels.append((mel.log_mel(copy, facts) - level).abs().mean().item())
        spectra.append(stft_error(true, copy))
        if item.scene.kind == "note":
            pitches.append(semitones_off(copy.numpy(), int(item.slots["note"])))
    kept = np.mean(np.array(pitches) < 0.5)
    print(
        f"{name:12} log-mel {np.mean(levels):.3f}  STFT {np.mean(spectra):.3f}  "
        f"pitch {100 * kept:5.1f} % of {len(pitches)}  {1000 * seconds / len(items):.0f} ms a sound"
    )


def open_vocoder(folder: Path) -> Vocoder:
    """From a decoder's folder, or the average of the newest state of a training folder."""
    if (folder / "vocoder" / "config.json").exists():
        return Vocoder.from_pretrained(folder / "vocoder").eval()
    vocoder = untrained_decoder(nano_audio()).vocoder
    state = load_file(sorted((folder / "vocoder").glob("state-*[0-9]"))[-1] / "state.safetensors")
    prefix = "average/"
    vocoder.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return vocoder.eval()


def main(folder: str = "weights:nano/decoders/audio", number: str = "200") -> None:
    torch.set_num_threads(1)
    vocoder = open_vocoder(decoder_folder(folder))
    facts = vocoder.facts
    items = list(islice(settled_sound_items("combination", int(number), seed=5), int(number)))
    measure("true", lambda unit: unit, items, facts)
    measure("vocoder", vocoder.synthesize, items, facts)
    measure("griffin-lim", lambda unit: mel.invert(mel.from_unit(unit, facts), facts), items, facts)


if __name__ == "__main__":
    main(*sys.argv[1:])
