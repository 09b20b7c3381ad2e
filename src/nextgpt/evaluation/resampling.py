"""How sure a figure is, and whether two differ: the bootstrap (Efron 1979), McNemar's exact test, random signs.

All draw from a seeded generator; the same items give the same numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES, SIGN_FLIPS = 1000, 10_000
MANY = 10_000  # items; beyond, fewer signs
LEVEL = 0.95
CLOSE = 1e-6


def bootstrap_means(values: np.ndarray, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples,) means of as many items, drawn with replacement."""
    rng = np.random.default_rng(seed)
    return np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)])


def bounds(draws: np.ndarray) -> tuple[float, float]:
    """The middle 95 %."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def interval(
    value: float, per_item: Mapping[str, float], groups: Mapping[str, str], seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of a mean over items, or of a mean over the means of groups, whichever `value` is.

    None where it is neither (BLEU, Frechet distances), since resampling items would say nothing of it, and where all
    items have one value, since the bootstrap would then claim to be sure.
    """
    if len(set(per_item.values())) < 2:
        return None
    values = np.array(list(per_item.values()), np.float64)
    if abs(values.mean() - value) <= CLOSE * max(1.0, abs(value)):
        return bounds(bootstrap_means(values, seed))
    strata: dict[str, list[float]] = {}
    for name, one in per_item.items():
        strata.setdefault(groups.get(name, ""), []).append(one)
    means = [np.mean(one) for one in strata.values()]
    if abs(np.mean(means) - value) > CLOSE * max(1.0, abs(value)):
        return None
    draws = [bootstrap_means(np.array(one), seed + n) for n, one in enumerate(strata.values())]
    return bounds(np.mean(draws, axis=0))


@dataclass(frozen=True)
class Difference:
    """second - first over the same n items; its interval; p by `test` under "there is no difference"."""

    first: float
    second: float
    n: int
    low: float
    high: float
    p: float
    test: str

    @property
    def value(self) -> float:
        return self.second - self.first


def compare_paired(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Difference:
    """Items in the same order. Where each is right or wrong, McNemar's exact test; else random signs."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    low, high = bounds(bootstrap_means(b - a, seed))
    marks = np.unique(np.concatenate([a, b]))
    if len(marks) <= 2 and marks.min() == 0:
        p, test = mcnemar(int((b > a).sum()), int((b < a).sum())), "McNemar, exact"
    else:
        draws = SIGN_FLIPS if len(a) <= MANY else SIGN_FLIPS // 10
        p, test = sign_flips(b - a, seed, draws), f"{draws:,} random signs"
    return Difference(float(a.mean()), float(b.mean()), len(a), low, high, p, test)


def mcnemar(won: int, lost: int) -> float:
    """Two-sided binomial probability of a split as uneven (McNemar 1947, Psychometrika 12)."""
    n, few = won + lost, min(won, lost)
    k = np.arange(1, few + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(n - k + 1) - np.log(k))]) - n * np.log(2)  # of each term
    return float(min(1.0, 2 * np.exp(logs).sum()))


def sign_flips(differences: np.ndarray, seed: int, draws: int = SIGN_FLIPS) -> float:
    """Share of random signs whose mean is as far from 0 (Fisher's randomisation test), the observed one included."""
    moved = differences[differences != 0]
    observed = abs(moved.sum()) - 1e-9
    rng = np.random.default_rng(seed)
    far = sum(abs((rng.integers(0, 2, len(moved)) * 2 - 1) @ moved) >= observed for _ in range(draws))
    return float((far + 1) / (draws + 1))
