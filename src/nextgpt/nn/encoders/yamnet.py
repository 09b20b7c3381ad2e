"""YAMNet: sound events of AudioSet from mono sound at 16 kHz.

Architecture: MobileNet v1 on log-mel patches, as in tensorflow/models, research/audioset/yamnet. Batch norms are
folded into the convolutions when the part is converted. The pooled log-mel of a window stands beside its 1024
features, because pitch and onsets are blurred by training for event classes.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nextgpt.config import YamnetConfig
from nextgpt.nn.outputs import EncoderOutput

RATE = 16_000
FRAME, HOP, WINDOW, WINDOW_HOP = 400, 160, 96, 48  # samples, samples, frames, frames
STRIDES_CHANNELS = [
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
]  # fmt: skip


def mel_matrix(bins: int = 257, mels: int = 64, low: float = 125.0, high: float = 7500.0) -> Tensor:
    """(bins, mels) triangular filters on the HTK mel scale, the zero-frequency bin left out."""

    def to_mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(hertz / 700.0)

    edges = np.linspace(to_mel(low), to_mel(high), mels + 2)
    points = to_mel(np.linspace(0, RATE / 2, bins))[:, None]
    rise = (points - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - points) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rise, fall))
    filters[0] = 0.0
    return torch.tensor(filters, dtype=torch.float32)


def samples_for(windows: int) -> int:
    """Samples that exactly fill this many windows."""
    return (WINDOW_HOP * (windows - 1) + WINDOW - 1) * HOP + FRAME


class SameConv2d(nn.Conv2d):
    """3 x 3 with TensorFlow's SAME padding; every size here is even or stride 1, so the pads are constants."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size in (x.shape[-1], x.shape[-2]):
            total = max((-(-size // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


class Yamnet(nn.Module):
    """samples (B, S) float32, num_windows (B,) -> features (B, N, E), mask (B, N), scores (B, 521) in 0..1."""

    mel: Tensor

    def __init__(self, config: YamnetConfig) -> None:
        super().__init__()
        self.config = config
        self.class_names: list[list[str]] = []
        layers: list[nn.Module] = [SameConv2d(1, 32, 3, 2)]
        channels = 32
        for stride, out in STRIDES_CHANNELS:
            layers += [
                SameConv2d(channels, channels, 3, stride, groups=channels),
                nn.Conv2d(channels, out, 1),
            ]
            channels = out
        self.layers = nn.ModuleList(layers)
        self.classifier = nn.Linear(1024, config.num_scores)
        self.register_buffer("mel", mel_matrix(), persistent=False)

    def preprocess(self, media: Any) -> dict[str, Tensor]:
        """An Audio -> {"samples": (S,)} mono at 16 kHz, its first max_seconds, zeros up to whole windows."""
        samples = torch.from_numpy(np.ascontiguousarray(media.samples(RATE), dtype=np.float32))
        samples = samples[: samples_for(self.config.num_positions)]
        windows = 1
        while samples_for(windows) < len(samples):
            windows += 1
        windows = min(windows, self.config.num_positions)
        return {"samples": F.pad(samples, (0, max(0, samples_for(windows) - len(samples))))}

    @staticmethod
    def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        longest = max(len(item["samples"]) for item in items)
        windows = [(len(item["samples"]) - FRAME) // HOP // WINDOW_HOP for item in items]
        samples = torch.stack([F.pad(i["samples"], (0, longest - len(i["samples"]))) for i in items])
        return {"samples": samples, "num_windows": torch.tensor(windows)}

    def patches(self, samples_BS: Tensor) -> Tensor:
        """Log-mel patches (B, N, 96, 64)."""
        window = torch.hann_window(FRAME, device=samples_BS.device)
        frames = samples_BS.float().unfold(-1, FRAME, HOP) * window
        log_mel = torch.log(torch.fft.rfft(frames, 512).abs() @ self.mel.float() + 1e-3)
        return log_mel.unfold(1, WINDOW, WINDOW_HOP).transpose(2, 3)

    def forward(self, samples: Tensor, num_windows: Tensor) -> EncoderOutput:
        patches = self.patches(samples)
        batch = patches.shape[0]
        dtype = self.classifier.weight.dtype
        x = rearrange(patches, "b n t m -> (b n) 1 t m").to(dtype)
        for layer in self.layers:
            x = F.relu(layer(x))
        pooled = x.mean((2, 3))
        scores = torch.sigmoid(self.classifier(pooled).float())
        mel = F.adaptive_avg_pool2d(patches, (self.config.mel_steps, 64)).flatten(2)
        features = torch.cat([rearrange(pooled, "(b n) e -> b n e", b=batch), mel.to(dtype)], -1)
        mask = torch.arange(features.shape[1], device=features.device) < num_windows[:, None]
        scores = rearrange(scores, "(b n) p -> b n p", b=batch) * mask[..., None]
        return EncoderOutput(features, mask, scores.sum(1) / mask.sum(1, keepdim=True))
