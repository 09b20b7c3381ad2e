"""Scoring media that a model made: they and the real ones as two folders whose files have the same names."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.naming import file_stem
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS, Inputs
from nextgpt.evaluation.tasks.scoring import Measure, Score, renamed
from nextgpt.evaluation.tasks.task import Answered

PAIRS, CAPTIONS, MADE, REAL = "pairs.json", "captions.json", "made", "real"
PROTOCOL = "protocol.json"
NOTHING = (
    "no reply had a medium; is the model trained to make it, and does it understand the prompt (--prompt)?"
)


def pairs(answered: Sequence[Answered]) -> dict[str, Any]:
    """Which file was made from which caption, beside which real one."""
    found = [
        {
            "id": one.row.id,
            "name": file_stem(one.row.id),
            "caption": one.row.record["caption"],
            "generated": one.media[0].name if one.media else None,
            "real": one.row.record["real"],
        }
        for one in answered
    ]
    return {PAIRS: found, CAPTIONS: {one["name"]: one["caption"] for one in found if one["generated"]}}


def made(scorer: str, features: str) -> Score:
    """features: what is compared where --features and --clip say nothing."""

    def score(folder: Path, measure: Measure) -> list[Scores]:
        found = json.loads((folder / PAIRS).read_text())
        kept = [one for one in found if one["generated"]]
        if not kept:
            return [Scores(f"FD-{measure.features or features}", None, 0, unavailable=NOTHING)]
        fill(folder, kept)
        inputs = Inputs(
            folder / MADE,
            annotations=(folder / REAL,),
            captions=folder / CAPTIONS,
            features=measure.features or ("" if measure.clip else features),
            clip=measure.clip,
            batch=measure.batch,
        )
        return [renamed(SCORERS[scorer](inputs), {one["name"]: one["id"] for one in kept})]

    return score


def fill(folder: Path, kept: Sequence[Mapping[str, Any]]) -> None:
    """made/ and real/, of links."""
    for name in (MADE, REAL):
        for path in (folder / name).glob("*") if (folder / name).is_dir() else ():
            if path.name != PROTOCOL:
                path.unlink()
        (folder / name).mkdir(exist_ok=True)
    for one in kept:
        generated, real = folder / "media" / one["generated"], Path(one["real"]).resolve()
        link(generated.resolve(), folder / MADE / f"{one['name']}{generated.suffix}")
        link(real, folder / REAL / f"{one['name']}{real.suffix.lower()}")


def link(source: Path, target: Path) -> None:
    """A copy where the system has no links."""
    if not source.is_file():
        raise DataError(f"'{source}' is gone since it was asked for; start again with --fresh.")
    try:
        os.symlink(source, target)
    except OSError:
        shutil.copyfile(source, target)
