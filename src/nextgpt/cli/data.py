"""nextgpt data: build the small world, import other data, show it, encode it once, keep its caches in bounds."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, finite, use_threads

app = typer.Typer(help="Training data: build, import, features, replay, show, cache.", no_args_is_help=True)


def folder_of(name: str) -> Path:
    from nextgpt.errors import DataError
    from nextgpt.nano.recipe import data_folder
    from nextgpt.parts import cache_root

    if name not in ("nano", "mosit"):
        raise DataError(f"There is no data set {name!r} to build; use nano or mosit.")
    return data_folder(cache_root(), name)


@app.command()
def build(
    name: Annotated[str, typer.Argument(help="nano, or mosit: dialogues that switch modality")] = "nano",
    scale: Annotated[
        float, typer.Option(help="fewer or more items of every kind", min=0, callback=finite)
    ] = 1.0,
    seed: int = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="another folder, for `nextgpt eval --data`; training reads the cache's"),
    ] = None,
) -> None:
    """Fetch the art and the sounds, write items and dialogues (no media: they are drawn when they are needed)."""
    from nextgpt.nano.build import NanoSizes, build_nano
    from nextgpt.nano.mosit.build import MositSizes, build_mosit

    usual = folder_of(name)  # checks the name, too
    folder = usual if out is None else check_target(out)
    if name == "mosit":
        sizes = MositSizes().scaled(scale) if scale != 1 else None
        manifest = build_mosit(folder, sizes, seed, folder_of("nano"))
        if not manifest["counts"]["train"]["chat answers"]:
            typer.echo(
                "No plain chat stands between: run `nextgpt data replay nano`, then this again.", err=True
            )
    else:
        manifest = build_nano(folder, NanoSizes().scaled(scale) if scale != 1 else None, seed)
    for kind, counts in manifest["counts"].items():
        typer.echo(f"{kind}: {counts}")
    typer.echo(f"Written to {folder}.")


def check_target(out: Path) -> Path:
    """A folder that does not exist, is empty or holds data that were built. DataError for any other."""
    from nextgpt.errors import DataError

    built = all((out / name).is_file() for name in ("manifest.json", "dialogues-train.jsonl"))
    if out.exists() and not built and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} holds something else than built data; name a folder that is not there yet.")
    return out


@app.command(name="import")
def import_(
    path: Annotated[Path, typer.Argument(help="a JSON file of the original NExT-GPT project")],
    out: Annotated[Path, typer.Option(help="folder to write, for rows and items")],
    format: Annotated[str, typer.Option(help="mosit, t2m, comprehension or pairs")] = "mosit",
    media: Annotated[
        Path | None, typer.Option(help="the folder of its media; each file must be there")
    ] = None,
) -> None:
    """Read data in the layouts of the original NExT-GPT project."""
    from nextgpt.data.original import read_original

    found = read_original(path, format, media)
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in {"dialogues-train": found.rows, **found.items}.items():
        write_lines(out / f"{name}.jsonl", [json.dumps(row, ensure_ascii=False) for row in rows])
    typer.echo(
        f"{len(found.rows)} dialogues written to {out}; {found.wanted} media have a caption and no file."
    )


@app.command()
def features(
    name: Annotated[str, typer.Argument(help="nano or mosit")] = "nano",
    preset: str = "nano",
    only: Annotated[str, typer.Option(help="one modality, to encode several at once")] = "",
    threads: WorkThreads = 0,
) -> None:
    """Draw every item once and keep what the frozen encoders say of it. Resumable."""
    from nextgpt.cli.features import encode_items
    from nextgpt.cli.memory import keep_buffers
    from nextgpt.cli.nano_batches import modality_data
    from nextgpt.data.manifest import Items
    from nextgpt.presets import preset as get_preset

    keep_buffers()
    use_threads(threads)
    config = get_preset(preset)
    items = Items(folder_of(name), tuple(config.inputs))
    for modality, data in modality_data(config).items():
        if only in ("", modality):
            ids = (row["id"] for row in items.by_modality[modality])
            encode_items(config.inputs[modality].encoder, modality, data.features, items, ids)


@app.command()
def replay(
    name: Annotated[str, typer.Argument(help="nano")] = "nano",
    samples: Annotated[int, typer.Option(help="replies to each prompt of training")] = 3,
    seed: int = 0,
) -> None:
    """Let the base model answer plain prompts, so that tuning can rehearse its own way of talking."""
    from nextgpt.cli.base_replies import base_replies
    from nextgpt.data.manifest import read_lines

    folder = folder_of(name)
    prompts = sampled(list(read_lines(folder / "chat-prompts.jsonl")), samples)
    replies = base_replies([prompt["text"] for prompt in prompts], seed)
    records = [chat_record(prompt, reply) for prompt, reply in zip(prompts, replies)]
    for split in ("train", "combination"):
        lines = [json.dumps(r) for r in records if (r["split"] == "train") == (split == "train")]
        write_lines(folder / f"chat-{split}.jsonl", lines)


def sampled(prompts: list[dict[str, str]], samples: int) -> list[dict[str, str]]:
    """Each prompt of training `samples` times, with an id of its own; others once."""
    again = [
        {**prompt, "id": f"{prompt['id']}-{number}"}
        for number in range(1, samples)
        for prompt in prompts
        if prompt["split"] == "train"
    ]
    return prompts + again


def chat_record(prompt: dict[str, str], answer: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": prompt["text"]}, {"role": "assistant", "content": answer}]
    return {"id": prompt["id"], "task": "chat", "split": prompt["split"], "messages": turns}


def write_lines(path: Path, lines: list[str]) -> None:
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(partial, path)


@app.command()
def show(
    modality: Annotated[str, typer.Argument(help="image, audio or video")],
    out: Annotated[Path, typer.Option(help="PNG to write")] = Path("sheet.png"),
    n: int = 40,
    seed: int = 0,
    settled: Annotated[bool, typer.Option(help="the scenes that decoders learn from")] = False,
) -> None:
    """A contact sheet with captions: pictures, film strips or spectrograms (with a page that plays the sounds)."""
    from nextgpt.nano.sheets import show_sheet

    typer.echo(f"Written to {show_sheet(modality, out, n, seed, settled)}.")


@app.command()
def cache(
    limit_gb: Annotated[float | None, typer.Option(help="delete the oldest caches down to this size")] = None,
) -> None:
    """List the feature caches with their sizes; with --limit-gb, clean them."""
    from nextgpt.data.feature_cache import caches, clean
    from nextgpt.parts import cache_root

    root = cache_root() / "features"
    if limit_gb is not None:
        typer.echo(f"Freed {clean(root, int(limit_gb * 1e9)) / 1e9:.2f} GB.")
    for name, rows, size in caches(root):
        typer.echo(f"{name}: {rows:,} items, {size / 1e9:.2f} GB")
