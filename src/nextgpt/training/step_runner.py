"""Steps of optimisation that can be stopped and resumed bit for bit. It knows no model, medium or data.

All randomness of step s comes from a generator seeded by (seed, s) and the learning rate is a function of s.
So the state is: step, weights, their moving average (EMA), optimiser moments. A state is a folder
`state-<step>/` of state.safetensors and state.json, written under a temporary name and renamed.
"""

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nextgpt.errors import CheckpointError

LossFunction = Callable[[int, torch.Generator], Tensor]
OnStep = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class PhaseConfig:
    steps: int
    batch_size: int
    learning_rate: float = 1e-3
    warmup: int = 100
    final_share: float = 0.05
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    ema_decay: float = 0.999
    save_every: int = 200
    log_every: int = 20
    seed: int = 0


class StepRunner:
    """Trains the parameters of `module` that require gradients; `loss(step, generator)` gives the scalar.
    `source` names what the loss reads: a state of another source or config is refused."""

    def __init__(
        self, name: str, module: nn.Module, loss: LossFunction, config: PhaseConfig, folder: Path, source: str
    ) -> None:
        self.name, self.module, self.loss, self.config = name, module, loss, config
        self.folder, self.source = folder, source
        self.parameters = {key: value for key, value in module.named_parameters() if value.requires_grad}
        self.average = {key: value.detach().clone() for key, value in self.parameters.items()}
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0
        self._began, self._losses = time.monotonic(), [0.0, 0]

    def run(self, until: int | None = None, on_step: OnStep | None = None) -> bool:
        """Resume, go on to step `until` (all steps without it). True when the phase is complete."""
        self.resume()
        end = min(self.config.steps, until if until is not None else self.config.steps)
        self.module.train()
        while self.step < end:
            loss = self.advance()
            if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                self.save()
            if on_step is not None:
                on_step(self.step, self.config.steps, loss)
        self.module.eval()
        return self.step >= self.config.steps

    def advance(self) -> dict[str, float]:
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step)
        loss = self.loss(self.step, generator)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.config.max_grad_norm)
        rate = learning_rate(self.config, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.update_average()
        return self.note({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate})

    @torch.no_grad()
    def update_average(self) -> None:
        """Moving average with a short memory at first: decay min(ema_decay, (1 + s) / (10 + s))."""
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for key, value in self.parameters.items():
            self.average[key].lerp_(value, 1 - decay)

    @torch.no_grad()
    def use_average(self) -> None:
        for key, value in self.parameters.items():
            value.copy_(self.average[key])

    def note(self, metrics: dict[str, float]) -> dict[str, float]:
        """Append the mean loss since the last line to log.jsonl, every `log_every` steps."""
        self._losses = [self._losses[0] + metrics["loss"], self._losses[1] + 1]
        if self.step % self.config.log_every == 0 or self.step == self.config.steps:
            mean, seconds = self._losses[0] / self._losses[1], time.monotonic() - self._began
            line = {
                "phase": self.name,
                "step": self.step,
                **metrics,
                "loss": mean,
                "seconds": round(seconds, 1),
            }
            with (self.folder / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            self._losses = [0.0, 0]
        return metrics

    # --- state on disk ---

    def save(self) -> None:
        target = self.folder / f"state-{self.step:07d}"
        draft = self.folder / f"{target.name}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_file(self.tensors(), draft / "state.safetensors")
        (draft / "state.json").write_text(json.dumps(self.facts(), indent=1))
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        for older in self.states()[:-1]:
            shutil.rmtree(older)

    def resume(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        states = self.states()
        if not states:
            return
        facts = json.loads((states[-1] / "state.json").read_text())
        if (facts["config"], facts.get("source")) != (asdict(self.config), self.source):
            raise CheckpointError(
                f"{self.folder} holds a training with other settings or data; remove it or pass --fresh."
            )
        self.restore(load_file(states[-1] / "state.safetensors"))
        self.step = facts["step"]

    def states(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("state-*") if path.suffix != ".tmp")

    def facts(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "config": asdict(self.config),
            "source": self.source,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }

    def tensors(self) -> dict[str, Tensor]:
        values: dict[str, Tensor] = {}
        for key, parameter in self.parameters.items():
            values[f"weight/{key}"] = parameter.detach().contiguous()
            values[f"average/{key}"] = self.average[key].contiguous()
            for name, value in self.optimizer.state[parameter].items():
                values[f"optimizer/{name}/{key}"] = value.contiguous()
        return values

    @torch.no_grad()
    def restore(self, values: dict[str, Tensor]) -> None:
        for key, parameter in self.parameters.items():
            parameter.copy_(values.pop(f"weight/{key}"))
            self.average[key].copy_(values.pop(f"average/{key}"))
        for place, value in values.items():
            _, name, key = place.split("/", 2)
            parameter = self.parameters[key]
            like = torch.empty_like(parameter) if value.shape == parameter.shape else value
            self.optimizer.state[parameter][name] = like.copy_(value)


def learning_rate(config: PhaseConfig, step: int) -> float:
    """Linear warm-up, then a cosine to `final_share` of the peak."""
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    progress = step / max(1, config.steps)
    fall = config.final_share + (1 - config.final_share) * 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * warm * fall


def batch_rows(step: int, batch_size: int, num_items: int, seed: int) -> list[int]:
    """Rows of step `step` in an endless walk over shuffled epochs: a function of its arguments alone."""
    rows: list[int] = []
    position = step * batch_size
    while len(rows) < batch_size:
        epoch, offset = divmod(position + len(rows), num_items)
        order = torch.randperm(num_items, generator=torch.Generator().manual_seed(seed * 7_919 + epoch))
        rows += order[offset : offset + batch_size - len(rows)].tolist()
    return rows
