"""An extractor that is anybody's Python: `package.module:name`, a function without arguments.

It gives an Extractor, or a torch module that takes uint8 images (B, 3, H, W) to features (B, E), as torchmetrics'
FrechetInceptionDistance takes one; then the media are pictures, resized to a square.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from nextgpt.errors import ConfigError
from nextgpt.evaluation.extractors.base import Extracted, Extractor


class ImageModule:
    """A torch module on uint8 images. Without class scores, unless the module has `class_scores(features)`."""

    def __init__(self, module: Any, name: str, size: int) -> None:
        self.module, self.name, self.size = module.eval(), name, size
        self.version = f"{type(module).__module__}.{type(module).__qualname__}, {size} x {size} bicubic"
        self.score_kind = "softmax" if hasattr(module, "class_scores") else ""

    def __call__(self, media: Sequence[Any]) -> Extracted:
        return self.pixels(np.stack([self.resized(medium.array()) for medium in media]))

    def pixels(self, images_BHWC: np.ndarray) -> Extracted:
        """Of uint8 (B, H, W, 3)."""
        import torch

        with torch.inference_mode():
            features = self.module(torch.from_numpy(images_BHWC).permute(0, 3, 1, 2).contiguous())
            scores = self.module.class_scores(features).numpy() if self.score_kind else None
        return Extracted(features.float().numpy(), scores)

    def resized(self, array: np.ndarray) -> np.ndarray:
        from PIL import Image

        square = (self.size, self.size)
        return np.asarray(Image.fromarray(array).resize(square, Image.Resampling.BICUBIC))


def load_module(address: str, modality: str, size: int) -> Extractor:
    """Raises ConfigError where the address names nothing, or a bare module is to see sounds or clips."""
    module_name, _, attribute = address.partition(":")
    try:
        made = getattr(import_module(module_name), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(f"The extractor {address!r} cannot be made: {error}.") from error
    if hasattr(made, "score_kind"):
        return made
    if not hasattr(made, "eval") or not callable(made):
        raise ConfigError(
            f"{address!r} gives a {type(made).__name__}, neither an Extractor nor a torch module."
        )
    if modality != "image":
        raise ConfigError(
            f"{address!r} gives a torch module on images; for {modality} it must give an Extractor."
        )
    return ImageModule(made, attribute, size)
