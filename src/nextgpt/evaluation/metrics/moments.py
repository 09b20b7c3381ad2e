"""Mean and covariance of a stream of feature vectors, in float64 and in the memory of one covariance."""

import numpy as np

from nextgpt.errors import DataError


class Moments:
    """add(batch) as batches (B, E) come, in any sizes.

    Batches are joined by their means and centred sums of products (Chan, Golub and LeVeque 1979), which keeps digits
    that sums of raw products lose where the mean is large.
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean = np.zeros(0)
        self.products = np.zeros((0, 0))

    def add(self, batch: np.ndarray) -> None:
        """Raises DataError where the width changes or a value is not finite."""
        rows = np.asarray(batch, dtype=np.float64)
        if rows.ndim != 2 or (self.n and rows.shape[1] != len(self.mean)):
            raise DataError(f"Features must come as (B, {len(self.mean) or 'E'}); these are {rows.shape}.")
        if not np.isfinite(rows).all():
            raise DataError("The extractor gave features that are not finite numbers.")
        if not len(rows):
            return
        if not self.n:
            self.mean, self.products = np.zeros(rows.shape[1]), np.zeros((rows.shape[1],) * 2)
        mean = rows.mean(0)
        centred, apart, total = rows - mean, mean - self.mean, self.n + len(rows)
        self.products += centred.T @ centred
        self.products += np.outer(apart, apart * (self.n * len(rows) / total))
        self.mean += apart * (len(rows) / total)
        self.n = total

    @property
    def covariance(self) -> np.ndarray:
        """(E, E), unbiased (divided by n - 1). Raises DataError for fewer than two vectors."""
        if self.n < 2:
            raise DataError(f"A covariance needs at least two items; there are {self.n}.")
        return self.products / (self.n - 1)
