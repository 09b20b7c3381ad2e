"""MVBench: twenty tasks of videos with choices, and their mean.

The rule: github.com/OpenGVLab/Ask-Anything, video_chat2/mvbench.ipynb (Li et al., arXiv 2311.17005). The first word
of the answer, without its periods, must lie in the right option's "(a)", or contain it. By that rule an empty answer
is right, since nothing lies in everything; here it is wrong, and the other two ways to count are told beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.scores import Scores

TASKS = (
    "Action Sequence", "Action Prediction", "Action Antonym", "Fine-grained Action", "Unexpected Action",
    "Object Existence", "Object Interaction", "Object Shuffle", "Moving Direction", "Action Localization",
    "Scene Transition", "Action Count", "Moving Count", "Moving Attribute", "State Change", "Fine-grained Pose",
    "Character Order", "Egocentric Navigation", "Episodic Reasoning", "Counterfactual Inference",
)  # fmt: skip


@dataclass(frozen=True)
class MvbenchItem:
    """answer: the right option as the benchmark writes it, "(A) yes"."""

    id: str
    task: str
    prediction: str
    answer: str


def first_word(prediction: str) -> str:
    """What the rule looks at: the first word in lower case, without periods; "" for an empty answer."""
    return prediction.strip().lower().split(" ")[0].replace(".", "").strip()


def is_right(prediction: str, answer: str) -> bool:
    """By the official rule, but that an empty answer is wrong."""
    said, option = first_word(prediction), answer.strip().lower().split(" ")[0]
    return bool(said) and (said in option or option in prediction.strip().lower().split(" ")[0])


def score_mvbench(items: Iterable[MvbenchItem]) -> Scores:
    """Percent: the mean over tasks. The breakdown has each task, the mean over items (the notebook's "Avg", the same
    where tasks are of one size), and the figures that drop empty answers or count them as the script does."""
    tally, per_item, empty = Tally(), {}, 0
    for item in items:
        right, spoken = is_right(item.prediction, item.answer), bool(first_word(item.prediction))
        empty += not spoken
        per_item[item.id] = 100.0 * right
        tally.add("Avg over items", right)
        tally.add(f"task: {item.task}", right)
        tally.add(f"script: {item.task}", right or not spoken)
        if spoken:
            tally.add(f"spoken: {item.task}", right)
    breakdown = {name.removeprefix("task: "): mean for name, mean in tally.means("task: ", 100).items()}
    value = _mean(breakdown)
    breakdown["Avg over items"] = tally.mean("Avg over items", 100)
    breakdown["empty answers dropped"] = _mean(tally.means("spoken: ", 100))
    breakdown["empty answers right, as in the script"] = _mean(tally.means("script: ", 100))
    notes = _notes(empty, [name.removeprefix("task: ") for name in tally.sums if name.startswith("task: ")])
    return Scores("mean accuracy over tasks", value, len(per_item), breakdown, per_item, notes=notes)


def _mean(of_tasks: Mapping[str, float]) -> float:
    return sum(of_tasks.values()) / len(of_tasks) if of_tasks else 0.0


def _notes(empty: int, tasks: list[str]) -> tuple[str, ...]:
    notes = []
    if empty:
        notes.append(
            f"{empty} answers are empty and count as wrong: a model that says nothing has not answered. The official "
            "script finds an empty answer in every option and so counts it as right; published figures that drop "
            "them rise with every refusal."
        )
    if len(tasks) != len(TASKS):
        notes.append(f"{len(tasks)} of the {len(TASKS)} tasks are here, so this is not the official mean.")
    return tuple(notes)
