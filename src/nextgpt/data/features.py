"""Fill a FeatureCache with an encoder's outputs. Resumable: only items that are not cached are encoded."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from nextgpt.config import EncoderConfig, to_dict
from nextgpt.data.feature_cache import FeatureCache, content_key

PORT_VERSION = 1  # raise when an encoder's port changes its numbers


def encoder_cache(root: Path, config: EncoderConfig, part_sha256: str) -> FeatureCache:
    """The cache of that encoder's features; another part, preprocessing or port version has another folder."""
    key = content_key(to_dict(config), part_sha256, PORT_VERSION, "float16")
    return FeatureCache(root / "features" / f"{config.part}-{key}")


def compute_features(
    encoder: nn.Module,
    cache: FeatureCache,
    todo: Sequence[tuple[str, Any]],
    load: Callable[[Any], Any],
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    batch_size: int = 16,
) -> None:
    """todo: (key, item) pairs; load(item) -> a media value. Writes features (N, E) fp16, count, scores (P), which an
    encoder without classes has not."""
    config: Any = encoder.config
    missing = [(key, item) for key, item in todo if key not in cache]
    chunks = [missing[i : i + batch_size] for i in range(0, len(missing), batch_size)]
    for chunk in track(chunks):
        inputs = encoder.collate([encoder.preprocess(load(item)) for _, item in chunk])  # type: ignore[operator]
        with torch.inference_mode():
            output = encoder(**inputs)
        _keep(cache, [key for key, _ in chunk], output, config.num_positions)
    cache.flush()


def _keep(cache: FeatureCache, keys: Sequence[str], output: Any, num_positions: int) -> None:
    features = F.pad(output.features_BNE, (0, 0, 0, num_positions - output.features_BNE.shape[1])).half()
    counts = output.mask_BN.sum(1, keepdim=True).to(torch.int32)
    for row, key in enumerate(keys):
        values = {"features": features[row], "count": counts[row]}
        if output.scores_BP is not None:
            values["scores"] = output.scores_BP[row].half()
        cache.add(key, values)
