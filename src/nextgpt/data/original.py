"""Reads the data files of the original NExT-GPT project: rows and items in the layout of manifest.py and mosit.py.

The layouts are those of github.com/NExT-GPT/NExT-GPT: data/DATA_README.md, data/prepare_data.py,
data/T_X_pair_data/*/*.json, data/IT_data/MosIT_data/construction/ and code/dataset/preprocess_dataset.py.
docs/mosit.md shows one entry of each.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextgpt.data.mosit import MEDIA, VERSION, check_row, wrong
from nextgpt.data.original_turns import Entry, Piece, Said, comprehension, mosit, pairs, t2m
from nextgpt.errors import DataError

LAYOUTS: dict[str, Callable[[Entry], list[Said]]] = {
    "mosit": mosit,
    "t2m": t2m,
    "comprehension": comprehension,
    "pairs": pairs,
}


@dataclass
class Imported:
    """rows of dialogues, items by modality; wanted: media that have a caption but no file."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in MEDIA})
    wanted: int = 0


def read_original(path: Path, layout: str, media: Path | None = None) -> Imported:
    """All entries of a file. media: the folder of its files; each that an entry names must then be there.

    Raises DataError that names file, entry and field.
    """
    if layout not in LAYOUTS:
        raise DataError(f"There is no layout {layout!r}; use one of {', '.join(LAYOUTS)}.")
    found = Imported()
    for number, value in enumerate(entries(path)):
        entry = Entry(value, f"{path}, entry {number}")
        said = LAYOUTS[layout](entry)
        _check_order(entry, said)
        row = _row(found, f"{path.stem}-{number:06d}", layout, said, _finder(entry, media))
        check_row(row, entry.where)
        found.rows.append(row)
    return found


def entries(path: Path) -> Iterator[Any]:
    """The JSON list of a file."""
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}.") from error
    if not isinstance(values, list):
        raise DataError(f"{path} holds {type(values).__name__}; expected a JSON list of entries.")
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise wrong(f"{path}, entry {number}", "(the entry)", "an object", value)
        yield value


def _check_order(entry: Entry, said: list[Said]) -> None:
    roles = [one.role for one in said]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise entry.wrong("conversation", "human and gpt in turns, human first, gpt last", roles)


def _finder(entry: Entry, media: Path | None) -> Callable[[str], str]:
    def find(name: str) -> str:
        path = media / name if media else Path(name)
        if media and not path.is_file():
            raise entry.wrong("(media)", f"the file {name} in {media}", "no such file")
        return str(path)

    return find


def _row(
    found: Imported, name: str, layout: str, said: list[Said], find: Callable[[str], str]
) -> dict[str, Any]:
    messages, turns = [], []
    for asked, replied in zip(said[::2], said[1::2]):
        user = [_part(found, piece, False, find) for piece in asked.pieces]
        reply = [_part(found, piece, True, find) for piece in replied.pieces]
        loss = {} if replied.language_loss else {"language_loss": False}
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": reply} | loss]
        turns.append(_turn(user, reply, layout))
    last = turns[-1]
    return {"version": VERSION, "id": name, "task": layout, "split": "train", "cell": last["cell"], "turns": turns,
            "messages": messages, "expected": last["expected"]}  # fmt: skip


def _turn(user: list[dict[str, Any]], reply: list[dict[str, Any]], layout: str) -> dict[str, Any]:
    shown = [part["type"] for part in user if part["type"] != "text"]
    made = [part for part in reply if part["type"] != "text"]
    kinds = [part["type"] for part in made]
    words = " ".join(part["text"] for part in reply if part["type"] == "text")
    return {
        "cell": "->".join("+".join(side) or "text" for side in (shown, kinds)),
        "task": layout,
        "needs_medium": bool(shown),
        "expected": "; ".join(part["caption"] for part in made) or words,
        "media": kinds,
        "made": [{"type": part["type"], "caption": part["caption"], "slots": {}} for part in made],
    }


def _part(found: Imported, piece: Piece, made: bool, find: Callable[[str], str]) -> dict[str, Any]:
    """A part of a message; a medium becomes an item too: its file, or what is still to be found for its caption."""
    if piece.modality not in found.items:
        return {"type": "text", "text": piece.text}
    items = found.items[piece.modality]
    scene = {"file": find(piece.file)} if piece.file else {"wanted": piece.text}
    found.wanted += not piece.file
    item = f"{piece.modality}-original-{len(items):06d}"
    items.append(
        {"id": item, "split": "train", "source": ["file"], "scene": scene, "caption": piece.text, "slots": {}}
    )
    return {"type": piece.modality, "item": item} | ({"caption": piece.text} if made or piece.text else {})
