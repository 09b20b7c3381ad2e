"""Judges of replies in words, for turns of modality-switching dialogues.

Names, counts, colours and so on have the judges of the understanding suite (nano/judges.py). Refusals and the like are
read by what they must say, whatever else they say.
"""

import re
from collections.abc import Callable
from typing import Any

from nextgpt.nano.judges import judge_of, name
from nextgpt.nano.phrasings import answers

NAMED = ("first-image", "first-audio", "first-video", "look-again", "listen-again")
CANNOT = re.compile(
    r"\b(can ?not|can['’]t|unable|not able|do(?: not|n['’]t) (?:know|have)|not among|not in|outside|sorry|"
    r"(?:have|know) no|only (?:make|draw|play|talk))\b",
    re.IGNORECASE,
)
ABSENT = {
    "missing-image": re.compile(r"\b(picture|image|photo|drawing)\b", re.IGNORECASE),
    "missing-audio": re.compile(r"\b(sound|audio|recording)\b", re.IGNORECASE),
    "missing-video": re.compile(r"\b(clip|video|animation)\b", re.IGNORECASE),
}
NOT_THERE = re.compile(
    r"\b(not|no|n['’]t|haven['’]t|please (?:show|play|share|give|send))\b|n['’]t\b", re.IGNORECASE
)
SOUNDLESS = re.compile(
    r"\bno sound\b|\bdo(?: not|n['’]t) know how\b|\bno idea\b|\bsilent\b|\bnot know\b", re.IGNORECASE
)
ABILITIES = re.compile(r"\b(draw|picture|image|play|sound|animate|clip|video)s?\b", re.IGNORECASE)


def caption_in(words: str, modality: str) -> str:
    """The caption in a sentence that says what is made: "Here is a red apple." -> "a red apple"; the sentence itself
    where it is none of those that are trained."""
    last = words.strip()
    for template in answers(f"gen-{modality}"):
        before, after = (re.escape(part) for part in template.split("{caption}"))
        if found := re.search(f"{before}([^.]+){after}$", last, re.IGNORECASE):
            return found[1]
    return last


# What a reply says first of what it was shown, before it makes something of it.
READ_FIRST = re.compile(r"^(It is|I hear|I see) [^.]*\. ")


def says(text: str, expected: str) -> bool:
    """The captions of what is made stand in the text word for word; one said in other words is missed."""
    made = READ_FIRST.sub("", text).lower()
    return all(caption.strip().lower() in made for caption in expected.split(";"))


def topic_of(task: str) -> str:
    return task.removeprefix("mosit-")


def has_judge(task: str) -> bool:
    return judge_words(task, ()) is not None


def judge_words(
    task: str, names: tuple[str, ...], labels: tuple[str, ...] = ()
) -> Callable[[str, dict[str, Any]], bool] | None:
    """judge(reply, record) of a task whose reply is words; None where there is none (plain chat, descriptions).

    Refusals: says that it can not. Missing media: says that there is no such medium. Abilities: two at least of what
    it can make. no-sound: says so, and names the thing.
    """
    topic = topic_of(task)
    if topic.startswith("refuse-"):
        return lambda reply, record: bool(CANNOT.search(reply))
    if topic in ABSENT:
        return lambda reply, record: bool(ABSENT[topic].search(reply) and NOT_THERE.search(reply))
    if topic == "abilities":
        return lambda reply, record: len({word.lower() for word in ABILITIES.findall(reply)}) > 1
    if topic == "no-sound":
        return lambda reply, record: bool(SOUNDLESS.search(reply)) and name(reply, record, names)
    if topic in NAMED:
        return lambda reply, record: name(reply, record, names)
    return judge_of(task, names, labels)


NO_MEDIA = ("refuse-", "missing-", "abilities", "no-sound")


def is_about_words(task: str) -> bool:
    """Whether a medium in the reply makes it wrong, whatever its words are."""
    return topic_of(task).startswith(NO_MEDIA)
