"""English of the small world: nouns, the template grammar, chat prompts. Needs no data."""

import random
import re
import string

import pytest

from nextgpt.nano import nouns, phrasings
from nextgpt.nano.answers import ANSWERS, CAPTIONS
from nextgpt.nano.chat_prompts import chat_prompts
from nextgpt.nano.questions import QUESTIONS
from nextgpt.nano.split import is_held_out_phrasing

RESERVED = {
    "photo": {"photo", "photos", "photograph", "photographed", "snapshot", "shot"},
    "recording": {"recording", "recorded", "recordings"},
    "film": {"film", "filmed", "footage", "movie"},
}


@pytest.mark.parametrize(
    ("name", "article", "three"),
    [
        ("red apple", "a red apple", "three red apples"),
        ("elephant", "an elephant", "three elephants"),
        ("unicorn", "a unicorn", "three unicorns"),
        ("one-piece swimsuit", "a one-piece swimsuit", "three one-piece swimsuits"),
        ("hourglass done", "an hourglass done", None),
        ("cat with wry smile", "a cat with wry smile", "three cats with wry smile"),
        ("smiling face with halo", "a smiling face with halo", "three smiling faces with halo"),
        ("person surfing", "a person surfing", "three people surfing"),
        ("woman mountain biking", "a woman mountain biking", "three women mountain biking"),
        ("man curly hair", "a man curly hair", "three men curly hair"),
        ("mouse", "a mouse", "three mice"),
        ("wolf", "a wolf", "three wolves"),
        ("strawberry", "a strawberry", "three strawberries"),
        ("monkey", "a monkey", "three monkeys"),
        ("fox", "a fox", "three foxes"),
        ("octopus", "an octopus", "three octopuses"),
        ("game die", "a game die", "three game dice"),
        ("statue of liberty", "a statue of liberty", "three statues of liberty"),
        ("cherries", "cherries", None),
        ("two hearts", "two hearts", None),
        ("two o'clock", "two o'clock", None),
        ("family man, woman, boy", "a family man, woman, boy", None),
        ("bow and arrow", "a bow and arrow", None),
        ("broccoli", "broccoli", None),
    ],
)
def test_articles_and_plurals(name: str, article: str, three: str | None) -> None:
    assert nouns.with_article(name) == article
    assert nouns.is_countable(name) is (three is not None)
    if three is not None:
        assert nouns.counted(3, name) == three


def test_expand() -> None:
    assert phrasings.expand("(a|b) c") == ["a c", "b c"]
    assert phrasings.expand("x(| y)") == ["x", "x y"]
    assert len(phrasings.expand("(a|b) (c|d|e)")) == 6


@pytest.mark.parametrize("topic", QUESTIONS)
def test_every_topic_has_twelve_phrasings_of_which_some_are_held_out(topic: str) -> None:
    train, held_out = phrasings.templates(topic, False), phrasings.templates(topic, True)
    assert len(train) + len(held_out) >= 12
    assert len(train) > len(held_out) >= 1
    assert not set(train) & set(held_out)
    assert all(map(is_held_out_phrasing, held_out)) and not any(map(is_held_out_phrasing, train))


@pytest.mark.parametrize("topic", QUESTIONS)
def test_reserved_words(topic: str) -> None:
    words = {
        word
        for held_out in (False, True)
        for text in phrasings.templates(topic, held_out)
        for word in re.findall("[a-z]+", text.lower())
    }
    for owner, reserved in RESERVED.items():
        assert topic == owner or not words & reserved


@pytest.mark.parametrize("topic", ["photo", "recording", "film"])
def test_label_stands_once_and_stays(topic: str) -> None:
    for _ in range(50):
        assert phrasings.answer(random.Random(_), topic).count("{label}") == 1


def test_every_answer_begins_and_ends_as_a_sentence() -> None:
    fields = {name: name.strip("_") for texts in ANSWERS.values() for text in texts for name in _fields(text)}
    for topic in ANSWERS:
        for template in phrasings.answers(topic):
            sentence = phrasings.fill(template, **fields)
            assert sentence[0].isupper() and sentence[-1] in ".?" and "  " not in sentence


def _fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name and name != "label"]


@pytest.mark.parametrize("topic", CAPTIONS)
def test_every_kind_has_captions_that_may_be_trained(topic: str) -> None:
    assert len(phrasings.captions(topic)) >= 2


def test_chat_prompts() -> None:
    rows = chat_prompts()
    assert 380 <= len(rows) <= 450
    assert len({row["text"] for row in rows}) == len(rows) == len({row["id"] for row in rows})
    share = sum(row["split"] == "held-out" for row in rows) / len(rows)
    assert 0.15 < share < 0.25
    assert not any("{" in row["text"] or row["text"] != row["text"].strip() for row in rows)
    taught = {text for held_out in (True, False) for text in phrasings.templates("abilities", held_out)}
    assert not taught & {row["text"] for row in rows}, "the base model's own answer would be taught, too"
