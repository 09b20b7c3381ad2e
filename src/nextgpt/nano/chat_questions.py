"""Plain questions of general knowledge with an answer that can be checked: what tuning must not cost.

They are generated from tables, the same 200 each time; none is a prompt that replay trains on.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from nextgpt.nano.chat_prompts import chat_prompts
from nextgpt.nano.nouns import with_article

NUMBER = 200
_SUMS = [(a, b) for a in range(2, 11) for b in range(2, 11)]
_NEXT = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "letter": " ".join("ABCDEFGHIJKLMNOP"),
}
_OPPOSITES = """hot cold|big small|fast slow|up down|left right|day night|light dark|open closed|happy sad|young old|
rich poor|full empty|hard soft|early late|wet dry|high low|long short|strong weak|loud quiet|true false"""
_CAPITALS = """France Paris|Italy Rome|Japan Tokyo|Spain Madrid|Germany Berlin|England London|Egypt Cairo|Greece Athens|
Russia Moscow|China Beijing|Canada Ottawa|Portugal Lisbon|Austria Vienna|Ireland Dublin|Poland Warsaw|Norway Oslo|
Sweden Stockholm|Cuba Havana|Peru Lima|Kenya Nairobi|Thailand Bangkok|Hungary Budapest|Denmark Copenhagen|Iran Tehran"""
_KINDS = """dog animal plant|rose plant animal|oak plant animal|horse animal plant|apple fruit animal|carrot vegetable
animal|hammer tool fruit|banana fruit tool|car machine animal|eagle bird fish|salmon fish bird|sparrow bird fish|
piano instrument animal|shirt garment fruit|gold metal animal|iron metal plant|tulip flower metal|wolf animal metal|
grape fruit metal|violin instrument fruit|shark fish bird|robin bird tool|saw tool flower|daisy flower tool"""
_WORDS = """book cat door egg fish garden house island jacket king lemon mouse night orange paper queen river snow table
window"""


@dataclass(frozen=True)
class Question:
    """answer: the right word; wrong: the others that the question offers."""

    kind: str
    text: str
    answer: str
    wrong: tuple[str, ...] = ()


def chat_questions() -> list[Question]:
    """NUMBER questions, of each kind as many as of any other as far as they go."""
    trained = {row["text"] for row in chat_prompts() if row["split"] == "train"}
    by_kind: dict[str, list[Question]] = {}
    for one in _every():
        if one.text not in trained:
            by_kind.setdefault(one.kind, []).append(one)
    rng = random.Random("chat questions")
    shuffled = [rng.sample(some, len(some)) for some in by_kind.values()]
    ranked = [(place, kind, one) for kind, some in enumerate(shuffled) for place, one in enumerate(some)]
    return [one for *_, one in sorted(ranked, key=lambda row: row[:2])[:NUMBER]]


def _table(rows: str) -> Iterator[list[str]]:
    return (row.split() for row in rows.split("|"))


def _every() -> Iterator[Question]:
    for a, b in _SUMS:
        yield Question("sum", f"What is {a} plus {b}?", str(a + b))
    for kind, row in _NEXT.items():
        for one, after in pairwise(row.split()):
            yield Question(f"next {kind}", f"Which {kind} comes right after {one}?", after)
    for word, answer in _table(_OPPOSITES):
        yield Question("opposite", f'What is the opposite of "{word}"?', answer)
    for country, capital in _table(_CAPITALS):
        yield Question("capital", f"Which city is the capital of {country}?", capital)
    for thing, answer, wrong in _table(_KINDS):
        yield Question("kind", f"What is {with_article(thing)}: {answer} or {wrong}?", answer, (wrong,))
    for word in _WORDS.split():
        yield Question("first letter", f'What is the first letter of the word "{word}"?', word[0].upper())


def is_right(question: Question, reply: str) -> bool:
    """The answer stands in the reply as a word of its own, and before any other that the question offers. A letter must
    be a capital."""
    flags = 0 if question.kind in ("first letter", "next letter") else re.IGNORECASE
    found = [
        re.search(rf"\b{re.escape(word)}\b", reply, flags) for word in (question.answer, *question.wrong)
    ]
    right = found[0]
    return right is not None and all(other is None or right.start() < other.start() for other in found[1:])
