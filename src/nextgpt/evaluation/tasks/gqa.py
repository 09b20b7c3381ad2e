"""GQA: compositional questions about Visual Genome's pictures (Hudson and Manning, CVPR 2019), balanced testdev."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task
from nextgpt.evaluation.tasks.vqav2 import SHORT

QUESTIONS = "questions/testdev_balanced_questions.json"


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    asked = data.json(QUESTIONS)
    if not isinstance(asked, dict) or not asked:
        raise DataError(f"'{data.path / QUESTIONS}' is no object of questions by their id; get it again.")
    data.checked(QUESTIONS, asked.values(), ("imageId", "question", "answer"))
    for name, one in asked.items():
        picture = data.image(f"images/{one['imageId']}.jpg")
        kind = one.get("types", {}).get("structural", "")
        yield Row(name, (picture, prompt.format(question=one["question"])), (one["answer"],), kind or "", one)


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    """The answer is written as the official script compares it: in lower case, without a full stop."""
    return {
        "results.json": [{"questionId": one.row.id, "prediction": one.answer} for one in answered],
        "questions.json": {one.row.id: one.row.record for one in answered},
    }


TASK = Task(
    name="gqa",
    title="GQA: compositional questions about photographs, balanced testdev split",
    source="https://cs.stanford.edu/people/dorarad/gqa/download.html",
    layout={QUESTIONS: "the questions with their answers", "images": "the pictures"},
    prompt=SHORT,
    parse=lambda reply, row: reply.strip().rstrip(".").lower(),
    rows=rows,
    files=files,
    score=scored("gqa", "questions.json"),
)
