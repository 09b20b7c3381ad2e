"""Frechet distance between two sets of features: FID, FVD and FAD are this with features of their own.

    d = |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2))        (Heusel et al., arXiv 1706.08500)

Named by its extractor: FD-EffNetLite2, FD-YAMNet. Only with the Inception weights that FID means is it FID.
"""

import numpy as np

from nextgpt.evaluation.metrics.moments import Moments
from nextgpt.evaluation.scores import Scores

FEW = (
    "{n} items for {width} features: the covariance has no full rank and the distance is biased upwards; compare only "
    "sets of the same size."
)


def trace_of_root(first: np.ndarray, second: np.ndarray) -> float:
    """tr((S1 S2)^(1/2)) of two covariances, by S1's symmetric root, where all stays real."""
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = root @ second @ root
    return float(np.sqrt(np.clip(np.linalg.eigvalsh((inner + inner.T) / 2), 0, None)).sum())


def frechet_distance(real: Moments, made: Moments) -> float:
    """In the square of the features' unit; 0 for equal moments. DataError where a set has fewer than two items."""
    apart = real.mean - made.mean
    first, second = real.covariance, made.covariance
    distance = apart @ apart + np.trace(first) + np.trace(second) - 2 * trace_of_root(first, second)
    return max(0.0, float(distance))


def score_frechet(real: Moments, made: Moments, extractor: str) -> Scores:
    """n is the number of made items."""
    width, n = len(real.mean), min(real.n, made.n)
    notes = (FEW.format(n=n, width=width),) if n <= width else ()
    return Scores(
        f"FD-{extractor}", frechet_distance(real, made), made.n, {"n_real": float(real.n)}, notes=notes
    )
