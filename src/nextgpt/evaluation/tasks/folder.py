"""Reading a benchmark's official files: every fault is one sentence with the file and what was expected of it."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.media import Audio, Image, MediaLimits, Video

csv.field_size_limit(1 << 30)  # MMBench keeps pictures in a column
UNFINISHED = (".part", ".partial", ".crdownload", ".aria2", ".download", ".tmp")
VIDEOS = (".mp4", ".avi", ".webm", ".mkv", ".mov")
SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
# A data set that somebody chose is trusted further than a stranger's file: ActivityNet has clips above ten minutes.
LIMITS = MediaLimits(max_bytes=4_000_000_000, max_seconds=7200, max_frames=500_000, max_samples=1_000_000_000)


class Folder:
    """The data of one task. Files are found below `path`; `used` remembers the annotation files that were read."""

    def __init__(self, path: Path, task: str, layout: Mapping[str, str], source: str) -> None:
        self.path, self.task, self.layout, self.source = path, task, layout, source
        self.used: dict[str, Path] = {}

    def check_layout(self) -> None:
        """DataError that says what is missing and what the whole should look like."""
        if not self.path.is_dir():
            raise DataError(
                f"There is no folder '{self.path}' with the data of {self.task}; it should hold "
                f"{self._expected()}. Get it from {self.source}, and name the folder with --data."
            )
        missing = [name for name in self.layout if not (self.path / name).exists()]
        if not missing:
            return
        name = missing[0]
        if half := self._half(self.path / name):
            raise DataError(
                f"'{half}' is a download that was not finished; expected is {name} ({self.layout[name]}). "
                f"Get it again from {self.source}."
            )
        raise DataError(
            f"The data of {self.task} in '{self.path}' lack {name} ({self.layout[name]}); "
            f"the folder should hold {self._expected()}. Get it from {self.source}."
        )

    def _expected(self) -> str:
        return ", ".join(f"{name} ({what})" for name, what in self.layout.items())

    @staticmethod
    def _half(path: Path) -> Path | None:
        names = [path.with_name(path.name + suffix) for suffix in UNFINISHED]
        return next((one for one in names if one.exists()), None)

    # ---- annotation files

    def text(self, name: str) -> str:
        path = self.path / name
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise DataError(
                f"'{path}' is no UTF-8 text; expected is {self._what(name)}. Get it again."
            ) from None
        except OSError as error:
            raise DataError(
                f"'{path}' can't be read ({error.strerror}); expected is {self._what(name)}, "
                f"from {self.source}."
            ) from None
        if not text.strip():
            raise DataError(f"'{path}' is empty; expected is {self._what(name)}. Get it again.")
        self.used[name] = path
        return text

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError) as error:
            where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise DataError(
                f"'{self.path / name}' is damaged or cut off{where}: it is no JSON, expected is "
                f"{self._what(name)}. Get it again from {self.source}."
            ) from None

    def records(self, name: str, key: str | None, fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """A JSON list of objects with these fields, under `key` of the file where it has one."""
        found = self.json(name)
        if key is not None:
            found = found.get(key) if isinstance(found, dict) else None
        place = f"under {key!r} " if key is not None else ""
        if not isinstance(found, list) or not found:
            raise DataError(
                f"'{self.path / name}' has no list {place}of {self._what(name)}; "
                f"is it another file? Get it from {self.source}."
            )
        return self.checked(name, found, fields)

    def table(self, name: str, fields: Sequence[str], delimiter: str = ",") -> list[Mapping[str, Any]]:
        """Rows of a CSV or TSV file with these columns."""
        reader = csv.DictReader(io.StringIO(self.text(name), newline=""), delimiter=delimiter)
        try:
            found = list(reader)
        except csv.Error as error:
            raise DataError(
                f"'{self.path / name}' is damaged ({error}); expected is {self._what(name)}."
            ) from None
        if not found:
            raise DataError(f"'{self.path / name}' has no rows; expected is {self._what(name)}.")
        return self.checked(name, found, fields)

    def checked(self, name: str, rows: Iterable[Any], fields: Sequence[str]) -> list[Mapping[str, Any]]:
        """DataError for the first row that lacks one of the fields."""
        kept = list(rows)
        for number, row in enumerate(kept, 1):
            lacks = [one for one in fields if not isinstance(row, dict) or row.get(one) is None]
            if lacks:
                raise DataError(
                    f"'{self.path / name}': row {number} lacks {', '.join(lacks)}; expected is "
                    f"{self._what(name)} with {', '.join(fields)}."
                )
        return kept

    def need(self, table: Mapping[Any, Any], key: Any, name: str) -> Any:
        """table[key], or a DataError that says in which file it should stand."""
        if key not in table:
            raise DataError(
                f"'{self.path / name}' says nothing of {key!r}; do the files belong together? "
                f"Get them from {self.source}."
            )
        return table[key]

    def _what(self, name: str) -> str:
        return self.layout.get(name, f"a file of {self.task}")

    # ---- media files: nothing is opened here

    def image(self, name: str) -> Image:
        return Image.from_path(self.path / name, LIMITS)

    def audio(self, *stems: str) -> Audio:
        """The first that exists of these names, with any suffix of sounds; else the first one, to be missed."""
        return Audio.from_path(self._first(stems, SOUNDS), LIMITS)

    def video(self, *stems: str) -> Video:
        return Video.from_path(self._first(stems, VIDEOS), LIMITS)

    def _first(self, stems: Sequence[str], suffixes: Sequence[str]) -> Path:
        names = [stem if Path(stem).suffix.lower() in suffixes else None for stem in stems]
        paths = [self.path / name for name in names if name]
        paths += [self.path / f"{stem}{s}" for stem, name in zip(stems, names) if not name for s in suffixes]
        return next((path for path in paths if path.exists()), paths[0])
