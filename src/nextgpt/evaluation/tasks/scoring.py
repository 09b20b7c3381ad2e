"""From a run's folder to scores: its files go to the scorer of `nextgpt score`, in the same official forms."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS, Inputs

RESULTS, ANNOTATIONS = "results.json", "annotations.json"


@dataclass(frozen=True)
class Measure:
    """What a metric may need beside answers. features: address of an extractor, clip: folder of a CLIP, for made
    media; judge: of answers in words. Empty: the task's own, or none."""

    features: str = ""
    clip: Path | None = None
    judge: str = ""
    batch: int = 16


Score = Callable[[Path, Measure], list[Scores]]


def scored(scorer: str, annotations: str = ANNOTATIONS, questions: str = "") -> Score:
    """scorer: a name of SCORERS. annotations, questions: files in the run's folder; empty where there are none."""

    def score(folder: Path, measure: Measure) -> list[Scores]:
        return [SCORERS[scorer](inputs_of(folder, annotations, questions))]

    return score


def inputs_of(folder: Path, annotations: str, questions: str = "", **settings: Any) -> Inputs:
    files = [(folder / name,) if name else () for name in (annotations, questions)]
    return Inputs(folder / RESULTS, annotations=files[0], questions=files[1], **settings)


def renamed(scores: Scores, names: dict[str, str]) -> Scores:
    """The same with items under other names."""
    return replace(scores, per_item={names[name]: value for name, value in scores.per_item.items()})
