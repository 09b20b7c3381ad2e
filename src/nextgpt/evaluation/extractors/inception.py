"""The Inception v3 that FID, KID and IS are defined by, through torch-fidelity, and only with its own weights."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nextgpt.evaluation.extractors.base import Extracted, NotAvailableError

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # torch-fidelity's conversion of TensorFlow's file
SIZE = 299


class Inception:
    """features (B, 2048) and class scores (B, 1008). Resized inside, as TensorFlow does it."""

    name, score_kind = "Inception", "softmax"

    def __init__(self, network: Any) -> None:
        self.network = network
        self.version = f"torch-fidelity inception-v3-compat, {WEIGHTS}"

    def __call__(self, media: Sequence[Any]) -> Extracted:
        """Pictures of any size go in one by one: the network resizes, so they cannot share a batch."""
        parts = [self._one(medium.array()) for medium in media]
        return Extracted(*(np.concatenate(values) for values in zip(*parts)))

    def _one(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import torch

        with torch.inference_mode():
            features, logits = self.network(torch.from_numpy(array).permute(2, 0, 1)[None].contiguous())
        return features.float().numpy(), logits.float().softmax(-1).numpy()


def load_inception() -> Inception:
    """Raises NotAvailableError that says what is missing; nothing else may be called FID, KID or IS."""
    if not find_spec("torch_fidelity"):
        raise NotAvailableError(
            "not available: FID, KID and IS need torch-fidelity, which needs torchvision: "
            "pip install 'nextgpt[metrics]'. Other features work without: --features efficientnet-lite2."
        )
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        raise NotAvailableError(
            f"not available: FID, KID and IS need the file {WEIGHTS} in {path.parent} (95 MB, from the releases of "
            "github.com/toshas/torch-fidelity)."
        )
    network = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits"], feature_extractor_weights_path=str(path)
    )
    return Inception(network.eval())
