"""Training state in one safetensors file: tensors as tensors, the rest as JSON in its header.

One file is replaced at once, so a killed run leaves the last whole state. It lies in the user's cache.
"""

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from nextgpt.errors import CheckpointError


def environment() -> dict[str, Any]:
    """What bit-identical resumption hangs on."""
    import transformers

    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def save_state(path: Path, model: Any, optimizer: Any, record: dict[str, Any]) -> None:
    """Trainable parameters, the optimiser's moments and `record`."""
    from safetensors.torch import save_file

    tensors = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            tensors[f"parameter/{name}"] = parameter.detach().contiguous()
            for key, value in optimizer.state.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = torch.as_tensor(value).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(tensors, partial, metadata={"record": json.dumps({**record, "environment": environment()})})
    os.replace(partial, path)


def read_record(path: Path) -> dict[str, Any] | None:
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()["record"])
    except (SafetensorError, TypeError, KeyError, ValueError):
        raise CheckpointError(
            f"{path} is no whole state of a training; pass --fresh to begin anew."
        ) from None


def check_run(path: Path, **now: Any) -> None:
    """now: seed, origin, job. CheckpointError where the state is of another run, or has more steps than this run's.
    Fewer are right: a run goes on, also for longer than it was meant."""
    record = read_record(path) or {}
    if record.get("step", 0) > now["job"]["steps"]:
        raise CheckpointError(
            f"{path} has {record['step']} steps already, and this run would end at {now['job']['steps']}; give a "
            "larger --steps-scale, or pass --fresh to begin anew."
        )
    now = json.loads(json.dumps(now))  # as it is written: tuples are lists
    job, job_now = record.pop("job", {}), now.pop("job")
    differs = [name for name, value in now.items() if record.get(name, value) != value]
    differs += [name for name, value in job_now.items() if name != "steps" and job.get(name, value) != value]
    if differs:
        raise another_run(path, differs)


def another_run(path: Path, differs: list[str]) -> CheckpointError:
    return CheckpointError(
        f"{path} is the state of another run (differs in {', '.join(differs)}); pass --fresh to begin anew, or move it "
        "away."
    )


def load_state(path: Path, model: Any, optimizer: Any) -> dict[str, Any]:
    """Put parameters and moments back in place. Raises CheckpointError where the file is of another run."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    wanted = {f"parameter/{n}" for n, p in model.named_parameters() if p.requires_grad}
    found = {name for name in tensors if name.startswith("parameter/")}
    if wanted != found:
        raise another_run(path, sorted(wanted ^ found)[:3])
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data.copy_(tensors[f"parameter/{name}"])
            keys = [k.split("/")[0] for k in tensors if k.split("/", 1)[1] == name and k[:10] != "parameter/"]
            if keys:
                optimizer.state[parameter] = {key: tensors[f"{key}/{name}"].clone() for key in keys}
    record = read_record(path)
    assert record is not None
    return record
