"""A reader that takes a sentence apart: what things it names, and where each of them stands in each frame.

    conditioning --look--> a query a layer --memory of things--> sprites (L, A, s, s)
                       \\-> poses (F, L, 6), background (A - 1,)
    sprites at their poses, one over the other --convolutions--> plan --1 x 1--> draft

What and where are told apart, so a thing learned in one place is known in every place, motion and number. The parts
are known ones: attention over learned keys (arXiv 1503.08895), the sampler of spatial transformers (arXiv 1506.02025),
layers composed by their opacity (Porter and Duff 1984). Axis letters: L layers, F frames, M things, A channels of a
sprite (opacity first), S side of the canvas on which layers are joined; a square cell of it becomes one latent
position.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor, nn

from nextgpt.nn.decoders.reader import DECISION, GAIN, HIDDEN, Reader, choice_loss

POSE = 6  # x, y as fractions of the canvas; log2 of the size; cosine, sine of the clockwise angle; opacity
MARGIN = 1.1  # a sprite's box is that much larger than its thing
FIRST_POSE = (0.5, 0.5, -1.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True)
class Reading:
    """scores (B, L, M) before their softmax; poses (B, F, L, 6); background (B, A - 1)."""

    scores_BLM: Tensor
    poses: Tensor
    background: Tensor


class LayeredReader(Reader):
    """num_things: M, slots of the memory; num_layers: L, things that one medium can hold; group: frames that share
    the channels of a latent position (1 for pictures)."""

    @register_to_config
    def __init__(
        self,
        width: int = 384,
        length: int = 32,
        num_things: int = 1313,
        num_layers: int = 4,
        num_frames: int = 1,
        group: int = 1,
        canvas: int = 64,
        sprite_side: int = 32,
        sprite_channels: int = 6,
        look_width: int = 128,
        key_width: int = 256,
        draw_width: int = 128,
        plan_channels: int = 32,
        latent_shape: tuple[int, int, int] = (16, 16, 16),
    ) -> None:
        super().__init__(
            width, length, num_things, num_layers, look_width, key_width, plan_channels * group, latent_shape
        )
        self.frames, self.group, self.canvas = num_frames, group, canvas
        cell = canvas // latent_shape[-1]
        self.sprite_shape = (sprite_channels, sprite_side, sprite_side)
        self.memory = nn.Linear(num_things, sprite_channels * sprite_side**2, bias=False)
        nn.init.normal_(self.memory.weight, std=0.02)
        self.pose_out = nn.Linear(HIDDEN, num_frames * num_layers * POSE + sprite_channels - 1)
        self.draw = nn.Sequential(
            nn.PixelUnshuffle(cell),
            nn.Conv2d((sprite_channels - 1) * cell**2, draw_width, 3, padding=1),
            nn.GELU("tanh"),
            nn.Conv2d(draw_width, draw_width, 3, padding=1),
            nn.GELU("tanh"),
            nn.Conv2d(draw_width, plan_channels, 1),
        )

    def forward(self, sequence_BQC: Tensor) -> Tensor:
        reading = self.take_apart(sequence_BQC)
        return self.plan_of(replace(reading, scores_BLM=DECISION * reading.scores_BLM))

    def plan_and_loss(self, sequence_BQC: Tensor, layers: Tensor) -> tuple[Tensor, Tensor]:
        reading = self.take_apart(sequence_BQC)
        return self.plan_of(reading), reading_loss(reading, layers)

    def picture_loss(self, sequence_BQC: Tensor, layers: Tensor, pictures: Tensor) -> Tensor:
        """Scalar: what was read, and how far the canvas' first three channels are from small pictures of the
        medium, (B * F, 3, S, S) in -1..1. It needs no autoencoder and no convolutions: the cheap start."""
        reading = self.take_apart(sequence_BQC)
        canvas = self.compose(self.sprites(reading), reading)
        return reading_loss(reading, layers) + (canvas[:, :3] - pictures).square().mean()

    def sprites(self, reading: Reading) -> Tensor:
        """What the memory holds for each layer, (B, L, A, s, s)."""
        values = GAIN * self.memory(reading.scores_BLM.softmax(-1))
        return values.float().unflatten(2, self.sprite_shape)

    def take_apart(self, sequence_BQC: Tensor) -> Reading:
        scores, hidden = self.look_at(sequence_BQC)
        told = self.pose_out(hidden).float()
        count = self.frames * self.layers * POSE
        poses = told[:, :count].unflatten(1, (self.frames, self.layers, POSE))
        return Reading(scores, poses + poses.new_tensor(FIRST_POSE), told[:, count:])

    def distance(self, made_BQC: Tensor, true_BQC: Tensor) -> Tensor:
        """By things, poses and background, not by the plan: a plan's error says nothing about a far-off thing."""
        made = self.take_apart(made_BQC)
        with torch.no_grad():
            true = self.take_apart(true_BQC)
        shown = true.poses[..., 5].mean(1) > 0.05  # (B, L)
        things = choice_loss(made.scores_BLM, true.scores_BLM.float().softmax(-1), shown)
        error = (made.poses - true.poses).square()
        poses = (error * shown[:, None, :, None]).mean() * POSE + error[..., 5].mean()
        return things + poses + (made.background - true.background).square().mean()

    def plan_of(self, reading: Reading) -> Tensor:
        canvas = self.compose(self.sprites(reading), reading)
        plan = self.draw(canvas.to(self.draft_head.weight.dtype))
        count = self.frames // self.group
        return rearrange(plan, "(b g f) c h w -> b (f c) (g h) w", g=count, f=self.group)

    def compose(self, sprites: Tensor, reading: Reading) -> Tensor:
        """Sprites (B, L, A, s, s), one layer over the other -> (B * F, A - 1, S, S)."""
        opacity = torch.sigmoid(sprites[:, :, :1] - 1)
        art = torch.cat([opacity, opacity * sprites[:, :, 1:]], 2).flatten(0, 1)
        grid = sample_points(reading.poses, self.canvas)  # (B * L, F * S, S, 2)
        drawn = F.grid_sample(art, grid, padding_mode="zeros", align_corners=False)
        layers = rearrange(drawn, "(b l) a (f y) x -> l (b f) a y x", l=self.layers, f=self.frames)
        strength = rearrange(reading.poses[..., 5].clamp(0, 1), "b f l -> l (b f) 1 1 1")
        canvas = reading.background.repeat_interleave(self.frames, 0)[:, :, None, None]
        for layer, share in zip(layers, strength):
            canvas = canvas * (1 - share * layer[:, :1]) + share * layer[:, 1:]
        return canvas

    def drawing(self) -> dict[str, nn.Module]:
        return {**super().drawing(), "draw": self.draw}

    def pack(self) -> Self:
        """The memory as float8 (E4M3)."""
        self.memory.to(torch.float8_e4m3fn)
        return self

    def start_as(self, other: "LayeredReader") -> None:
        """All that another reader has learned and this one can use: tensors of the same shape, and how a frame is
        drafted, for each frame of a group. `other` is a reader of single frames with as large a canvas."""
        mine, known = self.state_dict(), other.state_dict()
        fitting = {name: value for name, value in known.items() if value.shape == mine[name].shape}
        frame = known["draft_head.weight"][..., 0, 0]
        fitting["draft_head.weight"] = torch.block_diag(*[frame] * self.group)[..., None, None]
        fitting["draft_head.bias"] = known["draft_head.bias"].repeat(self.group)
        self.load_state_dict({**mine, **fitting})


