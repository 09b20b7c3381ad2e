"""The options that say which model runs and where, shared by the verbs that answer."""

import math
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

Model = Annotated[str, typer.Option("--model", help="Shipped weights by name, or a checkpoint's folder.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; the idle cores if unset.")]
WorkThreads = Annotated[int, typer.Option("--threads", min=0, help="CPU threads; 0 for all cores.")]


def open_pipeline(model: str, device: str, dtype: str, threads: int | None) -> Any:
    """An AnyToAnyPipeline. This is where torch is imported."""
    from nextgpt.generation.pipeline import AnyToAnyPipeline

    if threads is None and "OMP_NUM_THREADS" not in os.environ:
        threads = idle_cores()
    return AnyToAnyPipeline.from_pretrained(model, device=device, dtype=dtype, threads=threads)


def finite(value: float) -> float:
    """Callback of options that are multiplied with: neither nan nor inf."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to multiply by.")
    return value


def use_threads(threads: int) -> None:
    """For training and evaluation, which take all cores unless told otherwise."""
    import torch

    torch.set_num_threads(threads or os.cpu_count() or 1)


def idle_cores() -> int:
    """Cores that other programs leave free. Threads that share a core wait for each other at every small
    product: on two cores busy with a training, two threads took ten times as long as one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, cores - int(load))


def model_identity(model: str) -> str:
    """The name and a hash of the weights: replies of another training are replies of another model."""
    from nextgpt.checkpoint import resolve
    from nextgpt.parts.hashing import weights_hash

    return f"{model} {weights_hash(resolve(model))}"


def dated_folder(prefix: str) -> Path:
    """Where media go when nobody said where: a folder of its own for every run. Not made here."""
    return Path("nextgpt-out") / time.strftime(f"{prefix}-%Y%m%d-%H%M%S")


def make_folder(folder: Path) -> Path:
    """The folder, made if it isn't there. MessageError for a place where there can be none."""
    from nextgpt.errors import MessageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MessageError(f"{str(folder)!r} can't be a folder for output ({error.strerror}).") from None
    return folder
