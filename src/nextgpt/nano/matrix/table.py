"""Verdicts to rows of the table: a group as a whole, each of its tasks, the parts of replies of several media."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nextgpt.evaluation.intervals import wilson
from nextgpt.nano.matrix.rows import MatrixRow, part_id

COLUMNS = ("routing", "told", "given", "ratio", "written", "ceiling", "chance", "blind", "alone", "needs")
MEASURED = ("given", "written", "ceiling", "chance", "blind", "alone")
Verdicts = Mapping[str, Mapping[str, dict[str, Any]]]  # condition -> row id -> verdict
Rights = Mapping[str, Mapping[str, bool]]  # condition -> row or part -> whether it is right


def table_rows(groups: Mapping[str, Sequence[MatrixRow]], verdicts: Verdicts) -> list[dict[str, Any]]:
    """A row for each group, one for each task of a group that has several, and one for the parts of a modality."""
    found = []
    for group, rows in groups.items():
        found += group_rows(group, rows, verdicts)
        found += part_rows(group, rows, verdicts)
    return found


def group_rows(group: str, rows: Sequence[MatrixRow], verdicts: Verdicts) -> list[dict[str, Any]]:
    """A row for the group, and one for each of its tasks where it has several."""
    tasks = sorted({row.task for row in rows})
    alone = {task: [row for row in rows if row.task == task] for task in tasks if len(tasks) > 1}
    whole = one_row(group, group, "", rows, verdicts)
    return [whole, *(one_row(f"{group} {task}", group, task, some, verdicts) for task, some in alone.items())]


def one_row(
    name: str, group: str, task: str, rows: Sequence[MatrixRow], verdicts: Verdicts
) -> dict[str, Any]:
    real, n = verdicts["real"], len(rows)
    rights = {
        column: {one.id: bool(found[one.id]["right"]) for one in rows if one.id in found}
        for column, found in verdicts.items()
    }
    row = scored(name, group, task, rights)
    row["routing"], row["told"] = (sum(real[one.id][key] for one in rows) / n for key in ("routed", "told"))
    if not group.startswith("text") and group != "chat":
        row["needs"] = sum(one.needs_medium for one in rows) / n
    return row


def part_rows(group: str, rows: Sequence[MatrixRow], verdicts: Verdicts) -> list[dict[str, Any]]:
    """Of replies of several media: how many parts of each modality are right by themselves. alone: the same medium
    asked for by itself, which has a verdict of its own."""
    parts: dict[str, list[tuple[MatrixRow, int]]] = {}
    for row in rows:
        for place, modality in enumerate(row.media if len(row.media) > 1 else ()):
            parts.setdefault(modality, []).append((row, place))
    found = []
    for modality, some in sorted(parts.items()):
        rights = {
            column: {
                part_id(row, place): bool(of_row[row.id]["media"][place]["right"])
                for row, place in some
                if row.id in of_row
            }
            for column, of_row in verdicts.items()
            if column != "alone"
        }
        asked = (part_id(row, place) for row, place in some)
        alone = verdicts.get("alone", {})
        rights["alone"] = {name: bool(alone[name]["right"]) for name in asked if name in alone}
        found.append(scored(f"{group}: {modality} parts", group, modality, rights))
    return found


def scored(name: str, group: str, of: str, rights: Rights) -> dict[str, Any]:
    """Columns that were not measured are absent; ratio: score over given, on the same rows or parts."""
    real = rights["real"]
    n, right = len(real), sum(real.values())
    low, high = wilson(right, n)
    row: dict[str, Any] = {"task": name, "group": group, "of": of, "n": n, "right": right, "score": right / n,
           "low": low, "high": high, "bar": None}  # fmt: skip
    for column in MEASURED:
        if marks := rights.get(column):
            row |= {column: sum(marks.values()) / len(marks), f"n_{column}": len(marks)}
    if row.get("given"):
        beside = [real[one] for one in rights["given"]]
        row["ratio"] = sum(beside) / len(beside) / row["given"]
    return row


def judges_of(rows: Sequence[MatrixRow], verdicts: Mapping[str, dict[str, Any]]) -> dict[str, list[int]]:
    """Judge of made media -> [right, n]: image-count, audio-pitch and so on, over media that were made."""
    good, number = Counter[str](), Counter[str]()
    for row in rows:
        for one in verdicts[row.id]["media"]:
            for task, right in one.items():
                if task not in ("right", "seen") and right in (True, False):
                    good[task] += bool(right)
                    number[task] += 1
    return {task: [good[task], number[task]] for task in sorted(number)}
