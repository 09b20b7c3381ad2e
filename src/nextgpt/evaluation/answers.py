"""Answers on disk: lines that are appended as they come, a batch by one write, and read back after any interruption.

    {"id": "7", "batch": "<hash of the batch's ids>", "reply": "...", "media": ["media/7-1.png"]}   or   "error": "..."

A process writes answers-<rank>.jsonl, and all are joined to answers.jsonl. Lines of a batch count when it is whole.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.plan import Group
from nextgpt.files import replace_text, whole_lines

ANSWERS = "answers.jsonl"
STATE = ".state.json"
Line = Mapping[str, Any]


def read_lines(folder: Path) -> list[Line]:
    """Every whole line of every process. A damaged line is a DataError, as no interruption makes one."""
    found: list[Line] = []
    for path in sorted(folder.glob("answers*.jsonl")):
        for number, line in enumerate(whole_lines(path), 1):
            try:
                found.append(json.loads(line))
            except ValueError:
                raise DataError(f"'{path}', line {number}: is no JSON; start again with --fresh.") from None
    return found


def finished(groups: Sequence[Group], lines: Iterable[Line]) -> dict[str, list[Line]]:
    """key of a batch -> its lines, in the order of its rows, for batches of which all are there."""
    by_key: dict[str, dict[str, Line]] = {}
    for line in lines:
        by_key.setdefault(line["batch"], {})[line["id"]] = line
    whole = (group for group in groups if all(row.id in by_key.get(group.key, {}) for row in group.rows))
    return {group.key: [by_key[group.key][row.id] for row in group.rows] for group in whole}


def join(folder: Path, lines: Iterable[Line]) -> None:
    """All answers in one file; the processes' own go."""
    text = "".join(f"{dumps(line)}\n" for line in lines)
    replace_text(folder / ANSWERS, text)
    for path in folder.glob("answers-*.jsonl"):
        path.unlink()


def append(path: Path, lines: Sequence[Line]) -> None:
    """One write, so that an interruption leaves the file with all of them, or with a last line cut off."""
    with open(path, "ab", buffering=0) as file:
        file.write("".join(f"{dumps(line)}\n" for line in lines).encode())


def dumps(line: Line) -> str:
    return json.dumps(line, ensure_ascii=True)


def check_state(folder: Path, state: Mapping[str, Any]) -> None:
    """DataError when the folder has answers of another model, of other data or with other settings."""
    path = folder / STATE
    if path.exists() and any(folder.glob("answers*.jsonl")):
        before = json.loads(path.read_text())
        other = [name for name in state if before.get(name) != state[name]]
        if other:
            raise DataError(
                f"'{folder}' holds answers with another {', '.join(other)}; choose another --out, "
                "or start again with --fresh."
            )
    replace_text(path, json.dumps(state))


def start_again(folders: Iterable[Path]) -> None:
    """Forget the answers; media files stay until they are written anew."""
    for folder in folders:
        for path in (*folder.glob("answers*.jsonl"), folder / STATE):
            path.unlink(missing_ok=True)
