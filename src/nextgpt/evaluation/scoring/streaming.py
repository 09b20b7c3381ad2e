"""JSON arrays item by item: annotations of hundreds of megabytes in the memory of one item."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from nextgpt.errors import DataError
from nextgpt.evaluation.scoring.reading import broken, check_file, kind_of

CHUNK = 1 << 18
SPACE = re.compile(r"[ \t\r\n\ufeff]*")


class _Scanner:
    """A text file with a window that slides over it; `at` is the place in the window."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.window, self.at, self.ended = file, "", 0, False
        self.decoder = json.JSONDecoder()

    def read_more(self) -> bool:
        """What was read over leaves the window only here, so that an item costs no copy of it."""
        more = self.file.read(CHUNK)
        self.window, self.at = self.window[self.at :] + more, 0
        self.ended = self.ended or not more
        return bool(more)

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            found = SPACE.match(self.window, self.at)
            assert found
            self.at = found.end()
            if self.at < len(self.window) or not self.read_more():
                return self.window[self.at : self.at + 1]

    def take(self, mark: str) -> None:
        """Step over a mark that must come now."""
        if (found := self.peek()) != mark:
            raise json.JSONDecodeError(f"expected {mark!r}, found {found!r}", self.window, self.at)
        self.at += 1

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.window, self.at)
            except ValueError:
                if not self.read_more():
                    raise
                continue
            if end < len(self.window) or self.ended or not self.read_more():  # else a number may go on
                self.at = end
                return value

    def items(self) -> Iterator[Any]:
        """Of the array that begins here."""
        self.take("[")
        if self.peek() == "]":
            return self.take("]")
        while True:
            yield self.value()
            if self.peek() == "]":
                return self.take("]")
            self.take(",")


def stream_array(path: Path, expected: str, key: str = "") -> Iterator[dict[str, Any]]:
    """Objects of the outermost array, or of the array under `key` of the outermost object.

    Raises DataError that names the file: missing, cut off, not JSON, of another form.
    """
    check_file(path, expected)
    with path.open(encoding="utf-8") as file:
        scanner = _Scanner(file)
        try:
            for number, item in enumerate(_array(scanner, path, expected, key), 1):
                if not isinstance(item, dict):
                    raise DataError(
                        f"{str(path)!r}, entry {number}, is a {kind_of(item)}; expected {expected}."
                    )
                yield item
        except json.JSONDecodeError as error:
            cut = scanner.ended and (
                error.pos >= len(scanner.window) - 1 or scanner.at >= len(scanner.window)
            )
            raise broken(path, error, expected, 0 if cut else -1) from error
        except UnicodeDecodeError as error:
            raise DataError(f"{str(path)!r} is no UTF-8 text; expected {expected}.") from error


def _array(scanner: _Scanner, path: Path, expected: str, key: str) -> Iterator[Any]:
    first = scanner.peek()
    if first == "[" and not key:
        return scanner.items()
    if first != "{" or not key:
        raise DataError(
            f"{str(path)!r} does not hold {'an object' if key else 'a list'}; expected {expected}."
        )
    return _under(scanner, path, expected, key)


def _under(scanner: _Scanner, path: Path, expected: str, key: str) -> Iterator[Any]:
    """Items of the array under the key; the rest of the file is read over too, so that a cut is seen."""
    scanner.take("{")
    found = False
    while scanner.peek() != "}":
        name = scanner.value()
        scanner.take(":")
        if scanner.peek() == "[":
            for item in scanner.items():
                if name == key:
                    yield item
            found |= name == key
        else:
            scanner.value()
        if scanner.peek() != "}":
            scanner.take(",")
    if not found:
        raise DataError(f"{str(path)!r} has no list {key!r}; expected {expected}.")
