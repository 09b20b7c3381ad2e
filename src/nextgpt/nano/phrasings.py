"""A tiny template grammar: "(a|b)" offers words, "{field}" is filled in later.

Every template that a pattern can say is of one side of the split: trained, or held out.
"""

import random
from functools import cache

from nextgpt.nano.answers import ANSWERS, CAPTIONS
from nextgpt.nano.mosit.words import MOSIT_ANSWERS, MOSIT_QUESTIONS
from nextgpt.nano.questions import QUESTIONS
from nextgpt.nano.split import is_held_out_phrasing

ASKED = QUESTIONS | MOSIT_QUESTIONS
ANSWERED = ANSWERS | MOSIT_ANSWERS


def expand(pattern: str) -> list[str]:
    """Every template that a pattern can say: "(a|b) c" -> ["a c", "b c"]. No nesting."""
    start = pattern.find("(")
    if start < 0:
        return [" ".join(pattern.split())]
    end = pattern.index(")", start)
    options = pattern[start + 1 : end].split("|")
    return [text for option in options for text in expand(pattern[:start] + option + pattern[end + 1 :])]


@cache
def templates(topic: str, held_out: bool) -> tuple[str, ...]:
    """Templates of a topic, without repeats, of one side of the split."""
    every = dict.fromkeys(text for pattern in ASKED[topic] for text in expand(pattern))
    return tuple(text for text in every if is_held_out_phrasing(text) == held_out)


@cache
def answers(topic: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for pattern in ANSWERED[topic] for text in expand(pattern)))


@cache
def captions(topic: str) -> tuple[str, ...]:
    """Caption templates that may be trained."""
    every = dict.fromkeys(text for pattern in CAPTIONS[topic] for text in expand(pattern))
    return tuple(text for text in every if not is_held_out_phrasing(text))


def ask(rng: random.Random, topic: str, held_out: bool, **fields: str) -> str:
    return fill(rng.choice(templates(topic, held_out)), **fields)


def answer(rng: random.Random, topic: str, **fields: str) -> str:
    return fill(rng.choice(answers(topic)), **fields)


def fill(template: str, **fields: str) -> str:
    """Fill fields and begin with a capital letter; `{label}` stays for the loader of posterior rows."""
    text = template.format(**({"label": "{label}"} | fields))
    return text[0].upper() + text[1:]
