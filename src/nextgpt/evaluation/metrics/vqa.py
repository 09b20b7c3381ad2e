"""VQA accuracy: of VQA v2, OK-VQA and VizWiz. An answer that three of ten people gave is right.

accuracy = mean over the people of min(1, matches among the others / 3)    (Antol et al., arXiv 1505.00468)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.metrics.vqa_text import normalise, strip_lines
from nextgpt.evaluation.scores import Scores

ENOUGH = 3
UNANIMOUS = (
    "Where all people said the same, the official script compares without normalising: 'Yes' is not 'yes'."
)


@dataclass(frozen=True)
class VqaItem:
    """One question: what was answered, what people answered, and the kinds that the official table is split by."""

    id: str
    prediction: str
    answers: Sequence[str]
    answer_type: str = ""
    question_type: str = ""


def vqa_accuracy(prediction: str, answers: Sequence[str]) -> float:
    """In 0..1. People are told apart by their place in the list, as the script does by their answer_id."""
    said, people = strip_lines(prediction), [strip_lines(answer) for answer in answers]
    if len(set(people)) > 1:
        said, people = normalise(said), [normalise(answer) for answer in people]
    matches = people.count(said)
    shares = [min(1.0, (matches - (answer == said)) / ENOUGH) for answer in people]
    return sum(shares) / len(shares)


def loses_by_unanimity(item: VqaItem) -> bool:
    """True where the answer is wrong only because unanimous answers are not normalised."""
    people = {strip_lines(answer) for answer in item.answers}
    if len(people) > 1 or strip_lines(item.prediction) in people:
        return False
    return normalise(item.prediction) in {normalise(answer) for answer in people}


def score_vqa(items: Iterable[VqaItem], metric: str = "VQA accuracy") -> Scores:
    """Percent; the breakdown by answer type and question type. Items may be a stream."""
    tally, per_item, lost = Tally(), {}, 0
    for item in items:
        share = vqa_accuracy(item.prediction, item.answers)
        per_item[item.id] = share
        lost += loses_by_unanimity(item)
        tally.add("overall", share)
        for kind, name in (("perAnswerType", item.answer_type), ("perQuestionType", item.question_type)):
            if name:
                tally.add(f"{kind}: {name}", share)
    breakdown = {**tally.means("perAnswerType", 100), **tally.means("perQuestionType", 100)}
    notes = (f"{UNANIMOUS} That cost {lost} answers here.",) if lost else ()
    return Scores(
        metric, tally.mean("overall", 100), len(per_item), breakdown, percent(per_item), notes=notes
    )


def percent(per_item: dict[str, float]) -> dict[str, float]:
    """Shares in the unit of the value."""
    return {name: 100 * share for name, share in per_item.items()}
