"""How far two sets of features lie apart, both in memory: evaluation's kernel and Frechet distances of arrays.

On EfficientNet-Lite0's features they are called KD-EffNetLite0 and FD-EffNetLite0. They are not KID and FID, which are
defined on Inception's features.
"""

import numpy as np
from numpy.typing import NDArray

from nextgpt.evaluation.metrics import frechet
from nextgpt.evaluation.metrics.kernel_distance import draws, polynomial_kernel, unbiased_mmd
from nextgpt.evaluation.metrics.moments import Moments

Rows = NDArray[np.float64]


def kernel_distance(first: Rows, second: Rows) -> float:
    """Over all pairs of (n, d) and (m, d), no subsets. It may be slightly below 0."""
    return unbiased_mmd(*_kernels(first, second))


def kernel_distance_spread(
    first: Rows, second: Rows, subsets: int = 100, size: int = 1000, seed: int = 0
) -> float:
    """Standard deviation of the kernel distance over random subsets of that size (or half of the rows)."""
    size = min(size, len(first) // 2, len(second) // 2)
    if size < 2:
        return float("nan")
    inner, outer, across = _kernels(first, second)  # once: a subset picks its rows and columns
    return float(
        np.std(
            [
                unbiased_mmd(inner[np.ix_(a, a)], outer[np.ix_(b, b)], across[np.ix_(a, b)])
                for a, b in draws(len(first), len(second), subsets, size, seed)
            ]
        )
    )


def frechet_distance(first: Rows, second: Rows) -> float:
    """Of the Gaussians with the rows' means and covariances."""
    return frechet.frechet_distance(_moments(first), _moments(second))


def _kernels(first: Rows, second: Rows) -> tuple[Rows, Rows, Rows]:
    return (
        polynomial_kernel(first, first),
        polynomial_kernel(second, second),
        polynomial_kernel(first, second),
    )


def _moments(rows: Rows) -> Moments:
    found = Moments()
    found.add(rows)
    return found
