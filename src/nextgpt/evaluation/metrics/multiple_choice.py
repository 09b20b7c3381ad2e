"""Several choices: which letter was meant, and MMBench's rule that a question must be right in every rotation.

Reading a letter follows the exact matching of github.com/open-compass/VLMEvalKit (vlmeval/utils/matching_util.py),
the code behind MMBench's table, before it asks a language model: the one letter that stands alone among the last
words, else the one option whose text is in the answer. What is neither is counted as wrong here and told in a note.
CircularEval: Liu et al., arXiv 2307.06281. SEED-Bench: github.com/AILab-CVC/SEED-Bench, eval.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.scores import Scores

MARKS = str.maketrans({mark: " " for mark in ".()[],:;!*#{}"})
LAST_WORDS = 5
ROTATION = 1_000_000  # ids of the same question in other orders are this far apart


def letter_of(answer: str, choices: Mapping[str, str]) -> str:
    """The letter of `choices` (letter -> text) that an answer means; "" where that is not clear."""
    words = answer.translate(MARKS).split()
    alone = [letter for letter in choices if letter in words]
    if len(alone) == 1:
        letter = alone[0]
        return letter if words.index(letter) > len(words) - LAST_WORDS else _by_text(answer, choices)
    return _by_text(answer, choices) if not alone else ""


def _by_text(answer: str, choices: Mapping[str, str]) -> str:
    spoken = answer.lower()
    named = [letter for letter, text in choices.items() if str(text).lower() in spoken]
    return named[0] if len(named) == 1 else ""


@dataclass(frozen=True)
class ChoiceItem:
    """letter: what letter_of made of the answer. groups: kind -> name, the rows of the official table."""

    id: str
    letter: str
    answer: str
    groups: Mapping[str, str] = field(default_factory=dict)


def score_choices(items: Iterable[ChoiceItem], metric: str = "accuracy") -> Scores:
    """Percent of right letters, over all and by group."""
    tally, per_item, unclear = Tally(), {}, 0
    for item in items:
        right = float(item.letter == item.answer)
        unclear += not item.letter
        per_item[item.id] = 100 * right
        tally.add("", right)
        for kind, name in item.groups.items():
            tally.add(f"{kind}: {name}", right)
    return Scores(
        metric, tally.mean("", 100), len(per_item), _named(tally), per_item, notes=unclear_note(unclear)
    )


def score_circular(items: Iterable[ChoiceItem]) -> Scores:
    """MMBench: a question counts when its letter is right in all its rotations (ids that agree modulo 1,000,000).

    The breakdown has the groups, and beside them the plain accuracy of the first rotation ("vanilla").
    """
    right: dict[str, float] = {}
    plain: dict[str, float] = {}
    groups: dict[str, Mapping[str, str]] = {}
    unclear = 0
    for item in items:
        question = str(int(item.id) % ROTATION)
        verdict = float(item.letter == item.answer)
        unclear += not item.letter
        right[question] = min(right.get(question, 1.0), verdict)
        if int(item.id) < ROTATION:
            plain[question], groups[question] = verdict, item.groups
    tally = Tally()
    for question, verdict in right.items():
        tally.add("", verdict)
        for kind, name in groups.get(question, {}).items():
            tally.add(f"{kind}: {name}", verdict)
    breakdown = {**_named(tally), "vanilla": 100 * sum(plain.values()) / max(1, len(plain))}
    per_item = {question: 100 * verdict for question, verdict in right.items()}
    return Scores(
        "CircularEval accuracy",
        tally.mean("", 100),
        len(right),
        breakdown,
        per_item,
        notes=unclear_note(unclear),
    )


def unclear_note(unclear: int) -> tuple[str, ...]:
    if not unclear:
        return ()
    return (
        f"{unclear} answers name no single option and count as wrong; the official tool would ask a language model "
        "what they mean.",
    )


def _named(tally: Tally) -> dict[str, float]:
    return {name: mean for name, mean in tally.means(scale=100).items() if name}
