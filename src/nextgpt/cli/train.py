"""nextgpt train STAGE: one of the three stages on the nano world, resumable at any point."""

import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, finite, use_threads


def train(
    stage: Annotated[str, typer.Argument(help="encoder-alignment, decoder-alignment or instruction-tuning")],
    preset: Annotated[str, typer.Option(help="configuration to start from")] = "nano",
    start: Annotated[Path | None, typer.Option("--from", help="checkpoint of the stages before")] = None,
    out: Annotated[Path | None, typer.Option(help="where the checkpoint goes")] = None,
    jobs: Annotated[
        str, typer.Option(help="only the stage's jobs of this name; * stands for anything")
    ] = "*",
    seed: int = 0,
    fresh: Annotated[bool, typer.Option(help="forget what these jobs have trained so far")] = False,
    steps_scale: Annotated[
        float, typer.Option(help="shorten or lengthen every job", min=0, callback=finite)
    ] = 1.0,
    threads: WorkThreads = 0,
) -> None:
    """Train one stage; run it again after an interruption and it goes on where it was."""
    import torch

    from nextgpt.cli.memory import keep_buffers
    from nextgpt.parts import cache_root
    from nextgpt.training.stages import chosen_jobs, scaled
    from nextgpt.training.stages import stage as get_stage

    one = scaled(chosen_jobs(get_stage(stage), jobs), steps_scale)
    keep_buffers()
    use_threads(threads)
    torch.manual_seed(seed)
    run(one, preset, start, out or cache_root() / "checkpoints" / preset / stage, seed, fresh)


def run(stage: Any, preset: str, start: Path | None, out: Path, seed: int, fresh: bool) -> None:
    import torch

    from nextgpt import checkpoint
    from nextgpt.cli import nano_batches
    from nextgpt.cli.show import print_parameters, training_progress
    from nextgpt.cli.validation import validator
    from nextgpt.model import build_model
    from nextgpt.nano.recipe import data_folder
    from nextgpt.parts import cache_root, fetch_part, pinned
    from nextgpt.presets import preset as get_preset
    from nextgpt.training.run import run_stage

    folder, state_root = data_folder(cache_root()), cache_root() / "training" / preset
    info = checkpoint.read_info(start) if start else checkpoint.CheckpointInfo(get_preset(preset))
    checkpoint.check_parts(info, pinned)
    model, processor = build_model(info.config, fetch_part, dtype=torch.bfloat16, attention="eager")
    if start:
        checkpoint.load(model, start, info)
    trains_outputs = "output_projectors.*" in stage.modules
    targets = nano_batches.condition_targets(info.config) if trains_outputs else {}
    batches = nano_batches.nano_batches(info.config, processor, folder, targets)
    parts = {name: nano_batches.part_record(name) for name in checkpoint.part_names(info.config)}
    with training_progress(stage) as progress:

        def start_job(job: Any) -> None:
            print_parameters(model)
            progress.start(job)
            nano_batches.start_projectors(model, batches, job)

        run_stage(
            model,
            stage,
            checkpoint.with_parts(info, parts),
            lambda job: nano_batches.BATCHES[job.objective](model, batches, folder, job, seed),
            state_root,
            out,
            seed=seed,
            fresh=fresh,
            on_job=start_job,
            on_log=progress.log,
            on_step=progress.step,
            on_validation=validator(model, batches, folder, state_root / stage.name, seed),
            record={"commit": commit(), "preset": preset},
        )


def commit() -> str:
    """The work tree's commit, for the checkpoint's record."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
