"""What the eval verbs share: a model on the small world's data, and the tables and files of its scores."""

import json
from pathlib import Path
from typing import Any

import typer

BARS = {
    "image-name": 0.85, "image-colour": 0.95, "image-count": 0.85, "image-position": 0.90,
    "video-motion": 0.90, "video-direction": 0.90, "audio-order": 0.85,
}  # fmt: skip
BRANCHES = {f"no {branch}": branch for branch in ("resampler", "concepts", "posterior")}


def load_for_asking(model: str) -> tuple[Any, Any]:
    """(engine, batches) of a checkpoint on the small world's data."""
    import torch

    from nextgpt.checkpoint import load_pretrained
    from nextgpt.cli.data import folder_of
    from nextgpt.cli.nano_batches import modality_data
    from nextgpt.data.batches import Batches
    from nextgpt.data.manifest import Items
    from nextgpt.generation.engine import Engine

    loaded, processor, info = load_pretrained(model, dtype=torch.bfloat16)
    items = Items(folder_of("nano"), tuple(info.config.inputs))
    return Engine(loaded, processor, ()), Batches(processor, items, modality_data(info.config))


def answer_record(answer: Any) -> dict[str, Any]:
    messages = answer.dialogue.record["messages"]
    asked = " ".join(p.get("text", f"<{p['type']}>") for m in messages[:-1] for p in m["content"])
    return {
        "id": answer.dialogue.id,
        "task": answer.dialogue.task,
        "condition": answer.condition,
        "question": asked,
        "expected": answer.expected,
        "answer": answer.text,
    }


def report(
    table: dict[str, Any],
    out: Path | None,
    answers: list[Any],
    record: dict[str, Any],
    chances: dict[str, float] | None = None,
) -> None:
    """Print the tables; with `out` also write answers.jsonl, scores.json and table.md."""
    from nextgpt.cli.data import write_lines
    from nextgpt.cli.show import CONTROLS, console, markdown_table, score_table

    rows = [{**row, "chance": (chances or {}).get(row["task"])} for row in understanding_rows(table)]
    measured = {column for row in rows for column, value in row.items() if value is not None}
    tables = [tuple(c for c in columns if c in measured) for columns in (CONTROLS, BRANCHES)]
    tables = [columns for number, columns in enumerate(tables) if columns or not number]
    for columns in tables:
        console.print(score_table(rows, columns))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_lines(out / "table.md", [line for c in tables for line in (*markdown_table(rows, c), "")])
        write_lines(out / "answers.jsonl", [json.dumps(answer) for answer in answers])
        write_lines(out / "scores.json", [json.dumps({**record, "rows": rows}, indent=1)])
        typer.echo(f"Answers and scores are in {out}.")


def understanding_rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    from nextgpt.evaluation.intervals import wilson

    rows = []
    for task, (right, n) in sorted(table["real"].items()):
        low, high = wilson(right, n)
        row = {"task": task, "n": n, "score": right / n, "low": low, "high": high, "bar": BARS.get(task)}
        for column, shares_of in table.items():
            if column != "real" and task in shares_of:
                row[column] = shares_of[task][0] / shares_of[task][1]
        rows.append(row)
    return rows


def names_of(items: Any) -> set[str]:
    """All names of things of the small world that are seen or heard in the items."""
    fields = ("name_a", "name_b", "name", "first", "second")
    return {row["slots"].get(f, "") for row in items.by_id.values() for f in fields} - {""}
