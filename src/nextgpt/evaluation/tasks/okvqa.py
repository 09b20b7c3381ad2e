"""OK-VQA: questions whose answer is not in the picture (Marino et al., CVPR 2019), validation split of version 1.1."""

from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Task
from nextgpt.evaluation.tasks.vqav2 import SHORT, vqa_files, vqa_rows

QUESTIONS = "OpenEnded_mscoco_val2014_questions.json"
ANNOTATIONS = "mscoco_val2014_annotations.json"

TASK = Task(
    name="okvqa",
    title="OK-VQA: questions that need knowledge beyond the photograph, validation split",
    source="https://okvqa.allenai.org/download.html",
    layout={
        QUESTIONS: "the questions of the validation split",
        ANNOTATIONS: "their answers",
        "val2014": "COCO's validation images of 2014",
    },
    prompt=SHORT,
    rows=lambda data, prompt: vqa_rows(data, prompt, QUESTIONS, ANNOTATIONS),
    files=vqa_files,
    score=scored("okvqa", questions="questions.json"),
)
