"""NExT-QA: why and how things happen in clips, five choices (Xiao et al., CVPR 2021), test split."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.evaluation.tasks.choices import LETTERS, PICK, chosen, listed
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task

QUESTIONS, MAPPING = "test.csv", "map_vid_vidorID.json"
OPTIONS = ("a0", "a1", "a2", "a3", "a4")


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    places = data.json(MAPPING)
    for one in data.table(QUESTIONS, ("video", "question", "answer", "qid", "type", *OPTIONS)):
        options = [one[name] for name in OPTIONS]
        place = data.need(places, one["video"], MAPPING)
        text = prompt.format(question=one["question"], options=listed(options))
        right = options[int(one["answer"])]
        yield Row(
            f"{one['video']}_{one['qid']}",
            (data.video(f"NExTVideo/{place}"), text),
            (f"{LETTERS[int(one['answer'])]}. {right}",),
            one["type"],
            dict(one),
        )


def parse(reply: str, row: Row) -> str:
    return chosen(reply, [row.record[name] for name in OPTIONS])


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    """The official result file: number of the chosen answer and of the right one; -1 where none was named."""
    results = {
        one.row.id: {
            "prediction": LETTERS.index(one.answer) if one.answer else -1,
            "answer": int(one.row.record["answer"]),
        }
        for one in answered
    }
    return {"results.json": results, "annotations.json": [one.row.record for one in answered]}


TASK = Task(
    name="next-qa",
    title="NExT-QA: causes and order of events in clips, five choices, test split",
    source="https://github.com/doc-doc/NExT-QA",
    layout={
        QUESTIONS: "questions, choices and answers of the test split",
        MAPPING: "where each video lies",
        "NExTVideo": "the videos, in numbered folders",
    },
    prompt="{question}\n{options}" + PICK,
    parse=parse,
    rows=rows,
    files=files,
    score=scored("next-qa"),
)
