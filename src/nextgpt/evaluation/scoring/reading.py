"""Reading official files: what is missing, cut off or of another form is named with the file and what was expected."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError

WRAPPED = {  # first bytes -> what such a file is
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x1f\x8b": "packed by gzip; unpack it first",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself; run git lfs pull",
    b"<!DOCTYPE": "a web page and not the file; download it again",
    b"<html": "a web page and not the file; download it again",
    b"<?xml": "an XML page and not the file; download it again",
}


def check_file(path: Path, expected: str) -> Path:
    """The path, if it is a file with something in it. expected: "<what> of <whom>, as ...", for the sentence."""
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; expected {expected}.")
    if not path.is_file():
        raise DataError(f"There is no file {str(path)!r}; expected {expected}.")
    with path.open("rb") as file:
        start = file.read(32)
    if not start.strip():
        raise DataError(f"{str(path)!r} is empty; expected {expected}.")
    for magic, what in WRAPPED.items():
        if start.lstrip().startswith(magic):
            raise DataError(f"{str(path)!r} is {what}; expected {expected}.")
    return path


def read_text(path: Path, expected: str) -> str:
    try:
        return check_file(path, expected).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{str(path)!r} is no UTF-8 text (byte {error.start}); expected {expected}."
        ) from error


def read_json(
    path: Path, expected: str, kinds: type | tuple[type, ...] = (dict, list), once: bool = False
) -> Any:
    """The whole file. kinds: of the outermost value; once: a key that stands twice in an object is an error."""
    text = read_text(path, expected)
    try:
        value = json.loads(
            text, object_pairs_hook=(lambda pairs: unique(pairs, path, "ids")) if once else None
        )
    except DataError:
        raise
    except ValueError as error:
        raise broken(path, error, expected, len(text)) from error
    if not isinstance(value, kinds):
        raise DataError(f"{str(path)!r} holds a JSON {kind_of(value)}; expected {expected}.")
    return value


def broken(path: Path, error: ValueError, expected: str, length: int = -1) -> DataError:
    """What is wrong with a JSON file: cut off in the middle, or something else at a line."""
    place = getattr(error, "pos", 0)
    unclosed = "Unterminated string" in str(error)
    if unclosed or 0 <= length <= place + 1:
        return DataError(
            f"{str(path)!r} ends in the middle of its JSON (half-downloaded or half-written); expected {expected}."
        )
    line = getattr(error, "lineno", "?")
    return DataError(f"{str(path)!r} is no JSON (line {line}: {error}); expected {expected}.")


def kind_of(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "list", str: "string"}
    return names.get(type(value), type(value).__name__)


def read_records(path: Path, expected: str) -> list[dict[str, Any]]:
    """Rows as dictionaries: of a JSON list, of JSON lines, of .csv or .tsv with a header."""
    if path.suffix.lower() in (".csv", ".tsv"):
        return list(read_table(path, expected))
    if path.suffix.lower() == ".jsonl":
        return list(_lines(path, expected))
    rows = read_json(path, expected, list)
    return [row_of(row, path, number, expected) for number, row in enumerate(rows, 1)]


def row_of(row: Any, path: Path, number: int, expected: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"{str(path)!r}, entry {number}, is a {kind_of(row)}; expected {expected}.")
    return row


def read_table(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    """Rows of a .csv or .tsv one by one, however long a cell is (MMBench keeps pictures in its cells)."""
    check_file(path, expected)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    tab = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for row in csv.DictReader(file, delimiter=tab):
                if None in row or None in row.values():
                    raise DataError(f"{str(path)!r} has a row of another width; expected {expected}.")
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{str(path)!r} cannot be read ({error}); expected {expected}.") from error


def _lines(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_text(path, expected).splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(
                    f"{str(path)!r}, line {number}, is no JSON (cut off?); expected {expected}."
                ) from error
            yield row_of(row, path, number, expected)


def field_of(row: Mapping[str, Any], names: str | tuple[str, ...], path: Path, expected: str) -> Any:
    """The value of the first of these names that the row has."""
    for name in (names,) if isinstance(names, str) else names:
        if name in row:
            return row[name]
    wanted = names if isinstance(names, str) else " or ".join(names)
    raise DataError(f"An entry of {str(path)!r} has no {wanted!r}; expected {expected}.")


def unique(pairs: Iterable[tuple[Any, Any]], path: Path, what: str) -> dict[str, Any]:
    """id (as text) -> value. DataError that counts the ids which stand there twice."""
    found: dict[str, Any] = {}
    twice = set()
    for id, value in pairs:
        twice |= {str(id)} & found.keys()
        found[str(id)] = value
    if twice:
        raise DataError(
            f"{str(path)!r} has {len(twice)} {what} more than once, the first {min(twice)}; each must stand there once."
        )
    return found


def check_same(
    said: Iterable[str], wanted: Iterable[str], path: Path, what: str, subset: bool = False
) -> None:
    """Every wanted id is answered (some of them: subset), and no other. DataError that counts what is missing and
    what is unknown."""
    ours, theirs = set(said), set(wanted)
    if strange := ours - theirs:
        raise DataError(
            f"{len(strange)} of the {len(ours)} {what} in {str(path)!r} are not in the annotations, the first "
            f"{min(strange)}; are these answers to another split?"
        )
    if (missing := theirs - ours) and not subset:
        raise DataError(
            f"{str(path)!r} has no answer to {len(missing)} of the {len(theirs)} {what}, the first {min(missing)}; "
            "the official rule needs all of them (--subset scores those that are there)."
        )


def as_text(value: Any, id: Any, path: Path) -> str:
    """An answer; a number that stands there as a number is taken as its text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"The answer to {id} in {str(path)!r} is a {kind_of(value)}; expected a string.")
    return str(value)
