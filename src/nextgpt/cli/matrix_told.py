"""nextgpt eval nano-told: the language model's share of the matrix, without decoders and judges of media."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads


def nano_told(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="rows a cell")] = 200,
    cell: Annotated[
        list[str] | None, typer.Option(help="image->audio, for instance; all if unset; may be repeated")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="folder of dialogues instead of `nextgpt data build mosit`'s")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder for replies and the table")] = None,
    batch: Annotated[int, typer.Option(help="conversations at once")] = 16,
    threads: WorkThreads = 0,
) -> None:
    """Which media replies have and what their words say, before anything is drawn or played.

    To choose between weights, take dialogues that are not reported: `nextgpt data build mosit --seed 1 --out DEV`.
    """
    from nextgpt.cli import matrix
    from nextgpt.cli.data import folder_of
    from nextgpt.cli.scores import names_of
    from nextgpt.cli.show import markdown_table
    from nextgpt.nano.matrix.table import group_rows

    matrix.check(limit, None, batch, cell or ())
    groups, items = matrix.read_groups(data or folder_of("mosit"), limit, cell or ())
    use_threads(threads)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # what stands in its way is said before the work
    rows, names = matrix.every(groups, None), tuple(sorted(names_of(items)))
    replies = told_replies(matrix.open_pipeline(model), rows, items, names, batch)
    found = {reply["id"]: reply for reply in replies}
    table = [row for group, some in groups.items() for row in group_rows(group, some, {"real": found})]
    for line in markdown_table([row for row in table if not row["of"]], ("routing",)):
        typer.echo(line)
    if out is not None:
        save(out, found, table, model)


class Ordered:
    """Stands where decoders make media: keeps what is ordered, in order, and makes nothing."""

    def __init__(self) -> None:
        self.media: dict[int, list[str]] = {}

    def make(self, orders: Sequence[Any], on_step: Any = None) -> Iterator[Any]:
        self.media = {}
        for order in orders:
            self.media.setdefault(order.row, []).append(order.modality)
        return iter(())


def told_replies(
    pipeline: Any, rows: Sequence[Any], items: Any, names: tuple[str, ...], batch: int
) -> Iterator[dict[str, Any]]:
    """{"id", "task", "text", "media", "expected"} of each row's greedy reply, with its verdict: told, which is right
    here, and routed."""
    from nextgpt.cli.matrix_asking import replies
    from nextgpt.cli.show import tracker
    from nextgpt.generation.events import Finished
    from nextgpt.nano.matrix.verdicts import failed, judge_reply

    ordered = pipeline.output_media = Ordered()
    for some, results in replies(pipeline, rows, items, {"seed": 0}, batch, tracker("asking")):
        for row, result, (text, media) in zip(some, results, said(results, ordered), strict=True):
            answered = isinstance(result, Finished)
            verdict = judge_reply(row, text, media, [], names) if answered else failed(row)
            reply = {"id": row.id, "task": row.task, "text": text, "media": media, "expected": row.expected}
            yield reply | {"right": verdict["told"], "told": verdict["told"], "routed": verdict["routed"]}


def said(results: Sequence[Any], ordered: Ordered) -> Iterator[tuple[str, list[str]]]:
    """(text, modalities) of each result; orders are numbered by the requests that were no error."""
    from nextgpt.generation.events import Finished

    number = 0
    for result in results:
        if not isinstance(result, Finished):
            yield "", []
            continue
        text = result.message.text.strip() if result.message is not None else ""
        yield text, ordered.media.get(number, [])
        number += 1


def save(out: Path, found: dict[str, dict[str, Any]], table: list[dict[str, Any]], model: str) -> None:
    from nextgpt.cli.show import markdown_table
    from nextgpt.files import replace_text

    replace_text(out / "answers.jsonl", "".join(json.dumps(one) + "\n" for one in found.values()))
    replace_text(out / "table.md", "\n".join(markdown_table(table, ("routing",))) + "\n")
    replace_text(out / "scores.json", json.dumps({"model": model, "rows": table}, indent=1) + "\n")
    typer.echo(f"Replies and the table are in {out}.")
