"""nextgpt eval vqav2 coco-captions --model NAME: the benchmarks of evaluation/tasks, and comparing two runs."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import Device, Dtype, Model, Threads
from nextgpt.errors import ConfigError

DATA_VARIABLE = "NEXTGPT_DATA"


def add_commands(app: typer.Typer) -> None:
    """A command for each task, so that --help lists them, and `compare`."""
    from nextgpt.evaluation.tasks import TASKS

    app.command("compare")(compare)
    for name, task in TASKS.items():
        holds = "\n".join(f"  {path}: {what}" for path, what in _short(task.layout).items())
        app.command(name, help=f"{task.title}.\n\n\b\nFOLDER holds\n{holds}\nfrom {task.source}")(run)


def _short(layout: Any, most: int = 6) -> dict[str, str]:
    """The first lines of a long layout, and its last."""
    lines = list(layout.items())
    if len(lines) <= most:
        return dict(lines)
    return {**dict(lines[: most - 2]), "...": f"{len(lines) - most + 1} more of these", **dict(lines[-1:])}


def run(
    ctx: typer.Context,
    more: Annotated[list[str] | None, typer.Argument(metavar="TASK", help="Further tasks.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help=f"Official data, or a folder with one folder a task; else ${DATA_VARIABLE}.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask a sample of so many questions; all if unset.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Questions at once.")] = 8,
    out: Annotated[
        Path | None, typer.Option(help="Folder for answers, scores and report; a rerun resumes there.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask all again.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample, of replies, of intervals.")] = 0,
    prompt: Annotated[
        str | None, typer.Option(help="A template in place of the task's own, with its fields.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="At most so many tokens a reply.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Denoising steps of the decoders.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely media follow the text.")] = None,
    features: Annotated[
        str, typer.Option(help="Made media: the network whose features are compared; `nextgpt score --help`.")
    ] = "",
    clip: Annotated[Path | None, typer.Option(help="Made media: folder of a CLIP, for CLIPScore.")] = None,
    judge: Annotated[str, typer.Option(help="activitynet-qa: a language model that judges too.")] = "",
    model: Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = None,
) -> None:
    """Score a model on benchmarks whose data you have."""
    from nextgpt.cli.model_options import make_folder
    from nextgpt.evaluation.processes import processes
    from nextgpt.evaluation.runner import Settings
    from nextgpt.evaluation.tasks.scoring import Measure

    tasks = tasks_named([str(ctx.info_name), *(more or [])])
    settings = Settings(limit, batch, seed, prompt, max_new_tokens, steps, guidance)
    together = processes()
    place = together.device if together.count > 1 and device == "auto" else device
    folder = out or Path("nextgpt-out") / f"eval-{Path(model).name}"
    job = Job(model, place, dtype, threads, settings, together, Measure(features, clip, judge))
    with job.alone(lambda: make_folder(folder)):
        job.run(tasks, data, folder, fresh)


def tasks_named(names: list[str]) -> list[Any]:
    """ConfigError for a name that is no benchmark."""
    from nextgpt.evaluation.tasks import TASKS

    for name in names:
        if name not in TASKS:
            hint = "run it by itself" if name.startswith("nano-") else f"there are {', '.join(TASKS)}"
            raise ConfigError(f"{name!r} is no benchmark that goes with others; {hint}.")
    return [TASKS[name] for name in dict.fromkeys(names)]


def data_folder(given: str | None, task: str) -> Path:
    """--data, or the environment; a folder of the task's name inside, where there is one."""
    where = given or os.environ.get(DATA_VARIABLE)
    if not where:
        raise ConfigError(
            f"Where are the data of {task}? Give --data FOLDER or set {DATA_VARIABLE}; "
            f"`nextgpt eval {task} --help` says what the folder holds."
        )
    own = Path(where) / task
    return own if own.is_dir() else Path(where)


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
        from contextlib import ExitStack

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
        with counting(prepared.task.name) as report:
            answered = answer(
                prepared,
                self.open_model,
                identity=identity,
                processes=self.together,
                on_done=report if self.together.is_main else lambda done, total: None,
            )
        if not self.together.is_main:
            return None
        about = {
            "model": model_record(self.model, identity, self.placement),
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


def model_record(model: str, identity: str, placement: tuple[Any, ...]) -> dict[str, Any]:
    """Which weights: their hash, the parts that they were trained on with theirs, and the stages."""
    from nextgpt.checkpoint import read_info, resolve

    info = read_info(resolve(model))
    return {
        "name": model,
        "identity": identity,
        "parts": info.parts,
        "stages": [stage.get("stage", stage.get("name")) for stage in info.stages],
        "trained": list(info.trained),
        "device": placement[1],
        "dtype": placement[2],
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
    return table


def remarks(run: Any) -> list[str]:
    """What a reader of the figure must know: what is missing, quirks, faults."""
    name = run["task"]
    found = [
        f"{name}: {one['metric']} is not available: {one['unavailable']}"
        for one in run["metrics"]
        if one["unavailable"]
    ]
    found += [f"{name}: {note}" for one in run["metrics"] for note in one["notes"]]
    if run["errors"]:
        found.append(
            f"{name}: {run['errors']} of {run['n']} questions gave an error and count as unanswered."
        )
    if run["without_medium"]:
        found.append(f"{name}: {run['without_medium']} of {run['n']} replies had no medium.")
    return list(dict.fromkeys(found))


def compare(
    first: Annotated[Path, typer.Argument(help="The --out folder of a run, or one task's folder in it.")],
    second: Annotated[Path, typer.Argument(help="Of another run over the same items.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling.")] = 0,
) -> None:
    """Is the second run better than the first? Paired over the same items."""
    from rich.table import Column, Table

    from nextgpt.cli.show import console
    from nextgpt.evaluation.compare import compare_runs
    from nextgpt.evaluation.report import number

    table = Table(
        Column("task", no_wrap=True), "metric", "first", "second", "difference", "95 % interval", "p", "test"
    )
    for one in compare_runs(first, second, seed):
        cells = ["-" if value is None else number(value) for value in (one.first, one.second)]
        if one.difference is None:
            cells += ["", "", "", "no mean over items"]
        else:
            d = one.difference
            cells += [
                f"{d.value:+.3g}",
                f"{d.low:+.3g} to {d.high:+.3g}",
                f"{d.p:.3g}",
                f"{d.test}, n = {d.n:,}",
            ]
        table.add_row(one.task, one.metric, *cells)
    console.print(table)
