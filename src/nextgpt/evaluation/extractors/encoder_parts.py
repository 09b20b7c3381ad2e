"""The encoders that come with nano, as extractors: EfficientNet-Lite for pictures and clips, YAMNet for sounds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nextgpt.config import EfficientNetLiteConfig, EncoderConfig, YamnetConfig
from nextgpt.errors import ConfigError
from nextgpt.evaluation.extractors.base import Extracted

# part -> (name in a metric's name, its config, what it takes). The grids are those of the networks, so that the mean
# over places is what their classifiers read.
PARTS_OF: dict[str, tuple[str, EncoderConfig, tuple[str, ...]]] = {
    "efficientnet-lite2": ("EffNetLite2", EfficientNetLiteConfig(grid=9), ("image", "video")),
    "efficientnet-lite0": (
        "EffNetLite0",
        EfficientNetLiteConfig("efficientnet-lite0", width=1.0, depth=1.0, image_size=224, grid=7),
        ("image", "video"),
    ),
    "yamnet": ("YAMNet", YamnetConfig(), ("audio",)),
}
FRAMES = 16  # of a clip, evenly spread
YAMNET_FEATURES = 1024  # behind these stands our pooled log-mel, which is not YAMNet's


class EncoderExtractor:
    """An item's vector is the mean over its places: of the grid, of the frames, of the windows that hold sound."""

    def __init__(self, name: str, encoder: Any, version: str, width: int) -> None:
        self.name, self.version, self.width = name, version, width
        self.encoder = encoder
        self.score_kind = "sigmoid" if encoder.config.type == "yamnet" else "softmax"

    def __call__(self, media: Sequence[Any]) -> Extracted:
        import torch

        inputs = self.encoder.collate([self.encoder.preprocess(medium) for medium in media])
        with torch.inference_mode():
            output = self.encoder(**inputs)
        weights = output.mask_BN[..., None].float()
        features = (output.features_BNE[..., : self.width].float() * weights).sum(1) / weights.sum(1)
        return Extracted(features.numpy(), output.scores_BP.float().numpy())


def load_encoder_part(part: str, modality: str) -> EncoderExtractor:
    """Raises ConfigError where the part takes other media, PartError where it cannot be fetched."""
    from nextgpt.nn.encoders import load_encoder
    from nextgpt.parts import fetch_part, get_part

    name, config, takes = PARTS_OF[part]
    if modality not in takes:
        raise ConfigError(f"The extractor {part} takes {' and '.join(takes)}, not {modality}.")
    if isinstance(config, EfficientNetLiteConfig) and modality == "video":
        config = replace(config, num_frames=FRAMES)
    width = config.feature_dim if isinstance(config, EfficientNetLiteConfig) else YAMNET_FEATURES
    encoder = load_encoder(config, fetch_part(part))
    return EncoderExtractor(name, encoder, get_part(part).sha256[0], width)
