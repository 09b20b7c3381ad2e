"""Tasks: the benchmarks that `nextgpt eval` knows, a short file each."""

from nextgpt.evaluation.tasks import (
    activitynet_qa,
    generation,
    gqa,
    image_captions,
    mmbench,
    mvbench,
    nextqa,
    okvqa,
    seed_bench,
    sound_captions,
    video_captions,
    video_questions,
    vizwiz,
    vqav2,
)
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.task import Answered, Row, Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        vqav2.TASK,
        gqa.TASK,
        okvqa.TASK,
        vizwiz.TASK,
        mmbench.TASK,
        seed_bench.TASK,
        mvbench.TASK,
        activitynet_qa.TASK,
        video_questions.MSVD,
        video_questions.MSRVTT,
        nextqa.TASK,
        image_captions.COCO,
        image_captions.NOCAPS_TASK,
        image_captions.FLICKR_TASK,
        sound_captions.AUDIOCAPS_TASK,
        sound_captions.CLOTHO_TASK,
        video_captions.TASK,
        generation.COCO_30K,
        generation.AUDIOCAPS,
        generation.MSRVTT,
    )
}

__all__ = ["TASKS", "Answered", "Folder", "Row", "Task"]
