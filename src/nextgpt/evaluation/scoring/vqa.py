"""VQA v2, OK-VQA and VizWiz: results [{"question_id", "answer"}] against the official annotations.

Answers to all questions are needed, as the official VQA.loadRes asserts. Annotations are read as a stream.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.vqa import VqaItem, score_vqa
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import as_text, check_same, field_of, read_json, unique
from nextgpt.evaluation.scoring.streaming import stream_array

RESULTS = 'results as [{"question_id": ..., "answer": ...}]'
ANNOTATIONS = 'annotations as {"annotations": [{"question_id", "answers": [{"answer"}, ...], ...}]}'
QUESTIONS = 'questions as {"questions": [{"question_id", "question"}]}'
VIZWIZ = 'annotations as [{"image", "answers": [{"answer"}, ...], "answer_type"}]'


def score_vqa_v2(inputs: Inputs) -> Scores:
    """Percent, by answer type and question type."""
    files = inputs.need_annotations("v2_mscoco_..._annotations.json, " + ANNOTATIONS)
    said = read_answers(inputs.predictions, RESULTS, ("question_id",))
    check_questions(inputs, said)
    return score_vqa(items(inputs, said, files, "annotations", ANNOTATIONS))


def score_okvqa(inputs: Inputs) -> Scores:
    """The same rule; its ten answers are five people's, each twice, in the stemmed form of the file."""
    files = inputs.need_annotations("mscoco_..._annotations.json of OK-VQA, " + ANNOTATIONS)
    said = read_answers(inputs.predictions, RESULTS, ("question_id",))
    check_questions(inputs, said)
    names = {str(id): str(name) for path in files for id, name in _question_types(path).items()}
    return score_vqa(items(inputs, said, files, "annotations", ANNOTATIONS, names), "OK-VQA accuracy")


def score_vizwiz(inputs: Inputs) -> Scores:
    """Results [{"image", "answer"}]; by answer type, with what cannot be answered."""
    files = inputs.need_annotations("val.json of VizWiz-VQA, " + VIZWIZ)
    said = read_answers(
        inputs.predictions, 'results as [{"image": ..., "answer": ...}]', ("image", "question_id")
    )
    return score_vqa(items(inputs, said, files, "", VIZWIZ), "VizWiz accuracy")


def read_answers(path: Path, expected: str, ids: tuple[str, ...]) -> dict[str, str]:
    """id -> answer, each once."""
    rows = stream_array(path, expected)
    pairs = ((field_of(row, ids, path, expected), field_of(row, "answer", path, expected)) for row in rows)
    return {id: as_text(answer, id, path) for id, answer in unique(pairs, path, "ids").items()}


def check_questions(inputs: Inputs, said: Mapping[str, str]) -> None:
    """The questions file is not needed for the figure; where it is given, it must be of the same questions."""
    if inputs.questions:
        rows = (
            (path, row) for path in inputs.questions for row in stream_array(path, QUESTIONS, "questions")
        )
        asked = [str(field_of(row, "question_id", path, QUESTIONS)) for path, row in rows]
        check_same(said, asked, inputs.predictions, "questions", inputs.subset)


def items(
    inputs: Inputs,
    said: Mapping[str, str],
    files: tuple[Path, ...],
    key: str,
    expected: str,
    question_types: Mapping[str, str] | None = None,
) -> Iterator[VqaItem]:
    """Annotated questions with what was answered; at the end, that none is missing and none too many."""
    seen: set[str] = set()
    for path in files:
        for row in stream_array(path, expected, key):
            id = str(field_of(row, ("question_id", "image"), path, expected))
            if id in seen:
                raise DataError(f"{str(path)!r} has the question {id} twice; each must stand there once.")
            seen.add(id)
            if id in said:
                yield _item(row, id, said[id], path, expected, question_types or {})
    if not seen:
        raise DataError(f"There are no questions in {', '.join(map(str, files))}; expected {expected}.")
    check_same(said, seen, inputs.predictions, "questions", inputs.subset)


def _item(
    row: Mapping[str, Any], id: str, answer: str, path: Path, expected: str, names: Mapping[str, str]
) -> VqaItem:
    people = field_of(row, "answers", path, expected)
    if not people or not all(isinstance(one, dict) and "answer" in one for one in people):
        raise DataError(f"The question {id} in {str(path)!r} has no answers of people; expected {expected}.")
    kind = str(row.get("question_type", ""))
    answers = [str(one["answer"]) for one in people]
    return VqaItem(id, answer, answers, str(row.get("answer_type") or ""), names.get(kind, kind))


def _question_types(path: Path) -> Mapping[str, Any]:
    """OK-VQA's names of its question types, where the file has them."""
    return read_json(path, ANNOTATIONS, dict).get("question_types") or {}
