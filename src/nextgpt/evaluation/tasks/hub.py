"""Benchmarks from the Hugging Face Hub, by `datasets`: written once as the folder that their site would give.

`--data hf:` takes the address of the table HUBS, `--data hf:org/name@split` another one with the same columns.
"""

import base64
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.tasks import mmbench, okvqa, vizwiz, vqav2
from nextgpt.evaluation.tasks.tables import write_json, write_table

PREFIX = "hf:"
Record = Mapping[str, Any]
Track = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Hub:
    """Where a benchmark lies, its columns, and how its rows become the official files."""

    name: str
    split: str
    columns: tuple[str, ...]
    write: Callable[[Iterable[Record], Path], None]


def answers_of(row: Record) -> list[dict[str, Any]]:
    """Ten answers, which some copies keep as bare strings."""
    return [one if isinstance(one, dict) else {"answer": one} for one in row["answers"]]


def write_vqa(rows: Iterable[Record], folder: Path, questions: str, annotations: str) -> None:
    asked, known = [], []
    (folder / "val2014").mkdir()
    for row in rows:
        picture = int(row.get("image_id") or row["question_id"])
        path = folder / f"val2014/COCO_val2014_{picture:012d}.jpg"
        if not path.exists():
            path.write_bytes(jpeg(row["image"]))
        common = {"question_id": row["question_id"], "image_id": picture}
        asked.append({**common, "question": row["question"]})
        kinds = {name: row.get(name) or "" for name in ("answer_type", "question_type")}
        known.append({**common, **kinds, "answers": answers_of(row)})
    write_json(folder / questions, {"questions": asked})
    write_json(folder / annotations, {"annotations": known})


def write_vizwiz(rows: Iterable[Record], folder: Path) -> None:
    known = []
    (folder / "val").mkdir()
    for row in rows:
        name = f"{Path(str(row['question_id'])).stem}.jpg"
        (folder / "val" / name).write_bytes(jpeg(row["image"]))
        kind = row.get("category") or row.get("answer_type") or ""
        known.append(
            {"image": name, "question": row["question"], "answers": answers_of(row), "answer_type": kind}
        )
    write_json(folder / vizwiz.ANNOTATIONS, known)


def write_mmbench(rows: Iterable[Record], folder: Path) -> None:
    names = ("index", "question", "hint", "A", "B", "C", "D", "answer", "category")
    table = [
        {
            **{name: "" if row.get(name) is None else row[name] for name in names},
            "l2-category": row.get("L2-category") or "",
            "image": base64.b64encode(jpeg(row["image"])).decode(),
        }
        for row in rows
    ]
    write_table(folder / mmbench.QUESTIONS, table, "\t")


def jpeg(picture: Any) -> bytes:
    """Of a Pillow image, as little changed as JPEG allows."""
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


VQA = ("question_id", "question", "answers", "image")
HUBS: dict[str, Hub] = {
    "vqav2": Hub(
        "lmms-lab/VQAv2", "validation", (*VQA, "image_id"),
        lambda rows, folder: write_vqa(rows, folder, vqav2.QUESTIONS, vqav2.ANNOTATIONS),
    ),
    "okvqa": Hub(
        "lmms-lab/OK-VQA", "val2014", VQA,
        lambda rows, folder: write_vqa(rows, folder, okvqa.QUESTIONS, okvqa.ANNOTATIONS),
    ),
    "vizwiz": Hub("lmms-lab/VizWiz-VQA", "val", VQA, write_vizwiz),
    "mmbench": Hub(
        "lmms-lab/MMBench_EN", "dev", ("index", "question", "A", "B", "answer", "image"), write_mmbench
    ),
}  # fmt: skip


def from_hub(address: str, task: str, cache: Path, track: Track = iter) -> Path:
    """The folder in the cache, written if it isn't there. ConfigError, DataError."""
    if task not in HUBS:
        raise ConfigError(
            f"{task} is not taken from the Hub, only {', '.join(HUBS)}; give a folder with --data."
        )
    hub = HUBS[task]
    name, _, split = address.removeprefix(PREFIX).partition("@")
    name, split = name or hub.name, split or hub.split
    folder = cache / "benchmarks" / task / f"{name.replace('/', '--')}--{split}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".work-"))
        try:
            hub.write(checked(opened(name, split), hub, name), work)
            os.replace(work, folder)  # whole or not there
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return folder


def opened(name: str, split: str) -> Iterable[Record]:
    """Rows of a data set as they are downloaded."""
    try:
        from datasets import load_dataset
    except ImportError:
        raise ConfigError(
            "Data from the Hub need the library datasets: pip install 'nextgpt[hub]'."
        ) from None
    try:
        return load_dataset(name, split=split, streaming=True)
    except Exception as error:  # whatever the client raises: no network, no such name, no right to it
        reason = str(error).strip().split("\n")[0][:200]
        raise DataError(f"The data set {name!r} ({split}) can't be had from the Hub: {reason}.") from None


def checked(rows: Iterable[Record], hub: Hub, name: str) -> Iterable[Record]:
    for number, row in enumerate(rows, 1):
        if lacks := [column for column in hub.columns if row.get(column) is None]:
            raise DataError(
                f"Row {number} of the data set {name!r} lacks {', '.join(lacks)}; expected are the columns "
                f"{', '.join(hub.columns)}, as in {hub.name}."
            )
        yield row
