"""Clips: uint8 (F, H, W, 3) <-> latents of a film strip (group * C, F / group * h, w).

The image autoencoder works frame by frame. `group` neighbouring frames are stacked in the channels: one token
sees a short motion. The groups lie below each other: a picture transformer serves for clips.
"""

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from nextgpt.media import Video
from nextgpt.nn.decoders.config import VideoFacts
from nextgpt.nn.decoders.image import resize, to_uint8, to_unit
from nextgpt.nn.decoders.latent_decoder import LatentDecoder


class VideoDecoder(LatentDecoder[VideoFacts]):
    def prepare(self, array: np.ndarray) -> Tensor:
        """uint8 (F, H, W, 3), any length and size -> uint8 (num_frames, 3, size, size), evenly spaced."""
        facts = self.facts
        centres = ((np.arange(facts.num_frames) + 0.5) * len(array) / facts.num_frames).astype(int)
        frames = np.stack([resize(array[index], facts.size) for index in centres])
        return rearrange(torch.from_numpy(frames), "f h w c -> f c h w")

    def to_input(self, stored: Tensor) -> Tensor:
        return F.pixel_unshuffle(to_unit(rearrange(stored, "b f c h w -> (b f) c h w")), self.facts.patch)

    def pack(self, latents: Tensor) -> Tensor:
        facts = self.facts
        sizes = {"g": facts.num_frames // facts.group, "f": facts.group}
        return rearrange(latents, "(b g f) c h w -> b (f c) (g h) w", **sizes)

    def unpack(self, latents: Tensor) -> Tensor:
        return rearrange(latents, "b (f c) (g h) w -> (b g f) c h w", f=self.facts.group, h=latents.shape[-1])

    def excerpt(self, latents: Tensor, stored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """One group of frames, the same of each clip: its frames are alike, and more things can be seen in a batch."""
        group, side = self.facts.group, latents.shape[-1]
        chosen = int(torch.randint(self.facts.num_frames // group, (), generator=generator))
        return latents[:, :, chosen * side :][:, :, :side], stored[:, chosen * group :][:, :group]

    def to_media(self, output: Tensor) -> list[Video]:
        facts = self.facts
        output = F.pixel_shuffle(output, facts.patch)
        clips = to_uint8(rearrange(output, "(b f) c h w -> b f h w c", f=facts.num_frames))
        return [Video.from_array(frames, fps=facts.fps) for frames in clips]
