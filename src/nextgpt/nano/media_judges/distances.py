"""How far two sets of features lie apart: the kernel distance and the Frechet distance, in float64.

On EfficientNet-Lite0's features they are called KD-EffNetLite0 and FD-EffNetLite0. They are not KID and FID, which are
defined on Inception's features.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def kernel_distance(first: Rows, second: Rows) -> float:
    """Unbiased squared maximum mean discrepancy of (n, d) and (m, d), over all pairs, no subsets.

    The kernel is KID's, (x.y / d + 1)^3 (Binkowski et al., arXiv 1801.01401). It may be slightly below 0.
    """
    within = (_off_diagonal(first) + _off_diagonal(second)) - 2 * _kernel(first, second).mean()
    return float(within)


def kernel_distance_spread(
    first: Rows, second: Rows, subsets: int = 100, size: int = 1000, seed: int = 0
) -> float:
    """Standard deviation of the kernel distance over random subsets of that size (or half of the rows)."""
    rng = np.random.default_rng(seed)
    size = min(size, len(first) // 2, len(second) // 2)
    if size < 2:
        return float("nan")
    inner, outer, across = _kernel(first, first), _kernel(second, second), _kernel(first, second)
    found = []
    for _ in range(subsets):
        a = rng.choice(len(first), size, replace=False)
        b = rng.choice(len(second), size, replace=False)
        parts = (_mean_off_diagonal(inner[np.ix_(a, a)]), _mean_off_diagonal(outer[np.ix_(b, b)]))
        found.append(sum(parts) - 2 * across[np.ix_(a, b)].mean())
    return float(np.std(found))


def frechet_distance(first: Rows, second: Rows) -> float:
    """Squared Frechet distance of the Gaussians with the rows' means and covariances (Heusel et al., 1706.08500).

    tr((A B)^(1/2)) = sum of the roots of the eigenvalues of A^(1/2) B A^(1/2), which is symmetric.
    """
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0)).sum()
    apart = first.mean(0) - second.mean(0)
    return float(apart @ apart + np.trace(a) + np.trace(b) - 2 * cross)


def _kernel(first: Rows, second: Rows) -> Rows:
    return np.asarray((first @ second.T / first.shape[1] + 1) ** 3)


def _off_diagonal(rows: Rows) -> float:
    return _mean_off_diagonal(_kernel(rows, rows))


def _mean_off_diagonal(kernel: Rows) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
