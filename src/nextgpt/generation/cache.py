"""Keys and values of every layer in buffers that grow: appending a step copies that step only."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor

GRANULE = 128  # positions by which a buffer grows at least


class KeyValueCache:
    """L layers of keys and values (B, H, capacity, d), filled up to `length` columns."""

    def __init__(self, num_layers: int, num_heads: int, head_dim: int, like: Tensor) -> None:
        """like: a tensor of the dtype and device that the cache has."""
        self.length = 0
        self.keys = [like.new_empty(0, num_heads, 0, head_dim) for _ in range(num_layers)]
        self.values = list(self.keys)

    @property
    def batch_size(self) -> int:
        return self.keys[0].shape[0]

    @property
    def capacity(self) -> int:
        return self.keys[0].shape[2]

    def reserve(self, batch_size: int, length: int) -> None:
        """Make room for `length` columns of `batch_size` rows."""
        if self.capacity >= length and self.batch_size == batch_size:
            return
        assert self.length == 0 or self.batch_size == batch_size, "a filled cache keeps its rows"
        size = -(-max(length, self.capacity * 3 // 2) // GRANULE) * GRANULE
        self.keys = [self._grown(old, batch_size, size) for old in self.keys]
        self.values = [self._grown(old, batch_size, size) for old in self.values]

    def _grown(self, old: Tensor, batch_size: int, size: int) -> Tensor:
        new = old.new_empty(batch_size, old.shape[1], size, old.shape[3])
        if self.length:
            new[:, :, : self.length] = old[:, :, : self.length]
        return new

    def append(self, layer: int, keys_BHTd: Tensor, values_BHTd: Tensor) -> tuple[Tensor, Tensor]:
        """Write behind `length`; returns the layer's keys and values with the new columns."""
        end = self.length + keys_BHTd.shape[2]
        keys, values = self.keys[layer], self.values[layer]
        keys[:, :, self.length : end] = keys_BHTd
        values[:, :, self.length : end] = values_BHTd
        return keys[:, :, :end], values[:, :, :end]

    def crop(self, length: int) -> None:
        """Forget the columns from `length` on."""
        assert length <= self.length
        self.length = length

    def rows(self, indices: Sequence[int]) -> KeyValueCache:
        """A new cache of these rows, in this order; a row may be named more than once."""
        new = copy(self)
        index = torch.as_tensor(list(indices), device=self.keys[0].device)
        new.keys = [old[:, :, : self.length].index_select(0, index) for old in self.keys]
        new.values = [old[:, :, : self.length].index_select(0, index) for old in self.values]
        return new
