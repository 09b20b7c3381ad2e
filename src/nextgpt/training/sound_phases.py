"""Phases of decoders that sound: a vocoder before and after, and phrases that no sentence says."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextgpt.training.decoder_items import ItemCache, Items
from nextgpt.training.decoder_task import DecoderTask, only
from nextgpt.training.step_runner import PhaseConfig, batch_rows
from nextgpt.training.vocoder_loss import to_int16, vocoder_loss

PICTURE_WEIGHT = 4.0  # of the mel picture beside the latents


def vocoder(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """On the first `num_waves` sounds."""
    vocoder: Any = task.decoder.vocoder
    cache = ItemCache(task.folder / "waves", task.recipe.num_waves, task.on_progress)
    cache.write_rows("waves", lambda: int16_waves(task, task.waves))

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = batch_rows(step, config.batch_size, task.recipe.num_waves, config.seed)
        with task.autocast():
            return vocoder_loss(vocoder, cache.rows("waves", rows), generator)

    return task.run_phase("vocoder", vocoder, loss, config, until)


def playing(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """From true scores: half of each batch phrases, so that no note is learned by heart, half items."""
    assert task.phrases is not None, "playing needs phrases"
    reader: Any = task.decoder.reader
    free = ItemCache(task.folder / "phrases", task.recipe.num_phrases, task.on_progress)
    free.write_media(task.decoder, task.phrases[0])
    free.write_rows("layers", task.phrases[1])
    with task.autocast():
        encoded = free.write_latents(task.decoder)
    half = config.batch_size // 2

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = batch_rows(step, half, task.recipe.num_items, config.seed)
        others = batch_rows(step, config.batch_size - half, task.recipe.num_phrases, config.seed)
        wanted = torch.cat([task.latents(rows), free.rows(encoded, others).float()])
        layers = torch.cat([task.cache.rows("layers", rows), free.rows("layers", others)])
        true = torch.cat([task.cache.rows("media", rows), free.rows("media", others)]).float()
        with task.autocast():
            picture, drafts = reader.played(layers)
            off = (picture.float() - true).abs().mean()
            return PICTURE_WEIGHT * off + (drafts.float() - wanted).square().mean()

    learned = nn.ModuleDict(reader.drawing())
    with only(learned, task.decoder):
        return task.run_phase("playing", learned, loss, config, until)


def voice(task: DecoderTask, config: PhaseConfig, until: int | None) -> bool:
    """On the first `num_waves` items: what it reads is not what a true sound's picture is, but near it."""
    decoder: Any = task.decoder
    cache = ItemCache(task.folder / "voice", task.recipe.num_waves, task.on_progress)
    cache.write_rows("waves", lambda: int16_waves(task, task.items))

    def loss(step: int, generator: torch.Generator) -> Tensor:
        rows = batch_rows(step, config.batch_size, task.recipe.num_waves, config.seed)
        with task.autocast():
            with torch.no_grad():
                latents, _away = task.drafted(task.latents(rows), rows[: len(rows) // 2])
                made = decoder.decode_latents(latents)
                dreamt = F.pixel_shuffle(made, decoder.facts.patch)[:, 0].clamp(-1, 1)
            waves = cache.rows("waves", rows)
            return vocoder_loss(decoder.vocoder, waves, generator, noise=0.0, dreamt=dreamt)

    return task.run_phase("voice", decoder.vocoder, loss, config, until)


def int16_waves(task: DecoderTask, sounds: Items) -> Iterable[np.ndarray]:
    decoder: Any = task.decoder
    for array, _caption in islice(sounds(), task.recipe.num_waves):
        yield to_int16(decoder.fixed_length(array)).numpy()
