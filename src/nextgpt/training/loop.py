"""The training loop: steps of one job, exact to resume. Its data are a function of the step (data/mixture.py)."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from nextgpt.checkpoint import module_of
from nextgpt.errors import NextGPTError, optional_library
from nextgpt.training.losses import OBJECTIVES
from nextgpt.training.stages import Job
from nextgpt.training.state import environment, load_state, read_record, save_state

log = logging.getLogger(__name__)
SAVE_SECONDS = 300.0


def learning_rate(step: int, job: Job, peak: float) -> float:
    """Linear warm-up, then a cosine down to a tenth of the peak. Counts steps, never seconds."""
    if step < job.warmup_steps:
        return peak * (step + 1) / job.warmup_steps
    share = (step - job.warmup_steps) / max(1, job.steps - job.warmup_steps)
    return peak * (0.55 + 0.45 * math.cos(math.pi * min(1.0, share)))


def make_optimizer(model: Any, job: Job) -> torch.optim.AdamW:
    """A group for each learning rate of the job. Decay on matrices only."""
    groups: dict[tuple[float, bool], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((job.rate_of(module_of(name)), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": params,
                "weight_decay": job.weight_decay if matrix else 0.0,
                "peak": peak,
            }
            for (peak, matrix), params in groups.items()
        ],
        lr=job.learning_rate,
        betas=(0.9, 0.98),
    )


def prefetch(make: Callable[[int], Any], start: int, stop: int) -> Iterator[tuple[int, Any]]:
    """(step, make(step)) with the next one being made in a thread."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(make, start) if start < stop else None
        for step in range(start, stop):
            assert coming is not None
            value = coming.result()
            coming = pool.submit(make, step + 1) if step + 1 < stop else None
            yield step, value


class Trainer:
    """One job of one stage.

    batches(micro_step) -> what the objective takes; on_log(record) is called every `log_every` steps and
    on_validation(step) every `validate_every`. State is saved at least every five minutes and at the end, with seed,
    origin (what the model was trained on before) and job, by which state.check_run knows the run again.
    """

    def __init__(
        self,
        model: Any,
        job: Job,
        batches: Callable[[int], Any],
        state_path: Path,
        *,
        seed: int = 0,
        origin: str = "",
        accelerator: Any = None,
        on_log: Callable[[dict[str, Any]], None] | None = None,
        on_step: Callable[[int], None] | None = None,
        on_validation: Callable[[int], None] | None = None,
        log_every: int = 10,
        validate_every: int = 200,
    ) -> None:
        self.model, self.job, self.batches, self.seed, self.origin = model, job, batches, seed, origin
        self.state_path, self.accelerator = state_path, accelerator or make_accelerator()
        self.on_log, self.on_step, self.on_validation = on_log, on_step, on_validation
        self.log_every, self.validate_every = log_every, validate_every
        self.objective = OBJECTIVES[job.objective]
        self.optimizer = make_optimizer(model, job)

    def run(self) -> None:
        """Train from the saved state (or from the start) to the job's last step."""
        start = self._resume()
        self.model.train()
        saved = began = time.monotonic()
        seen: dict[str, list[float]] = {}
        accumulation = self.job.gradient_accumulation
        for micro, batch in prefetch(self.batches, start * accumulation, self.job.steps * accumulation):
            losses = self._backward(micro, batch)
            for name, value in losses.items():
                seen.setdefault(name, []).append(float(value.detach()))
            if (micro + 1) % accumulation:
                continue
            step = micro // accumulation
            norm = self._update(step)
            if (step + 1) % self.log_every == 0 or step + 1 == self.job.steps:
                self._log(step, seen, norm, time.monotonic() - began, step + 1 - start)
                seen = {}
            if self.on_step:
                self.on_step(step + 1)
            if time.monotonic() - saved > SAVE_SECONDS:
                self.save(step + 1)
                saved = time.monotonic()
            if self.on_validation and (step + 1) % self.validate_every == 0:
                self.on_validation(step + 1)
                self.model.train()
        if start < self.job.steps:
            self.save(self.job.steps)

    def _resume(self) -> int:
        record = read_record(self.state_path)
        if record is None:
            return 0
        now = environment()
        changed = {k: (v, now[k]) for k, v in record["environment"].items() if now[k] != v}
        if changed and record["step"] < self.job.steps:
            log.warning("resumed under another environment, so not bit for bit: %s", changed)
        load_state(self.state_path, self.model, self.optimizer)
        return record["step"]

    def _backward(self, micro: int, batch: Any) -> dict[str, Tensor]:
        torch.manual_seed((self.seed * 1_000_003 + micro) % 2**63)
        with self.accelerator.autocast():
            losses = self.objective(self.model, batch.to(self.accelerator.device))
        total = torch.stack(
            [self.job.weight_of(name) * value.float() for name, value in losses.items()]
        ).sum()
        self.accelerator.backward(total / self.job.gradient_accumulation)
        return losses

    def _update(self, step: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.job, group["peak"])
        params = [p for group in self.optimizer.param_groups for p in group["params"]]
        norm = float(self.accelerator.clip_grad_norm_(params, self.job.clip_norm))
        if not math.isfinite(norm):
            raise NextGPTError(
                f"{self.job.name}: the gradient of step {step + 1} is {norm}; the last saved state is whole, lower the "
                "learning rate or look at that step's rows."
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def _log(self, step: int, seen: dict[str, list[float]], norm: float, seconds: float, steps: int) -> None:
        """seen: values of each loss since the last record; its mean is over the batches that had it."""
        record: dict[str, Any] = {"job": self.job.name, "step": step + 1}
        record |= {name: fmean(values) for name, values in seen.items()}
        record |= {"gradient_norm": norm, "learning_rate": self.optimizer.param_groups[0]["lr"]}
        record |= {"seconds_per_step": seconds / max(1, steps)}
        if self.on_log:
            self.on_log(record)

    def save(self, step: int) -> None:
        record = {"step": step, "seed": self.seed, "origin": self.origin, "job": asdict(self.job)}
        save_state(self.state_path, self.model, self.optimizer, record)


def make_accelerator() -> Any:
    """bf16 autocast, on the GPU where there is one."""
    return optional_library("accelerate", "train", "Training").Accelerator(
        mixed_precision="bf16", cpu=not torch.cuda.is_available()
    )
