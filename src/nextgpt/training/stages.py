"""The three stages, as rows of one table: what trains, by which losses, in which jobs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import takewhile
from typing import Any

from nextgpt.checkpoint import LORA, module_of
from nextgpt.errors import ConfigError


@dataclass(frozen=True)
class Job:
    """One resumable run of at most two hours. `objective` is a row of losses.OBJECTIVES; `mixture` weights
    sources of rows; `modules` are those of the stage's that this job trains, all when empty. A learning rate
    warms up linearly and decays by a cosine to a tenth; both count steps. `rates`: module pattern -> peak of its
    own; the first that fits counts, `learning_rate` where none does. `weights`: loss pattern -> its weight, 1 where
    none fits."""

    name: str
    objective: str
    steps: int
    batch_size: int
    learning_rate: float
    mixture: dict[str, float] = field(default_factory=dict)
    warmup_steps: int = 50
    weight_decay: float = 0.01
    gradient_accumulation: int = 1
    clip_norm: float = 1.0
    rates: dict[str, float] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)

    def trains(self, module: str) -> bool:
        """Of a stage's modules, those that this job is for."""
        return trains(self.modules or ("*",), module)

    def rate_of(self, module: str) -> float:
        return first_fit(self.rates, module, self.learning_rate)

    def weight_of(self, loss: str) -> float:
        return first_fit(self.weights, loss, 1.0)


def first_fit(values: Mapping[str, float], name: str, otherwise: float) -> float:
    """The value of the first pattern that the name fits."""
    return next((value for pattern, value in values.items() if fnmatch(name, pattern)), otherwise)


@dataclass(frozen=True)
class Stage:
    """`modules`: patterns over checkpoint.module_of; everything else is frozen."""

    name: str
    modules: tuple[str, ...]
    jobs: tuple[Job, ...]


UNDERSTANDING = {"image": 0.40, "audio": 0.22, "video": 0.18, "photo": 0.10, "recording": 0.05, "mixed": 0.05}

TUNING = {
    "image": 0.28,
    "audio": 0.14,
    "video": 0.14,
    "chain": 0.12,
    "photo": 0.09,
    "recording": 0.05,
    "mixed": 0.09,
    "reply": 0.06,
    "chat": 0.03,
}


# Requests for one medium, short: signal tokens learn from them to restate the caption before them.
RESTATING = {"settled": 0.88, "chat": 0.12}

# Dialogues that switch modality, and what they lack.
SWITCHING = {
    "mosit": 0.45,
    "turn": 0.40,
    "follow": 0.40,
    "names": 0.40,
    "back": 0.12,
    "settled": 0.10,
    "chat": 0.15,
    "photo": 0.03,
    "recording": 0.03,
    "image": 0.12,
    "audio": 0.05,
    "video": 0.02,
    "mixed": 0.03,
}

# The language model alone: output projectors learn from its signal states when it no longer changes.
WORDS = (LORA, "boundary_tokens", "signal_tokens", "modality_tokens")

# Chat is a row in five, so its divergence counts more.
BALANCE = {"rehearsal": 8.0}

# Gradients that come through the language model spoil the names that the slots have taught (docs/LOG.md).
TAUGHT = {"input_projectors.*": 2e-6}


def slot_job(modality: str, steps: int) -> Job:
    """The cheap start of one projector, without the language model's body (losses.slot_losses)."""
    modules = (f"input_projectors.{modality}",)
    return Job(f"slots-{modality}", "slots", steps, 128, 2e-3, {modality: 1.0}, modules=modules)


def conditioning_job(modality: str) -> Job:
    """Captions -> signal tokens -> conditioning of one decoder."""
    modules = (f"output_projectors.{modality}", "signal_tokens")
    name = f"conditioning-{modality}"
    return Job(name, "model", 20, 16, 2e-3, {modality: 1.0}, warmup_steps=5, modules=modules)


def words_job(name: str, steps: int, batch_size: int, mixture: dict[str, float], rate: float) -> Job:
    """Next words, what signal tokens restate, and plain chat as the base model talks; the rate is LoRA's."""
    rates = {LORA: rate, "signal_tokens": 4 * rate}
    return Job(
        name, "model", steps, batch_size, 2e-4, mixture, 20, rates=rates, modules=WORDS, weights=BALANCE
    )


