"""A reader of sentences about sounds: who plays, and the score: when which note begins, and how long it is held.

    conditioning --look--> scores over voices, a base note, strokes (T, S) above it, seconds
    memory of voices x (age, held, notes sounding) in each cell of time --perceptron--> plan --1 x 1--> draft

What is played and when are told apart, as LayeredReader tells apart what and where: a stroke sounds alike wherever it
begins, and a voice that was learned in one count, speed or direction is known in all of them. A voice is a vector that
scales and shifts the perceptron's units (arXiv 1709.07871), and a table of what it adds by age: unpitched sounds have
little else. Axis letters: L voices at once, M known voices, T cells of time (columns of the latents), S steps, N notes.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from nextgpt.nn.decoders.reader import DECISION, GAIN, HIDDEN, Reader, choice_loss

RINGING = 2.0  # cells in which a note that was let go can still be heard
RECENT = 0.5  # an older note counts that much less a cell, in one of the two rolls


@dataclass(frozen=True)
class Score:
    """voices (B, L, M) and bases (B, L, N) before their softmax; strokes (B, L, T, S) before their sigmoid, which is a
    loudness; held (B, L): cells that a key is held."""

    voices: Tensor
    bases: Tensor
    strokes: Tensor
    held: Tensor


class ScoreReader(Reader):
    """num_things: M; num_layers: L; num_notes: N semitones; num_steps: S semitones above the base, itself included.
    The latents' columns are the cells: strokes begin where one begins."""

    @register_to_config
    def __init__(
        self,
        width: int = 384,
        length: int = 32,
        num_things: int = 79,
        num_layers: int = 2,
        num_notes: int = 48,
        num_steps: int = 8,
        look_width: int = 128,
        key_width: int = 256,
        voice_width: int = 384,
        plan_channels: int = 32,
        latent_shape: tuple[int, int, int] = (32, 10, 32),
    ) -> None:
        super().__init__(
            width, length, num_things, num_layers, look_width, key_width, plan_channels, latent_shape
        )
        _, height, self.cells = latent_shape
        self.notes, self.steps, self.voice_width = num_notes, num_steps, voice_width
        told = self.cells * num_steps + num_notes + 1
        self.pose_out = nn.Linear(HIDDEN, num_layers * told)
        self.usual = nn.Linear(num_things, num_notes, bias=False)
        self.memory = nn.Linear(num_things, self.cells * plan_channels * height, bias=False)
        self.voice = nn.Linear(num_things, 4 * voice_width, bias=False)
        for part in (self.memory, self.voice):
            nn.init.normal_(part.weight, std=0.02)
        self.heard_in = nn.Linear(2 * self.cells + 2 * num_notes, voice_width)
        self.heard_mid = nn.Linear(voice_width, voice_width)
        self.heard_out = nn.Linear(voice_width, plan_channels * height)
        self.silence = nn.Parameter(torch.zeros(plan_channels, height, 1))
        self.draw = nn.Sequential(
            nn.Conv2d(plan_channels, 2 * plan_channels, 3, padding=1),
            nn.GELU("tanh"),
            nn.Conv2d(2 * plan_channels, plan_channels, 3, padding=1),
        )

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

    def played(self, layers: Tensor) -> Tensor:
        """The draft of what a true score says (B, channels, h, w): the drawing half alone, no sentence."""
        return self.draft_head(self.plan_of(self.true_score(layers)))

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
        voices = score.voices.softmax(-1)
        loud = score.strokes.float().sigmoid()  # (B, L, T, S)
        began = ages(loud.amax(-1))  # (B, L, T, ages)
        age = torch.arange(self.cells, device=loud.device, dtype=loud.dtype)
        held = (score.held[..., None] - age).clamp(0, 1)[:, :, None]
        ringing = (score.held[..., None] + RINGING - age).clamp(0, 1)
        roll = loud @ shifted(score.bases.float().softmax(-1), self.steps)  # (B, L, T, N)
        sounding = [lower_toeplitz(weight) @ roll for weight in (ringing, ringing * RECENT**age)]
        heard = torch.cat([began, began * held, *sounding], -1).to(self.heard_in.weight.dtype)
        played = self.play(heard, voices, began)
        active = began.sum(-1, keepdim=True).clamp(max=1).to(played.dtype)
        rows = (active * played).sum(1).transpose(1, 2)  # (B, P h, T)
        plan = self.silence + rows.unflatten(1, (self.plan_shape[0], -1))
        return plan + self.draw(plan)

    def play(self, heard: Tensor, voices: Tensor, began: Tensor) -> Tensor:
        """What sounds in each cell (B, L, T, F) by voices (B, L, M) -> (B, L, T, P h)."""
        table = GAIN * self.memory(voices.to(heard.dtype)).unflatten(2, (self.cells, -1))
        voice = GAIN * self.voice(voices.to(heard.dtype))[:, :, None]
        scale_in, shift_in, scale_mid, shift_mid = voice.split(self.voice_width, -1)
        hidden = F.gelu(self.heard_in(heard) * (1 + scale_in) + shift_in, approximate="tanh")
        hidden = F.gelu(self.heard_mid(hidden) * (1 + scale_mid) + shift_mid, approximate="tanh")
        return self.heard_out(hidden) + began.to(table.dtype) @ table

    def drawing(self) -> dict[str, nn.Module]:
        names = ("voice", "heard_in", "heard_mid", "heard_out", "draw")
        return {**super().drawing(), **{name: getattr(self, name) for name in names}}


def ages(began: Tensor) -> Tensor:
    """Loudness of strokes (..., T) -> what began how many cells ago (..., T, T)."""
    cells = began.shape[-1]
    return F.pad(began, (cells - 1, 0)).unfold(-1, cells, 1).flip(-1)


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
