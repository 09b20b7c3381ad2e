"""How a vocoder learns from true sounds: its magnitudes and phase advances against those of their STFT.

No gradient goes through the inverse STFT: every target is known frame by frame, and the phases' sum is the
vocoder's own arithmetic. Tried first on paper and left out: losses of the finished wave. A sum of phases over
hundreds of frames gives them no useful gradient.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nextgpt.nn.decoders import mel
from nextgpt.nn.decoders.config import AudioFacts
from nextgpt.nn.decoders.vocoder import Spectrum, Vocoder

INT16 = 32_767
FRAMES = 48  # 0.77 s
MEL_NOISE = 0.03
SILENCE = 1e-3  # magnitude that counts as none: 100 dB below a loud tone


def to_int16(samples: Tensor) -> Tensor:
    return (samples.clamp(-1, 1) * INT16).round().to(torch.int16)


def random_firsts(waves: Tensor, facts: AudioFacts, frames: int, generator: torch.Generator) -> list[int]:
    """The first frame of a random stretch of each."""
    choices = waves.shape[1] // facts.hop - frames - 1
    return torch.randint(0, choices, (len(waves),), generator=generator).tolist()


def crop_spectra(waves: Tensor, facts: AudioFacts, frames: int, firsts: Sequence[int]) -> Tensor:
    """int16 (B, S) -> complex64 (B, F, frames + 1): the STFT from frame `firsts` of each."""
    spectra = []
    for wave, first in zip(waves, firsts):
        start = first * facts.hop - facts.window // 2
        stop = start + frames * facts.hop + facts.window
        inside = wave[max(0, start) : stop].float() / INT16
        before, after = max(0, -start), max(0, stop - len(wave))
        stretch = torch.nn.functional.pad(inside, (before, after))
        window = torch.hann_window(facts.window)
        spectra.append(
            torch.stft(stretch, facts.window, facts.hop, window=window, center=False, return_complex=True)
        )
    return torch.stack(spectra)


def true_offset(spectrum: Tensor, facts: AudioFacts) -> Tensor:
    """Complex (B, F, T + 1) -> float (B, F, T): by how many bins each bin's frequency is off its centre, from the
    phase's step into the frame."""
    share = facts.hop / facts.window
    bins = torch.arange(spectrum.shape[1])[:, None]
    turn = torch.polar(torch.ones(()), -2 * math.pi * torch.remainder(bins * share, 1.0))
    step = torch.angle(spectrum[..., 1:] * spectrum[..., :-1].conj() * turn)
    return step / (2 * math.pi * share)


def vocoder_loss(
    vocoder: Vocoder,
    waves: Tensor,
    generator: torch.Generator,
    frames: int = FRAMES,
    noise: float = MEL_NOISE,
    dreamt: Tensor | None = None,
) -> Tensor:
    """int16 (B, S) -> scalar, from a stretch of `frames` of each. `noise` on the mel picture (its range is 2)
    makes the vocoder take pictures that a decoder dreamt up; dreamt (B, mels, T): what it did dream up of these
    waves, read in the place of their own pictures."""
    facts = vocoder.facts
    frames = min(frames, waves.shape[1] // facts.hop - 2)
    firsts = random_firsts(waves, facts, frames, generator)
    spectrum = crop_spectra(waves, facts, frames, firsts)
    magnitude = spectrum[..., 1:].abs()
    filters = mel.mel_filters(facts)
    level = torch.log(filters @ magnitude.square() + math.exp(facts.floor))
    unit = mel.to_unit(level, facts)
    if dreamt is not None:
        stretches = [one[:, first + 1 : first + 1 + frames] for one, first in zip(dreamt, firsts)]
        unit = torch.stack(stretches)
    jitter = noise * torch.rand(len(unit), 1, 1, generator=generator)
    said = vocoder((unit + jitter * torch.randn(unit.shape, generator=generator)).to(vocoder.device))
    offset = true_offset(spectrum, facts).to(vocoder.device)
    magnitude = magnitude.to(vocoder.device)
    loud = ((torch.log(magnitude + SILENCE) - 0.5 * facts.floor + 1) / 4).clamp(0, 1)
    return magnitude_loss(said, magnitude) + mel_loss(said, level, facts) + frequency_loss(said, offset, loud)


def magnitude_loss(said: Spectrum, magnitude: Tensor) -> Tensor:
    """L1 of logarithms (above a floor) and of square roots."""
    floor = math.exp(-4.0)
    difference = torch.log(said.level.exp() + floor) - torch.log(magnitude + floor)
    roots = torch.exp(0.5 * said.level) - torch.sqrt(magnitude)
    return difference.abs().mean() + 0.5 * roots.abs().mean()


def mel_loss(said: Spectrum, level: Tensor, facts: AudioFacts) -> Tensor:
    filters = mel.mel_filters(facts, said.level.device)
    heard = torch.log(filters @ torch.exp(2 * said.level) + math.exp(facts.floor))
    return 0.5 * (heard - level.to(heard.device)).abs().mean()


def frequency_loss(said: Spectrum, offset: Tensor, loud: Tensor) -> Tensor:
    """Negative log-likelihood of a Laplace distribution, where there is something to hear. Offsets are angles:
    4 bins (a turn) apart is the same."""
    error = torch.remainder(said.offset - offset + 2, 4) - 2
    likelihood = error.abs() / said.spread + torch.log(2 * said.spread)
    return 0.25 * (loud * likelihood).sum() / loud.sum().clamp(min=1)
