"""From a run's folder to scores: its files go to the scorer that `nextgpt score` uses, under the same names."""

from collections.abc import Callable
from pathlib import Path

from nextgpt.evaluation.scores import Scores

RESULTS = "results.json"


def scored(task: str, **files: str) -> Callable[[Path], list[Scores]]:
    """files: argument of the task's scorer -> name of the file in the run's folder."""

    def score(folder: Path) -> list[Scores]:
        from nextgpt.evaluation.scoring import SCORERS

        found = SCORERS[task](folder / RESULTS, **{name: folder / file for name, file in files.items()})
        return [found] if isinstance(found, Scores) else list(found)

    return score


def scored_media(task: str) -> Callable[[Path], list[Scores]]:
    def score(folder: Path) -> list[Scores]:
        raise NotImplementedError

    return score
