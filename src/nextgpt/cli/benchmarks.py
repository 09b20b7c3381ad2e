"""nextgpt eval vqav2 coco-captions --model NAME: the commands of the benchmarks and their options."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.compare import compare
from nextgpt.cli.model_options import Device, Dtype, Model, Threads
from nextgpt.errors import ConfigError
from nextgpt.evaluation.data_place import DATA_VARIABLE


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
            help=f"Official data, or a folder with one folder a task, or hf:ORG/NAME; else ${DATA_VARIABLE}.",
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
    from nextgpt.cli.benchmark_job import Job
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
    together.end()


def tasks_named(names: list[str]) -> list[Any]:
    """ConfigError for a name that is no benchmark."""
    from nextgpt.evaluation.tasks import TASKS

    for name in names:
        if name not in TASKS:
            hint = "run it by itself" if name.startswith("nano-") else f"there are {', '.join(TASKS)}"
            raise ConfigError(f"{name!r} is no benchmark that goes with others; {hint}.")
    return [TASKS[name] for name in dict.fromkeys(names)]
