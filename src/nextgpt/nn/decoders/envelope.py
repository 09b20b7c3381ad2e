"""How loud a sound is at every few milliseconds, from frames that are longer.

A frame of the STFT is 64 ms long, and whoever invents phases spreads an attack over all of it: an echo before the
sound, which a listener takes for a softer instrument. But frames overlap, and power is nowhere below zero: that is
enough to find the edge again, and to hold the sound to it. Shapes: B batch, F = window // 2 + 1 bins, T frames,
S = hop * T samples.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.nn.decoders import mel
from nextgpt.nn.decoders.config import AudioFacts

BLOCKS = 4  # powers in a hop
ROUNDS = 30
QUIET = 1e-8  # power that counts as none


def energy_of(magnitude: Tensor, facts: AudioFacts) -> Tensor:
    """(B, F, T) -> (B, 1, T): the energy of each windowed frame (Parseval)."""
    return magnitude.square().sum(1, keepdim=True) * (2 / facts.window)


def envelope(energy: Tensor, facts: AudioFacts) -> Tensor:
    """Energies of frames (B, 1, T) -> the power in each quarter of a hop (B, 1, BLOCKS * T) that is likeliest to give
    them, by the rounds of Richardson (1972) and Lucy (1974)."""
    window = torch.hann_window(facts.window, device=energy.device).square()
    kernel = window.unflatten(0, (-1, facts.hop // BLOCKS)).sum(1)[None, None]
    half, count = kernel.shape[-1] // 2, energy.shape[-1]

    def of_frames(power: Tensor) -> Tensor:
        return F.conv1d(F.pad(power, (half, half)), kernel, stride=BLOCKS)[..., :count]

    def of_blocks(frames: Tensor) -> Tensor:
        spread = F.pad(F.conv_transpose1d(frames, kernel, stride=BLOCKS), (0, half))
        return spread[..., half : half + BLOCKS * count]

    reach = of_blocks(torch.ones_like(energy))
    power = of_blocks(energy) / (reach * kernel.sum())
    for _ in range(ROUNDS):
        power = power * of_blocks(energy / (of_frames(power) + QUIET)) / reach
    return power


def gated(sound: Tensor, wanted: Tensor, facts: AudioFacts) -> Tensor:
    """Sound (B, S), no louder in any block than the power that is wanted of it: no echo before an attack."""
    power = envelope(energy_of(mel.stft(sound, facts)[..., :-1].abs(), facts), facts)
    gain = ((wanted + QUIET) / (power + QUIET)).sqrt().clamp(max=1)
    return sound * F.interpolate(gain, size=sound.shape[-1], mode="linear")[:, 0]
