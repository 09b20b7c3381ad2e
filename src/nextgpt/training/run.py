"""Run a stage: its jobs one after the other, each resumable, then a checkpoint.

<state root>/<stage>/<job>.safetensors    training state, <job>.jsonl its log, tensorboard/
<out>                                     the checkpoint, made when the last job is done
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nextgpt import checkpoint
from nextgpt.checkpoint import CheckpointInfo
from nextgpt.errors import optional_library
from nextgpt.files import locked
from nextgpt.training.loop import Trainer
from nextgpt.training.stages import Job, Stage, apply_stage, started_from, union
from nextgpt.training.state import check_run, read_record

log = logging.getLogger(__name__)


@dataclass
class RunLog:
    """JSON lines and TensorBoard of one job."""

    path: Path
    writer: Any = None

    def __call__(self, record: dict[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        self.writer = self.writer or SummaryWriter(str(self.path.parent / "tensorboard" / record["job"]))
        for name, value in record.items():
            if isinstance(value, float):
                self.writer.add_scalar(name, value, record["step"])


def digest(stages: Sequence[dict[str, Any]], before: Sequence[Job] = ()) -> str:
    """What a model has been trained on, in short: a state goes on from there alone. before: jobs of the same run. On
    which machine and commit is not counted: a stage that is run again when it is done is the same stage."""
    trained = [
        _without(one, "commit") | {"jobs": [_without(job, "environment") for job in one.get("jobs", ())]}
        for one in stages
    ]
    text = json.dumps(trained + [asdict(job) for job in before], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _without(record: dict[str, Any], left_out: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != left_out}


def state_of(folder: Path, job: Job) -> Path:
    return folder / f"{job.name}.safetensors"


def forget(folder: Path, job: Job) -> None:
    """Remove the job's state, its logs and samples."""
    state_of(folder, job).unlink(missing_ok=True)
    (folder / f"{job.name}.jsonl").unlink(missing_ok=True)
    for samples in folder.glob(f"samples-{job.name}-*"):
        samples.unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard" / job.name, ignore_errors=True)


def run_stage(
    model: Any,
    stage: Stage,
    info: CheckpointInfo,
    batches: Callable[[Job], Callable[[int], Any]],
    state_root: Path,
    out: Path,
    *,
    seed: int = 0,
    fresh: bool = False,
    on_job: Callable[[Job], None] | None = None,
    on_log: Callable[[dict[str, Any]], None] | None = None,
    on_step: Callable[[int], None] | None = None,
    on_validation: Callable[[str, int], None] | None = None,
    record: dict[str, Any] | None = None,
) -> CheckpointInfo:
    """Train what the stage names and save the checkpoint to `out`. batches(job) -> micro step -> batch. fresh: forget
    what these jobs have trained so far. on_validation: (job, step).

    CheckpointError where that is of another run, MessageError where another process trains one of them.
    """
    optional_library("tensorboard", "train", "Training")  # the log would find it out hours later
    trained: tuple[str, ...] = ()
    jobs, folder = [], state_root / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    origins = [digest(info.stages, started_from(stage.jobs, job)) for job in stage.jobs]
    for job, origin in zip(stage.jobs, origins):
        if fresh:
            with locked(folder, job.name):
                forget(folder, job)
        check_run(state_of(folder, job), seed=seed, origin=origin, job=asdict(job))
    for job, origin in zip(stage.jobs, origins):
        trained = union(trained, apply_stage(model, stage, job))
        if on_job:
            on_job(job)
        run_log = RunLog(folder / f"{job.name}.jsonl")

        def write(values: dict[str, Any], run_log: RunLog = run_log) -> None:
            run_log(values)
            if on_log:
                on_log(values)

        with locked(folder, job.name):
            trainer = Trainer(
                model,
                job,
                batches(job),
                state_of(folder, job),
                seed=seed,
                origin=origin,
                on_log=write,
                on_step=on_step,
                on_validation=partial(on_validation, job.name)
                if on_validation and job.objective == "model"
                else None,
            )
            trainer.run()
        jobs.append(read_record(trainer.state_path))
    done = {"stage": stage.name, "seed": seed, "jobs": jobs, **(record or {})}
    info = replace(info, stages=(*info.stages, done), trained=union(info.trained, trained))
    checkpoint.save(model, out, info)
    return info
