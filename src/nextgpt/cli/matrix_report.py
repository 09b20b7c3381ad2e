"""What `nextgpt eval nano-matrix` leaves behind beside its media.

answers.jsonl   a line a reply under a condition, with its verdict
scores.json     every row of the table, and the shares of each judge of made media by group
table.md        the matrix of scores, the table of groups and tasks
index.html      the first rows of every group
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from nextgpt.cli.matrix_judging import CONTROLS
from nextgpt.cli.matrix_store import Answers

SHOWN = 8  # rows a group on the page


def save_report(
    out: Path,
    answers: Answers,
    groups: Mapping[str, Sequence[Any]],
    items: Any,
    verdicts: dict[str, dict[str, Any]],
    record: dict[str, Any],
) -> None:
    """Print the tables and write the files."""
    from nextgpt.cli.matrix_page import page
    from nextgpt.files import replace_text
    from nextgpt.nano.matrix.table import judges_of, table_rows

    rows = table_rows(groups, verdicts)
    judges = {name: found for name, some in groups.items() if (found := judges_of(some, verdicts["real"]))}
    answers.write({(c, name): one for c in ("real", *CONTROLS) for name, one in verdicts[c].items()})
    scores = {**record, "rows": rows, "judges": judges}
    replace_text(out / "scores.json", json.dumps(scores, indent=1) + "\n")
    replace_text(out / "table.md", "\n".join(tables(rows, judges)) + "\n")
    shown = {name: some[:SHOWN] for name, some in groups.items()}
    replace_text(out / "index.html", page(out, shown, answers, items, verdicts["real"], rows))
    for line in (*grid(rows), "", *group_lines([row for row in rows if not row["of"]])):
        typer.echo(line)
    typer.echo(f"Answers, scores and index.html are in {out}.")


def tables(rows: Sequence[dict[str, Any]], judges: Mapping[str, dict[str, list[int]]]) -> list[str]:
    return [*grid(rows), "", *group_lines(rows), "", *judge_lines(judges)]


def group_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A line a row with all its columns; what was not measured is empty."""
    from nextgpt.cli.show import score_cells
    from nextgpt.nano.matrix.table import COLUMNS

    header = ["group", "n", "score", *COLUMNS]
    cells = [score_cells(row, COLUMNS) for row in rows]
    lines = [header, ["---"] * len(header), *([*one[:3], *one[4:]] for one in cells)]  # there are no bars
    return [f"| {' | '.join(line)} |" for line in lines]


def grid(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The sixteen cells: a line for what goes in, a column for what comes out; score and n."""
    from nextgpt.nano.matrix.rows import MODALITIES

    found = {row["task"]: f"{100 * row['score']:.1f} ({row['n']})" for row in rows}
    lines: list[tuple[str, ...]] = [("in / out", *MODALITIES), ("---",) * 5]
    lines += [(one, *(found.get(f"{one}->{other}", "") for other in MODALITIES)) for one in MODALITIES]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def judge_lines(judges: Mapping[str, dict[str, list[int]]]) -> list[str]:
    """What each judge of made media said, over the media that were made."""
    lines = ["| group | judge | right | n |", "| --- | --- | --- | --- |"]
    for group, found in judges.items():
        lines += [f"| {group} | {task} | {100 * good / n:.1f} | {n} |" for task, (good, n) in found.items()]
    return lines
