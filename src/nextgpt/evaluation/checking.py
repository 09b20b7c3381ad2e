"""Looking at the media of a task before a model is loaded: there, whole, and of the right kind."""

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError, MediaError
from nextgpt.evaluation.tasks.folder import UNFINISHED, Folder
from nextgpt.evaluation.tasks.task import Row
from nextgpt.media import Image, Medium

TAIL = 4096
Track = Callable[[Iterable[Any]], Iterable[Any]]


def check_media(rows: Iterable[Row], data: Folder, track: Track = iter) -> None:
    """DataError for the first medium that is missing, half there, or no medium."""
    known: set[Any] = set()
    for row in track(rows):
        for medium in row.media:
            if medium not in known:
                known.add(medium)
                check_medium(medium, row, data)


def check_medium(medium: Medium, row: Row, data: Folder) -> None:
    path, expected = medium.path, f"expected is {type(medium).noun} for row {row.id} of {data.task}"
    if path is not None and path.is_dir():
        raise DataError(f"'{path}' is a folder; {expected}.")
    if path is not None and not path.exists():
        half = next((one for s in UNFINISHED if (one := Path(f"{path}{s}")).exists()), None)
        why = f"'{half}' is a download that was not finished" if half else f"'{path}' is not there"
        raise DataError(f"{why}; {expected}. Get it from {data.source}.")
    try:
        if path is not None and (why := cut_off(path)):
            raise DataError(f"'{path}' {why}; {expected}. Get it again from {data.source}.")
        medium.check()
        if isinstance(medium, Image) and path is not None and not has_end(path):
            medium.array()  # the rare whole file with something behind its end
    except MediaError as error:
        raise DataError(f"{str(error).rstrip('.')}; {expected}. Get it again from {data.source}.") from None


def cut_off(path: Path) -> str:
    """What is wrong with the length of a file, or nothing. Only sizes are read, no content is decoded."""
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            promised = 8 + struct.unpack("<I", head[4:8])[0]
            streamed = promised >= 0xFFFFFF00  # a writer that did not know the length
            return "" if streamed or promised <= size + 1 else f"has {size:,} bytes of {promised:,}"
        if head[4:8] == b"ftyp":
            end = max((at + length for at, length in boxes(file, size)), default=0)
            return "" if end <= size else f"has {size:,} bytes of {end:,}"
    return ""


def boxes(file: Any, size: int) -> Iterator[tuple[int, int]]:
    """(start, length) of the outermost boxes of an MP4 (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, _ = struct.unpack(">I4s", file.read(8))
        if length == 1:
            wide = file.read(8)
            length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else 8
        if length < 8:  # 0: to the end of the file
            return
        yield at, length
        at += length


def has_end(path: Path) -> bool:
    """Whether a JPEG or PNG file has its end mark near its end."""
    with open(path, "rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - TAIL))
        tail = file.read()
    marks = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND"}
    return head[:2] in marks and marks[head[:2]] in tail
