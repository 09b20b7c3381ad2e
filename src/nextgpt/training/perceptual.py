"""How alike two pictures look to a frozen classifier, as a loss: LPIPS (arXiv 1801.03924) without its learned weights.

The classifier is the input half's own encoder. The judges of pictures (EfficientNet-Lite0) are never used here.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (4, 8, 16, 32)  # of the features that are compared


class PerceptualLoss(nn.Module):
    """network: an EfficientNetLite; it is frozen, and its blocks behind the last stride are not run."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network.eval().requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.taps = self.last_blocks()

    def last_blocks(self) -> tuple[int, ...]:
        """The last block of each stride."""
        stride, last = 2, {}
        for index, block in enumerate(self.network.blocks):
            stride *= block.depthwise.stride[0]
            last[stride] = index
        return tuple(last[stride] for stride in STRIDES)

    def features(self, pixels: Tensor) -> list[Tensor]:
        """Pixels (B, 3, H, W), or one channel as gray, in -1..1 -> features of unit length, (B, C, H / stride,
        W / stride) a tap."""
        rgb = pixels.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.network.stem(rgb))
        found = []
        for index, block in enumerate(self.network.blocks):
            x = block(x)
            if index in self.taps:
                found.append(F.normalize(x.float(), dim=1))
            if index == self.taps[-1]:
                break
        return found

    def forward(self, made: Tensor, true: Tensor) -> Tensor:
        """Scalar: the mean over taps of the squared distance at a position; gradients reach `made` alone."""
        with torch.no_grad():
            wanted = self.features(true)
        pairs = zip(self.features(made), wanted)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()
