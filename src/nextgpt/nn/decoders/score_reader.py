"""A reader of sentences about sounds: who plays, and the score: when which note begins, and how long it is held.

    conditioning --look--> scores over voices, a base note, strokes (T, S) above it, seconds
    notes --Player--> mel power --------\
    memory of voices x age --> mel power + --by strokes, log--> mel picture = plan --Encoding--> draft

What is played and when are told apart, as LayeredReader tells apart what and where: a stroke sounds alike wherever it
begins, and a voice that was learned in one count, speed or direction is known in all of them. What it adds to the
player's notes (player.py) is a table by age, which does not move with pitch: unpitched sounds have nothing else. It
holds levels, of which eight bits would round off half a unit, so it is not packed. Axis letters: L voices at once, M
known voices, T cells of time (columns of the latents), S steps, N notes, W mel bands.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from nextgpt.nn.decoders.config import AudioFacts
from nextgpt.nn.decoders.mel import to_unit
from nextgpt.nn.decoders.player import Player
from nextgpt.nn.decoders.reader import DECISION, GAIN, HIDDEN, Reader, choice_loss

SILENT = 0.02  # loudness below which nothing is struck


@dataclass(frozen=True)
class Score:
    """voices (B, L, M) and bases (B, L, N) before their softmax; strokes (B, L, T, S) before their sigmoid, which is a
    loudness; held (B, L): cells that a key is held."""

    voices: Tensor
    bases: Tensor
    strokes: Tensor
    held: Tensor


class ScoreReader(Reader):
    """num_things: M; num_layers: L; num_notes: N semitones from `lowest` (MIDI) upwards; num_steps: S semitones above
    the base, itself included; frames: of the mel picture in a cell. The latents' columns are the cells: strokes begin
    where one begins. The other numbers are those of AudioFacts; a row of latents is `frames` mel bands."""

    @register_to_config
    def __init__(
        self,
        width: int = 384,
        length: int = 32,
        num_things: int = 79,
        num_layers: int = 2,
        num_notes: int = 48,
        num_steps: int = 8,
        lowest: int = 40,
        look_width: int = 128,
        key_width: int = 256,
        voice_width: int = 512,
        head_width: int = 128,
        frames: int = 8,
        rate: int = 16_000,
        window: int = 1024,
        floor: float = -6.0,
        ceiling: float = 10.0,
        latent_shape: tuple[int, int, int] = (64, 10, 32),
    ) -> None:
        super().__init__(
            width, length, num_things, num_layers, look_width, key_width, frames**2, latent_shape
        )
        channels, height, self.cells = latent_shape
        self.notes, self.steps, self.frames = num_notes, num_steps, frames
        self.facts = AudioFacts(
            rate=rate, window=window, num_mels=height * frames, floor=floor, ceiling=ceiling
        )
        told = self.cells * num_steps + num_notes + 1
        self.pose_out = nn.Linear(HIDDEN, num_layers * told)
        self.usual = nn.Linear(num_things, num_notes, bias=False)
        self.memory = nn.Linear(num_things, self.cells * frames * self.facts.num_mels, bias=False)
        nn.init.normal_(self.memory.weight, std=0.02)
        self.player = Player(num_things, num_notes, lowest, self.cells, frames, voice_width, self.facts)
        self.draft_head = Encoding(frames**2, head_width, channels)  # type: ignore[assignment]

    def forward(self, sequence_BQC: Tensor) -> Tensor:
        score = self.take_apart(sequence_BQC)
        return self.plan_of(replace(score, voices=DECISION * score.voices, bases=DECISION * score.bases))

    def plan_and_loss(self, sequence_BQC: Tensor, layers: Tensor) -> tuple[Tensor, Tensor]:
        """The first half of the rows is played from the true score, so that playing need not wait for reading."""
        score, true = self.take_apart(sequence_BQC), self.true_score(layers)
        half = len(layers) // 2
        played = [
            torch.cat([told[:half].to(made.dtype), made[half:]])
            for made, told in zip(vars(score).values(), vars(true).values())
        ]
        return self.plan_of(Score(*played)), score_loss(score, true, layers[..., 0] >= 0)

    def take_apart(self, sequence_BQC: Tensor) -> Score:
        voices, hidden = self.look_at(sequence_BQC)
        told = self.pose_out(hidden).float().unflatten(1, (self.layers, -1))
        count = self.cells * self.steps
        strokes = told[..., :count].unflatten(2, (self.cells, self.steps)) - 4
        bases = told[..., count:-1] + self.usual(voices.softmax(-1)).float()
        return Score(voices, bases, strokes, told[..., -1])

    def distance(self, made_BQC: Tensor, true_BQC: Tensor) -> Tensor:
        """By voices, notes and strokes: where the true sentence names one, and none where it does not."""
        made = self.take_apart(made_BQC)
        with torch.no_grad():
            true = self.take_apart(true_BQC)
            shown = true.strokes.sigmoid().amax((2, 3)) > 0.1
        return score_loss(made, true, shown)

    def played(self, layers: Tensor) -> tuple[Tensor, Tensor]:
        """Mel picture (B, 1, W, frames) in -1..1 and draft (B, channels, h, w) of what a true score says: the drawing
        half alone, no sentence."""
        plan = self.plan_of(self.true_score(layers))
        return F.pixel_shuffle(plan, self.frames), self.draft_head(plan)

    def true_score(self, layers: Tensor) -> Score:
        """layers (B, L, 3 + T S): the voice's number (-1: none), base note, cells held, loudness of strokes."""
        sure = 40.0
        voice, base = (layers[..., place].long().clamp_min(0) for place in (0, 1))
        loud = layers[..., 3:].unflatten(2, (self.cells, self.steps))
        return Score(
            sure * F.one_hot(voice, self.thing_keys.shape[0]).float(),
            sure * F.one_hot(base, self.notes).float(),
            torch.logit(loud.float(), 1e-4),
            layers[..., 2].float(),
        )

    def plan_of(self, score: Score) -> Tensor:
        """The mel picture in -1..1, a cell's frames and as many bands a position."""
        level = torch.log(self.power(score) + math.exp(self.facts.floor))
        unit = to_unit(level, self.facts)[:, None]
        return F.pixel_unshuffle(unit, self.frames).to(self.memory.weight.dtype)

    def power(self, score: Score) -> Tensor:
        """Mel power (B, W, frames): that of each note and of each voice's table from where it is struck on, in cells
        that begin a quarter of a cell early, for a window hears what is to come."""
        voices, loud = score.voices.float().softmax(-1), score.strokes.float().sigmoid()
        row, layer, step = (loud.amax(2) > SILENT).nonzero(as_tuple=True)
        notes = shifted(score.bases.float().softmax(-1), self.steps)[row, layer, step]
        struck = lower_toeplitz(self.player.gain(loud * (loud > SILENT)).mT)  # (B, L, S, T, T)
        alone = self.player(voices[row, layer], notes, score.held[row, layer])
        table = self.player.unpitched(GAIN * self.memory(voices.to(self.memory.weight.dtype)))
        sounding = (struck.sum(2) @ table).sum(1)
        sounding = sounding.index_add(0, row, (struck[row, layer, step] @ alone).to(sounding.dtype))
        power = sounding.unflatten(2, (self.frames, -1)).flatten(1, 2).mT
        early = self.frames // 4
        return torch.cat([power[..., early:], power[..., -1:].expand(-1, -1, early)], -1)

    def drawing(self) -> dict[str, nn.Module]:
        return {**super().drawing(), "player": self.player}


