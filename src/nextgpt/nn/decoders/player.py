"""How a note of an instrument sounds: mel power by age, from a spectrum that moves along the axis of pitch.

    voice, note, age --perceptron--> power of partials, by their interval to the note --fixed filters--> mel power

A note that an instrument never played is told by its neighbours: its partials keep their intervals (as those of a
sampled instrument do, which plays a recording faster), and the fixed filters put them where they belong. Power of
what sounds at once adds up. The idea of harmonics that a network weights is that of DDSP (arXiv 2001.04643); intervals
instead of harmonics also hold what is not harmonic. Axis letters: K notes, V voices, N semitones, R places along
pitch, A ages in cells, J partials, F frames of a cell, W mel bands.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextgpt.nn.decoders.config import AudioFacts
from nextgpt.nn.decoders.mel import mel_filters
from nextgpt.nn.decoders.reader import GAIN

INTERVALS = (*(step / 2 for step in range(-24, 96)), *range(48, 84))  # semitones above the note
PLACE_STEP = 2.5  # semitones from place to place along pitch
DECAYS = (0.5, 1.0, 2.0, 4.0, 8.0)  # cells; how long ago a key was let go
GRID = 4  # places of a partial between two bins
LOUDEST = 11.0  # natural log of mel power


class Player(nn.Module):
    """num_notes: semitones from `lowest` (MIDI) upwards; frames: of the mel picture in a cell."""

    def __init__(
        self,
        num_voices: int,
        num_notes: int,
        lowest: int,
        cells: int,
        frames: int,
        width: int,
        facts: AudioFacts,
    ) -> None:
        super().__init__()
        self.cells, self.frames, self.width = cells, frames, width
        places = math.ceil(num_notes / PLACE_STEP)
        self.enter = nn.Linear(places + cells + 1 + len(DECAYS), width)
        self.middle = nn.Linear(width, width)
        self.leave = nn.Linear(width, frames * len(INTERVALS))
        self.voice = nn.Linear(num_voices, 4 * width, bias=False)
        nn.init.normal_(self.voice.weight, std=0.02)
        nn.init.constant_(self.leave.bias, -4.0)
        self.quiet = nn.Parameter(torch.full((facts.num_mels,), facts.floor))
        self.loudness = nn.Parameter(torch.tensor(4.0))
        self.filters: Tensor
        self.places: Tensor
        self.register_buffer("filters", partial_filters(num_notes, lowest, facts), persistent=False)
        distance = torch.arange(num_notes)[:, None] - PLACE_STEP * torch.arange(places, dtype=torch.float32)
        self.register_buffer("places", (-0.5 * (distance / PLACE_STEP).square()).exp(), persistent=False)

    def forward(self, voices: Tensor, notes: Tensor, held: Tensor) -> Tensor:
        """Probabilities of voices (K, V) and of notes (K, N), and cells that the key is held (K,) -> mel power
        (K, A, F W)."""
        near = (notes @ self.places.to(notes))[:, None].expand(-1, self.cells, -1)
        told = torch.cat([near, self.since(held)], -1)
        voice = GAIN * self.voice(voices.to(self.voice.weight.dtype))[:, None]
        scale_in, shift_in, scale_mid, shift_mid = voice.split(self.width, -1)
        hidden = F.gelu(self.enter(told.to(voice.dtype)) * (1 + scale_in) + shift_in, approximate="tanh")
        hidden = hidden + F.gelu(self.middle(hidden) * (1 + scale_mid) + shift_mid, approximate="tanh")
        power = self.leave(hidden).float().clamp(max=LOUDEST).exp().unflatten(-1, (self.frames, -1))
        filters = torch.einsum("kn,nwj->kwj", notes.float(), self.filters.float())
        return torch.einsum("kafj,kwj->kafw", power, filters).flatten(2)

    def unpitched(self, table: Tensor) -> Tensor:
        """Natural log of power above the quiet (..., A F W) -> mel power (..., A, F W)."""
        level = table.float().unflatten(-1, (self.cells, self.frames, -1)) + self.quiet.float()
        return level.clamp(max=LOUDEST).exp().flatten(-2)

    def gain(self, loudness: Tensor) -> Tensor:
        """Of power: a stroke's loudness (MIDI velocity over 127) to a power of about 4, as SoundFont 2.04 has it."""
        return loudness.clamp_min(0) ** self.loudness.float()

    def since(self, held: Tensor) -> Tensor:
        """What a key does at each age: the age itself, how long it is down, and since when it is not (K, A, .)."""
        age = torch.arange(self.cells, device=held.device, dtype=torch.float32)
        down = (held[:, None].float() - age).clamp(0, 1)
        gone = (age - held[:, None].float()).clamp_min(0)
        fading = [(1 - down) * (-gone / decay).exp() for decay in DECAYS]
        ages = torch.eye(self.cells, device=held.device).expand(len(held), -1, -1)
        return torch.cat([ages, torch.stack([down, *fading], -1)], -1)


def partial_filters(num_notes: int, lowest: int, facts: AudioFacts) -> Tensor:
    """(N, W, J): mel power of a partial of power one, through the lobe of the Hann window; none above half the rate."""
    with torch.device("cpu"):  # numbers, also where weights are shapes alone
        grid = torch.arange(facts.window // 2 * GRID + 1, dtype=torch.float32) / GRID
        away = torch.arange(facts.window // 2 + 1)[:, None] - grid
        lobe = torch.sinc(away) / (1 - away.square() + 1e-6)
        heard = F.pad(mel_filters(facts) @ lobe.square(), (0, 1))
        notes = torch.arange(num_notes, dtype=torch.float32)[:, None] + lowest
        hertz = 440 * 2 ** ((notes - 69 + torch.tensor(INTERVALS, dtype=torch.float32)) / 12)
        places = (hertz * facts.window / facts.rate * GRID).round().long().clamp(max=len(grid))
        return heard[:, places].movedim(0, 1)
