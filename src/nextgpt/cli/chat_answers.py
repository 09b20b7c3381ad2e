"""nextgpt eval nano-answers: whether tuning has cost answers to plain questions that the base model knows."""

import json
from collections.abc import Sequence
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
    for line in lines(rows, found):
        typer.echo(line)
    if out is not None:
        from nextgpt.files import replace_text

        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / "answers.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        replace_text(out / "scores.json", json.dumps(found, indent=1) + "\n")


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Right answers of both, and the exact McNemar test of their difference."""
    from nextgpt.evaluation.resampling import mcnemar

    won = sum(row["tuned_right"] and not row["base_right"] for row in rows)
    lost = sum(row["base_right"] and not row["tuned_right"] for row in rows)
    counts = {who: sum(row[f"{who}_right"] for row in rows) for who in ("tuned", "base")}
    return {"n": len(rows), **counts, "won": won, "lost": lost, "p": mcnemar(won, lost)}


def lines(rows: Sequence[dict[str, Any]], found: dict[str, Any]) -> list[str]:
    """A table by kind of question, and what both have right in all."""
    from nextgpt.evaluation.intervals import wilson

    table = ["| kind | n | model | base |", "| --- | --- | --- | --- |"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        some = [row for row in rows if row["kind"] == kind]
        right = [str(sum(row[f"{who}_right"] for row in some)) for who in ("tuned", "base")]
        table.append(f"| {' | '.join((kind, str(len(some)), *right))} |")
    n = found["n"]
    share = {
        who: "{:.1f} ({:.1f} to {:.1f})".format(
            100 * found[who] / n, *(100 * x for x in wilson(found[who], n))
        )
        for who in ("tuned", "base")
    }
    table.append(
        f"Of {n} answers {share['tuned']} % of the model's are right, {share['base']} % of its base's; "
        f"{found['won']} of the model's alone, {found['lost']} of the base's alone (exact McNemar p {found['p']:.3f})."
    )
    return table
