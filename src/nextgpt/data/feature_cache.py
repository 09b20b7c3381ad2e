"""Frozen things are computed once: a folder of shards, each a safetensors file that is memory-mapped to read.

A cache's name is a hash of all that its values depend on (part sha256, preprocessing, port version, dtype); an
item's key is the hash of the item itself. A shard appears whole or not at all, so an interrupted run loses
at most one. Readers open shards lazily; a row is one slice of the mapped file.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextgpt.errors import DataError

SHARD_ROWS = 256


def content_key(*values: Any) -> str:
    """A short hash of JSON-able values: the name of a cache or the key of an item."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class FeatureCache:
    """Rows of named tensors by item key. All rows of a name have one shape but for padding done by the caller."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._where: dict[str, tuple[str, int]] = {}
        self._open: dict[str, Any] = {}
        self._pending: dict[str, dict[str, Tensor]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the indices of shards that have appeared since."""
        for path in sorted(self.folder.glob("*.json")):
            shard = path.stem
            if shard not in self._open:
                for row, key in enumerate(json.loads(path.read_text())):
                    self._where[key] = (shard, row)
                self._open[shard] = None

    def __contains__(self, key: str) -> bool:
        return key in self._where or key in self._pending

    def __len__(self) -> int:
        return len(self._where) + len(self._pending)

    def add(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep one row; written when a shard is full or on `flush`."""
        self._pending[key] = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
        if len(self._pending) >= SHARD_ROWS:
            self.flush()

    def flush(self) -> None:
        from safetensors.torch import save_file

        if not self._pending:
            return
        keys = list(self._pending)
        rows = list(self._pending.values())
        shard = content_key(keys)
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        partial = self.folder / f"{shard}.{os.getpid()}.tmp"
        save_file(tensors, partial)
        os.replace(partial, self.folder / f"{shard}.safetensors")
        partial.write_text(json.dumps(keys))
        os.replace(partial, self.folder / f"{shard}.json")
        self._pending = {}
        self.refresh()

    def get(self, keys: Iterable[str]) -> dict[str, Tensor]:
        """Stacked rows. Raises DataError for a key that isn't cached."""
        rows = [self._row(key) for key in keys]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def _row(self, key: str) -> dict[str, Tensor]:
        if key in self._pending:
            return self._pending[key]
        if key not in self._where:
            self.refresh()  # another process may still be encoding
        if key not in self._where:
            raise DataError(
                f"Item {key} is not in the cache {self.folder}; run `nextgpt data features` again."
            )
        shard, row = self._where[key]
        file = self._file(shard)
        return {name: file.get_slice(name)[row] for name in file.keys()}  # noqa: SIM118

    def _file(self, shard: str) -> Any:
        from safetensors import safe_open

        if self._open[shard] is None:
            with suppress(OSError):  # `clean` goes by this time; a cache that may only be read is as good
                os.utime(self.folder)
            self._open[shard] = safe_open(self.folder / f"{shard}.safetensors", "pt").__enter__()
        return self._open[shard]


def caches(root: Path) -> list[tuple[str, int, int]]:
    """(name, rows, bytes) of every cache below root, for inspection."""
    found = []
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        rows = sum(len(json.loads(path.read_text())) for path in folder.glob("*.json"))
        found.append((folder.name, rows, sum(path.stat().st_size for path in folder.iterdir())))
    return found


def clean(root: Path, limit_bytes: int) -> int:
    """Delete the caches used longest ago until all together are at most limit_bytes. Returns bytes freed."""
    folders = sorted((path for path in root.glob("*") if path.is_dir()), key=lambda p: p.stat().st_mtime)
    sizes = {folder: sum(path.stat().st_size for path in folder.iterdir()) for folder in folders}
    freed = 0
    for folder in folders:
        if sum(sizes.values()) - freed <= limit_bytes:
            break
        shutil.rmtree(folder)
        freed += sizes[folder]
    return freed