class Encoding(nn.Module):
    """What the autoencoder's encoding half says of a plan, learned."""

    def __init__(self, plan_channels: int, width: int, channels: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(plan_channels, channels, 1)
        self.deep = nn.Sequential(
            nn.Conv2d(plan_channels, width, 3, padding=1),
            nn.GELU("tanh"),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GELU("tanh"),
            nn.Conv2d(width, channels, 1),
        )

    def forward(self, plan: Tensor) -> Tensor:
        return self.straight(plan) + self.deep(plan)


def lower_toeplitz(weight: Tensor) -> Tensor:
    """Weights by age (..., T) -> matrix (..., T, T) that weights what began at column t' in cell t."""
    cells = weight.shape[-1]
    age = torch.arange(cells, device=weight.device)
    distance = age[:, None] - age
    return weight[..., distance.clamp_min(0)] * (distance >= 0)


def shifted(base: Tensor, steps: int) -> Tensor:
    """Probabilities of a base note (..., N) -> those of each step above it (..., S, N)."""
    return F.pad(base, (steps - 1, 0)).unfold(-1, base.shape[-1], 1).flip(-2)


def score_loss(made: Score, true: Score, shown: Tensor) -> Tensor:
    """shown (B, L): voices that play. Strokes of voices that do not are asked for as well: none."""
    voices = choice_loss(made.voices, true.voices.float().softmax(-1), shown)
    bases = choice_loss(made.bases, true.bases.float().softmax(-1), shown)
    loud = true.strokes.float().sigmoid()
    strokes = F.binary_cross_entropy_with_logits(made.strokes.float(), loud, reduction="none")
    held = ((made.held - true.held).square() * shown).sum() / shown.sum().clamp_min(1)
    return voices + bases + strokes.sum((1, 2, 3)).mean() / 4 + held
