"""check_modality: is a new modality known everywhere, and its media values? MODALITY_CHECKS is the visible table."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media import Medium
from nextgpt.messages import MEDIA_PARTS, Message, media_part, message_from_dict, message_to_dict
from nextgpt.modalities import MODALITIES, ModalitySpec, modality_of
from nextgpt.testing.conformance.report import Report, must_refuse, need, run_checks

LEVELS = 3  # of 255: what rounding may move a pixel between batches
SHARE = 1e-2  # of the range, for floats


def check_modality(name: str, media: Sequence[Medium]) -> Report:
    """media: two or more values of different content, one of them at least made from an array."""
    if len(media) < 2:
        raise ValueError("check_modality needs two media or more; give more.")
    return run_checks(f"modality {name}", Subject(name, list(media)), MODALITY_CHECKS)


def alike(one: Medium, other: Medium) -> bool:
    """Whether two media are the same up to rounding; where a type has no array, the same bytes."""
    first, second = _values(one), _values(other)
    if first is None or second is None:
        return one.sha256() == other.sha256()
    if first.shape != second.shape:
        return False
    apart = float(np.abs(first.astype(np.float64) - second.astype(np.float64)).max(initial=0.0))
    return apart <= (LEVELS if first.dtype == np.uint8 else SHARE * float(np.ptp(first)))


def _values(medium: Any) -> np.ndarray | None:
    if hasattr(medium, "frames"):
        return medium.frames(medium.num_frames)
    return medium.array() if hasattr(medium, "array") else None


@dataclass
class Subject:
    name: str
    media: list[Medium]

    @property
    def spec(self) -> ModalitySpec:
        return MODALITIES[self.name]


def check_tables(it: Subject) -> None:
    need(it.name in MODALITIES, f"MODALITIES has no row {it.name!r}; add a ModalitySpec.")
    need(
        it.name == it.spec.name and it.name.isidentifier(),
        f"MODALITIES[{it.name!r}] is named {it.spec.name!r}; use one name that is also a Python identifier.",
    )
    need(it.name in MEDIA_PARTS, f"MEDIA_PARTS has no row {it.name!r}; add a subclass of MediaPart.")
    part = MEDIA_PARTS[it.name]
    need(
        getattr(part, "modality", None) == it.name
        and it.name in {field.name for field in dataclasses.fields(part)},
        f"{part.__name__} must have `modality = {it.name!r}` and hold its medium in a field named {it.name}.",
    )
    for one in it.media:
        need(
            isinstance(one, it.spec.media_type),
            f"A {type(one).__name__} was given, but {it.name} is {it.spec.media_type.__name__}.",
        )
        found = modality_of(one)
        need(found == it.name, f"{type(one).__name__} counts as {found}; derive it from Medium alone.")
    first = it.spec.media_type.suffixes[0]
    need(
        first == f".{it.spec.file_suffix}",
        f"Files of {it.name} end in .{it.spec.file_suffix} by its row, but {it.spec.media_type.__name__} saves {first} "
        "by default; let them agree.",
    )


def check_identity(it: Subject) -> None:
    """sha256 is the key of caches and of history."""
    hashes = [one.sha256() for one in it.media]
    need(hashes == [one.sha256() for one in it.media], "sha256() changes from call to call; hash the values.")
    need(
        len(set(hashes)) == len(hashes),
        "sha256() is the same for different media; hash all values, their shape and what else tells them apart.",
    )


def check_bytes(it: Subject) -> None:
    for one in it.media:
        one.check()
        data = one.to_bytes()
        again = it.spec.media_type.from_bytes(data)
        again.check()
        need(
            again.to_bytes() == data,
            f"{type(one).__name__}.from_bytes(data).to_bytes() is not data; keep the source.",
        )
        need(
            one.to_bytes() == data, f"{type(one).__name__}.to_bytes() gives other bytes the second time; write no time "
            "or random number into the file.",
        )  # fmt: skip


def check_files(it: Subject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = it.media[0].save(Path(folder) / f"a.{it.spec.file_suffix}", {"prompt": "a curve", "seed": 7})
        loaded = it.spec.media_type.from_path(path)
        loaded.check()
        need(loaded.path == path, f"{it.spec.media_type.__name__}.from_path forgets its path.")
        message = Message.user("Look:", loaded)
        need(
            message_from_dict(message_to_dict(message, Path(folder)), Path(folder)) == message,
            f"A message with a file of {it.name} comes back from its dict as another one.",
        )
        must_refuse(
            f"saving {it.spec.noun} as .nothing",
            lambda: it.media[0].save(Path(folder) / "a.nothing"),
            MediaError,
        )


def check_messages(it: Subject) -> None:
    for one in it.media:
        message = Message.assistant("Here:", media_part(one, seed=3))
        again = message_from_dict(message_to_dict(message)).media_parts
        need(
            len(again) == 1 and again[0].modality == it.name and again[0].seed == 3,
            f"A message with {it.spec.noun} comes back from its dict as {again!r:.120}.",
        )
        again[0].media.check()
        need(
            again[0].media.to_bytes() == one.to_bytes(),
            f"{it.spec.noun.capitalize()} comes back from its data URI with other bytes; to_bytes must be what "
            "from_bytes reads.",
        )


def check_damaged(it: Subject) -> None:
    whole = it.media[0].to_bytes()
    for what, data in (
        ("a damaged file", b"\x89no such format\r\n\x00" * 9),
        ("an empty file", b""),
        ("the file of another medium", b"RIFF\x00\x00\x00\x00WAVE" + whole[:4]),
    ):
        broken = it.spec.media_type.from_bytes(data)
        must_refuse(f"{type(broken).__name__}.check() of {what}", broken.check, MediaError)


MODALITY_CHECKS: dict[str, Callable[[Subject], None]] = {
    "tables": check_tables,
    "identity": check_identity,
    "bytes": check_bytes,
    "files": check_files,
    "messages": check_messages,
    "damaged media": check_damaged,
}
