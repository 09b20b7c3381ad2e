"""VQAv2: open questions about COCO photographs (Goyal et al., CVPR 2017), validation split."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task

QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json"
ANNOTATIONS = "v2_mscoco_val2014_annotations.json"


def vqa_rows(data: Folder, prompt: str, questions: str, annotations: str) -> Iterator[Row]:
    """The format of visualqa.org, which OK-VQA shares."""
    asked = data.records(questions, "questions", ("question_id", "image_id", "question"))
    known = data.records(annotations, "annotations", ("question_id", "image_id", "answers"))
    kinds = data.json(annotations).get("question_types")  # OK-VQA's names
    by_id = {one["question_id"]: one for one in known}
    for question in asked:
        annotation = data.need(by_id, question["question_id"], annotations)
        picture = data.image(f"val2014/COCO_val2014_{int(question['image_id']):012d}.jpg")
        yield Row(
            str(question["question_id"]),
            (picture, prompt.format(question=question["question"])),
            tuple(dict.fromkeys(one["answer"] for one in annotation["answers"])),
            str(annotation.get("answer_type", "")),
            {"question": question, "annotation": annotation, "question_types": kinds},
        )


def vqa_files(answered: Sequence[Answered]) -> dict[str, Any]:
    """The result file of visualqa.org, and the questions and annotations of these rows in their official form."""
    records = [one.row.record for one in answered]
    return {
        "results.json": [
            {"question_id": one.row.record["question"]["question_id"], "answer": one.answer}
            for one in answered
        ],
        "questions.json": {"questions": [record["question"] for record in records]},
        "annotations.json": {
            "annotations": [record["annotation"] for record in records],
            **({"question_types": kinds} if (kinds := records[0]["question_types"]) else {}),
        },
    }


SHORT = "{question}\nAnswer the question using a single word or phrase."

TASK = Task(
    name="vqav2",
    title="VQAv2: open questions about photographs, validation split",
    source="https://visualqa.org/download.html",
    layout={
        QUESTIONS: "the questions of the validation split",
        ANNOTATIONS: "ten people's answers to each",
        "val2014": "COCO's validation images of 2014",
    },
    prompt=SHORT,
    rows=lambda data, prompt: vqa_rows(data, prompt, QUESTIONS, ANNOTATIONS),
    files=vqa_files,
    score=scored("vqav2", questions="questions.json"),
)
