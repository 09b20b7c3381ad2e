"""ActivityNet-QA: open questions about long clips of activities (Yu et al., AAAI 2019), test split."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import ANNOTATIONS, Measure, inputs_of
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


def score(folder: Path, measure: Measure) -> list[Scores]:
    """Exact match, and with a judge what it says."""
    found = [SCORERS["activitynet-qa"](inputs_of(folder, ANNOTATIONS))]
    if measure.judge:
        asked = inputs_of(folder, ANNOTATIONS, "questions.json", judge=measure.judge, batch=measure.batch)
        found.append(SCORERS["activitynet-qa-judged"](asked))
    return found


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
    score=score,
)
