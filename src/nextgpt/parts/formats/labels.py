"""Class names: a list of synonyms for each class, in the order of the classifier's outputs (labels.json)."""

import csv
import json
from pathlib import Path

from ...errors import PartError


def imagenet_labels(folder: Path) -> list[list[str]]:
    """ImageNet's 1000 classes from timm's tables: synsets in class order, and 'synset<TAB>lemma, lemma'.

    Raises:
        PartError: a synset without names, or not 1000 of them.
    """
    lemmas = dict(_rows(folder / "imagenet_synset_to_lemma.txt"))
    synsets = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    missing = [synset for synset in synsets if synset not in lemmas]
    if missing or len(synsets) != 1000:
        raise PartError(
            f"the ImageNet names are incomplete: {len(synsets)} synsets, no name for {missing[:3]}."
        )
    return [lemmas[synset].split(", ") for synset in synsets]


def _rows(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(synset, names) for synset, tab, names in (line.partition("\t") for line in lines) if tab]


def audioset_labels(path: Path) -> list[list[str]]:
    """AudioSet's 521 classes from YAMNet's class map: index, mid, display_name.

    Raises:
        PartError: the indices are not 0, 1, 2 ...
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if [row["index"] for row in rows] != [str(i) for i in range(len(rows))]:
        raise PartError(f"the class map {path.name} is not in the order of its indices.")
    return [[row["display_name"]] for row in rows]


def write_labels(labels: list[list[str]], folder: Path) -> None:
    """Write labels.json."""
    (folder / "labels.json").write_text(
        json.dumps(labels, ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )
