"""What every phase of a decoder's training works with: the decoder, its items, rows of a step, and how steps run."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nextgpt.nn.decoders import Fetch, untrained_decoder
from nextgpt.nn.decoders.folder import read_component
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.nn.decoders.text_conditioning import NullPrompt
from nextgpt.nn.outputs import Conditioning
from nextgpt.training.decoder_items import ItemCache, Items, OnProgress
from nextgpt.training.decoder_recipes import DecoderRecipe
from nextgpt.training.step_runner import PhaseConfig, StepRunner, batch_rows

Phrases = tuple[Items, Callable[[], Iterable[np.ndarray]]]


class DecoderTask:
    """waves: what a vocoder learns from; layers: the truth beside what a reader reads, item by item; phrases: media
    without sentences, and what each holds."""

    def __init__(
        self,
        recipe: DecoderRecipe,
        items: Items,
        folder: Path,
        output: Path,
        *,
        waves: Items | None = None,
        layers: Callable[[], Iterable[np.ndarray]],
        phrases: Phrases | None = None,
        fetch: Fetch | None = None,
        on_progress: OnProgress | None = None,
        precision: torch.dtype = torch.bfloat16,
    ) -> None:
        self.recipe, self.items, self.folder, self.output = recipe, items, folder, output
        self.waves, self.layers, self.phrases = waves or items, layers, phrases
        self.on_progress: OnProgress = on_progress or (lambda what, done, total: None)
        self.precision, self.fetch = precision, fetch
        with torch.random.fork_rng():
            torch.manual_seed(recipe.flow.seed)
            self.decoder = start_decoder(recipe, output, fetch)
        self.cache = ItemCache(folder / "items", recipe.num_items, on_progress)
        self.source = ""  # the array of latents, once there is an autoencoder

    def write_items(self) -> None:
        self.cache.write_media(self.decoder, self.items)
        with self.autocast():
            self.cache.write_text(self.decoder)
        self.cache.write_rows("layers", self.layers)

    def write_latents(self) -> None:
        with self.autocast():
            self.source = self.cache.write_latents(self.decoder)

    def rows(self, step: int, config: PhaseConfig) -> list[int]:
        return batch_rows(step, config.batch_size, self.recipe.num_items, config.seed)

    def latents(self, rows: list[int]) -> Tensor:
        return self.cache.rows(self.source, rows).to(self.decoder.device).float()

    def conditioning(self, rows: list[int], dropped: Tensor | None = None) -> Conditioning:
        """Of the rows' sentences; `dropped` (B,) bool: those that are left out."""
        states, lengths = (self.cache.rows(name, rows) for name in ("text_states", "text_lengths"))
        if dropped is not None:
            lengths[dropped] = 0
        return self.decoder.prompt(states.to(self.decoder.device).float(), lengths)

    def drafted(self, latents: Tensor, rows: list[int]) -> tuple[Tensor, Tensor]:
        """The first latents as the reader drafts these rows, and how far off they are (mean squared error)."""
        reader, count = self.decoder.reader, len(rows)
        if reader is None:
            return latents, torch.zeros(())
        draft = reader.plan_and_draft(reader.read(self.conditioning(rows)))[1].float()
        return torch.cat([draft, latents[count:]]), (draft - latents[:count]).square().mean()

    def run_phase(
        self,
        name: str,
        module: nn.Module,
        loss: Callable[[int, torch.Generator], Tensor],
        config: PhaseConfig,
        until: int | None,
    ) -> bool:
        shape = f"{fingerprint(module)}/{self.source or 'media'}"
        runner = StepRunner(name, module, loss, config, self.folder / name, shape)
        done = runner.run(until, lambda step, total, metrics: self.on_progress(name, step, total))
        runner.use_average()
        return done

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.decoder.device.type, self.precision, enabled=self.precision != torch.float32
        )


@contextmanager
def only(learned: nn.Module, whole: nn.Module) -> Iterator[None]:
    """Within it, of all parameters of `whole` those of `learned` alone take gradients."""
    before = {parameter: parameter.requires_grad for parameter in whole.parameters()}
    whole.requires_grad_(False)
    learned.requires_grad_(True)
    try:
        yield
    finally:
        for parameter, wanted in before.items():
            parameter.requires_grad_(wanted)


def fingerprint(module: nn.Module) -> str:
    """Twelve digits of the names and shapes of what a phase trains."""
    shapes = {key: tuple(value.shape) for key, value in module.named_parameters()}
    return sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()[:12]


def start_decoder(recipe: DecoderRecipe, output: Path, fetch: Fetch | None) -> LatentDecoder:
    """Random weights; some components come from another decoder's folder beside `output`. A decoder that is trained
    again keeps its null vector, so that output projectors that were trained for it still say "nothing here" with it."""
    decoder = untrained_decoder(recipe.architecture, fetch)
    nn.init.zeros_(decoder.transformer.proj_out.weight)
    nn.init.zeros_(decoder.transformer.proj_out.bias)
    if (output / "prompt").is_dir():
        decoder.prompt = NullPrompt.from_pretrained(output / "prompt", low_cpu_mem_usage=False).float()
        decoder.prompt.requires_grad_(False)
    for name, place in recipe.shared.items():
        setattr(decoder, name, neighbour(decoder, name, output / place).requires_grad_(False))
    for name, place in recipe.starts.items():
        getattr(decoder, name).start_as(neighbour(decoder, name, output / place))
    return decoder


def neighbour(decoder: LatentDecoder, name: str, folder: Path) -> Any:
    """Another decoder's component of the kind that this one has."""
    kind = type(getattr(decoder, name))
    library = "diffusers" if kind.__module__.startswith("diffusers") else kind.__module__
    return read_component(folder.resolve(), library, kind.__name__, torch.float32)
