"""Files that a run leaves behind: whole lines, whole files, one process a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextgpt.errors import MessageError


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file; a last one that was not written to its end is cut off the file."""
    data = path.read_bytes()
    lines = data.split(b"\n")
    if lines.pop():
        with open(path, "r+b") as file:
            file.truncate(len(data) - len(data.rpartition(b"\n")[2]))
    return lines


def replace_text(path: Path, text: str) -> Path:
    """Write the file whole or not at all. Returns the path."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)
    return path


@contextmanager
def locked(folder: Path, name: str = "") -> Iterator[None]:
    """One process a folder, or a name in it. MessageError when another one writes there."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / f"{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise MessageError(
            f"Another process writes into {str(folder / name)!r}; wait, or choose another."
        ) from None
    try:
        yield
    finally:
        lock.release()
