"""What the verbs print while they work: tables and progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

console = Console()


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


def understanding_table(rows: list[dict[str, Any]]) -> Table:
    """One line a task: score with n and 95 % interval, bar, controls, other splits."""
    columns = ("caption", "blind", "shuffled", "name", "style", "timbre")
    table = Table("task", "n", "score", "95 %", "bar", *columns)
    for row in rows:
        bar = f"{row['bar']:.0%}" if row["bar"] else ""
        cells = [f"{row[c]:.1%}" if c in row else "" for c in columns]
        interval = f"{row['low']:.1%}-{row['high']:.1%}"
        table.add_row(row["task"], str(row["n"]), f"{row['score']:.1%}", interval, bar, *cells)
    return table
