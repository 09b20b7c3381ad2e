"""Running sums by name: the mean of any number of items in the memory of their names."""

from collections.abc import Mapping


class Tally:
    """add(name, value) as items come; names keep the order in which they first came."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, name: str, value: float, count: int = 1) -> None:
        """A value, or the sum of `count` values."""
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + count

    def mean(self, name: str, scale: float = 1.0) -> float:
        """scale x the mean; 0 where nothing was added, as the official scripts have it."""
        count = self.counts.get(name, 0)
        return scale * self.sums[name] / count if count else 0.0

    def means(self, prefix: str = "", scale: float = 1.0) -> Mapping[str, float]:
        """Every name that starts with the prefix -> scale x its mean."""
        return {name: self.mean(name, scale) for name in self.sums if name.startswith(prefix)}
