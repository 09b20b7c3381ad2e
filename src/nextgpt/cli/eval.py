"""nextgpt eval: score a model on the suites of the small world."""

import json
import os
import random
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.agreement import nano_agreement

app = typer.Typer(help="Score a model.", no_args_is_help=True)
app.command("nano-agreement")(nano_agreement)

BARS = {
    "image-name": 0.85, "image-colour": 0.95, "image-count": 0.85, "image-position": 0.90,
    "video-motion": 0.90, "video-direction": 0.90, "audio-order": 0.85,
}  # fmt: skip
COLUMNS = ("name", "style", "timbre")
BRANCHES = {f"no {branch}": branch for branch in ("resampler", "concepts", "posterior")}


def shares(
    answers: list[Any], names: tuple[str, ...], labels: tuple[str, ...] = ()
) -> dict[str, tuple[int, int]]:
    """task -> (right, n). names of the small world, labels of the encoders."""
    from nextgpt.nano.judges import judge_of

    found: dict[str, tuple[int, int]] = {}
    for answer in answers:
        judge = judge_of(answer.dialogue.task, names, labels)
        if judge:
            right, n = found.get(answer.dialogue.task, (0, 0))
            record = {**answer.dialogue.record, "expected": answer.expected}
            found[answer.dialogue.task] = (right + judge(answer.text, record), n + 1)
    return found


def choose_rows(folder: Path, split: str, limit: int, seed: int) -> list[Any]:
    """At most `limit` questions a task, drawn by the seed, from those that have a judge in words."""
    from nextgpt.data.manifest import read_dialogues
    from nextgpt.nano.judges import judge_of

    path = folder / f"dialogues-{split}.jsonl"
    by_task: dict[str, list[Any]] = {}
    for dialogue in read_dialogues(path) if path.exists() else []:
        if judge_of(dialogue.task, ()):
            by_task.setdefault(dialogue.task, []).append(dialogue)
    rng = random.Random(seed)
    return [d for task in sorted(by_task) for d in rng.sample(by_task[task], min(limit, len(by_task[task])))]


@app.command("nano-understanding")
def nano_understanding(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="questions a task")] = 200,
    control: Annotated[
        int,
        typer.Option(help="questions a task for blind, shuffled, caption, removed branches, other splits"),
    ] = 100,
    beside: Annotated[str | None, typer.Option(help="another checkpoint, in a column of its own")] = None,
    batch: int = 32,
    out: Annotated[Path | None, typer.Option(help="folder for answers and the table")] = None,
    seed: int = 0,
    threads: int = 0,
) -> None:
    """Names, counts, colours, places, motions, orders on held-out combinations and phrasings."""
    import torch

    from nextgpt.cli.data import folder_of
    from nextgpt.cli.show import tracker
    from nextgpt.evaluation.asking import CONDITIONS, ask, without

    torch.set_num_threads(threads or os.cpu_count() or 1)
    engine, batches = load_for_asking(model)
    folder, names = folder_of("nano"), tuple(sorted(all_names(batches)))
    labels = tuple(name for data in batches.modalities.values() for name in data.class_names)
    table, answers = {}, []
    began = time.time()
    for split, condition, count in plan(limit, control, bool(beside)):
        rows = choose_rows(folder, split, count, seed)
        if condition == "beside":
            engine, batches = load_for_asking(str(beside))
        shown = condition if condition in CONDITIONS else "real"
        bar = tracker(f"{split} {condition}")
        with without(engine.model, BRANCHES.get(condition, "")):
            made = ask(engine, batches, rows, shown, batch_size=batch, track=bar)
        table[condition if split == "combination" else split] = shares(made, names, labels)
        answers += [{**answer_record(answer), "split": split, "condition": condition} for answer in made]
    chances = mean_chances(choose_rows(folder, "combination", limit, seed), len(names))
    record = {"model": model, "beside": beside, "seed": seed, "seconds": time.time() - began}
    report(table, out, answers, record, chances)


def plan(limit: int, control: int, beside: bool) -> list[tuple[str, str, int]]:
    """(split, condition, questions a task), in order."""
    controls = ("blind", "shuffled", "caption", *BRANCHES, *(("beside",) if beside else ()))
    return [
        ("combination", "real", limit),
        *((split, "real", control) for split in COLUMNS),
        *(("combination", condition, control) for condition in controls),  # the other model comes last
    ]


def mean_chances(dialogues: list[Any], num_names: int) -> dict[str, float]:
    """task -> share that guessing would get."""
    from nextgpt.nano.judges import chance

    found: dict[str, list[float]] = {}
    for dialogue in dialogues:
        found.setdefault(dialogue.task, []).append(chance(dialogue.record, dialogue.task, num_names))
    return {task: sum(values) / len(values) for task, values in found.items()}


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


def all_names(batches: Any) -> set[str]:
    fields = ("name_a", "name_b", "name", "first", "second")
    return {row["slots"].get(f, "") for row in batches.items.by_id.values() for f in fields} - {""}


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
