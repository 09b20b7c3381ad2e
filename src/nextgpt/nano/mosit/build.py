"""Dialogues that switch modality, on disk: the same layout as the small world's own folder (build.py)."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from nextgpt.data.manifest import read_lines
from nextgpt.data.mosit import VERSION, check_row
from nextgpt.nano import build as nano_build
from nextgpt.nano.mosit.compose import Conversation, conversations, num_phrasings
from nextgpt.nano.mosit.talk import ORDER
from nextgpt.nano.rows import Item


@dataclass(frozen=True)
class MositSizes:
    """Number of conversations of each split; a little fewer where a split has nothing for a cell."""

    train: int = 12000
    combination: int = 4000
    name: int = 360
    sound: int = 400
    wish: int = 400

    def scaled(self, factor: float) -> "MositSizes":
        return MositSizes(**{name: max(18, round(size * factor)) for name, size in asdict(self).items()})


def build_mosit(
    out_dir: Path,
    sizes: MositSizes | None = None,
    seed: int = 0,
    chat_folder: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Write {image,audio,video}.jsonl, dialogues-<split>.jsonl and manifest.json; returns the manifest.

    chat_folder: where `nextgpt data replay` has left chat-train.jsonl and chat-combination.jsonl; without them there
    are no turns of plain chat. The same seed, version and chat give the same bytes.
    """
    sizes = sizes or MositSizes()
    out_dir = Path(out_dir)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        with Progress(disable=not progress) as bar:
            manifest = _write(folder, sizes, seed, chat_folder, bar)
        nano_build.replace_folder(folder, out_dir)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _write(
    folder: Path, sizes: MositSizes, seed: int, chat_folder: Path | None, bar: Progress
) -> dict[str, Any]:
    items: list[Item] = []
    counts: dict[str, Any] = {}
    for split_name, number in asdict(sizes).items():
        chat = chat_pairs(chat_folder, split_name)
        made = conversations(split_name, number, seed, chat)
        found = list(bar.track(made, total=number, description=f"conversations, {split_name}"))
        nano_build.write_jsonl(folder / f"dialogues-{split_name}.jsonl", _checked(found))
        items += [item for _row, media in found for item in media]
        counts[split_name] = _count([row for row, _media in found]) | {"chat answers": len(chat)}
    for modality in ORDER:
        rows = (item.to_dict() for item in items if item.modality == modality)
        nano_build.write_jsonl(folder / f"{modality}.jsonl", rows)
    manifest = {
        "version": VERSION,
        "seed": seed,
        "sizes": asdict(sizes),
        "phrasings": num_phrasings(),
        "counts": counts,
        "sources": nano_build.sources(items),
        "files": nano_build.hashes(folder),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return manifest


def _checked(found: Sequence[Conversation]) -> Iterator[dict[str, Any]]:
    for row, _media in found:
        check_row(row, row["id"])
        yield row


def _count(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Conversations, turns, and turns of each cell with the share that needs a medium."""
    turns = [turn for row in rows for turn in row["turns"]]
    cells = Counter(turn["cell"] for turn in turns)
    needing = Counter(turn["cell"] for turn in turns if turn["needs_medium"])
    shares = {cell: [number, needing[cell]] for cell, number in sorted(cells.items())}
    return {"rows": len(rows), "turns": len(turns), "cells": shares}


def chat_pairs(folder: Path | None, split_name: str) -> list[tuple[str, str]]:
    """(prompt, answer) that replay has made for training, or for evaluation."""
    path = folder / f"chat-{'train' if split_name == 'train' else 'combination'}.jsonl" if folder else None
    if path is None or not path.exists():
        return []
    return [tuple(message["content"] for message in row["messages"]) for row in read_lines(path)]  # type: ignore[misc]
