"""The small world on disk: items and dialogue rows. Writes words and scenes only; nothing is rendered here."""

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from rich.progress import Progress

from nextgpt.nano import dialogues, split
from nextgpt.nano.captions import (
    audio_caption,
    audio_slots,
    image_caption,
    image_slots,
    video_caption,
    video_slots,
)
from nextgpt.nano.clips import MOTIONS, sample_clip_scene
from nextgpt.nano.instruments import Instrument
from nextgpt.nano.rows import Item, Row
from nextgpt.nano.scenes import pool, sample_image_scene
from nextgpt.nano.sound_scenes import SOUND_KINDS, sample_sound_scene, sound_pool
from nextgpt.nano.sources import STYLE_PARTS, Thing

VERSION = "1"


@dataclass(frozen=True)
class NanoSizes:
    """Number of items of each modality and of dialogue rows. Evaluation splits beside train."""

    image_train: int = 9000
    image_combination: int = 600
    image_name: int = 200
    image_style: int = 200
    video_train: int = 3000
    video_combination: int = 600
    video_name: int = 200
    video_style: int = 200
    audio_train: int = 3500
    audio_combination: int = 600
    audio_name: int = 100
    audio_timbre: int = 200

    def scaled(self, factor: float) -> "NanoSizes":
        return NanoSizes(**{name: max(8, round(size * factor)) for name, size in asdict(self).items()})


def build_nano(
    out_dir: Path, sizes: NanoSizes | None = None, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Write image.jsonl, dialogues-<split>.jsonl and manifest.json into out_dir, which is replaced as a whole.

    The same seed and version give the same bytes. Returns the manifest.
    """
    sizes = sizes or NanoSizes()
    out_dir = Path(out_dir)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        with Progress(disable=not progress) as bar:
            manifest = _write_all(folder, sizes, seed, bar)
        _replace(folder, out_dir)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _write_all(folder: Path, sizes: NanoSizes, seed: int, bar: Progress) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    items: list[Item] = []
    for modality, make in MODALITY_ITEMS.items():
        made = list(
            bar.track(make(sizes, seed), description=f"{modality} items", total=_total(sizes, modality))
        )
        _write_jsonl(folder / f"{modality}.jsonl", (item.to_dict() for item in made))
        counts[modality] = dict(Counter(item.split for item in made))
        items += made
    for split_name in split.SPLITS:
        rows = list(bar.track(dialogues.make_rows(items, split_name, seed), description=f"{split_name} rows"))
        if rows:
            _write_jsonl(folder / f"dialogues-{split_name}.jsonl", (row.to_dict() for row in rows))
            counts[f"dialogues-{split_name}"] = _count_tasks(rows)
    manifest = {
        "version": VERSION,
        "seed": seed,
        "sizes": asdict(sizes),
        "counts": counts,
        "files": _hashes(folder),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return manifest


def image_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Items of every split; the same number of each item does not depend on the others."""
    number = 0
    for split_name in ("train", "combination", "name", "style"):
        rng = random.Random(f"{seed}:image:{split_name}")
        size = getattr(sizes, f"image_{split_name}")
        for style, kind, thing in islice(_image_plan(rng, split_name), size):
            scene = sample_image_scene(rng, kind, split_name, style, thing)
            source = (STYLE_PARTS[style], "unicode-emoji")
            caption = image_caption(scene, rng)
            yield Item(f"image-{number:06d}", split_name, source, scene, caption, image_slots(scene))
            number += 1


def _image_plan(rng: random.Random, split_name: str) -> Iterator[tuple[str, str, Any]]:
    """(style, kind, thing) for ever, so that every drawing of every kind has its turn before any comes again."""
    decks = {kind: _deck(rng, split_name, kind == "count") for kind in ("single", "count", "pair")}
    kinds = ("single", "single", "single", "single", "count", "count", "pair", "pair", "pair")
    for kind in cycle(kinds if split_name == "train" else ("single", "count", "pair")):
        style, thing = next(decks[kind])
        yield style, kind, thing


def _deck(rng: random.Random, split_name: str, countable: bool = False) -> Iterator[tuple[str, Thing]]:
    """(style, thing) in a shuffled order, again and again."""
    styles = (split.HELD_OUT_STYLE,) if split_name == "style" else split.TRAIN_STYLES
    deck = [(style, thing) for style in styles for thing in pool(style, split_name == "name", countable)]
    rng.shuffle(deck)
    return cycle(deck)


def video_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Clips of every split; every drawing and every motion has its turn."""
    number = 0
    for split_name in ("train", "combination", "name", "style"):
        rng = random.Random(f"{seed}:video:{split_name}")
        plan = zip(_deck(rng, split_name), cycle(MOTIONS))
        for (style, thing), motion in islice(plan, getattr(sizes, f"video_{split_name}")):
            scene = sample_clip_scene(rng, split_name, style, thing, motion)
            source = (STYLE_PARTS[style], "unicode-emoji")
            yield Item(
                f"video-{number:06d}",
                split_name,
                source,
                scene,
                video_caption(scene, rng),
                video_slots(scene),
            )
            number += 1


def audio_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Sounds of every split; every instrument has its turn in every kind."""
    number = 0
    for split_name in ("train", "combination", "name", "timbre"):
        rng = random.Random(f"{seed}:audio:{split_name}")
        for kind, instrument in islice(_sound_plan(rng, split_name), getattr(sizes, f"audio_{split_name}")):
            scene = sample_sound_scene(rng, kind, split_name, instrument)
            yield Item(
                f"audio-{number:06d}",
                split_name,
                scene.parts,
                scene,
                audio_caption(scene, rng),
                audio_slots(scene),
            )
            number += 1


def _sound_plan(rng: random.Random, split_name: str) -> Iterator[tuple[str, Instrument]]:
    """(kind, instrument) for ever. Notes come most often: there are more ways to play them."""
    kinds = ("notes", "sequence", "notes", "scale", "notes", "sequence", "effect")
    decks = {}
    for kind in SOUND_KINDS:
        deck = list(sound_pool(split_name == "name", kind))
        rng.shuffle(deck)
        decks[kind] = cycle(deck)
    for kind in cycle(kind for kind in kinds if split_name != "combination" or kind != "effect"):
        yield kind, next(decks[kind])


MODALITY_ITEMS: dict[str, Callable[[NanoSizes, int], Iterator[Item]]] = {
    "image": image_items,
    "video": video_items,
    "audio": audio_items,
}


def _total(sizes: NanoSizes, modality: str) -> int:
    return sum(size for name, size in asdict(sizes).items() if name.startswith(f"{modality}_"))


def _count_tasks(rows: list[Row]) -> dict[str, int]:
    return dict(sorted(Counter(task for row in rows for task in (row.tasks or [row.task])).items())) | {
        "rows": len(rows)
    }


def _write_jsonl(path: Path, values: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jsonl"))
    }


def _replace(folder: Path, out_dir: Path) -> None:
    """Put the finished folder in place of an older one."""
    os.chmod(folder, 0o755)
    old = out_dir.with_name(f".{out_dir.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out_dir.exists():
        out_dir.rename(old)
    folder.rename(out_dir)
    shutil.rmtree(old, ignore_errors=True)
