"""GQA: exact match, and the further figures of its official script where their inputs are given.

Source of the formulas: eval.py of cs.stanford.edu/people/dorarad/gqa (Hudson and Manning, arXiv 1902.09506).
Accuracies are over balanced questions. Attention maps, which only its grounding figure needs, are in gqa_grounding.py.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.scores import Scores

NOT_A_STEP = ("exist", "query: name", "choose name")
COMMON = ("color", "material", "shape")
KINDS = {"attr": "Attribute", "cat": "Category", "global": "Scene", "obj": "Object", "rel": "Relation"}

Question = Mapping[str, Any]
Grounding = Callable[[str, Question], float]


@dataclass
class Histograms:
    """Answers of each group of questions, right and predicted: what the distribution figure compares."""

    gold: dict[str, dict[str, int]]
    predicted: dict[str, dict[str, int]]

    def add(self, group: str | None, gold: str, predicted: str) -> None:
        """A question without a group does not count."""
        if group is None:
            return
        for table, answer in ((self.gold, gold), (self.predicted, predicted)):
            counts = table.setdefault(group, {})
            counts[answer] = counts.get(answer, 0) + 1

    def chi_square(self) -> float:
        """Mean over groups, weighted by their size. Lower is better."""
        total, weight = 0.0, 0
        for group, counts in self.gold.items():
            said = self.predicted[group]
            distance = sum((said.get(answer, 0) - count) ** 2 / count for answer, count in counts.items())
            size = sum(counts.values())
            total, weight = total + distance * size, weight + size
        return total / weight if weight else 0.0


def num_steps(question: Question) -> int:
    """Steps of reasoning, without those that only ask."""
    steps = (f"{step['operation']}: {step['argument']}" for step in question["semantic"])
    return sum(not any(name in step for name in NOT_A_STEP) for step in steps)


def belongs(answer: str, group: Iterable[str], question: Question) -> bool:
    """In the group of valid or plausible answers; questions about what is common have one of their own."""
    return answer in (COMMON if "Common" in question["types"]["detailed"] else group)


def consistency(
    id: str, question: Question, questions: Mapping[str, Question], said: Mapping[str, str]
) -> float:
    """Share of the entailed questions that are right, of a question that was answered right. -1: none is entailed."""
    entailed = [other for other in question["entailed"] if other != id]
    right = [float(said[other] == questions[other]["answer"]) for other in entailed]
    return sum(right) / len(right) if right else -1.0


def score_gqa(
    questions: Mapping[str, Question],
    predictions: Mapping[str, str],
    choices: Mapping[str, Mapping[str, list[str]]] | None = None,
    with_consistency: bool = False,
    grounding: Grounding | None = None,
) -> Scores:
    """Percent. questions: the official file; choices: of the same tier, for validity and plausibility.

    with_consistency needs answers to all questions, not to the balanced ones alone.
    """
    tally, per_item, histograms = Tally(), {}, Histograms({}, {})
    for id, question in questions.items():
        if question.get("isBalanced", True):
            said, right = predictions[id], float(predictions[id] == question["answer"])
            per_item[id] = 100 * right
            for name in _rows(question):
                tally.add(name, right)
            if choices is not None:
                tally.add("Validity", belongs(said, choices[id]["valid"], question))
                tally.add("Plausibility", belongs(said, choices[id]["plausible"], question))
            if with_consistency and right:
                _add_consistency(tally, consistency(id, question, questions, predictions))
            if grounding is not None:
                tally.add("Grounding", grounding(id, question))
            histograms.add((question.get("groups") or {}).get("global"), question["answer"], said)
    breakdown = _breakdown(tally, histograms)
    return Scores("accuracy", tally.mean("Accuracy", 100), len(per_item), breakdown, per_item)


def _add_consistency(tally: Tally, share: float) -> None:
    """Questions that entail none do not count."""
    if share >= 0:
        tally.add("Consistency", share)


def _rows(question: Question) -> list[str]:
    """The rows of the official table that a question counts in."""
    rows, kinds = ["Accuracy"], question.get("types") or {}
    if "structural" in kinds:
        rows.append("Open" if kinds["structural"] == "query" else "Binary")
        rows.append(f"structural type: {kinds['structural']}")
    if "semantic" in kinds:
        rows.append(f"semantic type: {KINDS.get(kinds['semantic'], kinds['semantic'])}")
    if "semantic" in question:
        rows.append(f"steps number: {num_steps(question)}")
    return [*rows, f"words number: {len(question['question'].split())}"]


def _breakdown(tally: Tally, histograms: Histograms) -> dict[str, float]:
    """In the order of the official table."""
    first = ("Binary", "Open", "Accuracy", "Consistency", "Validity", "Plausibility", "Grounding")
    found = {name: tally.mean(name, 100) for name in first if name in tally.sums}
    if histograms.gold:
        found["Distribution"] = histograms.chi_square() / 100
    for prefix in ("structural type: ", "semantic type: ", "steps number: ", "words number: "):
        rows = tally.means(prefix, 100)
        by_number = prefix.endswith("number: ")
        found |= {
            name: rows[name]
            for name in sorted(rows, key=lambda name: (int(name.split(": ")[1]) if by_number else 0, name))
        }
    return found
