"""Phases that every decoder's training has: what each trains, and its loss. They return whether they are done."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nextgpt.config import EfficientNetLiteConfig
from nextgpt.nn.encoders import load_encoder
from nextgpt.nn.sampling import sample
from nextgpt.training.decoder_losses import autoencoder_loss, detail_loss, set_scale, small_pictures
from nextgpt.training.decoder_task import DecoderTask, only
from nextgpt.training.perceptual import PerceptualLoss
from nextgpt.training.step_runner import PhaseConfig, batch_rows


def reading(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """A layered reader alone, towards small pictures. What it has from another reader draws already, and stays."""
    reader: Any = task.decoder.reader
    kept = nn.ModuleDict(reader.drawing() if task.recipe.starts else {}).requires_grad_(False)

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = task.rows(step, config)
        pictures = small_pictures(task.cache.rows("media", rows), reader.canvas)
        told = task.conditioning(rows).sequence_BQC.detach()  # the null vector learns with the draft
        with task.autocast():
            return reader.picture_loss(told, task.cache.rows("layers", rows), pictures)

    done = task.run_phase("reading", reader, loss, config, until)
    kept.requires_grad_(True)
    return done


def autoencoder(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = task.rows(step, config)
        with task.autocast():
            stored = task.cache.rows("media", rows)
            return autoencoder_loss(task.decoder, stored, task.recipe, generator)

    done = task.run_phase("autoencoder", task.decoder.vae, loss, config, until)
    if done:
        set_scale(task.decoder, task.cache)
    return done


def draft(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """The reader alone: its draft of the latents, and what it has read. Done where there is no reader."""
    reader: Any = task.decoder.reader
    if reader is None:
        return True

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = task.rows(step, config)
        latents = task.latents(rows)
        told, layers = task.conditioning(rows).sequence_BQC, task.cache.rows("layers", rows)
        with task.autocast():
            plan, reading_loss = reader.plan_and_loss(told, layers)
            drafts = reader.draft_head(plan)
        return (drafts.float() - latents).square().mean() + reading_loss

    learned = nn.ModuleDict({name: getattr(task.decoder, name) for name in ("reader", "prompt")})
    return task.run_phase("draft", learned, loss, config, until)


def detail(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """Rows are what the reader drafts of their sentence: a sample looks more like it than like an encoded medium.
    An autoencoder that learns, too, sees as many of the latter. What is read of a sentence stays as it is, so
    output projectors that were trained for it do."""
    looks = perceptual_loss(task)
    own = "vae" not in task.recipe.shared
    learned = nn.ModuleDict({"decoding": task.decoder.vae.decoder} if own else {})
    if task.decoder.reader is not None and task.recipe.playing is None:
        learned.update(task.decoder.reader.drawing())

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = detail_rows(task, step, config)
        stored = task.cache.rows("media", rows)
        with task.autocast():
            drafted = len(rows) // 2 if own else len(rows)
            latents, away = task.drafted(task.latents(rows), rows[:drafted])
            latents, true = task.decoder.excerpt(latents, stored, generator)
            looks_off = detail_loss(task.decoder, noisy(task, latents, generator), true, looks, task.recipe)
        return looks_off + task.recipe.draft_weight * away

    with only(learned, task.decoder):
        return task.run_phase("detail", learned, loss, config, until)


def finish(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """The transformer and the reader's drawing half, by how that looks which all steps of the sampler make of noise.
    The flow alone is content with the mean of what is likely, which is blurred; its loss keeps other times and
    numbers of steps right. The autoencoder stays: another decoder may share it."""
    looks = perceptual_loss(task)
    decoder: Any = task.decoder
    learned = nn.ModuleDict({"transformer": decoder.transformer, **decoder.reader.drawing()})

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = detail_rows(task, step, config)
        latents = task.latents(rows)
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        with task.autocast():
            read = decoder.read(task.conditioning(rows))
            denoise = partial(decoder.predict, read=read)
            made = sample(denoise, noise, decoder.scheduler, decoder.config.steps)
            shown, true = decoder.excerpt(made, task.cache.rows("media", rows), generator)
            looks_off = detail_loss(decoder, shown, true, looks, task.recipe)
            kept = (made - latents).square().mean() + decoder.flow_loss(latents, read, generator)
        return looks_off + task.recipe.draft_weight * kept

    with only(learned, decoder):
        return task.run_phase("finish", learned, loss, config, until)


def detail_rows(task: DecoderTask, step: int, config: PhaseConfig) -> list[int]:
    """Where there are several things each is small, and hard to tell: of these more than there are."""
    number = round(task.recipe.crowded * config.batch_size)
    crowded = task.cache.array("layers")[:, 1, 0] >= 0
    if not number or crowded.all() or not crowded.any():
        return task.rows(step, config)
    chosen = [
        np.flatnonzero(which)[batch_rows(step, count, int(which.sum()), config.seed)]
        for which, count in ((crowded, number), (~crowded, config.batch_size - number))
    ]
    return np.concatenate(chosen).tolist()


def noisy(task: DecoderTask, latents: Tensor, generator: torch.Generator) -> Tensor:
    return latents + task.recipe.latent_noise * torch.randn(latents.shape, generator=generator)


def perceptual_loss(task: DecoderTask) -> PerceptualLoss | None:
    """None where the recipe gives it no weight."""
    if not task.recipe.perceptual_weight:
        return None
    assert task.fetch is not None, "a perceptual loss needs the parts"
    settings = EfficientNetLiteConfig()
    return PerceptualLoss(load_encoder(settings, task.fetch(settings.part)))


def flow(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = task.rows(step, config)
        dropped = torch.rand(len(rows), generator=generator) < task.recipe.drop_prompt
        with task.autocast():
            with torch.no_grad():
                read = task.decoder.read(task.conditioning(rows, dropped))
            return task.decoder.flow_loss(task.latents(rows), read, generator)

    return task.run_phase("flow", task.decoder.transformer, loss, config, until)
