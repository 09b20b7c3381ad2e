"""Judges of answers in words: what an answer says, read without a model.

A judge gets the reply and the record of its question and says right or wrong. An answer that names several of the
candidates is wrong unless the expected one alone is named; "not a fox" does not name a fox.
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
    "clockwise": r"(?<!counter )(?<!anti )clockwise",
    "counterclockwise": r"(?:counter|anti)[- ]?clockwise",
    "centre": r"(?:centre|center|middle)",
    "gray": r"gr[ae]y",
    "one": r"(?:one|1)",
    "two": r"(?:two|2)",
    "three": r"(?:three|3)",
    "four": r"(?:four|4)",
}
DENIED = re.compile(
    r"(?:\b(?:no|not|never|neither|nor|without|cannot)|n['’]t)"
    r"(?:\s+(?:a|an|the|any|really|to|on|in|at|see|hear|show|showing|of))*\s+$",
    re.IGNORECASE,
)


@cache
def pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){STEMS.get(word, re.escape(word))}(?![\w-])", re.IGNORECASE)


def says(reply: str, word: str) -> bool:
    """Whether the word stands in the reply and is not denied there."""
    return any(not DENIED.search(reply[: found.start()]) for found in pattern(word).finditer(reply))


@cache
def misleading(names: tuple[str, ...], choices: tuple[str, ...]) -> tuple[str, ...]:
    """Names that hold a choice beside other words ("right arrow"), the longest first."""
    held = [name for name in names if name not in choices and any(says(name, word) for word in choices)]
    return tuple(sorted(held, key=len, reverse=True))


def choice(reply: str, record: dict[str, Any], names: tuple[str, ...] = ()) -> bool:
    """The expected one of the choices and no other, leaving out what belongs to the name of a thing."""
    for name in misleading(names, tuple(record["choices"])):
        if name.casefold() in reply.casefold():
            reply = pattern(name).sub("it", reply)
    return [word for word in record["choices"] if says(reply, word)] == [record["expected"]]


def yes_no(reply: str, record: dict[str, Any]) -> bool:
    """The first word decides."""
    first = re.match(r"\W*(yes|no)\b", reply, re.IGNORECASE)
    return first is not None and first.group(1).lower() == record["expected"]


def named_things(reply: str, names: Iterable[str]) -> list[str]:
    """Names that stand in the reply and in no longer name that stands there."""
    present = {name for name in names if name and pattern(name).search(reply)}
    inner = {name for name in present if any(name != one and pattern(name).search(one) for one in present)}
    return sorted(name for name in present - inner if says(reply, name))


def name(reply: str, record: dict[str, Any], names: Iterable[str]) -> bool:
    """The thing named, among all names of the small world, is the expected one."""
    return named_things(reply, {*names, record["expected"]}) == [record["expected"]]


def place(reply: str, record: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Which side, or which thing is on that side: then the other thing, which the question names, may be repeated."""
    if record.get("choices"):
        return choice(reply, record, names)
    named = set(named_things(reply, {*names, record["expected"]}))
    return named - set(named_things(question_text(record), names)) == {record["expected"]}


def question_text(record: dict[str, Any]) -> str:
    """The words of the turns before the answer."""
    contents = [message["content"] for message in record.get("messages", ())[:-1]]
    parts = [part for content in contents if not isinstance(content, str) for part in content]
    return " ".join(
        [*filter(lambda c: isinstance(c, str), contents), *(part.get("text", "") for part in parts)]
    )


def label(reply: str, record: dict[str, Any], labels: Iterable[str] = ()) -> bool:
    """The encoder's own class is named, in at most twenty words, and not as part of another class's longer name."""
    wanted = spellings(record["expected"])
    return bool(wanted & set(named_things(reply, {*labels, *wanted}))) and len(reply.split()) <= 20


def spellings(label: str) -> set[str]:
    """ "Walk, footsteps" -> itself, "Walk", "footsteps"; "Wood block" -> itself, "Woodblock"."""
    return {label, *label.split(", "), label.replace(" ", "")}


Judge = Callable[[str, dict[str, Any]], bool]


def judge_of(task: str, names: tuple[str, ...], labels: tuple[str, ...] = ()) -> Judge | None:
    """The judge of a task; None where a task has none in words (descriptions, replies with media).

    names: all names of things of the small world; labels: all class names of the encoders.
    """
    kind = task.partition("-")[2] or task
    table: dict[str, Judge] = {
        "name": lambda reply, record: name(reply, record, names),
        "yesno": yes_no,
        "fit": yes_no,
        **dict.fromkeys(("photo", "recording", "film"), lambda reply, record: label(reply, record, labels)),
        **dict.fromkeys(
            ("count", "colour", "position", "which", "pitch", "direction", "order", "motion"),
            lambda reply, record: place(reply, record, names),
        ),
    }
    return table.get(kind)


def chance(record: dict[str, Any], task: str, num_names: int) -> float:
    """Share that guessing blindly would get."""
    if task.endswith("name"):
        return 1 / num_names
    return 1 / len(record["choices"]) if record.get("choices") else 0.001
