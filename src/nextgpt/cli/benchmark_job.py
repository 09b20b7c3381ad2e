"""One `nextgpt eval` command at work: data first, then the model, answers, scores, tables and the report."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer

from nextgpt.evaluation.data_place import data_folder

MOST_ROWS = 12  # of a breakdown in the terminal; all are in the record and the report


class Job:
    """One command: several tasks, one model, perhaps one process of several."""

    def __init__(
        self,
        model: str,
        device: str,
        dtype: str,
        threads: int | None,
        settings: Any,
        together: Any,
        measure: Any,
    ) -> None:
        self.model, self.placement = model, (model, device, dtype, threads)
        self.settings, self.together, self.measure = settings, together, measure
        self.pipeline: Any = None

    @contextmanager
    def alone(self, make: Callable[[], Path]) -> Iterator[None]:
        """Only one command writes into a folder; of several processes the first holds the lock for all."""
        from nextgpt.files import locked

        with ExitStack() as stack:
            self.together.by_main(lambda: stack.enter_context(locked(make())))
            yield

    def open_model(self) -> Any:
        from nextgpt.cli.model_options import open_pipeline

        if self.pipeline is None:
            self.pipeline = open_pipeline(*self.placement)
        return self.pipeline

    def run(self, tasks: list[Any], data: str | None, folder: Path, fresh: bool) -> None:
        """All data are looked at before the model is opened."""
        from nextgpt.cli.model_options import model_identity
        from nextgpt.evaluation.answers import start_again

        if fresh:
            self.together.by_main(lambda: start_again([folder / task.name for task in tasks]))
        identity = f"{model_identity(self.model)} {self.placement[2]}"
        prepared = [self.prepare(task, data, folder) for task in tasks]
        runs = [self.one(some, identity) for some in prepared]
        if self.together.is_main:
            self.show(runs, folder)

    def prepare(self, task: Any, data: str | None, folder: Path) -> Any:
        from nextgpt.cli.show import tracker
        from nextgpt.evaluation.runner import prepare

        found: list[Any] = []

        def look() -> None:
            bar = tracker(f"{task.name}: looking at media")
            found.append(
                prepare(task, data_folder(data, task.name), folder / task.name, self.settings, track=bar)
            )

        self.together.by_main(look)
        if found:
            return found[0]
        return prepare(task, data_folder(data, task.name), folder / task.name, self.settings, look=False)

    def one(self, prepared: Any, identity: str) -> Any:
        """(run.json, items.json, answers) of a task; of the main process alone."""
        from nextgpt.cli.printing import counting
        from nextgpt.evaluation.record import read_run, score, write_run
        from nextgpt.evaluation.runner import answer

        began, start = time.strftime("%Y-%m-%dT%H:%M:%S%z"), time.time()
        bar = counting(prepared.task.name) if self.together.is_main else nullcontext(lambda done, total: None)
        with bar as report:
            answered = answer(
                prepared, self.open_model, identity=identity, processes=self.together, on_done=report
            )
        if not self.together.is_main:
            return None
        about = {
            "model": model_record(self.model, identity) | placed(self.pipeline, self.placement),
            "began": began,
            "seconds": round(time.time() - start, 1),
            "processes": self.together.count,
        }
        write_run(prepared, answered, score(prepared, answered, self.measure), about=about)
        return (*read_run(prepared.folder), answered)

    def show(self, runs: list[Any], folder: Path) -> None:
        from nextgpt.cli.show import console
        from nextgpt.evaluation.report import write_report

        console.print(metric_table([run for run, _, _ in runs]))
        for run, _, _ in runs:
            for line in remarks(run):
                typer.echo(line)
        page = write_report(folder / "report.html", runs)
        typer.echo(f"Answers, scores and {page.name} are in {folder}.")


def placed(pipeline: Any, placement: tuple[Any, ...]) -> dict[str, str]:
    """Where the model really was and in which numbers; what was asked for where none was opened."""
    model = getattr(pipeline, "model", None)
    if model is None:
        return {"device": placement[1], "dtype": placement[2]}
    parameter = next(model.parameters())
    return {"device": str(parameter.device), "dtype": str(parameter.dtype).removeprefix("torch.")}


def model_record(model: str, identity: str) -> dict[str, Any]:
    """Which weights: their hash, the parts that they were trained on with theirs, and the stages."""
    from nextgpt.checkpoint import read_info, resolve

    info = read_info(resolve(model))
    return {
        "name": model,
        "identity": identity,
        "parts": info.parts,
        "stages": [stage.get("stage", stage.get("name")) for stage in info.stages],
        "trained": list(info.trained),
    }


def metric_table(runs: list[Any]) -> Any:
    from rich.table import Column, Table

    from nextgpt.evaluation.report import number

    table = Table(Column("task", no_wrap=True), "metric", "score", "95 % interval", "n")
    for run in runs:
        for one in run["metrics"]:
            value = "not available" if one["value"] is None else number(one["value"])
            between = " to ".join(map(number, one["interval"])) if one["interval"] else ""
            table.add_row(run["task"], one["metric"], value, between, f"{one['n']:,}")
            few = {name: part for name, part in one["breakdown"].items() if name != one["metric"]}
            for name, part in list(few.items())[:MOST_ROWS]:
                table.add_row("", f"  {name}", number(part), "", "")
    return table


def remarks(run: Any) -> list[str]:
    """What a reader of the figure must know: what is missing, quirks, faults."""
    name = run["task"]
    found = []
    for one in run["metrics"]:
        what = f"{one['metric']} is not available: " if one["value"] is None else ""
        found += [f"{name}: {what}{part}" for part in one["unavailable"].split("; ") if part]
    found += [f"{name}: {note}" for one in run["metrics"] for note in one["notes"]]
    if run["errors"]:
        found.append(
            f"{name}: {run['errors']} of {run['n']} questions gave an error and count as unanswered."
        )
    if run["without_medium"]:
        found.append(f"{name}: {run['without_medium']} of {run['n']} replies had no medium.")
    return list(dict.fromkeys(found))
