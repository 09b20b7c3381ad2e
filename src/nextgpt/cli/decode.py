"""`nextgpt decode "a red apple on blue" --as image`: a decoder alone, driven by its own text encoder."""

from pathlib import Path
from typing import Annotated

import typer

from nextgpt.config import DecoderConfig
from nextgpt.errors import ConfigError, MessageError
from nextgpt.modalities import MODALITIES
from nextgpt.presets import preset as preset_of


def decode(
    prompt: Annotated[str, typer.Argument(help="What the medium should show or sound like.")],
    modality: Annotated[str, typer.Option("--as", help="image, video or audio.")] = "image",
    number: Annotated[int, typer.Option("-n", help="How many, with seeds counted up.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Seed of the first one; the same seed gives the same medium.")
    ] = 0,
    output: Annotated[Path, typer.Option("-o", help="Folder for the files.")] = Path("out"),
    steps: Annotated[int | None, typer.Option(help="Denoising steps; the decoder's own if unset.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance; the decoder's own if unset.")] = None,
    preset: Annotated[str, typer.Option(help="Which model's decoders.")] = "nano",
    address: Annotated[str | None, typer.Option(help="A decoder's folder instead of the preset's.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
) -> None:
    """Make media from a sentence by a decoder alone."""
    config = decoder_config(preset, modality, address)
    if number < 1:
        raise MessageError(f"-n must be at least 1, not {number}.")
    import torch

    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    if threads is not None:
        torch.set_num_threads(threads)
    decoder = load_decoder(config, fetch_part)
    conditioning = decoder.encode_prompt([prompt]).index([0] * number)
    seeds = list(range(seed, seed + number))
    output.mkdir(parents=True, exist_ok=True)
    media = decoder.decode(conditioning, seeds=seeds, steps=steps, guidance=guidance)
    for one_seed, medium in zip(seeds, media):
        path = output / f"{modality}-{one_seed}.{MODALITIES[modality].file_suffix}"
        medium.save(path)
        typer.echo(path)


def decoder_config(preset: str, modality: str, address: str | None) -> DecoderConfig:
    """The preset's decoder of a modality, from another folder where an address is given."""
    outputs = preset_of(preset).outputs
    if modality not in outputs:
        raise ConfigError(f"There is no {modality!r} decoder; choose one of {', '.join(outputs)}.")
    config = outputs[modality].decoder
    return DecoderConfig(config.type, address or config.address, config.length, config.width)
