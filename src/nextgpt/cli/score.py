"""nextgpt score: score answers made anywhere, in each benchmark's official result format. No model is loaded."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS
from nextgpt.evaluation.scoring import score as score_files

HELP = """Score answers made anywhere by a benchmark's official rule and files; no model is needed.

The tasks, each with its predictions and its annotations:

\b
"""


def score(
    task: Annotated[str, typer.Argument(help="a task of the table above", metavar="TASK")],
    predictions: Annotated[
        Path, typer.Option(help="results in the official format, or a folder of made media")
    ],
    annotations: Annotated[
        list[Path] | None,
        typer.Option(help="official annotations, or a folder of real media; may be repeated"),
    ] = None,
    questions: Annotated[
        list[Path] | None, typer.Option(help="official questions, where they lie apart")
    ] = None,
    choices: Annotated[Path | None, typer.Option(help="GQA: valid and plausible answers")] = None,
    scenes: Annotated[Path | None, typer.Option(help="GQA: scene graphs, for grounding")] = None,
    attentions: Annotated[Path | None, typer.Option(help="GQA: attention maps, for grounding")] = None,
    subset: Annotated[bool, typer.Option(help="score only what was answered")] = False,
    split: Annotated[str, typer.Option(help="of files that hold several")] = "test",
    captions: Annotated[
        Path | None, typer.Option(help="texts of made media, as captions by file name")
    ] = None,
    features: Annotated[
        str, typer.Option(help="efficientnet-lite2, yamnet, a CLIP's folder, package.module:name, inception")
    ] = "",
    clip: Annotated[Path | None, typer.Option(help="folder of a CLIP as transformers saves it")] = None,
    size: Annotated[int, typer.Option(help="of pictures for a Python module's features")] = 299,
    batch: Annotated[int, typer.Option(help="media at once")] = 16,
    seed: Annotated[int, typer.Option(help="of the kernel distance's subsets")] = 0,
    judge: Annotated[
        str, typer.Option(help="folder or part of a language model, or https://host/v1#model")
    ] = "",
    judge_prompt: Annotated[
        Path | None, typer.Option(help="a file with {question}, {answer} and {prediction}")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    with shown_progress() as progress:
        found = score_files(
            task,
            predictions,
            tuple(annotations or ()),
            questions=tuple(questions or ()), choices=choices, scenes=scenes, attentions=attentions,
            subset=subset, split=split, captions=captions, features=features, clip=clip, size=size,
            batch=batch, seed=seed, judge=judge, judge_prompt=judge_prompt, progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(as_record(task, found)))
    else:
        for line in lines_of(task, found):
            typer.echo(line)


def list_tasks() -> str:
    width = max(map(len, SCORERS)) + 2
    return HELP + "\n".join(f"{name:<{width}}{scorer.text}" for name, scorer in SCORERS.items())


score.__doc__ = list_tasks()


def as_record(task: str, found: Scores) -> dict[str, Any]:
    """What --json prints: all digits."""
    return {
        "task": task,
        "metric": found.metric,
        "value": found.value,
        "n": found.n,
        "interval": interval(found),
        "breakdown": dict(found.breakdown),
        "unavailable": found.unavailable,
        "notes": list(found.notes),
    }


def interval(found: Scores) -> tuple[float, float] | None:
    """95 % interval of the value by the bootstrap, as in a run's record; None where it is no mean over items."""
    from nextgpt.evaluation.resampling import interval as resampled

    return None if found.value is None else resampled(found.value, found.per_item, {})


def lines_of(task: str, found: Scores) -> Iterator[str]:
    """The official table, with as many digits as the official script prints."""
    digits = SCORERS[task].digits
    if found.value is None:
        yield f"{found.metric}: {found.unavailable}"
    else:
        span = interval(found)
        beside = f", 95 % interval {span[0]:.{digits}f} to {span[1]:.{digits}f}" if span else ""
        yield f"{found.metric}: {found.value:.{digits}f} (n = {found.n}{beside})"
    for name, value in found.breakdown.items():
        yield f"  {name}: {value:.{digits}f}"
    if found.value is not None and found.unavailable:
        yield from (f"  {part}" for part in found.unavailable.split("; ") if part)
    yield from (f"Note: {note}" for note in found.notes)


@contextmanager
def shown_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that appears when a scorer first tells of its progress: report(done, total)."""
    bars: list[Any] = []

    def report(done: int, total: int) -> None:
        if not bars:
            from rich.console import Console
            from rich.progress import Progress

            bars.append(Progress(console=Console(stderr=True)))
            bars[0].start()
            bars.append(bars[0].add_task("scoring"))
        bars[0].update(bars[1], completed=done, total=total)

    try:
        yield report
    finally:
        if bars:
            bars[0].stop()
