"""ActivityNet-QA, MSVD-QA, MSRVTT-QA, NExT-QA.

What is not answered counts as wrong in ActivityNet-QA, MSVD-QA and MSRVTT-QA, as their scripts have it, and a note
says how many; in NExT-QA it is an error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.metrics.exact_match import (
    ACTIVITYNET_TYPES,
    Judged,
    question_word,
    score_activitynet,
    score_kinds,
    score_next,
    share_right,
)
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import (
    as_text,
    check_same,
    field_of,
    read_json,
    read_records,
    row_of,
    unique,
)

RESULTS = 'results as {question id: answer} or [{"question_id", "answer"}]'
ACTIVITYNET = 'test_a.json as [{"question_id", "answer", "type": 0 to 8}]'
VIDEO_QA = 'test_qa.json as [{"id", "question", "answer", "video_id"}]'
NEXT = "test.csv with the columns video, qid, type, answer, a0 to a4"
NEXT_RESULTS = 'results as {"video_qid": {"prediction": 0 to 4}}, or with the number alone'


def read_answers(path: Path) -> dict[str, str]:
    """id -> answer, of an object or of a list."""
    whole = (
        read_json(path, RESULTS, once=True) if path.suffix.lower() == ".json" else read_records(path, RESULTS)
    )
    if isinstance(whole, dict):
        return {str(id): as_text(answer, id, path) for id, answer in whole.items()}
    rows = [row_of(row, path, number, RESULTS) for number, row in enumerate(whole, 1)]
    ids, answers = ("question_id", "id"), ("answer", "prediction", "pred")
    pairs = ((field_of(row, ids, path, RESULTS), field_of(row, answers, path, RESULTS)) for row in rows)
    return {id: as_text(answer, id, path) for id, answer in unique(pairs, path, "questions").items()}


def score_activitynet_qa(inputs: Inputs) -> Scores:
    """Exact match by type, in 0..1 to four digits as the script prints it."""
    said, rows, notes = _activitynet(inputs)
    shares = share_right(said, {id: str(row["answer"]) for id, row in rows.items()})
    items = ((id, int(row["type"]), shares[id]) for id, row in rows.items())
    return score_activitynet(items, notes=notes)


def score_activitynet_judged(inputs: Inputs) -> Scores:
    """A judge says whether an answer means the right one; judge, version and prompt are in the metric's notes."""
    from nextgpt.evaluation.judging import Question, judge_all, load_judge, read_prompt

    if not inputs.judge:
        raise ConfigError(
            "--judge is missing: a folder or part of a language model, or https://host/v1#model."
        )
    if not inputs.questions:
        raise ConfigError('--questions is missing: test_q.json as [{"question_id", "question"}].')
    said, rows, notes = _activitynet(inputs)
    expected = 'test_q.json as [{"question_id", "question"}]'
    asked = {
        str(field_of(row, "question_id", path, expected)): str(field_of(row, "question", path, expected))
        for path in inputs.questions
        for row in read_records(path, expected)
    }
    check_same(asked, rows, inputs.questions[0], "questions")
    questions = [Question(id, asked[id], str(row["answer"]), said.get(id, "")) for id, row in rows.items()]
    judge, prompt = load_judge(inputs.judge), read_prompt(inputs.judge_prompt)
    verdicts = judge_all(judge, prompt, questions, inputs.batch, inputs.progress)
    items = ((id, int(row["type"]), verdicts.right[id]) for id, row in rows.items())
    found = score_activitynet(items, f"judged accuracy ({judge.name})", (*notes, *verdicts.notes))
    breakdown = {**found.breakdown, "mean score of 0 to 5": verdicts.mean_score}
    return Scores(found.metric, found.value, found.n, breakdown, found.per_item, "", found.notes)


