"""EfficientNet-Lite for pictures and, per frame, for clips.

Architecture: EfficientNet (arXiv 1905.11946) without squeeze-and-excitation and with ReLU6, as TensorFlow's
"efficientnet-lite" defines it. Batch norms are folded into the convolutions when the part is converted.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nextgpt.config import EfficientNetLiteConfig
from nextgpt.nn.outputs import EncoderOutput

# repeats, kernel, stride, expansion, channels out (table 1 of the paper)
BLOCKS = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


def round_channels(channels: int, width: float) -> int:
    """Channels times width, to a multiple of 8, never more than a tenth below."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: the odd pixel goes to the right and the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = [max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:]]
        height, width = pads
        if height or width:
            x = F.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])
        return super().forward(x)


class Block(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expand = nn.Conv2d(channels_in, inner, 1) if expansion != 1 else None
        self.depthwise = SameConv2d(inner, inner, kernel, stride, groups=inner)
        self.project = nn.Conv2d(inner, channels_out, 1)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """uint8 pixels (B, F, H, W, 3) -> features (B, F * grid * grid, 1280) and class scores (B, 1000), softmax.

    A frame is resized to a square whatever its shape, so that nothing at its edge is lost.
    """

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__()
        self.config = config
        self.class_names: list[list[str]] = []
        self.stem = SameConv2d(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        channels = 32
        for row, (repeats, kernel, stride, expansion, base) in enumerate(BLOCKS):
            scaled = repeats if row in (0, len(BLOCKS) - 1) else math.ceil(repeats * config.depth)
            out = round_channels(base, config.width)
            for repeat in range(scaled):
                blocks.append(Block(channels, out, kernel, stride if repeat == 0 else 1, expansion))
                channels = out
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(channels, config.feature_dim, 1)
        self.classifier = nn.Linear(config.feature_dim, config.num_scores)

    def preprocess(self, media: Any) -> dict[str, Tensor]:
        """An Image or Video -> {"pixels": uint8 (F, H, W, 3)} at the size that the network wants."""
        from PIL import Image as PILImage

        size = self.config.image_size
        frames = media.frames(self.config.num_frames) if hasattr(media, "frames") else media.array()[None]
        resized = [
            PILImage.fromarray(frame).resize((size, size), PILImage.Resampling.BICUBIC) for frame in frames
        ]
        return {"pixels": torch.from_numpy(np.stack([np.asarray(frame) for frame in resized]))}

    @staticmethod
    def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {"pixels": torch.stack([item["pixels"] for item in items])}

    def forward(self, pixels: Tensor) -> EncoderOutput:
        batch = pixels.shape[0]
        x = rearrange(pixels, "b f h w c -> (b f) c h w").to(self.stem.weight.dtype)
        x = ((x - 127) / 128).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        x = F.relu6(self.head(x))
        scores = self.classifier(x.mean((2, 3))).float().softmax(-1)
        grid = F.adaptive_avg_pool2d(x, self.config.grid) if x.shape[-1] != self.config.grid else x
        features = rearrange(grid, "(b f) c h w -> b (f h w) c", b=batch)
        mask = torch.ones(features.shape[:2], dtype=torch.bool, device=features.device)
        return EncoderOutput(features, mask, rearrange(scores, "(b f) p -> b f p", b=batch).mean(1))
