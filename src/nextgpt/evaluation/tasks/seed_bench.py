"""SEED-Bench: four choices about pictures, by kind of question (Li et al., CVPR 2024); its image part."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.evaluation.tasks.choices import PICK, listed
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task

QUESTIONS = "SEED-Bench.json"
OPTIONS = ("choice_a", "choice_b", "choice_c", "choice_d")


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    kinds = {number: name for name, number in data.json(QUESTIONS).get("question_type", {}).items()}
    fields = ("question_id", "question", "answer", "data_id", "data_type", "question_type_id", *OPTIONS)
    for one in data.records(QUESTIONS, "questions", fields):
        if one["data_type"] != "image":
            continue
        options = [one[name] for name in OPTIONS]
        text = prompt.format(question=one["question"], options=listed(options))
        kind = kinds.get(one["question_type_id"], str(one["question_type_id"]))
        right = f"{one['answer']}. {one['choice_' + one['answer'].lower()]}"
        picture = data.image(f"SEED-Bench-image/{one['data_id']}")
        yield Row(str(one["question_id"]), (picture, text), (right,), kind, one)


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    """The official result file is lines of {question_id, prediction}; here as one list."""
    return {
        "results.json": [{"question_id": one.row.id, "prediction": one.answer} for one in answered],
        "annotations.json": {
            "questions": [one.row.record for one in answered],
            "question_type": {one.row.group: one.row.record["question_type_id"] for one in answered},
        },
    }


TASK = Task(
    name="seed-bench",
    title="SEED-Bench: kinds of understanding of pictures, multiple choice",
    source="https://huggingface.co/datasets/AILab-CVC/SEED-Bench",
    layout={QUESTIONS: "the questions", "SEED-Bench-image": "the pictures"},
    prompt="{question}\n{options}" + PICK,
    rows=rows,
    files=files,
    score=scored("seed-bench"),
)
