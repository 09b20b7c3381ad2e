"""The small world on disk: items and dialogue rows. Writes words and scenes only; nothing is rendered
here.
"""

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import Progress

from nextgpt.nano.chat_prompts import chat_prompts
from nextgpt.nano.dialogues import make_rows
from nextgpt.nano.items import MODALITY_ITEMS, NanoSizes
from nextgpt.nano.rows import Item
from nextgpt.nano.split import SPLITS

VERSION = "1"
REPLAYED = ("chat-train.jsonl", "chat-combination.jsonl")

__all__ = ["MODALITY_ITEMS", "NanoSizes", "build_nano"]


def build_nano(
    out_dir: Path, sizes: NanoSizes | None = None, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Write {image,video,audio,chat-prompts}.jsonl, dialogues-<split>.jsonl and manifest.json; returns the
    manifest.

    out_dir is replaced as a whole when everything is ready; what `nextgpt data replay` has left in it (chat-*.jsonl) is
    kept, as plain prompts hang on no seed. The same seed and version give the same bytes.
    """
    sizes = sizes or NanoSizes()
    out_dir = Path(out_dir)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        with Progress(disable=not progress) as bar:
            manifest = _write_all(folder, sizes, seed, bar)
        for kept in (out_dir / name for name in REPLAYED):
            if kept.exists():
                shutil.copy2(kept, folder)
        replace_folder(folder, out_dir)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _write_all(folder: Path, sizes: NanoSizes, seed: int, bar: Progress) -> dict[str, Any]:
    items = _make_items(sizes, seed, bar)
    counts: dict[str, Any] = {}
    for modality, made in items.items():
        write_jsonl(folder / f"{modality}.jsonl", (item.to_dict() for item in made))
        counts[modality] = dict(Counter(item.split for item in made))
    every = [item for made in items.values() for item in made]
    for split_name in bar.track(SPLITS, description="dialogues"):
        rows = list(make_rows(every, split_name, seed))
        write_jsonl(folder / f"dialogues-{split_name}.jsonl", rows)
        counts[f"dialogues-{split_name}"] = _count_tasks(rows)
    write_jsonl(folder / "chat-prompts.jsonl", chat_prompts())
    manifest = {
        "version": VERSION,
        "seed": seed,
        "sizes": asdict(sizes),
        "counts": counts,
        "sources": sources(every),
        "files": hashes(folder),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return manifest


def _make_items(sizes: NanoSizes, seed: int, bar: Progress) -> dict[str, list[Item]]:
    """Items by modality; pictures of all kinds are mixed."""
    items = {
        modality: list(bar.track(make(sizes, seed), description=f"{modality} items"))
        for modality, make in MODALITY_ITEMS.items()
    }
    random.Random(f"{seed}:order").shuffle(items["image"])
    return items


def _count_tasks(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Number of replies of each task, and of rows."""
    tasks = Counter(task for row in rows for task in row["tasks"])
    return dict(sorted(tasks.items())) | {"rows": len(rows)}


def sources(items: Sequence[Item]) -> dict[str, Any]:
    """part -> splits that use it, and the sha256 of its package where the store knows it."""
    from nextgpt.parts import PARTS

    used: dict[str, set[str]] = {}
    for item in items:
        for part in item.source:
            used.setdefault(part, set()).add(item.split)
    return {
        part: {"splits": sorted(splits), "sha256": list(PARTS[part].sha256) if part in PARTS else []}
        for part, splits in sorted(used.items())
    }


def write_jsonl(path: Path, values: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jsonl"))
    }


def replace_folder(folder: Path, out_dir: Path) -> None:
    """Put the finished folder in place of an older one."""
    os.chmod(folder, 0o755)
    old = out_dir.with_name(f".{out_dir.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out_dir.exists():
        out_dir.rename(old)
    folder.rename(out_dir)
    shutil.rmtree(old, ignore_errors=True)
