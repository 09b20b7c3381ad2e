"""nextgpt decoders card: the model card of a small decoder, from its folder, the parts' table and its scores."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

CARD = """# nextgpt nano: the {modality} decoder

{what} It is frozen when the model is trained, and knows a small world: things of one style on ten plain backgrounds,
simple motions, notes and effects.

- **made of**: {components} (diffusers' folder format; `nextgpt.nn.decoders.open_decoder` opens it), conditioned on
  {text} token states, {length} positions.
- **weights**: {size:.1f} MB of its own, float16; the transformer, and a memory of pictures, in eight bits.
- **trained on**, nothing else:
{sources}
- **held out**: names, and pairs of a thing with a colour, a number, a motion, a note or another thing, by
  src/nextgpt/nano/split.py.
- **recipe**: `nextgpt decoders train {modality}`; {phases}; seed 0; commit {commit}.
- **licence**: Apache-2.0; NOTICE credits the art and the sounds.
- **scores** (`nextgpt eval nano-generation --modality {modality}`; one seed a sample, nothing selected; *ceiling*: true
  media, *rebuilt*: true media through the autoencoder, *chance*: shuffled captions, *name*: things never trained):

{scores}
"""
WHAT = {
    "image": "A sentence in, a picture of 128 x 128 pixels out.",
    "video": "A sentence in, a clip of 16 frames of 128 x 128 pixels at 8 a second out.",
    "audio": "A sentence in, 4.1 s of sound at 16 kHz out.",
}
FEATURES = ("efficientnet-lite2",)  # of the perceptual loss; sounds are looked at as mel pictures


def card(
    modality: Annotated[str, typer.Argument(help="image, video or audio")],
    scores: Annotated[Path, typer.Option(help="scores.json of `nextgpt eval nano-generation`")],
    preset: Annotated[str, typer.Option(help="whose decoders")] = "nano",
    folder: Annotated[Path | None, typer.Option(help="the decoder's folder; the package's if unset")] = None,
) -> None:
    """Write README.md into a decoder's folder."""
    from nextgpt.errors import DataError
    from nextgpt.nn.decoders import decoder_folder

    place = folder or decoder_folder(f"weights:{preset}/decoders/{modality}")
    found = json.loads(scores.read_text("utf-8")) if scores.is_file() else {}
    if modality not in found:
        raise DataError(f"{str(scores)!r} holds no scores of {modality}: run `nextgpt eval nano-generation`.")
    text = card_text(modality, preset, place, found[modality])
    partial = place / f"README.{os.getpid()}.tmp"
    partial.write_text(text, "utf-8")
    os.replace(partial, place / "README.md")
    typer.echo(f"Wrote {place / 'README.md'}.")


def card_text(modality: str, preset: str, folder: Path, record: dict[str, Any]) -> str:
    from nextgpt.cli.generation_report import report_lines
    from nextgpt.cli.train import commit
    from nextgpt.nn.decoders.folder import read_index

    index = read_index(folder)
    names = [name for name in index if isinstance(index[name], list)]
    return CARD.format(
        modality=modality,
        what=WHAT[modality],
        components=", ".join(f"{name} ({index[name][1]})" for name in names),
        text=index["nextgpt"]["config"]["text_part"],
        length=json.loads((folder / "prompt" / "config.json").read_text())["length"],
        size=sum(file.stat().st_size for file in folder.rglob("*.safetensors")) / 1e6,
        sources="\n".join(source_lines(modality)),
        phases=phases_of(preset, modality),
        commit=commit(),
        scores="\n".join(report_lines(record)).strip(),
    )


def source_lines(modality: str) -> list[str]:
    """A line a part: its package, its licence, what it is for."""
    from nextgpt.nano.settled import SETTLED
    from nextgpt.parts import PARTS

    used = {name for item in SETTLED[modality].items("train", 500) for name in item.source}
    rows = [PARTS[name] for name in (*sorted(used), "minilm-l6", *FEATURES)]
    return [f"  - {row.name} ({row.address}), {row.licence}: {row.role}" for row in rows]


def phases_of(preset: str, modality: str) -> str:
    """ "autoencoder 1,800 x 16, draft 6,000 x 256": steps x batch of each phase."""
    from nextgpt.training.decoder_recipes import recipe_of
    from nextgpt.training.step_runner import PhaseConfig

    phases = {k: v for k, v in vars(recipe_of(preset, modality)).items() if isinstance(v, PhaseConfig)}
    return ", ".join(f"{name} {phase.steps:,} x {phase.batch_size}" for name, phase in phases.items())
