"""What the small decoders share: conditioning -> plan by a reader -> latents by a PixArt transformer -> media by
an autoencoder.

A family (image, video, audio) says only what its media look like to the autoencoder and how latents are laid
out for the transformer. Axis letters: B batch, Q and C conditioning length and width; latents are
(B, *config.latent_shape), near unit variance.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nextgpt.errors import MessageError, NextGPTError
from nextgpt.nn.decoders.config import AudioFacts, ImageFacts, LatentDecoderConfig, VideoFacts
from nextgpt.nn.decoders.reader import Reader
from nextgpt.nn.decoders.text_conditioning import NullPrompt, TextEncoder
from nextgpt.nn.outputs import Conditioning, ConditioningSpec
from nextgpt.nn.sampling import (
    PREDICTIONS,
    OnStep,
    corrupt,
    draw_noise,
    guided,
    item_generators,
    sample,
)

MAX_STEPS = 1000
Facts = TypeVar("Facts", ImageFacts, VideoFacts, AudioFacts)


class LatentDecoder(nn.Module, Generic[Facts]):
    """`transformer`, `vae`, `scheduler`, `prompt` and, where it has one, `reader` are the components of its folder
    (diffusers' format)."""

    def __init__(
        self,
        config: LatentDecoderConfig,
        *,
        transformer: Any,
        vae: Any,
        scheduler: Any,
        prompt: NullPrompt,
        reader: Reader | None = None,
        text_encoder: Callable[[], TextEncoder] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.facts: Facts = config.facts  # type: ignore[assignment]  # of the family's own kind
        self.transformer = transformer
        self.transformer.set_default_attn_processor()  # at 64 tokens twice as fast as SDPA on a CPU
        self.reader = reader
        self.vae = vae.to(memory_format=torch.channels_last)
        self.scheduler = scheduler
        self.prompt = prompt
        self._text_encoder = text_encoder

    # --- what a family defines ---

    @abstractmethod
    def prepare(self, array: np.ndarray) -> Tensor:
        """One medium's array (uint8 pixels or float32 samples) -> the compact tensor that caches keep."""

    @abstractmethod
    def to_input(self, stored: Tensor) -> Tensor:
        """Stored tensors (B, ...) -> what the autoencoder takes: (B', channels, height, width) in -1..1."""

    @abstractmethod
    def to_media(self, output: Tensor) -> list[Any]:
        """The autoencoder's output -> B media values."""

    def pack(self, latents: Tensor) -> Tensor:
        """The autoencoder's latents -> (B, *latent_shape)."""
        return latents

    def unpack(self, latents: Tensor) -> Tensor:
        """Inverse of `pack`."""
        return latents

    def excerpt(self, latents: Tensor, stored: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Of latents and the stored media that belong to them, what is enough to compare how they look."""
        return latents, stored

    # --- the contract of every decoder ---

    @property
    def conditioning_spec(self) -> ConditioningSpec:
        return self.prompt.spec

    @property
    def device(self) -> torch.device:
        return self.prompt.null.device

    @property
    def dtype(self) -> torch.dtype:
        return self.prompt.null.dtype

    def text_states(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """The frozen part of `encode_prompt`: states (B, Q, C) and token counts (B,), for caches."""
        if self._text_encoder is None:
            raise NextGPTError("This decoder was made without a text encoder, so it cannot encode prompts.")
        return self._text_encoder().to(device=self.device, dtype=self.dtype)(texts)

    def encode_prompt(self, texts: list[str]) -> Conditioning:
        """The condition target of each text. MessageError for an empty one."""
        return self.prompt(*self.text_states(texts))

    def denoising_loss(
        self, latents: Tensor, conditioning: Conditioning, generator: torch.Generator | None = None
    ) -> Tensor:
        """Scalar: mean squared error against the scheduler's own target, at random times. Gradients reach the
        conditioning; a frozen decoder (requires_grad_(False)) keeps none for itself."""
        conditioning.check(self.conditioning_spec, type(self).__name__)
        return self.flow_loss(latents, self.read(conditioning), generator)

    def flow_loss(
        self, latents: Tensor, read: Conditioning, generator: torch.Generator | None = None
    ) -> Tensor:
        """`denoising_loss` of conditioning that the reader has read."""
        noisy, timesteps, target = corrupt(self.scheduler, latents, generator)
        prediction = self.predict(noisy, timesteps, read)
        return (prediction.float() - target).square().mean()

    @torch.no_grad()
    def encode_media(self, arrays: Sequence[np.ndarray]) -> Tensor:
        """Arrays of media -> latents (B, *latent_shape)."""
        return self.encode_stored(torch.stack([self.prepare(array) for array in arrays]))

    @torch.no_grad()
    def decode(
        self,
        conditioning: Conditioning,
        *,
        seeds: Sequence[int],
        steps: int | None = None,
        guidance: float | None = None,
        on_step: OnStep | None = None,
    ) -> list[Any]:
        """One medium a row. A seed is the same medium in any batch; on_step(done, steps) may raise."""
        latents = self.sample_latents(conditioning, seeds, steps, guidance, on_step)
        return self.to_media(self.decode_latents(latents))

    # --- the steps of the above ---

    @torch.no_grad()
    def sample_latents(
        self,
        conditioning: Conditioning,
        seeds: Sequence[int],
        steps: int | None = None,
        guidance: float | None = None,
        on_step: OnStep | None = None,
    ) -> Tensor:
        steps = self.config.steps if steps is None else steps
        guidance = self.config.guidance if guidance is None else guidance
        check_request(steps, guidance)
        conditioning.check(self.conditioning_spec, type(self).__name__)
        if len(seeds) != conditioning.batch_size:
            raise ValueError(
                f"decode got {len(seeds)} seeds for {conditioning.batch_size} rows of conditioning."
            )
        wanted = self.read(conditioning.to(self.device, self.dtype))
        generators = item_generators(seeds)
        noise = draw_noise(self.config.latent_shape, generators, self.device)
        denoise = guided(self.predict, wanted, self.nothing, guidance)
        return sample(denoise, noise, self.scheduler, steps, generators, on_step)

    def nothing(self, batch_size: int) -> Conditioning:
        """What is read where nothing is said."""
        return self.read(self.prompt.unconditional(batch_size))

    def read(self, conditioning: Conditioning) -> Conditioning:
        """What is the same at every step: the conditioning, with the reader's plan where there is a reader."""
        return conditioning if self.reader is None else self.reader.read(conditioning)

    def predict(self, latents: Tensor, timesteps: Tensor, read: Conditioning) -> Tensor:
        """The velocity. The mask is all ones by contract, so it is not passed on."""
        given, draft = latents.to(self.dtype), torch.zeros(())
        if self.reader is not None:
            plan, draft = self.reader.plan_and_draft(read)
            given = torch.cat([given.to(plan.dtype), plan], 1)
        output = self.transformer(
            given,
            encoder_hidden_states=read.sequence_BQC.to(given.dtype),
            timestep=timesteps,
            return_dict=False,
        )[0]
        return PREDICTIONS[self.config.predicts](self.scheduler, latents, timesteps, draft + output)

    @torch.no_grad()
    def encode_stored(self, stored: Tensor) -> Tensor:
        """Stored tensors (B, ...) of `prepare` -> latents."""
        pixels = self.to_input(stored.to(self.device)).to(self.dtype, memory_format=torch.channels_last)
        return self.pack(self.vae.encode(pixels).latent * self.vae.config.scaling_factor)

    def decode_latents(self, latents: Tensor) -> Tensor:
        latents = self.unpack(latents / self.vae.config.scaling_factor)
        return self.vae.decode(latents.to(self.dtype, memory_format=torch.channels_last)).sample.float()


def check_request(steps: int, guidance: float) -> None:
    if not 1 <= steps <= MAX_STEPS:
        raise MessageError(f"The number of denoising steps must be from 1 to {MAX_STEPS}, not {steps}.")
    if not 0 <= guidance <= 100:
        raise MessageError(f"The guidance must be from 0 to 100, not {guidance}.")
