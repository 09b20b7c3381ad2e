"""MSVD-QA and MSRVTT-QA: open questions made from captions of clips (Xu et al., ACM MM 2017), test splits."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Task
from nextgpt.evaluation.tasks.vqav2 import SHORT

QUESTIONS, MAPPING = "test_qa.json", "youtube_mapping.txt"
SOURCE = "https://github.com/xudejing/video-question-answering"


def youtube_names(data: Folder) -> dict[str, str]:
    """MSVD's files are called as on YouTube, its questions say vid1 and so on."""
    lines = [line.split() for line in data.text(MAPPING).splitlines() if line.strip()]
    return {words[1]: words[0] for words in lines if len(words) == 2}


def rows(data: Folder, prompt: str, prefix: str) -> Iterator[Row]:
    names = youtube_names(data) if MAPPING in data.layout else {}
    for one in data.records(QUESTIONS, None, ("id", "question", "answer", "video_id")):
        video = f"{prefix}{one['video_id']}"
        clip = data.video(f"video/{names.get(video, video)}", f"video/{video}")
        kind = str(one["question"]).split()[0].lower()  # the official breakdown: what, who, how, when, where
        yield Row(
            str(one["id"]), (clip, prompt.format(question=one["question"])), (one["answer"],), kind, one
        )


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    return {
        "results.json": [{"id": one.row.record["id"], "answer": one.answer} for one in answered],
        "annotations.json": [one.row.record for one in answered],
    }


def task(name: str, title: str, layout: dict[str, str], prefix: str) -> Task:
    return Task(
        name=name,
        title=title,
        source=SOURCE,
        layout={QUESTIONS: "questions and answers of the test split", **layout},
        prompt=SHORT,
        parse=lambda reply, row: reply.strip().rstrip(".").lower(),
        rows=partial(rows, prefix=prefix),
        files=files,
        score=scored(name),
    )


MSVD = task(
    "msvd-qa",
    "MSVD-QA: open questions about short clips, test split",
    {MAPPING: "YouTube's name of each clip", "video": "the clips, called as on YouTube"},
    "vid",
)
MSRVTT = task(
    "msrvtt-qa",
    "MSRVTT-QA: open questions about clips, test split",
    {"video": "the clips, video7010.mp4 and so on"},
    "video",
)
