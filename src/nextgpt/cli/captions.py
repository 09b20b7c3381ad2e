"""Captions for a decoder alone: a file of them in, media and an index out.

    {"id": "3", "caption": "a red apple on a blue background", "seed": 1}
    {"id": "3", "caption": "a red apple on a blue background", "seed": 1, "path": "3.png"}

The seed may be missing: it then follows from the id. `index.jsonl` only grows, by one whole line a medium that is
already saved, so that a run goes on where it was stopped.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.cli.batch_run import whole_lines
from nextgpt.cli.requests import clean_name, hashed_name, read_lines, seed_of
from nextgpt.errors import MessageError

INDEX = "index.jsonl"
KEYS = {"id": str, "caption": str, "seed": int}
MAX_CHARACTERS = 1000
MAX_SEED = 2**63


@dataclass(frozen=True)
class Caption:
    """What to make. name: of its file, without the suffix."""

    id: str
    caption: str
    seed: int
    name: str

    def line(self, path: Path) -> dict[str, Any]:
        return {"id": self.id, "caption": self.caption, "seed": self.seed, "path": path.name}


def check_caption(caption: str, seed: int, where: str) -> None:
    """Raise MessageError for a caption or a seed that no decoder takes."""
    if not caption.strip():
        raise MessageError(f"{where} is empty; say what to make.")
    if len(caption) > MAX_CHARACTERS:
        raise MessageError(f"{where} has {len(caption):,} characters; it may have {MAX_CHARACTERS:,}.")
    if not 0 <= seed < MAX_SEED:
        raise MessageError(f"{where} has the seed {seed}; it must be from 0 to {MAX_SEED - 1}.")


def read_captions(path: Path) -> list[Caption]:
    """All lines of a file. Raises MessageError that names the first line at fault, so nothing is half done."""
    found: dict[str, Caption] = {}
    names: set[str] = set()
    for number, line in read_lines(path):
        where = f"{path.name}, line {number}"
        value = _object(line, where)
        if value["id"] in found:
            raise MessageError(f"{where}: the id {value['id']!r:.80} stands in an earlier line too.")
        name = clean_name(value["id"])
        name = hashed_name(value["id"]) if name.casefold() in names else name
        names.add(name.casefold())
        found[value["id"]] = Caption(value["id"], value["caption"], value["seed"], name)
    if not found:
        raise MessageError(f"{str(path)!r} holds no caption.")
    return list(found.values())


def _object(line: str, where: str) -> dict[str, Any]:
    """The id, caption and seed of a line."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise MessageError(f"{where} is no JSON; a line holds one caption.") from None
    if not isinstance(value, dict):
        raise MessageError(f"{where} is no JSON object; a line holds one caption.")
    if unknown := sorted(value.keys() - KEYS.keys()):
        raise MessageError(f"{where} has the unknown key {unknown[0]!r:.50}; it may have {', '.join(KEYS)}.")
    if value.get("seed") is None and isinstance(value.get("id"), str):
        value["seed"] = seed_of(value["id"])
    for key, kind in KEYS.items():
        if not isinstance(value.get(key), kind) or isinstance(value[key], bool) or value[key] == "":
            raise MessageError(f'{where}: "{key}" must be {"a whole number" if kind is int else "a text"}.')
    check_caption(value["caption"], value["seed"], f"{where}: the caption")
    return value


def still_to_make(captions: list[Caption], folder: Path, suffix: str) -> list[Caption]:
    """Those whose line the index does not hold, or whose file is gone. MessageError for an index of other captions."""
    path = folder / INDEX
    if not path.exists():
        return captions
    lines = [one.line(Path(f"{one.name}.{suffix}")) for one in captions]
    done = [json.loads(line) for line in whole_lines(path)]
    if any(line not in lines for line in done):
        raise MessageError(f"{str(path)!r} lists other captions; choose another folder.")
    return [
        one for one, line in zip(captions, lines) if line not in done or not (folder / line["path"]).exists()
    ]
