"""Records of modality-switching dialogues: their form, version and check. docs/mosit.md describes them.

A row is a row of dialogues-<split>.jsonl (manifest.py) with a version and, for each turn, what a judge needs.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nextgpt.data.manifest import Dialogue, dialogue_from, read_lines
from nextgpt.errors import DataError
from nextgpt.modalities import MODALITIES

VERSION = 1
MEDIA = tuple(name for name in MODALITIES if name != "text")
Check = Callable[[Any], bool]


def read_mosit(path: Path) -> list[Dialogue]:
    """All rows of a file. Raises DataError that names file, line and field and says what was expected."""
    dialogues = []
    for number, row in enumerate(read_lines(path), 1):
        check_row(row, f"{path}, line {number}")
        dialogues.append(dialogue_from(row))
    return dialogues


def check_row(row: dict[str, Any], where: str) -> None:
    """DataError where the row is not of the documented form."""
    if row.get("version") != VERSION:
        raise wrong(where, "version", f"the number {VERSION}", row.get("version"))
    _fields(
        row,
        where,
        "",
        {"id": is_text, "task": is_text, "split": is_text, "cell": is_cell, "expected": is_text},
    )
    messages = _list(row, where, "messages")
    for index, message in enumerate(messages):
        check_message(message, where, f"messages[{index}]", ("user", "assistant")[index % 2])
    if len(messages) % 2 or not messages:
        raise wrong(
            where, "messages", "pairs of a user's and an assistant's message", f"{len(messages)} messages"
        )
    turns = _list(row, where, "turns")
    if 2 * len(turns) != len(messages):
        raise wrong(where, "turns", f"one for each of {len(messages) // 2} replies", f"{len(turns)} turns")
    for index, turn in enumerate(turns):
        check_turn(turn, messages[2 * index + 1], where, f"turns[{index}]")


def check_message(message: Any, where: str, field: str, role: str) -> None:
    if not isinstance(message, dict) or message.get("role") != role:
        found = message.get("role") if isinstance(message, dict) else message
        raise wrong(where, f"{field}.role", f"{role!r} (user and assistant take turns)", found)
    if not isinstance(message.get("language_loss", True), bool):
        raise wrong(where, f"{field}.language_loss", "true or false", message["language_loss"])
    for index, part in enumerate(_list(message, where, "content", field)):
        check_part(part, where, f"{field}.content[{index}]", role == "assistant")


def check_part(part: Any, where: str, field: str, made: bool) -> None:
    """Text, or a medium with its item; one that the assistant makes has a caption."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("text", *MEDIA):
        raise wrong(where, f"{field}.type", f"one of text, {', '.join(MEDIA)}", kind)
    wanted = (
        {"text": is_text} if kind == "text" else {"item": is_text} | ({"caption": is_text} if made else {})
    )
    _fields(part, where, f"{field}.", wanted)
    if not isinstance(part.get("language_loss", True), bool):
        raise wrong(where, f"{field}.language_loss", "true or false", part["language_loss"])


def check_turn(turn: Any, reply: dict[str, Any], where: str, field: str) -> None:
    """What a judge needs of a turn agrees with its reply."""
    if not isinstance(turn, dict):
        raise wrong(where, field, "an object", turn)
    checks = {"cell": is_cell, "task": is_text, "needs_medium": is_flag, "expected": is_text}
    _fields(turn, where, f"{field}.", checks)
    made = [part for part in reply["content"] if part["type"] != "text"]
    kinds = [part["type"] for part in made]
    if turn.get("media") != kinds:
        raise wrong(where, f"{field}.media", f"the media of its reply in order, {kinds}", turn.get("media"))
    captions = [part["caption"] for part in made]
    told = [one.get("caption") for one in _list(turn, where, "made", field) if isinstance(one, dict)]
    if told != captions:
        raise wrong(where, f"{field}.made", f"the captions of its reply's media, {captions}", told)


def _fields(value: dict[str, Any], where: str, prefix: str, checks: Mapping[str, Check]) -> None:
    for name, check in checks.items():
        found = value.get(name)
        if not check(found):
            raise wrong(where, f"{prefix}{name}", check.__doc__, found)


def _list(value: dict[str, Any], where: str, name: str, prefix: str = "") -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise wrong(where, f"{prefix}.{name}" if prefix else name, "a list", found)
    return found


def is_text(value: Any) -> bool:
    """text"""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """true or false"""
    return isinstance(value, bool)


def is_cell(value: Any) -> bool:
    """modalities that go in and come out, such as "image+audio->text" """
    sides = value.split("->") if isinstance(value, str) else []
    known = {"text", *MEDIA}
    return len(sides) == 2 and all(set(side.split("+")) <= known for side in sides)


def wrong(where: str, field: str, expected: str | None, found: Any) -> DataError:
    shown = "nothing" if found is None else f"{found!r:.80}"
    return DataError(f"{where}, field {field}: expected {expected}, found {shown}; see docs/mosit.md.")
