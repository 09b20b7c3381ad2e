"""Training of a small decoder, the same for every modality:

    1  items         draw media and captions once, keep the text encoder's states (decoder_items)
    2  reading       a layered reader's sentences and small pictures, for which no latents are needed
    3  autoencoder   L1 and squared error, noise on the latents; skipped where it is shared
    4  vocoder       for sounds: the spectra of true sounds from their mel pictures
    5  latents       encode all media once
    6  draft         the reader alone: its draft of the latents
    7  playing       for sounds: the reader's drawing half on scores that no sentence says, too
    8  detail        the autoencoder's decoding half, if it is not shared, on drafts and latents, with a perceptual loss
                     for pictures; the reader's drawing half learns with it where it has not learned by playing
    9  flow          the transformer alone: denoising loss on latents; a tenth of the rows without a prompt
    10 voice         the vocoder again, on what the autoencoder makes of latents and drafts
    11 folder        moving average of the weights as fp16 (memory and transformer as fp8) in diffusers' layout

Each phase resumes by itself (step_runner); a finished one is not run again.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from filelock import FileLock, Timeout
from torch import Tensor, nn

from nextgpt.config import EfficientNetLiteConfig
from nextgpt.errors import DataError
from nextgpt.nn.decoders import Fetch, untrained_decoder
from nextgpt.nn.decoders.folder import pack_matrices, read_component, write_folder
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.nn.decoders.text_conditioning import NullPrompt
from nextgpt.nn.encoders import load_encoder
from nextgpt.nn.outputs import Conditioning
from nextgpt.training.decoder_items import ItemCache, Items, OnProgress
from nextgpt.training.decoder_losses import (
    autoencoder_loss,
    detail_loss,
    set_scale,
    small_pictures,
)
from nextgpt.training.decoder_recipes import DecoderRecipe
from nextgpt.training.perceptual import PerceptualLoss
from nextgpt.training.step_runner import PhaseConfig, StepRunner, batch_rows
from nextgpt.training.vocoder_loss import to_int16, vocoder_loss

Phrases = tuple[Items, Callable[[], Iterable[np.ndarray]]]


class DecoderTraining:
    """`run(until)` goes on from wherever the folder's state is, and writes `output` when all is done."""

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
        self.waves = waves or items  # what a vocoder learns from
        self.layers = layers  # what each item holds: the truth beside what a reader reads
        self.phrases = phrases  # media without sentences, and what each holds
        self.on_progress: OnProgress = on_progress or (lambda what, done, total: None)
        self.precision, self.fetch = precision, fetch
        with torch.random.fork_rng():
            torch.manual_seed(recipe.flow.seed)
            self.decoder = start_decoder(recipe, output, fetch)
        self.cache = ItemCache(folder / "items", recipe.num_items, on_progress)

    def run(self, until: int | None = None) -> LatentDecoder | None:
        """`until` stops each phase after so many steps (tests, a look in between): then None is returned."""
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                return self.run_phases(until)
        except Timeout:
            raise DataError(
                f"Another training works in {self.folder}; wait for it or choose another."
            ) from None

    def run_phases(self, until: int | None) -> LatentDecoder | None:
        self.cache.write_media(self.decoder, self.items)
        with self.autocast():
            self.cache.write_text(self.decoder)
        self.cache.write_rows("layers", self.layers)
        if self.recipe.reading is not None and not self.train_reading(self.recipe.reading, until):
            return None
        if self.recipe.autoencoder is not None and not self.train_autoencoder(self.recipe.autoencoder, until):
            return None
        if self.recipe.vocoder is not None and not self.train_vocoder(self.recipe.vocoder, until):
            return None
        with self.autocast():
            latents = self.cache.write_latents(self.decoder)
        if self.decoder.reader is not None and not self.train_draft(self.recipe.draft, latents, until):
            return None
        if self.recipe.playing is not None and not self.train_playing(self.recipe.playing, latents, until):
            return None
        if self.recipe.detail is not None and not self.train_detail(self.recipe.detail, latents, until):
            return None
        if not self.train_flow(self.recipe.flow, latents, until):
            return None
        if self.recipe.voice is not None and not self.train_voice(self.recipe.voice, latents, until):
            return None
        self.decoder.eval().to(torch.float16)
        if self.decoder.reader is not None:
            self.decoder.reader.pack()
        pack_matrices(self.decoder.transformer)
        write_folder(self.decoder, self.output, self.recipe.shared)
        nn.Module.to(self.decoder, torch.float16)  # as it is when it is opened again
        return self.decoder

    def train_autoencoder(self, config: PhaseConfig, until: int | None) -> bool:
        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = self.rows(step, config)
            with self.autocast():
                stored = self.cache.rows("media", rows)
                return autoencoder_loss(self.decoder, stored, self.recipe, generator)

        done = self.run_phase("autoencoder", self.decoder.vae, loss, config, until)
        if done:
            set_scale(self.decoder, self.cache)
        return done

    def train_vocoder(self, config: PhaseConfig, until: int | None) -> bool:
        """On the first `num_waves` sounds."""
        vocoder: Any = self.decoder.vocoder
        cache = ItemCache(self.folder / "waves", self.recipe.num_waves, self.on_progress)
        cache.write_rows("waves", lambda: self.int16_waves(self.waves))

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = batch_rows(step, config.batch_size, self.recipe.num_waves, config.seed)
            with self.autocast():
                return vocoder_loss(vocoder, cache.rows("waves", rows), generator)

        return self.run_phase("vocoder", vocoder, loss, config, until, "waves")

    def train_voice(self, config: PhaseConfig, source: str, until: int | None) -> bool:
        """On the first `num_waves` items: what it reads is not what a true sound's picture is, but near it."""
        decoder: Any = self.decoder
        cache = ItemCache(self.folder / "voice", self.recipe.num_waves, self.on_progress)
        cache.write_rows("waves", lambda: self.int16_waves(self.items))

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = batch_rows(step, config.batch_size, self.recipe.num_waves, config.seed)
            with self.autocast():
                with torch.no_grad():
                    latents, _away = self.drafted(self.latents(source, rows), rows[: len(rows) // 2])
                    made = decoder.decode_latents(latents)
                    dreamt = F.pixel_shuffle(made, decoder.facts.patch)[:, 0].clamp(-1, 1)
                waves = cache.rows("waves", rows)
                return vocoder_loss(decoder.vocoder, waves, generator, noise=0.0, dreamt=dreamt)

        return self.run_phase("voice", decoder.vocoder, loss, config, until, source)

    def int16_waves(self, sounds: Items) -> Iterable[np.ndarray]:
        decoder: Any = self.decoder
        for array, _caption in islice(sounds(), self.recipe.num_waves):
            yield to_int16(decoder.fixed_length(array)).numpy()

    def train_reading(self, config: PhaseConfig, until: int | None) -> bool:
        """A layered reader alone, towards small pictures."""
        reader: Any = self.decoder.reader

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = self.rows(step, config)
            pictures = small_pictures(self.cache.rows("media", rows), reader.canvas)
            told = self.conditioning(rows).sequence_BQC.detach()  # the null vector learns with the draft
            with self.autocast():
                return reader.picture_loss(told, self.cache.rows("layers", rows), pictures)

        return self.run_phase("reading", reader, loss, config, until)

    def train_draft(self, config: PhaseConfig, source: str, until: int | None) -> bool:
        reader: Any = self.decoder.reader

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = self.rows(step, config)
            latents = self.latents(source, rows)
            told, layers = self.conditioning(rows).sequence_BQC, self.cache.rows("layers", rows)
            with self.autocast():
                plan, reading_loss = reader.plan_and_loss(told, layers)
                draft = reader.draft_head(plan)
            return (draft.float() - latents).square().mean() + reading_loss

        learned = nn.ModuleDict({name: getattr(self.decoder, name) for name in ("reader", "prompt")})
        return self.run_phase("draft", learned, loss, config, until, source)

    def train_playing(self, config: PhaseConfig, source: str, until: int | None) -> bool:
        """From true scores: half of each batch phrases, so that no note is learned by heart, half items."""
        assert self.phrases is not None, "playing needs phrases"
        reader: Any = self.decoder.reader
        free = ItemCache(self.folder / "phrases", self.recipe.num_phrases, self.on_progress)
        free.write_media(self.decoder, self.phrases[0])
        free.write_rows("layers", self.phrases[1])
        with self.autocast():
            encoded = free.write_latents(self.decoder)
        half = config.batch_size // 2

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = batch_rows(step, half, self.recipe.num_items, config.seed)
            others = batch_rows(step, config.batch_size - half, self.recipe.num_phrases, config.seed)
            wanted = torch.cat([self.latents(source, rows), free.rows(encoded, others).float()])
            layers = torch.cat([self.cache.rows("layers", rows), free.rows("layers", others)])
            with self.autocast():
                return (reader.played(layers).float() - wanted).square().mean()

        learned = nn.ModuleDict(reader.drawing())
        with only(learned, self.decoder):
            return self.run_phase("playing", learned, loss, config, until, source)

    def train_flow(self, config: PhaseConfig, source: str, until: int | None) -> bool:
        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = self.rows(step, config)
            dropped = torch.rand(len(rows), generator=generator) < self.recipe.drop_prompt
            with self.autocast():
                with torch.no_grad():
                    read = self.decoder.read(self.conditioning(rows, dropped))
                return self.decoder.flow_loss(self.latents(source, rows), read, generator)

        return self.run_phase("flow", self.decoder.transformer, loss, config, until, source)

    def train_detail(self, config: PhaseConfig, source: str, until: int | None) -> bool:
        """Rows are what the reader drafts of their sentence: a sample looks more like it than like an encoded medium.
        An autoencoder that learns, too, sees as many of the latter. What is read of a sentence stays as it is, so
        output projectors that were trained for it do."""
        looks = PerceptualLoss(self.feature_network()) if self.recipe.perceptual_weight else None
        own = "vae" not in self.recipe.shared
        learned = nn.ModuleDict({"decoding": self.decoder.vae.decoder} if own else {})
        if self.decoder.reader is not None and self.recipe.playing is None:
            learned.update(self.decoder.reader.drawing())

        def loss(step: int, generator: torch.Generator) -> Tensor:
            rows = self.detail_rows(step, config)
            stored = self.cache.rows("media", rows)
            with self.autocast():
                drafted = len(rows) // 2 if own else len(rows)
                latents, away = self.drafted(self.latents(source, rows), rows[:drafted])
                latents, true = self.decoder.excerpt(latents, stored, generator)
                noisy = self.noisy(latents, generator)
                looks_off = detail_loss(self.decoder, noisy, true, looks, self.recipe)
            return looks_off + self.recipe.draft_weight * away

        with only(learned, self.decoder):
            return self.run_phase("detail", learned, loss, config, until, source)

    def drafted(self, latents: Tensor, rows: list[int]) -> tuple[Tensor, Tensor]:
        """The first latents as the reader drafts these rows, and how far off they are (mean squared error)."""
        reader, count = self.decoder.reader, len(rows)
        if reader is None:
            return latents, torch.zeros(())
        draft = reader.plan_and_draft(reader.read(self.conditioning(rows)))[1].float()
        return torch.cat([draft, latents[count:]]), (draft - latents[:count]).square().mean()

    def noisy(self, latents: Tensor, generator: torch.Generator) -> Tensor:
        return latents + self.recipe.latent_noise * torch.randn(latents.shape, generator=generator)

    def feature_network(self) -> nn.Module:
        assert self.fetch is not None, "a perceptual loss needs the parts"
        settings = EfficientNetLiteConfig()
        return load_encoder(settings, self.fetch(settings.part))

    def rows(self, step: int, config: PhaseConfig) -> list[int]:
        return batch_rows(step, config.batch_size, self.recipe.num_items, config.seed)

    def detail_rows(self, step: int, config: PhaseConfig) -> list[int]:
        """Where there are several things each is small, and hard to tell: of these more than there are."""
        number = round(self.recipe.crowded * config.batch_size)
        crowded = self.cache.array("layers")[:, 1, 0] >= 0
        if not number or crowded.all() or not crowded.any():
            return self.rows(step, config)
        chosen = [
            np.flatnonzero(which)[batch_rows(step, count, int(which.sum()), config.seed)]
            for which, count in ((crowded, number), (~crowded, config.batch_size - number))
        ]
        return np.concatenate(chosen).tolist()

    def latents(self, source: str, rows: list[int]) -> Tensor:
        return self.cache.rows(source, rows).to(self.decoder.device).float()

    def conditioning(self, rows: list[int], dropped: Tensor | None = None) -> Conditioning:
        """Of the rows' sentences; `dropped` (B,) bool: those that are left out."""
        states, lengths = (self.cache.rows(name, rows) for name in ("text_states", "text_lengths"))
        if dropped is not None:
            lengths[dropped] = 0
        return self.decoder.prompt(states.to(self.decoder.device).float(), lengths)

    def run_phase(
        self,
        name: str,
        module: nn.Module,
        loss: Callable[[int, torch.Generator], Tensor],
        config: PhaseConfig,
        until: int | None,
        source: str = "media",
    ) -> bool:
        shape = fingerprint(module)
        runner = StepRunner(name, module, loss, config, self.folder / name, f"{shape}/{source}")
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
