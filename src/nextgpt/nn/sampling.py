"""Diffusion as pure functions over a diffusers scheduler: noise, corruption for training, the sampling loop.

A decoder gives `predict(latents, timesteps, conditioning) -> prediction`; everything about schedules and
prediction types (flow, epsilon, v) stays here, so that small and full-size decoders share it. B is the batch.
Sources: classifier-free guidance arXiv 2207.12598; flow matching with logit-normal times arXiv 2403.03206.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from nextgpt.nn.outputs import Conditioning

Predict = Callable[[Tensor, Tensor, Conditioning], Tensor]
Denoise = Callable[[Tensor, Tensor], Tensor]
OnStep = Callable[[int, int], None]


def item_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator an item, on the host whatever the model's device: a seed is the same noise everywhere."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw_noise(shape: Sequence[int], generators: Sequence[torch.Generator], device: Any = None) -> Tensor:
    """(B, *shape) float32, row i from generators[i] alone."""
    return torch.stack([torch.randn(tuple(shape), generator=generator) for generator in generators]).to(
        device
    )


def guided(
    predict: Predict, conditioning: Conditioning, nothing: Callable[[int], Conditioning], guidance: float
) -> Denoise:
    """Classifier-free guidance: 1 is the conditional prediction alone, 0 the unconditional one. nothing: batch size ->
    what stands for no condition; it is asked where it is needed only."""
    if guidance == 1.0:
        return lambda latents, timesteps: predict(latents, timesteps, conditioning)
    both = Conditioning.stack([conditioning, nothing(conditioning.batch_size)])

    def denoise(latents: Tensor, timesteps: Tensor) -> Tensor:
        twice = predict(torch.cat([latents, latents]), torch.cat([timesteps, timesteps]), both)
        wanted, unguided = twice.chunk(2)
        return unguided + guidance * (wanted - unguided)

    return denoise


def sample(
    denoise: Denoise,
    noise: Tensor,
    scheduler: Any,
    steps: int,
    generators: Sequence[torch.Generator] = (),
    on_step: OnStep | None = None,
) -> Tensor:
    """Noise (B, ...) -> latents (B, ...). on_step(done, steps) follows each step; it may raise to stop.

    The scheduler given is only read. Schedulers that add noise at each step draw row i from generators[i].
    """
    schedule = start_schedule(scheduler, steps, noise.device)
    extra = step_arguments(schedule, generators)
    latents = noise * float(getattr(schedule, "init_noise_sigma", 1.0))
    for index, timestep in enumerate(schedule.timesteps):
        scaled = latents if is_flow(schedule) else schedule.scale_model_input(latents, timestep)
        prediction = denoise(scaled, timestep.expand(len(latents)))
        latents = schedule.step(prediction.float(), timestep, latents, return_dict=False, **extra)[0]
        if on_step is not None:
            on_step(index + 1, len(schedule.timesteps))
    return latents


def start_schedule(scheduler: Any, steps: int, device: Any = None) -> Any:
    """A fresh scheduler with its timesteps set. Flow schedules end at 1 / steps and then 0, as SD3's and
    Flux's do; diffusers' own default spends the last step between 0.001 and 0."""
    schedule = type(scheduler).from_config(scheduler.config)
    if "sigmas" in inspect.signature(schedule.set_timesteps).parameters and is_flow(schedule):
        schedule.set_timesteps(sigmas=[1.0 - index / steps for index in range(steps)], device=device)
    else:
        schedule.set_timesteps(steps, device=device)
    if hasattr(schedule, "set_begin_index"):
        schedule.set_begin_index(0)
    return schedule


def step_arguments(schedule: Any, generators: Sequence[torch.Generator]) -> dict[str, Any]:
    accepts = "generator" in inspect.signature(schedule.step).parameters
    return {"generator": list(generators)} if accepts and generators else {}


def is_flow(scheduler: Any) -> bool:
    return prediction_type(scheduler) == "flow_prediction"


def prediction_type(scheduler: Any) -> str:
    """epsilon, v_prediction, sample or flow_prediction (the schedulers that only do flow do not name it)."""
    return scheduler.config.get("prediction_type", "flow_prediction")


def corrupt(
    scheduler: Any, clean: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Clean latents (B, ...) -> noisy latents, timesteps (B,), target of the scheduler's prediction type."""
    noise = torch.randn(clean.shape, generator=generator, dtype=torch.float32).to(clean.device)
    if is_flow(scheduler):
        return corrupt_flow(scheduler, clean.float(), noise, generator)
    steps = scheduler.config.num_train_timesteps
    timesteps = torch.randint(steps, (len(clean),), generator=generator).to(clean.device)
    noisy = scheduler.add_noise(clean.float(), noise, timesteps)
    return noisy, timesteps, noise_target(scheduler, clean.float(), noise, timesteps)


def corrupt_flow(
    scheduler: Any, clean: Tensor, noise: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Straight path clean -> noise; sigma is logit-normal, shifted as the scheduler shifts its own."""
    sigma_B = torch.sigmoid(torch.randn(len(clean), generator=generator)).to(clean.device)
    shift = scheduler.config.get("shift", scheduler.config.get("flow_shift", 1.0))
    sigma_B = shift * sigma_B / (1 + (shift - 1) * sigma_B)
    sigma = sigma_B.view(-1, *[1] * (clean.ndim - 1))
    noisy = (1 - sigma) * clean + sigma * noise
    return noisy, sigma_B * scheduler.config.num_train_timesteps, noise - clean


def velocity_of_sample(scheduler: Any, latents: Tensor, timesteps: Tensor, clean: Tensor) -> Tensor:
    """A prediction of the clean latents as velocity: (noisy - clean) / sigma, sigma at least 0.05."""
    sigma = (timesteps.float() / scheduler.config.num_train_timesteps).clamp(min=0.05)
    return (latents - clean) / sigma.view(-1, *[1] * (latents.ndim - 1))


PREDICTIONS: dict[str, Callable[[Any, Tensor, Tensor, Tensor], Tensor]] = {
    "velocity": lambda scheduler, latents, timesteps, output: output,
    "sample": velocity_of_sample,
}


def noise_target(scheduler: Any, clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    kind = prediction_type(scheduler)
    if kind == "v_prediction":
        return scheduler.get_velocity(clean, noise, timesteps)
    return {"epsilon": noise, "sample": clean}[kind]
