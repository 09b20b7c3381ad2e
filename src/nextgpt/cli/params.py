"""nextgpt params: how many parameters there are, and which learn in which stage."""

from typing import Annotated, Any

import typer

# In millions, as Table 1 of the publication (arXiv 2309.05519) rounds them, from memory: it can not be read here.
# (part, parameters, of them learning)
PAPER = (
    ("ImageBind", 1200.0, 0.0),
    ("input projection", 28.0, 28.0),
    ("Vicuna 7B", 7000.0, 0.0),
    ("LoRA", 33.0, 33.0),
    ("output projection, image", 31.0, 31.0),
    ("output projection, audio", 31.0, 31.0),
    ("output projection, video", 32.0, 32.0),
    ("Stable Diffusion 1.5", 1300.0, 0.0),
    ("AudioLDM", 975.0, 0.0),
    ("Zeroscope", 1800.0, 0.0),
)


def params(
    model: Annotated[
        str, typer.Option(help="nano, a checkpoint's folder, or paper: its arithmetic")
    ] = "nano",
) -> None:
    """Parameters by module, and which of them learn in each stage; the share is of all parts loaded."""
    from rich.table import Column, Table

    from nextgpt.cli.show import console

    counts, columns = paper_counts() if model == "paper" else model_counts(model)
    total = sum(count for _, count, _ in counts)
    stages = (Column(name, overflow="fold", justify="right") for name in columns)
    table = Table(Column("module", no_wrap=True), Column("parameters", justify="right"), *stages)
    for name, count, learning in counts:
        table.add_row(name, f"{count:,}", *(f"{value:,}" if value else "" for value in learning))
    sums = [sum(learning[i] for *_, learning in counts) for i in range(len(columns))]
    table.add_row("all", f"{total:,}", *(f"{value:,} ({value / total:.2%})" for value in sums))
    console.print(table)


Counts = list[tuple[str, int, list[int]]]


def paper_counts() -> tuple[Counts, list[str]]:
    million = 1_000_000
    return [(name, int(size * million), [int(learns * million)]) for name, size, learns in PAPER], ["learn"]


def model_counts(address: str) -> tuple[Counts, list[str]]:
    """Every module that a conversation in all modalities has loaded; a stage's column counts what it trains."""
    import torch

    from nextgpt.checkpoint import load_pretrained
    from nextgpt.model import load_encoders
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.nn.decoders.text_conditioning import shared_text_encoder
    from nextgpt.parts import fetch_part
    from nextgpt.training.stages import STAGES, apply_stage, parameter_table

    model, _processor, info = load_pretrained(address, dtype=torch.bfloat16)
    load_encoders(model, fetch_part, torch.bfloat16)
    sizes: dict[str, int] = {}
    learning: dict[str, list[int]] = {}
    for stage in reversed(STAGES.values()):  # the last one adds LoRA where it is not there yet
        apply_stage(model, stage)
        for name, size, trained in parameter_table(model)[:-1]:
            sizes[name] = size
            learning.setdefault(name, []).insert(0, trained)
    counts = [(name, size, learning[name]) for name, size in sizes.items()]
    frozen, readers = [0] * len(STAGES), dict[str, int]()
    for name, one in info.config.outputs.items():
        decoder = load_decoder(one.decoder, fetch_part)
        counts.append((f"decoders.{name}", size_of(decoder), frozen))
        readers[decoder.config.text_part] = decoder.conditioning_spec.length
    counts += [
        (part, size_of(shared_text_encoder(fetch_part(part), length)), frozen)
        for part, length in readers.items()
    ]
    return counts, list(STAGES)


def size_of(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
