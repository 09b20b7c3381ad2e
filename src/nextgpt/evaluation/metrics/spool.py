"""Feature vectors on disk: any number of them in bounded memory, read back by their numbers."""

import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from nextgpt.errors import DataError


class Spool:
    """add(batch) writes float32 rows (B, E) to a temporary file that is gone with the object; rows(numbers) reads."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile(prefix="nextgpt-features-")  # noqa: SIM115 (it lives as long as we)
        self.width = self.n = 0

    def add(self, batch: np.ndarray) -> None:
        """Raises DataError where the width changes."""
        rows = np.ascontiguousarray(batch, dtype=np.float32)
        if rows.ndim != 2 or (self.n and rows.shape[1] != self.width):
            raise DataError(f"Features must come as (B, {self.width or 'E'}); these are {rows.shape}.")
        self.width = rows.shape[1]
        self.file.seek(4 * self.width * self.n)
        self.file.write(rows.tobytes())
        self.n += len(rows)

    def rows(self, numbers: Iterable[int]) -> np.ndarray:
        """(len(numbers), E) float64; read one by one and not mapped, so that no page stays in memory."""
        return np.stack([self._read(int(number), 1)[0] for number in numbers]).astype(np.float64)

    def blocks(self, size: int = 1024) -> Iterator[np.ndarray]:
        """All rows, (size, E) float64 at a time."""
        for start in range(0, self.n, size):
            yield self._read(start, min(size, self.n - start)).astype(np.float64)

    def _read(self, start: int, count: int) -> np.ndarray:
        self.file.seek(4 * self.width * start)
        data = self.file.read(4 * self.width * count)
        return np.frombuffer(data, np.float32).reshape(count, self.width)

    def __len__(self) -> int:
        return self.n
