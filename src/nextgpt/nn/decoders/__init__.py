"""Frozen decoders: conditioning -> media. DECODERS is the visible table: type -> module class.

The small decoders here are opened from their folder (folder.py). A class with a classmethod
`load(config, fetch, dtype)` opens itself; `nextgpt.testing.check_decoder` says whether it keeps the contract.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, PixArtTransformer2DModel

from nextgpt.config import DecoderConfig
from nextgpt.errors import ConfigError
from nextgpt.nn.decoders.audio import AudioDecoder
from nextgpt.nn.decoders.config import (
    ArchitectureConfig,
    AutoencoderConfig,
    LayeredReaderConfig,
    ScoreReaderConfig,
)
from nextgpt.nn.decoders.folder import read_folder
from nextgpt.nn.decoders.image import ImageDecoder
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.nn.decoders.layered_reader import LayeredReader
from nextgpt.nn.decoders.reader import Reader
from nextgpt.nn.decoders.score_reader import ScoreReader
from nextgpt.nn.decoders.text_conditioning import NullPrompt, TextEncoder, shared_text_encoder
from nextgpt.nn.decoders.video import VideoDecoder
from nextgpt.nn.decoders.vocoder import make_vocoder

DECODERS: dict[str, Any] = {
    "nano-image": ImageDecoder,
    "nano-video": VideoDecoder,
    "nano-audio": AudioDecoder,
}
READERS: dict[type, Any] = {
    LayeredReaderConfig: LayeredReader,
    ScoreReaderConfig: ScoreReader,
}
WEIGHTS = "weights:"

Fetch = Callable[[str], Path]


def decoder_folder(address: str) -> Path:
    """`weights:nano/decoders/image` -> the folder inside the package; anything else is a path."""
    if address.startswith(WEIGHTS):
        return Path(__file__).parents[2] / "weights" / address.removeprefix(WEIGHTS)
    return Path(address)


def load_decoder(
    config: DecoderConfig, fetch: Fetch | None = None, *, dtype: torch.dtype = torch.float32
) -> Any:
    """The decoder of a folder, frozen. fetch: part -> folder, called when a prompt is first encoded."""
    if load := getattr(DECODERS.get(config.type), "load", None):
        return check_spec(load(config, fetch, dtype), config).eval().requires_grad_(False)
    decoder = open_decoder(decoder_folder(config.address), fetch, dtype=dtype)
    if decoder.config.type != config.type:
        raise ConfigError(
            f"{config.address} holds a {decoder.config.type} decoder, but the config says {config.type}."
        )
    return check_spec(decoder, config)


def check_spec(decoder: Any, config: DecoderConfig) -> Any:
    """The decoder, if its conditioning is as the config says. ConfigError."""
    spec = decoder.conditioning_spec
    if (spec.length, spec.width) != (config.length, config.width):
        raise ConfigError(
            f"{config.address} takes conditioning of length and width {spec.length} x {spec.width}, "
            f"but the config says {config.length} x {config.width}."
        )
    return decoder


def open_decoder(
    folder: Path, fetch: Fetch | None = None, *, dtype: torch.dtype = torch.float32
) -> LatentDecoder:
    own, components = read_folder(folder, dtype)
    encoder = text_encoder_of(own.text_part, components["prompt"].spec.length, fetch)
    decoder = decoder_class(own.type)(own, **components, text_encoder=encoder)
    return decoder.eval().requires_grad_(False)


def decoder_class(kind: str) -> Any:
    if kind not in DECODERS:
        raise ConfigError(f"There is no decoder type {kind!r}; choose one of {', '.join(DECODERS)}.")
    return DECODERS[kind]


def text_encoder_of(part: str, length: int, fetch: Fetch | None) -> Callable[[], TextEncoder] | None:
    """A function that opens the text encoder, or None without `fetch`."""
    if fetch is None:
        return None
    return partial(lambda: shared_text_encoder(fetch(part), length))


def untrained_decoder(config: ArchitectureConfig, fetch: Fetch | None = None) -> LatentDecoder:
    """Random weights from torch's global generator, to be trained."""
    vocoder = make_vocoder(config.decoder.facts, config.vocoder) if config.vocoder else None
    return decoder_class(config.decoder.type)(
        config.decoder,
        **({"vocoder": vocoder} if vocoder else {}),
        transformer=make_transformer(config),
        reader=make_reader(config.reader, config) if config.reader else None,
        vae=make_autoencoder(config.autoencoder),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=config.noise_shift),
        prompt=NullPrompt(config.prompt_length, config.prompt_width),
        text_encoder=text_encoder_of(config.decoder.text_part, config.prompt_length, fetch),
    )


def make_transformer(config: ArchitectureConfig) -> PixArtTransformer2DModel:
    channels, height, _ = config.decoder.latent_shape
    shape = config.transformer
    return PixArtTransformer2DModel(
        num_attention_heads=shape.num_heads,
        attention_head_dim=shape.width // shape.num_heads,
        in_channels=channels + (config.reader.plan_depth if config.reader else 0),
        out_channels=channels,
        num_layers=shape.num_layers,
        cross_attention_dim=shape.width,
        sample_size=height,
        patch_size=shape.patch_size,
        use_additional_conditions=False,
        caption_channels=config.prompt_width,
    )


def make_reader(shape: LayeredReaderConfig | ScoreReaderConfig, config: ArchitectureConfig) -> Reader:
    return READERS[type(shape)](
        width=config.prompt_width,
        length=config.prompt_length,
        latent_shape=config.decoder.latent_shape,
        **shape.arguments(config.decoder.facts),
    )


def make_autoencoder(config: AutoencoderConfig) -> AutoencoderDC:
    no_attention = ((),) * len(config.channels)
    return AutoencoderDC(
        in_channels=config.in_channels,
        latent_channels=config.latent_channels,
        encoder_block_out_channels=config.channels,
        decoder_block_out_channels=config.channels,
        encoder_layers_per_block=config.encoder_layers,
        decoder_layers_per_block=config.decoder_layers,
        encoder_qkv_multiscales=no_attention,
        decoder_qkv_multiscales=no_attention,
    )
