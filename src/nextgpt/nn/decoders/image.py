"""Pictures: uint8 (H, W, 3) <-> latents (C, h, w)."""

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image as Pillow
from torch import Tensor

from nextgpt.media import Image
from nextgpt.nn.decoders.config import ImageFacts
from nextgpt.nn.decoders.latent_decoder import LatentDecoder


class ImageDecoder(LatentDecoder[ImageFacts]):
    def prepare(self, array: np.ndarray) -> Tensor:
        """uint8 (H, W, 3), any size -> uint8 (3, size, size)."""
        return rearrange(torch.from_numpy(resize(array, self.facts.size)), "h w c -> c h w")

    def to_input(self, stored: Tensor) -> Tensor:
        return F.pixel_unshuffle(to_unit(stored), self.facts.patch)

    def to_media(self, output: Tensor) -> list[Image]:
        output = F.pixel_shuffle(output, self.facts.patch)
        return [Image.from_array(frame) for frame in to_uint8(rearrange(output, "b c h w -> b h w c"))]


def resize(array: np.ndarray, size: int) -> np.ndarray:
    if array.shape[:2] == (size, size):
        return np.array(array)
    return np.array(Pillow.fromarray(array).resize((size, size), Pillow.Resampling.LANCZOS))


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 0..255 -> float -1..1."""
    return pixels.float() / 127.5 - 1.0


def to_uint8(pixels: Tensor) -> np.ndarray:
    """float -1..1 -> uint8 0..255 on the host."""
    return ((pixels.clamp(-1, 1) + 1.0) * 127.5).round().to(torch.uint8).cpu().numpy()
