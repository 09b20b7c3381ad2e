"""Verdicts to rows of the table: a group as a whole, each of its tasks, the parts of replies of several media."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nextgpt.evaluation.intervals import wilson
from nextgpt.nano.matrix.rows import MatrixRow, part_id

COLUMNS = ("routing", "told", "given", "ratio", "written", "ceiling", "chance", "blind", "alone", "needs")
Verdicts = Mapping[str, Mapping[str, dict[str, Any]]]  # condition -> row id -> verdict


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
    """Columns that were not measured are absent; ratio: score over given, on the same rows."""
    real = verdicts["real"]
    n = len(rows)
    row = scored(name, group, task, *count(rows, real))
    row["routing"], row["told"] = (sum(real[one.id][key] for one in rows) / n for key in ("routed", "told"))
    if not group.startswith("text") and group != "chat":
        row["needs"] = sum(one.needs_medium for one in rows) / n
    for column in ("given", "written", "ceiling", "chance", "blind"):
        good, number = count(rows, verdicts.get(column, {}))
        row |= {column: good / number, f"n_{column}": number} if number else {}
    beside = [one for one in rows if one.id in verdicts.get("given", {})]
    if row.get("given"):
        row["ratio"] = count(beside, real)[0] / len(beside) / row["given"]
    return row


def part_rows(group: str, rows: Sequence[MatrixRow], verdicts: Verdicts) -> list[dict[str, Any]]:
    """Of replies of several media: how many parts of each modality are right by themselves. given, written, ceiling and
    chance are of the same parts; alone: the same medium asked for by itself, in as many as `n_alone` rows."""
    several = [row for row in rows if len(row.media) > 1]
    found = []
    for modality in sorted({one for row in several for one in row.media}):
        name = f"{group}: {modality} parts"
        line = scored(name, group, modality, *parts_right(several, modality, verdicts["real"]))
        for column in ("given", "written", "ceiling", "chance"):
            good, number = parts_right(several, modality, verdicts.get(column, {}))
            line |= {column: good / number, f"n_{column}": number} if number else {}
        beside = [row for row in several if row.id in verdicts.get("given", {})]
        if line.get("given"):
            good, number = parts_right(beside, modality, verdicts["real"])
            line["ratio"] = good / number / line["given"]
        good, number = alone_right(several, modality, verdicts.get("alone", {}))
        line |= {"alone": good / number, "n_alone": number} if number else {}
        found.append(line)
    return found


def parts_right(
    rows: Sequence[MatrixRow], modality: str, verdicts: Mapping[str, dict[str, Any]]
) -> tuple[int, int]:
    """(right, n) of the parts of a modality, of rows that have a verdict."""
    right = [
        bool(part["right"])
        for row in rows
        if row.id in verdicts
        for one, part in zip(row.media, verdicts[row.id]["media"], strict=True)
        if one == modality
    ]
    return sum(right), len(right)


def alone_right(
    rows: Sequence[MatrixRow], modality: str, alone: Mapping[str, dict[str, Any]]
) -> tuple[int, int]:
    """The like of the media that were asked for by themselves."""
    asked = [part_id(row, place) for row in rows for place, one in enumerate(row.media) if one == modality]
    right = [bool(alone[name]["right"]) for name in asked if name in alone]
    return sum(right), len(right)


def scored(name: str, group: str, of: str, right: int, n: int) -> dict[str, Any]:
    low, high = wilson(right, n)
    return {"task": name, "group": group, "of": of, "n": n, "right": right, "score": right / n,
            "low": low, "high": high, "bar": None}  # fmt: skip


def count(rows: Sequence[MatrixRow], verdicts: Mapping[str, dict[str, Any]]) -> tuple[int, int]:
    """(right, n) of the rows that have a verdict."""
    found = [verdicts[row.id]["right"] for row in rows if row.id in verdicts]
    return sum(found), len(found)


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
