"""From a run's folder to scores: its files go to the scorer of `nextgpt score`, in the same official forms."""

from collections.abc import Callable
from pathlib import Path

from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs

RESULTS, ANNOTATIONS, QUESTIONS = "results.json", "annotations.json", "questions.json"
Score = Callable[[Path], list[Scores]]


def scored(scorer: Callable[[Inputs], Scores], annotations: str = ANNOTATIONS, questions: str = "") -> Score:
    """annotations, questions: names of files in the run's folder; empty where the scorer takes none."""

    def score(folder: Path) -> list[Scores]:
        files = [(folder / name,) if name else () for name in (annotations, questions)]
        return [scorer(Inputs(folder / RESULTS, annotations=files[0], questions=files[1]))]

    return score


def scored_media(task: str) -> Callable[[Path], list[Scores]]:
    def score(folder: Path) -> list[Scores]:
        raise NotImplementedError

    return score
