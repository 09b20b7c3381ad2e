"""Kernel distance between two sets of features, as KID computes it, and CMMD with its own kernel.

Kernel distance: unbiased squared MMD with k(x, y) = (x.y / E + 1)^3, mean over random subsets of one size (Binkowski
et al., arXiv 1801.01401). Named by its extractor, KD-EffNetLite2; only with Inception's features is it KID.
CMMD: 1000 x squared MMD with k(x, y) = exp(-|x - y|^2 / (2 x 10^2)) on unit CLIP embeddings, all pairs, with the
diagonal (Jayasumana et al., arXiv 2401.09603; google-research/cmmd, distance.py).
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.spool import Spool
from nextgpt.evaluation.scores import Scores

SUBSETS, SUBSET_SIZE = 100, 1000
SIGMA, SCALE = 10.0, 1000.0

Draw = tuple[np.ndarray, np.ndarray]  # numbers of real items, of made items


def polynomial_mmd(real: np.ndarray, made: np.ndarray) -> float:
    """Unbiased squared MMD of two sets (M, E) and (N, E), cubic kernel."""
    pairs = ((real, real), (made, made), (real, made))
    return unbiased_mmd(*(polynomial_kernel(a, b) for a, b in pairs))


def polynomial_kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(M, E) and (N, E) -> (M, N)."""
    return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)


def unbiased_mmd(inner: np.ndarray, outer: np.ndarray, across: np.ndarray) -> float:
    """From the kernels within each set, their diagonals left out, and between them."""
    within = sum(
        (float(kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)))
        for kernel in (inner, outer)
    )
    return within - 2 * float(across.mean())


def draws(n_real: int, n_made: int, subsets: int, size: int, seed: int) -> Iterator[Draw]:
    """Random subsets without repetition within one."""
    rng = np.random.default_rng(seed)
    for _ in range(subsets):
        yield rng.choice(n_real, size, replace=False), rng.choice(n_made, size, replace=False)


def kernel_distance(real: Spool, made: Spool, subsets: Iterable[Draw]) -> tuple[float, float]:
    """(mean, standard deviation) over the subsets."""
    values = [polynomial_mmd(real.rows(ours), made.rows(theirs)) for ours, theirs in subsets]
    return float(np.mean(values)), float(np.std(values))


def score_kernel(
    real: Spool, made: Spool, extractor: str, subsets: int = SUBSETS, size: int = SUBSET_SIZE, seed: int = 0
) -> Scores:
    """The breakdown has the deviation over subsets. DataError with fewer than two items in a set."""
    smallest = min(real.n, made.n)
    if smallest < 2:
        raise DataError(f"A kernel distance needs at least two items in each set; there are {smallest}.")
    notes = () if smallest >= size else (f"Subsets of {smallest} items, not of {size}: there are no more.",)
    size = min(size, smallest)
    mean, deviation = kernel_distance(real, made, draws(real.n, made.n, subsets, size, seed))
    breakdown = {"std": deviation, "subsets": float(subsets), "subset_size": float(size), "seed": float(seed)}
    return Scores(f"KD-{extractor}", mean, made.n, breakdown, notes=notes)


def mean_kernel(first: Spool, second: Spool, kernel: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> float:
    """Mean of kernel(x, y) over all pairs, block by block."""
    total = sum(float(kernel(a, b).sum()) for a in first.blocks() for b in second.blocks())
    return total / (first.n * second.n)


def gaussian(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.exp(-squares / (2 * SIGMA**2))


def score_cmmd(real: Spool, made: Spool, clip: str) -> Scores:
    """Of unit embeddings. clip: the name of the CLIP that made them, which belongs to the metric's name."""
    if not real.n or not made.n:
        raise DataError("CMMD needs items in both sets.")
    within = mean_kernel(real, real, gaussian) + mean_kernel(made, made, gaussian)
    value = SCALE * (within - 2 * mean_kernel(real, made, gaussian))
    return Scores(f"CMMD ({clip})", value, made.n, {"n_real": float(real.n)})
