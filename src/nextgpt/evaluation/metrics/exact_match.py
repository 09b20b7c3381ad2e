"""Right or wrong by comparing strings: ActivityNet-QA, MSVD-QA, MSRVTT-QA, NExT-QA."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.scores import Scores

# the `type` of ActivityNet-QA's files: github.com/MILVLG/activitynet-qa, evaluation/eval.py
ACTIVITYNET_TYPES = (
    "motion", "spatial relation", "temporal relation",
    "yes/no", "color", "object", "location", "number", "other",
)  # fmt: skip
FREE = 3  # types from here on are the free questions
VIDEO_WORDS = ("what", "who", "how", "when", "where")
NEXT_TYPES = {
    "CW": "Why", "CH": "How", "TN": "Bef&Aft", "TC": "When", "DC": "Cnt", "DL": "Loc", "DO": "Other",
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One question with its verdict in 0..1; kind: what the official table is split by."""

    id: str
    share: float
    kind: str


def score_kinds(items: Iterable[Judged], metric: str, scale: float = 1.0) -> Scores:
    """The mean, and the mean of each kind in the order in which kinds come."""
    tally, per_item = Tally(), {}
    for item in items:
        per_item[item.id] = scale * item.share
        tally.add("", item.share)
        tally.add(item.kind, item.share)
    breakdown = {kind: mean for kind, mean in tally.means(scale=scale).items() if kind}
    return Scores(metric, tally.mean("", scale), len(per_item), breakdown, per_item)


def score_activitynet(
    items: Iterable[tuple[str, int, float]], metric: str = "exact match", notes: tuple[str, ...] = ()
) -> Scores:
    """items: (question id, type 0..8, verdict) in the order of the annotation file; fractions, as the script prints.

    `free` is the script's own: it divides the right answers of types 3 to 8 by the questions of the types that come
    fourth and later in the annotation file, which is another number unless types 0, 1 and 2 come first.
    """
    tally, per_item = Tally(), {}
    for id, kind, share in items:
        per_item[id] = share
        tally.add(str(kind), share)
    right, count = sum(tally.sums.values()), len(per_item)
    breakdown = {
        name: tally.mean(str(kind)) for kind, name in enumerate(ACTIVITYNET_TYPES) if str(kind) in tally.sums
    }
    free, official = _free(tally)
    breakdown |= {"free": official, "free (types 3 to 8)": free}
    if free != official:
        notes += (
            "'free' follows the official script, which divides by the types that come fourth and later in the "
            "annotation file; 'free (types 3 to 8)' divides by the free questions.",
        )
    return Scores(metric, right / count if count else 0.0, count, breakdown, per_item, notes=notes)


def _free(tally: Tally) -> tuple[float, float]:
    """(over the free types, as the script has it)."""
    free = [kind for kind in tally.sums if int(kind) >= FREE]
    right = sum(tally.sums[kind] for kind in free)
    honest, official = sum(tally.counts[kind] for kind in free), sum([*tally.counts.values()][FREE:])
    return right / honest if honest else 0.0, right / official if official else 0.0


def question_word(question: str) -> str:
    """The kind of a question of MSVD-QA and MSRVTT-QA: its first word, where that is one of the five."""
    first = question.strip().lower().partition(" ")[0]
    return first if first in VIDEO_WORDS else "other"


def score_next(items: Iterable[Judged]) -> Scores:
    """NExT-QA, several choices: percent by type and by causal, temporal, descriptive. kind: the `type` of its csv.

    Questions about before and about after are one row of the table (github.com/doc-doc/NExT-QA, eval_mc.py).
    """
    tally, per_item = Tally(), {}
    for item in items:
        kind = "TN" if item.kind == "TP" else item.kind
        per_item[item.id] = 100 * item.share
        for name in ("all", NEXT_TYPES.get(kind, kind), f"Acc_{kind[0]}"):
            tally.add(name, item.share)
    order = [*NEXT_TYPES.values(), "Acc_C", "Acc_T", "Acc_D"]
    breakdown = {name: tally.mean(name, 100) for name in order if name in tally.sums}
    return Scores("accuracy", tally.mean("all", 100), len(per_item), breakdown, per_item)


def share_right(predictions: Mapping[str, str], answers: Mapping[str, str]) -> dict[str, float]:
    """1.0 where the strings are equal, 0.0 where they are not or nothing was predicted."""
    return {id: float(predictions.get(id) == answer) for id, answer in answers.items()}
