"""MMBench (CircularEval) and SEED-Bench.

MMBench: rows {"index", "prediction"} (.tsv, .csv, .jsonl, .json) against mmbench_dev_*.tsv. SEED-Bench: lines
{"q_id" or "question_id", "prediction"} against SEED-Bench.json. A prediction is a letter, or a text that names one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.multiple_choice import ChoiceItem, letter_of, score_choices, score_circular
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import (
    as_text,
    check_same,
    field_of,
    read_json,
    read_records,
    read_table,
    unique,
)

LETTERS = "ABCDEFGH"
MMBENCH_RESULTS = 'rows {"index", "prediction"}'
MMBENCH = "mmbench_dev_*.tsv with the columns index, question, A to D, answer, category, l2-category"
SEED_RESULTS = 'rows {"question_id", "prediction"}'
SEED = (
    'SEED-Bench.json as {"questions": [{"question_id", "answer", "choice_a", ...}], "question_type": {...}}'
)


def score_mmbench(inputs: Inputs) -> Scores:
    """Percent of questions that are right in every rotation, by category."""
    path = inputs.need_annotations(MMBENCH)[0]
    said = _predictions(inputs, MMBENCH_RESULTS, ("index",))
    rows = (
        {name: cell for name, cell in row.items() if name != "image"} for row in read_table(path, MMBENCH)
    )
    by_id = unique(((field_of(row, "index", path, MMBENCH), row) for row in rows), path, "questions")
    if strange := [id for id in by_id if not id.isdigit()]:
        raise DataError(f"{str(path)!r} has the index {strange[0]!r}; expected {MMBENCH}.")
    check_same(said, by_id, inputs.predictions, "questions", inputs.subset)
    return score_circular([_mmbench_item(id, by_id[id], text, path) for id, text in said.items()])


def _mmbench_item(id: str, row: Mapping[str, Any], said: str, path: Path) -> ChoiceItem:
    """Cells of letters that a question does not have are empty, or what pandas writes for them."""
    choices = {
        letter: row[letter] for letter in LETTERS if (row.get(letter) or "").strip() not in ("", "nan")
    }
    groups = {name: row[name] for name in ("l2-category", "category") if row.get(name)}
    right = str(field_of(row, "answer", path, MMBENCH)).strip()
    if right not in choices:
        raise DataError(
            f"The right answer to {id} in {str(path)!r} is {right!r}; expected one of its letters."
        )
    return ChoiceItem(id, letter_of(said, choices), right, groups)


def score_seed(inputs: Inputs) -> Scores:
    """Percent, by dimension; a question is asked once."""
    path = inputs.need_annotations(SEED)[0]
    whole = read_json(path, SEED, dict)
    names = {number: name for name, number in (whole.get("question_type") or {}).items()}
    rows = field_of(whole, "questions", path, SEED)
    by_id = unique(((field_of(row, "question_id", path, SEED), row) for row in rows), path, "questions")
    said = _predictions(inputs, SEED_RESULTS, ("question_id", "q_id"))
    check_same(said, by_id, inputs.predictions, "questions", inputs.subset)
    return score_choices([_seed_item(id, by_id[id], text, names, path) for id, text in said.items()])


def _seed_item(
    id: str, row: Mapping[str, Any], said: str, names: Mapping[Any, str], path: Path
) -> ChoiceItem:
    texts = {letter: row.get(f"choice_{letter.lower()}") for letter in LETTERS}
    choices = {letter: str(text) for letter, text in texts.items() if text is not None}
    number = row.get("question_type_id")
    groups = {"dimension": str(names.get(number, number))}
    if row.get("data_type"):
        groups["data"] = row["data_type"]
    right = str(field_of(row, "answer", path, SEED))
    return ChoiceItem(id, letter_of(said, choices), right, groups)


def _predictions(inputs: Inputs, expected: str, ids: tuple[str, ...]) -> dict[str, str]:
    path = inputs.predictions
    pairs = (
        (field_of(row, ids, path, expected), field_of(row, ("prediction", "answer"), path, expected))
        for row in read_records(path, expected)
    )
    return {id: as_text(value, id, path) for id, value in unique(pairs, path, "questions").items()}
