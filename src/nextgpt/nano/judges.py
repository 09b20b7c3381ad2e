"""Judges of answers in words: what an answer says, read without a model.

A judge gets the reply and the record of its question and says right or wrong. An answer that names several of the
candidates is wrong unless the expected one alone is named.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

# stems that mean the same as an expected word
STEMS = {
    "moving": r"mov\w*",
    "rotating": r"(?:rotat|turn|spin)\w*",
    "growing": r"(?:grow\w*|bigger|larger)",
    "shrinking": r"(?:shrink\w*|smaller)",
    "fading": r"fad\w*",
    "bouncing": r"bounc\w*",
    "still": r"still",
    "up": r"up(?:wards?)?",
    "down": r"down(?:wards?)?",
    "clockwise": r"clockwise",
    "counterclockwise": r"(?:counter-?|anti-?)clockwise",
    "centre": r"(?:centre|center|middle)",
}


@cache
def pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){STEMS.get(word, re.escape(word))}(?![\w-])", re.IGNORECASE)


def says(reply: str, word: str) -> bool:
    return bool(pattern(word).search(reply))


def choice(reply: str, record: dict[str, Any]) -> bool:
    """The expected one of the choices and no other."""
    named = [word for word in record["choices"] if says(reply, word)]
    return named == [record["expected"]]


def yes_no(reply: str, record: dict[str, Any]) -> bool:
    """The first word decides."""
    first = re.match(r"\W*(yes|no)\b", reply, re.IGNORECASE)
    return first is not None and first.group(1).lower() == record["expected"]


def named_things(reply: str, names: Iterable[str]) -> list[str]:
    """Names that stand in the reply and in no longer name that stands there."""
    found = [name for name in names if name and says(reply, name)]
    return [name for name in found if not any(name != other and says(other, name) for other in found)]


def name(reply: str, record: dict[str, Any], names: Iterable[str]) -> bool:
    """The thing named, among all names of the small world, is the expected one."""
    return named_things(reply, [*names, record["expected"]]) in (
        [record["expected"]],
        [record["expected"]] * 2,
    )


def label(reply: str, record: dict[str, Any]) -> bool:
    """The encoder's own class is named, in at most twenty words."""
    return says(reply, record["expected"]) and len(reply.split()) <= 20


Judge = Callable[[str, dict[str, Any]], bool]


def judge_of(task: str, names: tuple[str, ...]) -> Judge | None:
    """The judge of a task; None where a task has none in words (descriptions, replies with media)."""
    kind = task.partition("-")[2] or task
    table: dict[str, Judge] = {
        "name": lambda reply, record: name(reply, record, names),
        "yesno": yes_no,
        "fit": yes_no,
        "photo": label,
        "recording": label,
        "film": label,
        **dict.fromkeys(
            ("count", "colour", "position", "which", "pitch", "direction", "order", "motion"),
            lambda reply, record: (choice if record.get("choices") else table["name"])(reply, record),
        ),
    }
    return table.get(kind)


def chance(record: dict[str, Any], task: str, num_names: int) -> float:
    """Share that guessing blindly would get."""
    if task.endswith("name"):
        return 1 / num_names
    return 1 / len(record["choices"]) if record.get("choices") else 0.001
