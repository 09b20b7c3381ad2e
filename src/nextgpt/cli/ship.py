"""nextgpt ship CHECKPOINT: write it small, as the package carries it, with a model card."""

import json
import os
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any

import typer

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

CARD = """# nextgpt nano: learned weights

Projectors, special tokens and LoRA of the nano preset. The parts that they belong to are fetched, not shipped:
{parts}.

- **what it is for**: a small world (drawn things, simple motions, notes and effects) and the naming of photos and
  recordings through its encoders' own classes. It is no general assistant.
- **data**, nothing outside this closed list:
{sources}. ImageNet trained EfficientNet-Lite, AudioSet trained YAMNet; no photo and no
  recording was used here: class names and synthetic posteriors stand for them (docs/decisions/002-posterior.md).
- **held out**: names, pairs, phrasings, one style and one soundfont, by src/nextgpt/nano/split.py.
- **recipe**: `make speedrun`; stages {stages}; seed {seed}; commit {commit}. What came before,
  run by run, is in config.json and docs/LOG.md.
- **format**: float16, large matrices int8 with a scale a row; LoRA in PEFT's format. {size:.1f} MB.
- **licence**: Apache-2.0; NOTICE credits the parts and the art (twemoji, CC BY 4.0, for evaluation alone).
- **scores**: README.md and docs/LOG.md, with the commands that made them (`nextgpt eval nano-matrix` and others).
"""


def ship(
    checkpoint: Annotated[Path, typer.Argument(help="folder of the last stage's checkpoint")],
    name: Annotated[str, typer.Option(help="name of the shipped weights")] = "nano",
    weights: Annotated[Path, typer.Option(help="where shipped weights lie")] = WEIGHTS,
    scores: Annotated[
        Path | None, typer.Option(help="scores.json of `nextgpt eval`, for the model card")
    ] = None,
) -> None:
    """Write a checkpoint small (float16 and int8) into the package, with its model card."""
    import torch

    from nextgpt import checkpoint as checkpoints

    model, _, info = checkpoints.load_pretrained(str(checkpoint), dtype=torch.bfloat16)
    folder = weights / name
    checkpoints.save(model, folder, info, small=True)
    partial = folder / f"README.{os.getpid()}.tmp"
    partial.write_text(card(info, folder, scores))
    os.replace(partial, folder / "README.md")
    typer.echo(f"Written to {folder}: {size_of(folder):.1f} MB without decoders.")


def size_of(folder: Path) -> float:
    """Megabytes of the learned weights, decoders apart."""
    files = [folder / "model.safetensors", *(folder / "adapter").glob("*.safetensors")]
    return sum(file.stat().st_size for file in files) / 1e6


def card(info: Any, folder: Path, scores: Path | None = None) -> str:
    from nextgpt.cli.show import markdown_table
    from nextgpt.nano.split import TRAINING_SOURCES

    rows = json.loads(scores.read_text())["rows"] if scores else []
    table = ["", *markdown_table(rows, ("chance",)), ""] if rows else []
    text = CARD.format(
        parts=", ".join(sorted(info.parts)),
        sources=fill(", ".join(sorted(TRAINING_SOURCES)), 116, initial_indent="  ", subsequent_indent="  "),
        stages=", ".join(dict.fromkeys(stage["stage"] for stage in info.stages)),
        seed=info.stages[-1]["seed"],
        commit=info.stages[-1].get("commit", "unknown"),
        size=size_of(folder),
    )
    return text + "\n".join(table)
