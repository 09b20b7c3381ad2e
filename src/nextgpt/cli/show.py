"""What the verbs print while they work: tables and progress bars."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

console = Console()


def tracker(label: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """A progress bar around a list."""
    from rich.progress import track

    return lambda values: track(list(values), description=label)


def print_parameters(model: Any) -> None:
    """What is frozen and what trains, with the share of all parameters."""
    from nextgpt.training.stages import parameter_table

    table = Table("module", "parameters", "trains", "share of all")
    rows = parameter_table(model)
    total = rows[-1][1]
    for name, count, training in rows:
        table.add_row(
            name, f"{count:,}", f"{training:,}" if training else "frozen", f"{training / total:.2%}"
        )
    console.print(table)


class TrainingProgress:
    """A bar a job, with the last losses beside it."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task: Any = None

    def start(self, job: Any) -> None:
        self.task = self.bar.add_task(job.name, total=job.steps, losses="")

    def step(self, step: int) -> None:
        self.bar.update(self.task, completed=step)

    def log(self, record: dict[str, Any]) -> None:
        skip = {"step", "job", "learning_rate", "gradient_norm", "seconds_per_step"}
        losses = " ".join(f"{name} {value:.3f}" for name, value in record.items() if name not in skip)
        self.bar.update(self.task, losses=losses)


@contextmanager
def training_progress(stage: Any) -> Iterator[TrainingProgress]:
    columns = (TextColumn(f"{stage.name} {{task.description}}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[losses]}"), console=console
    ) as bar:
        yield TrainingProgress(bar)


CONTROLS = ("chance", "blind", "shuffled", "caption", "beside", "name", "style", "timbre")


def score_cells(row: dict[str, Any], columns: Iterable[str]) -> list[str]:
    """task, n, score with its 95 % interval, bar, other columns; what was not measured is empty."""

    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f}"

    score = f"{percent(row['score'])} ({percent(row['low'])} to {percent(row['high'])})"
    return [row["task"], str(row["n"]), score, percent(row["bar"]), *(percent(row.get(c)) for c in columns)]


def score_table(rows: list[dict[str, Any]], columns: Iterable[str] = CONTROLS) -> Table:
    table = Table(Column("task", no_wrap=True), "n", "score", "bar", *columns)
    for row in rows:
        table.add_row(*score_cells(row, columns))
    return table


def markdown_table(rows: list[dict[str, Any]], columns: Iterable[str] = CONTROLS) -> list[str]:
    header = ["task", "n", "score", "bar", *columns]
    lines = [header, ["---"] * len(header), *(score_cells(row, columns) for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]
