"""What a scorer is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nextgpt.errors import ConfigError


def silent(done: int, total: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class Inputs:
    """Files and settings; each scorer says in the table SCORERS which it needs.

    predictions, annotations, questions: as the benchmark's site has them. choices, scenes, attentions: GQA's.
    subset: score only what was answered. split: of files that hold several. captions: id -> text beside media.
    features: address of an extractor; clip: folder of a CLIP; size: of pictures for a Python module.
    judge, judge_prompt: of the judged variants. progress(done, total): told as media are read.
    """

    predictions: Path
    annotations: tuple[Path, ...] = ()
    questions: tuple[Path, ...] = ()
    choices: Path | None = None
    scenes: Path | None = None
    attentions: Path | None = None
    subset: bool = False
    split: str = "test"
    captions: Path | None = None
    features: str = ""
    clip: Path | None = None
    size: int = 299
    batch: int = 16
    seed: int = 0
    judge: str = ""
    judge_prompt: Path | None = None
    progress: Callable[[int, int], None] = silent

    def need_annotations(self, what: str) -> tuple[Path, ...]:
        """The annotations. Raises ConfigError that says what they are."""
        if not self.annotations:
            raise ConfigError(f"--annotations is missing: {what}.")
        return self.annotations

    @property
    def first_annotations(self) -> Path:
        return self.annotations[0]
