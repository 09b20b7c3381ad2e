"""What a metric says: one value in the benchmark's own unit, its official breakdown, and each item's share of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scores:
    """`value` is None where the metric could not be computed; `unavailable` then says what is missing and how to
    get it. `per_item`: item id -> what it adds (for intervals and paired tests); empty where a metric is not a
    mean over items. `notes`: quirks of the official rule that changed this figure."""

    metric: str
    value: float | None
    n: int
    breakdown: Mapping[str, float] = field(default_factory=dict)
    per_item: Mapping[str, float] = field(default_factory=dict)
    unavailable: str = ""
    notes: tuple[str, ...] = ()
