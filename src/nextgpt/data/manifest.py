"""Manifests: items (media with captions) and rows (conversations about items), as JSON lines.

    <folder>/<modality>.jsonl        {"id", "split", "source", "scene", "caption", "slots"}
    <folder>/dialogues-<split>.jsonl {"id", "task", "split", "phrasing", "messages", "expected", ...}

A part of a message is text or names an item; training fills its features from a cache, so no medium is opened.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError


@dataclass(frozen=True)
class Text:
    """language_loss: whether an assistant's words are learnt from."""

    text: str
    language_loss: bool = True


@dataclass(frozen=True)
class ItemPart:
    """A medium by its item. posterior: {"class", "seed"} puts a synthetic posterior in the encoder's place."""

    modality: str
    item: str
    posterior: dict[str, int] | None = None
    caption: str = ""
    language_loss: bool = True


@dataclass(frozen=True)
class Turn:
    """language_loss: whether a reply's words, modality tokens and end are learnt from."""

    role: str
    content: tuple[Text | ItemPart, ...]
    language_loss: bool = True


@dataclass(frozen=True)
class Dialogue:
    id: str
    task: str
    turns: tuple[Turn, ...]
    record: dict[str, Any]

    @property
    def length(self) -> int:
        """About its length in characters; a medium counts as a hundred."""
        parts = [part for turn in self.turns for part in turn.content]
        return sum(len(part.text) + 1 if isinstance(part, Text) else 100 for part in parts)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """JSON objects of a file, one a line; empty lines are skipped. Raises DataError that names file and line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _object(line, f"{path}, line {number}")
    except OSError as error:
        raise DataError(
            f"{path} can't be read ({error.strerror}); run `nextgpt data build nano` first."
        ) from error


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DataError(f"{where} is no JSON object but {value!r:.60}.")
    return value


def part_from(record: dict[str, Any]) -> Text | ItemPart:
    if record["type"] == "text":
        return Text(record["text"], record.get("language_loss", True))
    caption, loss = record.get("caption", ""), record.get("language_loss", True)
    return ItemPart(record["type"], record["item"], record.get("posterior"), caption, loss)


def dialogue_from(record: dict[str, Any]) -> Dialogue:
    def content(value: Any) -> tuple[Text | ItemPart, ...]:
        return (Text(value),) if isinstance(value, str) else tuple(part_from(part) for part in value)

    turns = tuple(
        Turn(m["role"], content(m["content"]), m.get("language_loss", True)) for m in record["messages"]
    )
    return Dialogue(record["id"], record["task"], turns, record)


def read_dialogues(path: Path) -> list[Dialogue]:
    """All rows of a file. Raises DataError that names the file and the row that is not of the form above."""
    dialogues = []
    for record in read_lines(path):
        try:
            dialogues.append(dialogue_from(record))
        except (KeyError, TypeError, AttributeError) as error:
            row = record.get("id", len(dialogues))
            raise DataError(f"{path}, row {row} is no conversation ({error!r}); see docs/data.md.") from error
    return dialogues


class Items:
    """All items of a data folder, by id; `beside`: other folders whose items are found by id, too."""

    def __init__(self, folder: Path, modalities: tuple[str, ...], beside: Sequence[Path] = ()) -> None:
        self.folder = folder
        self.by_modality = {name: self._rows(folder, name) for name in modalities}
        self.beside = {
            name: [row for place in beside for row in self._rows(place, name)] for name in modalities
        }
        self.by_id: dict[str, dict[str, Any]] = {
            row["id"]: row
            for found in (self.beside, self.by_modality)
            for rows in found.values()
            for row in rows
        }

    @staticmethod
    def _rows(folder: Path, modality: str) -> list[dict[str, Any]]:
        path = folder / f"{modality}.jsonl"
        return list(read_lines(path)) if path.exists() else []

    def __getitem__(self, item: str) -> dict[str, Any]:
        if item not in self.by_id:
            raise DataError(f"Item {item!r} is in no manifest of {self.folder}; build the data again.")
        return self.by_id[item]

    def key(self, item: str) -> str:
        """What the item's cached values hang on: its scene, not its name."""
        from nextgpt.data.feature_cache import content_key  # torch, which reading rows does without

        return content_key(self[item]["scene"])
