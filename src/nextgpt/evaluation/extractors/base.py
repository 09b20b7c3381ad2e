"""What an extractor is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nextgpt.errors import ConfigError


class NotAvailableError(ConfigError):
    """Weights or a package that a named metric needs are not here; the message says what and how to get it."""


@dataclass(frozen=True)
class Extracted:
    """features (B, E) float32, one vector an item; scores (B, P) in 0..1, or None of a network without classes."""

    features: np.ndarray
    scores: np.ndarray | None = None


class Extractor(Protocol):
    """name: what a metric is called by, FD-<name>. version: which weights, for the record. score_kind: softmax or
    sigmoid where there are scores, else ""."""

    name: str
    version: str
    score_kind: str

    def __call__(self, media: Sequence[Any]) -> Extracted: ...
