"""Weighted mixture of sources as a pure function of the step, so that resuming needs no sampler state."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nextgpt.errors import DataError


class Mixture:
    """rows(step) -> batch_size rows. Over many steps each source has its weight's share; within a source every
    row comes once an epoch, in an order drawn anew each epoch from (seed, source, epoch)."""

    def __init__(
        self, sources: Mapping[str, Sequence[Any]], weights: Mapping[str, float], batch_size: int, seed: int
    ) -> None:
        empty = [name for name in weights if not sources.get(name)]
        if empty:
            raise DataError(
                f"The mixture names sources without rows: {', '.join(empty)}; build the data first."
            )
        self.sources = sources
        total = sum(weights.values())
        self.weights = {name: weight / total for name, weight in weights.items()}
        self.batch_size, self.seed = batch_size, seed
        self._schedule: list[tuple[str, int]] = []
        self._drawn = dict.fromkeys(self.weights, 0)
        self._orders: dict[tuple[str, int], np.ndarray] = {}

    def rows(self, step: int) -> list[Any]:
        first = step * self.batch_size
        self._extend(first + self.batch_size)
        return [self._row(*entry) for entry in self._schedule[first : first + self.batch_size]]

    def _extend(self, length: int) -> None:
        """Give each next row to the source that lags its share most (smooth weighted round robin)."""
        while len(self._schedule) < length:
            done = len(self._schedule) + 1
            name = max(self.weights, key=lambda n: self.weights[n] * done - self._drawn[n])
            self._schedule.append((name, self._drawn[name]))
            self._drawn[name] += 1

    def _row(self, name: str, draw: int) -> Any:
        rows = self.sources[name]
        epoch, place = divmod(draw, len(rows))
        if (name, epoch) not in self._orders:
            source = sorted(self.sources).index(name)
            self._orders = {key: order for key, order in self._orders.items() if key[0] != name}
            self._orders[name, epoch] = np.random.default_rng([self.seed, source, epoch]).permutation(
                len(rows)
            )
        return rows[self._orders[name, epoch][place]]


class LengthGrouped:
    """The rows of `pool` steps at once, sorted by length and cut into steps again, so that little is padded.

    The order of the steps within a pool is drawn by (seed, pool). Still a pure function of the step.
    """

    def __init__(self, mixture: Mixture, length: Callable[[Any], int], pool: int = 8) -> None:
        self.mixture, self.length, self.pool = mixture, length, pool

    def rows(self, step: int) -> list[Any]:
        number, place = divmod(step, self.pool)
        steps = range(number * self.pool, (number + 1) * self.pool)
        rows = sorted((row for one in steps for row in self.mixture.rows(one)), key=self.length)
        order = np.random.default_rng([self.mixture.seed, number]).permutation(self.pool)
        size = self.mixture.batch_size
        return rows[order[place] * size : (order[place] + 1) * size]
