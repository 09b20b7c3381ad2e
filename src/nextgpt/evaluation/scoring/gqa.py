"""GQA: results [{"questionId", "prediction"}] against the official questions, with its further files where given.

--annotations: {tier}_balanced_questions.json or {tier}_all_questions.json (a folder of its chunks is read too).
--choices: {tier}_choices.json, for validity and plausibility. --attentions and --scenes: for grounding.
Consistency is computed where all questions are there and answered, as with the official --consistency.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.gqa import score_gqa
from nextgpt.evaluation.metrics.gqa_grounding import grounding
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import as_text, field_of, read_json, unique
from nextgpt.evaluation.scoring.streaming import stream_array

RESULTS = 'results as [{"questionId": ..., "prediction": ...}]'
QUESTIONS = 'questions as {question id: {"question", "answer", "isBalanced", "types", ...}}'
CHOICES = 'choices as {question id: {"valid": [...], "plausible": [...]}}'
WITHOUT = {
    "choices": "Validity, Plausibility: not available: they need --choices {tier}_choices.json",
    "consistency": "Consistency: not available: it needs answers to all questions of {tier}_all_questions.json",
    "attentions": "Grounding: not available: it needs --attentions and --scenes, of a model that has attention maps",
}


def score(inputs: Inputs) -> Scores:
    files = inputs.need_annotations("testdev_balanced_questions.json, " + QUESTIONS)
    questions = {id: one for path in files for id, one in read_parts(path, QUESTIONS).items()}
    said = read_predictions(inputs.predictions)
    balanced = [id for id, one in questions.items() if _checked(id, one, files[0]).get("isBalanced", True)]
    _check_answered(balanced, said, inputs.predictions)
    whole = len(balanced) < len(questions) and questions.keys() <= said.keys()
    choices = _choices(inputs.choices, balanced) if inputs.choices else None
    found = score_gqa(questions, said, choices, whole, _grounding(inputs))
    missing = [
        sentence
        for name, sentence in WITHOUT.items()
        if not {"choices": choices, "consistency": whole, "attentions": inputs.attentions}[name]
    ]
    return Scores(found.metric, found.value, found.n, found.breakdown, found.per_item, "; ".join(missing))


def read_parts(path: Path, expected: str) -> dict[str, Any]:
    """A JSON object, or a folder of the chunks that GQA cuts a large one into."""
    if not path.is_dir():
        return read_json(path, expected, dict)
    chunks = sorted(path.glob("*.json"))
    if not chunks:
        raise DataError(f"The folder {str(path)!r} has no .json in it; expected chunks of {expected}.")
    return {id: one for chunk in chunks for id, one in read_json(chunk, expected, dict).items()}


def _choices(path: Path, balanced: list[str]) -> dict[str, Any]:
    choices = read_parts(path, CHOICES)
    if missing := [id for id in balanced if id not in choices]:
        raise DataError(
            f"{str(path)!r} has no choices for {len(missing)} of the {len(balanced)} questions, the first "
            f"{missing[0]}; is it of another tier?"
        )
    return choices


def read_predictions(path: Path) -> dict[str, str]:
    pairs = (
        (field_of(row, "questionId", path, RESULTS), field_of(row, "prediction", path, RESULTS))
        for row in stream_array(path, RESULTS)
    )
    return {id: as_text(value, id, path) for id, value in unique(pairs, path, "questions").items()}


def _checked(id: str, question: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(question, dict) or not {"question", "answer"} <= question.keys():
        raise DataError(f"The question {id} of {str(path)!r} lacks question or answer; expected {QUESTIONS}.")
    return question


def _check_answered(balanced: list[str], said: Mapping[str, str], path: Path) -> None:
    """As the official script: every balanced question is answered; answers to others are let be."""
    if not balanced:
        raise DataError(f"No question is balanced, so there is nothing to score; expected {QUESTIONS}.")
    if missing := [id for id in balanced if id not in said]:
        raise DataError(
            f"{str(path)!r} has no prediction for {len(missing)} of the {len(balanced)} balanced questions, the first "
            f"{missing[0]}; the official script needs all of them."
        )


def _grounding(inputs: Inputs) -> Any:
    if not inputs.attentions or not inputs.scenes:
        return None
    expected = 'attention maps as [{"questionId", "attention": [[...]]}]'
    rows = stream_array(inputs.attentions, expected)
    maps = unique(
        ((row["questionId"], field_of(row, "attention", inputs.attentions, expected)) for row in rows),
        inputs.attentions,
        "questions",
    )
    scenes = read_parts(inputs.scenes, "scene graphs as {image id: {width, height, objects}}")
    first = next(iter(maps.values()))
    by_objects = len(first[0]) == 5 and len(first) != 5
    return grounding(scenes, maps, by_objects)
