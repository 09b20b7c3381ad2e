"""VizWiz-VQA: questions that blind people asked about their own photographs (Gurari et al., CVPR 2018)."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task

ANNOTATIONS = "Annotations/val.json"


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    for one in data.records(ANNOTATIONS, None, ("image", "question", "answers")):
        yield Row(
            str(one["image"]),
            (data.image(f"val/{one['image']}"), prompt.format(question=one["question"])),
            tuple(dict.fromkeys(answer["answer"] for answer in one["answers"])),
            str(one.get("answer_type", "")),
            one,
        )


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    return {
        "results.json": [{"image": one.row.id, "answer": one.answer} for one in answered],
        "annotations.json": [one.row.record for one in answered],
    }


TASK = Task(
    name="vizwiz",
    title="VizWiz-VQA: questions of blind people about their photographs, validation split",
    source="https://vizwiz.org/tasks-and-datasets/vqa/",
    layout={ANNOTATIONS: "questions and answers", "val": "the validation images"},
    prompt="{question}\nWhen the provided information is insufficient, respond with 'Unanswerable'.\n"
    "Answer the question using a single word or phrase.",
    rows=rows,
    files=files,
    score=scored("vizwiz"),
)
