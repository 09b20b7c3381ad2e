"""The values that cross module seams: what an encoder gives and what a decoder takes.

Axis letters: B batch, N feature positions, E encoder width, Q conditioning length, C conditioning width,
P classes (scores) or pooled width. Every value is a frozen dataclass of tensors whose first axis is B, so
moving, picking rows and joining batches are written once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor

Rows = slice | Sequence[int] | Tensor


@dataclass(frozen=True, eq=False)
class TensorRecord:
    """Base of the values below: fields are tensors with the batch first, or None."""

    @property
    def batch_size(self) -> int:
        return next(value for value in self._values().values() if value is not None).shape[0]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move all tensors; only floating-point tensors change their dtype (masks keep theirs)."""

        def move(value: Tensor) -> Tensor:
            return value.to(device=device, dtype=dtype if value.is_floating_point() else None)

        return self._map(move)

    def detach(self) -> Self:
        return self._map(Tensor.detach)

    def index(self, rows: Rows) -> Self:
        """The chosen rows, as a batch again: `value.index([2, 0])`, `value.index(slice(0, 4))`."""
        picked = rows if isinstance(rows, slice | Tensor) else torch.as_tensor(list(rows), dtype=torch.long)
        return self._map(
            lambda value: value[picked.to(value.device) if isinstance(picked, Tensor) else picked]
        )

    def split(self) -> list[Self]:
        """One value of batch size 1 a row; `stack` is the inverse."""
        return [self.index(slice(row, row + 1)) for row in range(self.batch_size)]

    @classmethod
    def stack(cls, items: Sequence[Self]) -> Self:
        """Join batches along B. All must have the same fields and the same shapes behind B."""
        if not items:
            raise ValueError(f"{cls.__name__}.stack needs at least one item, but got none.")
        columns: dict[str, Tensor | None] = {}
        for name in (field.name for field in fields(cls)):
            values = [getattr(item, name) for item in items]
            missing = [value is None for value in values]
            if any(missing) and not all(missing):
                raise ValueError(f"{cls.__name__}.stack: {name} is set in some items and None in others.")
            columns[name] = None if all(missing) else torch.cat(values)
        return cls(**columns)

    def _values(self) -> dict[str, Tensor | None]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _map(self, function: Callable[[Tensor], Tensor]) -> Self:
        changed = {name: function(value) for name, value in self._values().items() if value is not None}
        return replace(self, **changed)


@dataclass(frozen=True, eq=False)
class EncoderOutput(TensorRecord):
    """Features (B, N, E) or None, mask (B, N) bool (True: a real position), class scores (B, P) or None."""

    features_BNE: Tensor | None
    mask_BN: Tensor
    scores_BP: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Conditioning(TensorRecord):
    """What a decoder is conditioned on: sequence (B, Q, C), mask (B, Q) bool, pooled (B, P) or None."""

    sequence_BQC: Tensor
    mask_BQ: Tensor
    pooled_BP: Tensor | None = None

    def check(self, spec: ConditioningSpec, owner: str) -> None:
        """Raise ValueError where the shapes are not those of `spec`; `owner` names the decoder in it."""
        found = (*self.sequence_BQC.shape[1:], None if self.pooled_BP is None else self.pooled_BP.shape[-1])
        wanted = (spec.length, spec.width, spec.pooled_dim)
        if found != wanted:
            raise ValueError(
                f"{owner} takes conditioning of (length, width, pooled) {wanted}, but got {found}: "
                "the output projector was made for another decoder."
            )


@dataclass(frozen=True)
class ConditioningSpec:
    """The shape of a decoder's conditioning: Q = length, C = width, pooled width or None."""

    length: int
    width: int
    pooled_dim: int | None = None

    def empty(self, batch_size: int, device: torch.device | str | None = None) -> Conditioning:
        """Zeros of the right shape with a mask of ones (for shape checks and tests)."""
        pooled = None if self.pooled_dim is None else torch.zeros(batch_size, self.pooled_dim, device=device)
        return Conditioning(
            sequence_BQC=torch.zeros(batch_size, self.length, self.width, device=device),
            mask_BQ=torch.ones(batch_size, self.length, dtype=torch.bool, device=device),
            pooled_BP=pooled,
        )