def _activitynet(inputs: Inputs) -> tuple[dict[str, str], dict[str, Mapping[str, Any]], tuple[str, ...]]:
    """(answers, annotated questions in their order, notes)."""
    files = inputs.need_annotations(ACTIVITYNET)
    pairs = [
        (field_of(row, "question_id", path, ACTIVITYNET), row)
        for path in files
        for row in read_records(path, ACTIVITYNET)
    ]
    rows = unique(pairs, files[0], "questions")
    for id, row in rows.items():
        field_of(row, "answer", files[0], ACTIVITYNET)
        kind = field_of(row, "type", files[0], ACTIVITYNET)
        if not str(kind).isdigit() or int(kind) >= len(ACTIVITYNET_TYPES):
            raise DataError(
                f"The question {id} in {str(files[0])!r} has the type {kind}; expected {ACTIVITYNET}."
            )
    said = read_answers(inputs.predictions)
    check_same(said, rows, inputs.predictions, "questions", subset=True)
    return said, _only(rows, said, inputs), _unanswered(rows, said, inputs)


def score_video_qa(inputs: Inputs) -> Scores:
    """MSVD-QA and MSRVTT-QA: exact match in 0..1, by the first word of the question (Xu et al., ACM MM 2017)."""
    files = inputs.need_annotations(VIDEO_QA)
    pairs = [
        (field_of(row, ("id", "question_id"), path, VIDEO_QA), row)
        for path in files
        for row in read_records(path, VIDEO_QA)
    ]
    rows = unique(pairs, files[0], "questions")
    answers = {id: str(field_of(row, "answer", files[0], VIDEO_QA)) for id, row in rows.items()}
    said = read_answers(inputs.predictions)
    check_same(said, rows, inputs.predictions, "questions", subset=True)
    wanted = _only(answers, said, inputs)
    shares = share_right(said, wanted)
    kinds = {id: question_word(str(field_of(rows[id], "question", files[0], VIDEO_QA))) for id in wanted}
    found = score_kinds((Judged(id, shares[id], kinds[id]) for id in wanted), "exact match")
    return Scores(
        found.metric,
        found.value,
        found.n,
        found.breakdown,
        found.per_item,
        "",
        _unanswered(rows, said, inputs),
    )


def score_next_qa(inputs: Inputs) -> Scores:
    """Several choices, percent."""
    files = inputs.need_annotations(NEXT)
    pairs = [
        (f"{field_of(row, 'video', path, NEXT)}_{field_of(row, 'qid', path, NEXT)}", row)
        for path in files
        for row in read_records(path, NEXT)
    ]
    rows = unique(pairs, files[0], "questions")
    path = inputs.predictions
    said = {
        id: _choice(value, id, path) for id, value in read_json(path, NEXT_RESULTS, dict, once=True).items()
    }
    check_same(said, rows, path, "questions", inputs.subset)
    items = []
    for id, row in _only(rows, said, inputs).items():
        right = str(field_of(row, "answer", files[0], NEXT)).strip()
        if not right.isdigit():
            raise DataError(f"The answer to {id} in {str(files[0])!r} is {right!r}; expected {NEXT}.")
        kind = str(field_of(row, "type", files[0], NEXT)).strip()
        items.append(Judged(id, float(said[id] == int(right)), kind))
    return score_next(items)


def _choice(value: Any, id: str, path: Path) -> int:
    """The number of the chosen option."""
    number = field_of(value, "prediction", path, NEXT_RESULTS) if isinstance(value, dict) else value
    if not str(number).strip().lstrip("-").isdigit():
        raise DataError(f"The prediction for {id} in {str(path)!r} is {number!r}; expected {NEXT_RESULTS}.")
    return int(number)


def _only(rows: Mapping[str, Any], said: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """All rows, or with --subset those that were answered."""
    return {id: row for id, row in rows.items() if not inputs.subset or id in said}


def _unanswered(rows: Mapping[str, Any], said: Mapping[str, Any], inputs: Inputs) -> tuple[str, ...]:
    missing = len(rows.keys() - said.keys())
    if not missing:
        return ()
    if inputs.subset:
        return (f"A subset: {missing} of the {len(rows)} questions have no answer and are left out.",)
    return (
        f"{missing} of the {len(rows)} questions have no answer and count as wrong, as in the official script.",
    )
