"""Metrics in the space of a CLIP: CLIPScore, CLIPSIM of clips, directional similarity of edits.

CLIPScore: mean of 100 x max(cos(image, caption), 0); its authors' 2.5 x max(cos, 0) stands in the breakdown (Hessel et
al., arXiv 2104.08718; they also begin every caption with "A photo depicts", which is left to who writes the captions).
torchmetrics has the same factor but clips the mean at 0, and not each item.
CLIPSIM: mean over frames of cos(frame, caption), then over clips (Wu et al., arXiv 2104.14806).
Directional similarity: cos(image after - image before, caption after - caption before) (Gal et al., arXiv 2108.00946;
InstructPix2Pix). Embeddings are normalised before differences are taken, as in InstructPix2Pix's metrics.
"""

from collections.abc import Iterable

import numpy as np

from nextgpt.errors import DataError
from nextgpt.evaluation.scores import Scores

AUTHORS_WEIGHT = 2.5


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., D) float64 of length one; a zero vector stays zero."""
    rows = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(norms, norms, 1.0)


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (unit(first) * unit(second)).sum(-1)


def clip_score(pairs: Iterable[tuple[str, np.ndarray, np.ndarray]], clip: str) -> Scores:
    """pairs: (id, image embedding (D,), caption embedding (D,)) as they come."""
    per_item = {id: 100 * max(0.0, float(cosine(image, text))) for id, image, text in pairs}
    value = _mean(per_item, "CLIPScore")
    return Scores(
        f"CLIPScore ({clip})", value, len(per_item), {"w = 2.5": AUTHORS_WEIGHT * value / 100}, per_item
    )


def clip_similarity(clips: Iterable[tuple[str, np.ndarray, np.ndarray]], clip: str) -> Scores:
    """clips: (id, frame embeddings (F, D), caption embedding (D,)). In -1..1."""
    per_item = {id: float(cosine(frames, text[None]).mean()) for id, frames, text in clips}
    return Scores(f"CLIPSIM ({clip})", _mean(per_item, "CLIPSIM"), len(per_item), {}, per_item)


def directional_similarity(edits: Iterable[tuple[str, np.ndarray, np.ndarray]], clip: str) -> Scores:
    """edits: (id, image embeddings (2, D) before and after, caption embeddings (2, D)). In -1..1.

    The breakdown has cos(before, after), which falls as more is changed, and cos(after, its caption).
    """
    per_item, kept, fits = {}, {}, {}
    for id, images, texts in edits:
        images, texts = unit(images), unit(texts)
        per_item[id] = float(cosine(images[1] - images[0], texts[1] - texts[0]))
        kept[id], fits[id] = float(images[0] @ images[1]), float(images[1] @ texts[1])
    name = "CLIP directional similarity"
    value = _mean(per_item, name)
    breakdown = {"image similarity": _mean(kept, name), "caption similarity": _mean(fits, name)}
    return Scores(f"{name} ({clip})", value, len(per_item), breakdown, per_item)


def _mean(values: dict[str, float], name: str) -> float:
    if not values:
        raise DataError(f"{name} needs at least one item with its caption.")
    return sum(values.values()) / len(values)
