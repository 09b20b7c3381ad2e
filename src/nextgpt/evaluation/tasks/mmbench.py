"""MMBench: abilities one by one, four choices (Liu et al., ECCV 2024), English development split."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.multiple_choice import ROTATION
from nextgpt.evaluation.tasks.choices import PICK, listed
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.tables import table_text
from nextgpt.evaluation.tasks.task import Answered, Row, Task
from nextgpt.media import Image

QUESTIONS = "mmbench_dev_en_20231003.tsv"
LONGEST_NUMBER = 64  # a shorter `image` is the index of the row that has the picture


def options_of(record: Mapping[str, Any]) -> list[str]:
    """Two to four; an empty cell ends them."""
    return [record[letter] for letter in "ABCD" if record.get(letter)]


def picture_of(one: Mapping[str, Any], by_index: Mapping[str, Any], data: Folder) -> Image:
    image = one["image"]
    if len(image) <= LONGEST_NUMBER:
        image = data.need(by_index, image, QUESTIONS)["image"]
    try:
        return Image.from_bytes(base64.b64decode(image, validate=True))
    except binascii.Error:
        raise DataError(
            f"'{data.path / QUESTIONS}': the picture of row {one['index']} is no base64; get the file again."
        ) from None


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    table = data.table(QUESTIONS, ("index", "image", "question", "A", "B", "answer"), "\t")
    by_index = {one["index"]: one for one in table}
    for one in table:
        hint = f"{one['hint']}\n" if one.get("hint") and one["hint"] != "nan" else ""
        text = prompt.format(hint=hint, question=one["question"], options=listed(options_of(one)))
        right = f"{one['answer']}. {one[one['answer']]}"
        record = {key: value for key, value in one.items() if key != "image"}
        parts = (picture_of(one, by_index, data), text)
        unit = str(int(one["index"]) % ROTATION)
        yield Row(one["index"], parts, (right,), one.get("category", ""), record, unit=unit)


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    """The questions are the official table's, without its pictures."""
    results = [{"index": one.row.id, "prediction": one.answer} for one in answered]
    return {
        "results.json": results,
        "annotations.tsv": table_text([one.row.record for one in answered], "\t"),
    }


TASK = Task(
    name="mmbench",
    title="MMBench: twenty abilities, multiple choice, English development split",
    source="https://github.com/open-compass/MMBench",
    layout={QUESTIONS: "questions with their pictures, tab-separated"},
    prompt="{hint}{question}\n{options}" + PICK,
    rows=rows,
    files=files,
    score=scored("mmbench", "annotations.tsv"),
)
