"""nextgpt eval nano-answers: whether tuning has cost answers to plain questions that the base model knows."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads


def nano_answers(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    out: Annotated[Path | None, typer.Option(help="folder for the answers and the scores")] = None,
    threads: WorkThreads = 0,
) -> None:
    """200 plain questions with an answer, put to the model and to its base alike, greedily: right answers of both."""
    import torch

    from nextgpt.checkpoint import load_pretrained
    from nextgpt.cli.base_replies import base_model, replies_of
    from nextgpt.nano.chat_questions import chat_questions, is_right

    use_threads(threads)
    questions = chat_questions()
    prompts = [one.text for one in questions]
    tuned, processor, _info = load_pretrained(model, dtype=torch.bfloat16)
    replies = {
        "tuned": replies_of(tuned, processor, prompts, "the model's answers"),
        "base": replies_of(*base_model(), prompts, "the base model's answers"),
    }
    rows = [
        {"kind": one.kind, "question": one.text, "expected": one.answer}
        | {who: said[place] for who, said in replies.items()}
        | {f"{who}_right": is_right(one, said[place]) for who, said in replies.items()}
        for place, one in enumerate(questions)
    ]
    found = summary(rows) | {"model": model}
    for line in lines(found):
        typer.echo(line)
    if out is not None:
        from nextgpt.files import replace_text

        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "answers.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        replace_text(out / "scores.json", json.dumps(found, indent=1) + "\n")


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Right answers of each kind and of all, with the base's share, and how the two differ over the same questions."""
    from nextgpt.evaluation.intervals import wilson
    from nextgpt.evaluation.resampling import compare_paired

    def one(name: str, some: Sequence[dict[str, Any]]) -> dict[str, Any]:
        n, right = len(some), sum(row["tuned_right"] for row in some)
        low, high = wilson(right, n)
        base = sum(row["base_right"] for row in some) / n
        return {"task": name, "n": n, "score": right / n, "low": low, "high": high, "bar": None, "base": base}

    kinds = dict.fromkeys(row["kind"] for row in rows)
    found = [one(kind, [row for row in rows if row["kind"] == kind]) for kind in kinds]
    base, tuned = ([float(row[f"{who}_right"]) for row in rows] for who in ("base", "tuned"))
    return {"rows": [*found, one("all", rows)], "difference": asdict(compare_paired(base, tuned))}


def lines(found: dict[str, Any]) -> list[str]:
    from nextgpt.cli.show import markdown_table

    d = found["difference"]
    low, high, value = (100 * x for x in (d["low"], d["high"], d["second"] - d["first"]))
    return [
        *markdown_table(found["rows"], ("base",)),
        f"Difference to the base {value:+.1f} points ({low:+.1f} to {high:+.1f}; p {d['p']:.3f}, {d['test']}).",
    ]
