"""MVBench: twenty temporal tasks on clips of public data sets, multiple choice (Li et al., CVPR 2024)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS
from nextgpt.evaluation.tasks.choices import LETTERS, listed
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import RESULTS, Measure, inputs_of, renamed
from nextgpt.evaluation.tasks.span import Frames, Span
from nextgpt.evaluation.tasks.task import Answered, Part, Row, Task

STAR, CLEVRER, PERCEPTION = "star/Charades_v1_480", "clevrer/video_validation", "perception/videos"
FRAMES_A_SECOND = 3.0  # of tvqa/frames_fps3_hq

# task -> where its videos lie below video/, and whether start and end count (the authors' mvbench.ipynb)
SUBTASKS: dict[str, tuple[str, bool]] = {
    "Action Sequence": (STAR, True),
    "Action Prediction": (STAR, True),
    "Action Antonym": ("ssv2_video", False),
    "Fine-grained Action": ("Moments_in_Time_Raw/videos", False),
    "Unexpected Action": ("FunQA_test/test", False),
    "Object Existence": (CLEVRER, False),
    "Object Interaction": (STAR, True),
    "Object Shuffle": (PERCEPTION, False),
    "Moving Direction": (CLEVRER, False),
    "Action Localization": ("sta/sta_video", True),
    "Scene Transition": ("scene_qa/video", False),
    "Action Count": (PERCEPTION, False),
    "Moving Count": (CLEVRER, False),
    "Moving Attribute": (CLEVRER, False),
    "State Change": (PERCEPTION, False),
    "Fine-grained Pose": ("nturgbd", False),
    "Character Order": (PERCEPTION, False),
    "Egocentric Navigation": ("vlnqa", False),
    "Episodic Reasoning": ("tvqa/frames_fps3_hq", True),
    "Counterfactual Inference": (CLEVRER, False),
}


def file_of(subtask: str) -> str:
    return f"json/{subtask.lower().replace(' ', '_').replace('-', '_')}.json"


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    for subtask, (place, bounded) in SUBTASKS.items():
        needed = ("video", "question", "candidates", "answer", *(("start", "end") if bounded else ()))
        for number, one in enumerate(data.records(file_of(subtask), None, needed)):
            options = [str(option) for option in one["candidates"]]
            text = prompt.format(question=one["question"], options=listed(options, "({letter}) {option}"))
            right = LETTERS[options.index(str(one["answer"]))]
            record = {**one, "task_type": subtask, "gt": f"({right}) {one['answer']}"}
            clip = clip_of(data, f"video/{place}/{one['video']}", one, bounded)
            yield Row(f"{subtask}-{number}", (clip, text), (record["gt"],), subtask, record)


def clip_of(data: Folder, name: str, one: Any, bounded: bool) -> Part:
    path = data.path / name
    if path.is_dir():
        return Frames(path, FRAMES_A_SECOND, float(one.get("start", 0)), float(one.get("end", 1e9)))
    clip = data.video(name)
    return Span(clip, float(one["start"]), float(one["end"])) if bounded else clip


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    return {
        "results.json": [
            {"task_type": one.row.group, "pred": one.answer, "gt": one.row.record["gt"], "id": one.row.id}
            for one in answered
        ],
    }


def score(folder: Path, measure: Measure) -> list[Scores]:
    """The scorer counts the entries of each task; here they are named as the rows are."""
    names: dict[str, list[str]] = {}
    for one in json.loads((folder / RESULTS).read_text()):
        names.setdefault(one["task_type"], []).append(one["id"])
    by_count = {f"{task}/{n}": name for task, ids in names.items() for n, name in enumerate(ids)}
    return [renamed(SCORERS["mvbench"](inputs_of(folder, "")), by_count)]


TASK = Task(
    name="mvbench",
    title="MVBench: twenty temporal tasks on clips, multiple choice",
    source="https://huggingface.co/datasets/OpenGVLab/MVBench",
    layout={**{file_of(name): f"questions of {name}" for name in SUBTASKS}, "video": "the unpacked videos"},
    prompt="Question: {question}\nOptions:\n{options}\nOnly give the best option.",
    rows=rows,
    files=files,
    score=score,
)
