"""Log-mel pictures of sound, and a way back that needs no training: pseudo-inverse filters, then fast Griffin-Lim
for the phase. It is the vocoder's baseline.

Sources: O'Shaughnessy's mel scale (HTK form); fast Griffin-Lim, Perraudin et al. 2013, momentum 0.99.
"""

import math

import torch
from torch import Tensor

from nextgpt.nn.decoders.config import AudioFacts

MOMENTUM = 0.99


def mel_filters(facts: AudioFacts, device: torch.device | None = None) -> Tensor:
    """(num_mels, window // 2 + 1) triangles of unit height, 30 Hz to half the rate."""
    bins, exact = facts.window // 2 + 1, torch.float32
    bottom, top = mel_of(torch.tensor([30.0, facts.rate / 2], dtype=exact)).tolist()
    edges = torch.linspace(bottom, top, facts.num_mels + 2, dtype=exact)
    points = mel_of(torch.linspace(0, facts.rate / 2, bins, dtype=exact))[None]
    rise = (points - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - points) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rise, fall).clamp(min=0).to(device)


def mel_of(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


def log_mel(samples: Tensor, facts: AudioFacts) -> Tensor:
    """(..., num_samples) -> (..., num_mels, num_frames): natural log of mel power."""
    power = stft(samples, facts)[..., : facts.num_frames].abs().square()
    return torch.log(mel_filters(facts, samples.device) @ power + math.exp(facts.floor))


def to_unit(level: Tensor, facts: AudioFacts) -> Tensor:
    """Levels from floor to ceiling -> -1..1, as autoencoder and vocoder take them."""
    return (2 * (level - facts.floor) / (facts.ceiling - facts.floor) - 1).clamp(-1, 1)


def from_unit(unit: Tensor, facts: AudioFacts) -> Tensor:
    return (unit.clamp(-1, 1) + 1) / 2 * (facts.ceiling - facts.floor) + facts.floor


def invert(level: Tensor, facts: AudioFacts) -> Tensor:
    """(B, num_mels, num_frames) float32 -> samples (B, num_samples); all start from the same phases."""
    filters = mel_filters(facts, level.device)
    power = level.exp() * (level > facts.floor + 0.5)
    magnitude = spread(power, filters).sqrt()
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(magnitude.shape[-2:], generator=generator).to(level.device)
    return griffin_lim(magnitude, torch.polar(torch.ones_like(start), 2 * torch.pi * start), facts)


def spread(power: Tensor, filters: Tensor, rounds: int = 30) -> Tensor:
    """x >= 0 with filters @ x near power (B, mels, frames), by multiplicative updates (Lee and Seung)."""
    x = filters.T @ (power / filters.sum(1, keepdim=True).clamp(min=1e-6))
    for _ in range(rounds):
        x = x * (filters.T @ power) / (filters.T @ (filters @ x)).clamp(min=1e-10)
    return x


def griffin_lim(magnitude: Tensor, phase: Tensor, facts: AudioFacts) -> Tensor:
    """(B, bins, frames) -> samples (B, num_samples)."""
    previous = torch.zeros_like(magnitude, dtype=phase.dtype)
    for _ in range(facts.phase_steps):
        rebuilt = stft(istft(magnitude * phase, facts), facts)[..., : facts.num_frames]
        ahead = rebuilt + MOMENTUM * (rebuilt - previous)
        phase, previous = ahead / ahead.abs().clamp(min=1e-12), rebuilt
    return istft(magnitude * phase, facts)


def stft(samples: Tensor, facts: AudioFacts) -> Tensor:
    window = torch.hann_window(facts.window, device=samples.device)
    return torch.stft(
        samples, facts.window, facts.hop, window=window, return_complex=True, pad_mode="constant"
    )


def istft(spectrum: Tensor, facts: AudioFacts, num_samples: int | None = None) -> Tensor:
    window = torch.hann_window(facts.window, device=spectrum.device)
    length = facts.num_samples if num_samples is None else num_samples
    return torch.istft(spectrum, facts.window, facts.hop, window=window, length=length)