def sample_points(poses: Tensor, side: int) -> Tensor:
    """Poses (B, F, L, 6) -> for each pixel of the canvas its place in the sprite's box, -1 to 1:
    (B * L, F * side, side, 2), as grid_sample takes them."""
    pose = rearrange(poses, "b f l p -> (b l) f p 1 1")
    centre = (torch.arange(side, device=poses.device, dtype=poses.dtype) + 0.5) / side
    x, y = centre[None, None, None, :] - pose[:, :, 0], centre[None, None, :, None] - pose[:, :, 1]
    length = (pose[:, :, 3] ** 2 + pose[:, :, 4] ** 2).clamp_min(1e-3).sqrt()
    cosine, sine = pose[:, :, 3] / length, pose[:, :, 4] / length
    scale = 2 / (MARGIN * torch.exp2(pose[:, :, 2].clamp(-4, 1)))
    points = torch.stack([scale * (cosine * x + sine * y), scale * (cosine * y - sine * x)], -1)
    return points.flatten(1, 2)


def reading_loss(reading: Reading, layers: Tensor) -> Tensor:
    """layers (B, L, 1 + 6 F): the thing's number (-1: none) and its true poses. A scene graph's help: which thing
    each layer shows, where it stands, and that an unused layer is transparent."""
    thing = layers[..., 0].long()
    shown = thing >= 0
    told = F.cross_entropy(reading.scores_BLM.float().flatten(0, 1), thing.flatten(), ignore_index=-1)
    true = rearrange(layers[..., 1:], "b l (f p) -> b f l p", p=POSE)
    error = (reading.poses - true).square()
    placed = (error * shown[:, None, :, None]).sum() / (shown.sum() * true.shape[1]).clamp_min(1)
    hidden = error[..., 5].mean()
    return told.nan_to_num() + placed + hidden
