"""ActivityNet-QA: open questions about long clips of activities (Yu et al., AAAI 2019), test split."""

from collections.abc import Iterator, Sequence
from typing import Any

from nextgpt.evaluation.scoring.video_questions import score_activitynet_qa
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task
from nextgpt.evaluation.tasks.vqav2 import SHORT

QUESTIONS, ANSWERS = "test_q.json", "test_a.json"


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    answers = data.records(ANSWERS, None, ("question_id", "answer", "type"))
    by_id = {one["question_id"]: one for one in answers}
    for one in data.records(QUESTIONS, None, ("question_id", "question", "video_name")):
        answer = data.need(by_id, one["question_id"], ANSWERS)
        clip = data.video(f"videos/v_{one['video_name']}", f"videos/{one['video_name']}")
        record = {"question": one, "answer": answer}
        text = prompt.format(question=f"{one['question']}?")  # the official files leave the mark out
        yield Row(str(one["question_id"]), (clip, text), (answer["answer"],), str(answer["type"]), record)


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    return {
        "results.json": {one.row.id: one.answer for one in answered},
        "annotations.json": [one.row.record["answer"] for one in answered],
        "questions.json": [one.row.record["question"] for one in answered],
    }


TASK = Task(
    name="activitynet-qa",
    title="ActivityNet-QA: open questions about clips of activities, test split",
    source="https://github.com/MILVLG/activitynet-qa (questions) and http://activity-net.org (videos)",
    layout={
        QUESTIONS: "the questions of the test split",
        ANSWERS: "their answers",
        "videos": "the clips, v_<name>.mp4",
    },
    prompt=SHORT,
    parse=lambda reply, row: reply.strip().rstrip(".").lower(),
    rows=rows,
    files=files,
    score=scored(score_activitynet_qa),
)