def states_job(modality: str, steps: int) -> Job:
    """An output projector alone, on signal states of the finished language model (data/signal_states.py)."""
    modules = (f"output_projectors.{modality}",)
    return Job(f"states-{modality}", "states", steps, 64, 1.5e-3, {modality: 1.0}, modules=modules)


STAGES: dict[str, Stage] = {
    "encoder-alignment": Stage(
        "encoder-alignment",
        ("input_projectors.*", "boundary_tokens"),
        (
            slot_job("image", 1400),
            slot_job("audio", 1000),
            slot_job("video", 1000),
            Job("language", "model", 60, 8, 5e-4, UNDERSTANDING, warmup_steps=10, rates=TAUGHT),
        ),
    ),
    "decoder-alignment": Stage(
        "decoder-alignment",
        ("output_projectors.*", "signal_tokens"),
        (conditioning_job("image"), conditioning_job("audio"), conditioning_job("video")),
    ),
    "instruction-tuning": Stage(
        "instruction-tuning",
        (
            LORA,
            "input_projectors.*",
            "output_projectors.*",
            "boundary_tokens",
            "signal_tokens",
            "modality_tokens",
        ),
        (
            Job("dialogues", "model", 3200, 8, 2e-4, TUNING, 20, rates={LORA: 1e-3, **TAUGHT}),
            words_job("restating", 120, 12, RESTATING, 1e-3),
            words_job("switching", 300, 16, SWITCHING, 6e-4),
            states_job("image", 1600),
            states_job("audio", 1200),
            states_job("video", 1400),
        ),
    ),
}


def stage(name: str) -> Stage:
    if name not in STAGES:
        raise ConfigError(f"There is no stage {name!r}; choose one of {', '.join(STAGES)}.")
    return STAGES[name]


def scaled(one: Stage, factor: float) -> Stage:
    """The same stage with every job's steps times `factor` (at least one)."""

    return replace(one, jobs=tuple(replace(job, steps=max(1, round(job.steps * factor))) for job in one.jobs))


def chosen_jobs(one: Stage, pattern: str) -> Stage:
    """The same stage with those of its jobs whose names fit. ConfigError where none does."""
    jobs = tuple(job for job in one.jobs if fnmatch(job.name, pattern))
    if not jobs:
        names = ", ".join(job.name for job in one.jobs)
        raise ConfigError(f"The stage {one.name} has no job {pattern!r}; choose among {names}.")
    return replace(one, jobs=jobs)


def started_from(jobs: Iterable[Job], job: Job) -> list[Job]:
    """Of a run's jobs those before this one whose work it builds on: a projector matters to jobs alone that train it,
    anything else to all."""
    before = takewhile(lambda other: other.name != job.name, jobs)
    return [other for other in before if not _is_of_others(other, job)]


def _is_of_others(before: Job, job: Job) -> bool:
    projectors = bool(before.modules) and all(fnmatch(name, "*_projectors.*") for name in before.modules)
    return projectors and bool(job.modules) and not set(before.modules) & set(job.modules)


def trains(patterns: Iterable[str], module: str) -> bool:
    return bool(module) and any(fnmatch(module, pattern) for pattern in patterns)


def apply_stage(model: Any, one: Stage, job: Job | None = None) -> tuple[str, ...]:
    """Freeze everything but the stage's modules, or of these the job's (LoRA is injected where it trains).

    Returns the names of the modules that train.
    """
    if LORA in one.modules and not model.language_model.has_lora:
        model.language_model.add_lora()
    trained: dict[str, None] = {}
    for name, parameter in model.named_parameters():
        module = module_of(name)
        chosen = trains(one.modules, module) and (job is None or job.trains(module))
        parameter.requires_grad_(chosen)
        if chosen:
            trained[module] = None
    return tuple(trained)


def parameter_table(model: Any) -> list[tuple[str, int, int]]:
    """(module, parameters, of them training), frozen parts by their top name; the last row is the total."""
    rows: dict[str, list[int]] = {}
    for name, parameter in model.named_parameters():
        row = rows.setdefault(module_of(name) or ".".join(name.split(".")[:2]), [0, 0])
        row[0] += parameter.numel()
        row[1] += parameter.numel() * parameter.requires_grad
    table = [(name, total, training) for name, (total, training) in rows.items()]
    return [*table, ("all", sum(r[1] for r in table), sum(r[2] for r in table))]


def union(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
