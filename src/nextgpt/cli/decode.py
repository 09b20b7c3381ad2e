"""`nextgpt decode "a red apple on blue" --as image`: a decoder alone, driven by its own text encoder."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.captions import INDEX, Caption, check_caption, read_captions, still_to_make
from nextgpt.cli.model_options import make_folder
from nextgpt.config import DecoderConfig
from nextgpt.errors import ConfigError, MessageError
from nextgpt.modalities import MODALITIES
from nextgpt.presets import preset as preset_of

AT_ONCE = 8
SHEET = "sheet.png"
MAX_ON_SHEET = 64


def decode(
    prompt: Annotated[str | None, typer.Argument(help="What the medium should show or sound like.")] = None,
    modality: Annotated[str, typer.Option("--as", help="image, video or audio.")] = "image",
    number: Annotated[int, typer.Option("-n", help="How many, with seeds counted up.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Seed of the first one; the same seed gives the same medium.")
    ] = 0,
    batch: Annotated[
        Path | None, typer.Option(help='Lines of {"id", "caption", "seed"} instead of a prompt; resumable.')
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the files.")] = Path("out"),
    steps: Annotated[int | None, typer.Option(help="Denoising steps; the decoder's own if unset.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance; the decoder's own if unset.")] = None,
    preset: Annotated[str, typer.Option(help="Which model's decoders.")] = "nano",
    address: Annotated[str | None, typer.Option(help="A decoder's folder instead of the preset's.")] = None,
    suffix: Annotated[
        str | None,
        typer.Option("--format", help="png or webp, mp4 or webp, wav or flac; the first if unset."),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
) -> None:
    """Make media from a sentence, or from a file of captions, by a decoder alone."""
    config = decoder_config(preset, modality, address)
    captions = read_captions(batch) if batch else numbered(prompt, modality, number, seed)
    if batch and prompt is not None:
        raise MessageError("Give a prompt or --batch, not both.")
    suffix = file_suffix(modality, suffix)
    folder = make_folder(out)
    todo = still_to_make(captions, folder, suffix) if batch else captions
    made = 0
    for one, medium in produce(config, todo, steps, guidance, threads):
        path = folder / f"{one.name}.{suffix}"
        model = address or f"{preset}/{modality}"
        medium.save(path, {"software": "nextgpt", "prompt": one.caption, "seed": one.seed, "model": model})
        if batch:
            with open(folder / INDEX, "ab", buffering=0) as file:
                file.write(json.dumps(one.line(path), ensure_ascii=False).encode() + b"\n")
        else:
            typer.echo(path)
        made += 1
    if batch:
        typer.echo(f"{made} made, {len(captions) - made} were there; {folder / INDEX}")
    if len(captions) > 1:
        typer.echo(draw_sheet(captions[:MAX_ON_SHEET], modality, folder, suffix))


def file_suffix(modality: str, wanted: str | None) -> str:
    """The suffix of the files, without its dot. ConfigError for one that the modality is not saved as."""
    spec = MODALITIES[modality]
    known = [suffix.removeprefix(".") for suffix in spec.media_type.suffixes]
    if wanted is not None and wanted not in known:
        raise ConfigError(f"{spec.noun.capitalize()} is saved as {' or '.join(known)}, not as {wanted!r}.")
    return wanted or spec.file_suffix


def numbered(prompt: str | None, modality: str, number: int, seed: int) -> list[Caption]:
    """One prompt with seeds counted up."""
    if prompt is None:
        raise MessageError("There is nothing to make: give a prompt, or a file of captions with --batch.")
    if number < 1:
        raise MessageError(f"-n must be at least 1, not {number}.")
    check_caption(prompt, seed, "The prompt")
    return [Caption(f"{modality}-{n}", prompt, n, f"{modality}-{n}") for n in range(seed, seed + number)]


def produce(
    config: DecoderConfig,
    captions: Sequence[Caption],
    steps: int | None,
    guidance: float | None,
    threads: int | None,
) -> Iterator[tuple[Caption, Any]]:
    """Captions with their media, made AT_ONCE together."""
    if not captions:
        return
    import torch

    from nextgpt.cli.memory import keep_buffers
    from nextgpt.cli.printing import counting
    from nextgpt.generation.placement import resolve_dtype
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    if threads is not None:
        torch.set_num_threads(threads)
    keep_buffers()
    decoder = load_decoder(config, fetch_part, dtype=resolve_dtype("auto", torch.device("cpu")))
    with counting("denoising steps") as report:
        for start in range(0, len(captions), AT_ONCE):
            some = captions[start : start + AT_ONCE]

            def on_step(done: int, total: int, start: int = start, count: int = len(some)) -> None:
                report(start * total + done * count, len(captions) * total)

            seeds = [one.seed for one in some]
            conditioning = decoder.encode_prompt([one.caption for one in some])
            media = decoder.decode(conditioning, seeds=seeds, steps=steps, guidance=guidance, on_step=on_step)
            yield from zip(some, media)


def draw_sheet(captions: Sequence[Caption], modality: str, folder: Path, suffix: str) -> Path:
    """A contact sheet of what was made: pictures, film strips or spectrograms, with captions."""
    from nextgpt.nano.sheets import COLUMNS, contact_sheet, picture_of

    spec = MODALITIES[modality]
    media = [spec.media_type.from_path(folder / f"{one.name}.{suffix}") for one in captions]
    sheet = contact_sheet(
        [picture_of(modality, medium) for medium in media],
        [one.caption for one in captions],
        COLUMNS[modality],
    )
    sheet.save(folder / SHEET)
    return folder / SHEET


def decoder_config(preset: str, modality: str, address: str | None) -> DecoderConfig:
    """The preset's decoder of a modality, from another folder where an address is given."""
    outputs = preset_of(preset).outputs
    if modality not in outputs:
        raise ConfigError(f"There is no {modality!r} decoder; choose one of {', '.join(outputs)}.")
    config = outputs[modality].decoder
    return DecoderConfig(config.type, address or config.address, config.length, config.width)
