"""Questions about still pictures, and their answers, from the scene alone."""

import random
from collections.abc import Callable

from nextgpt.nano import phrasings
from nextgpt.nano.captions import PLACE_WORDS, RELATION_WORDS
from nextgpt.nano.nouns import (
    NUMBER_WORDS,
    counted,
    indefinite,
    is_are,
    is_countable,
    is_plural,
    plural,
    takes_article,
    with_article,
    with_the,
)
from nextgpt.nano.rows import Item, Turn
from nextgpt.nano.scenes import pool
from nextgpt.nano.sources import COLOURS

YES_NO = ("yes", "no")
OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
NUM_NAME_CHOICES = 10

Ask = Callable[[random.Random, Item, bool], Turn]


def image_asks(item: Item) -> dict[str, list[Ask]]:
    """Task -> the questions that this picture allows."""
    scene, name = item.scene, item.slots["name_a"]
    asks: dict[str, list[Ask]] = {"image-describe": [ask_describe], "image-colour": [ask_colour]}
    truths: list[Ask] = [ask_yes_no_colour]
    if scene.kind == "single":
        asks["image-name"] = [ask_name]
        asks["image-position"] = [ask_place]
        truths += [ask_yes_no_name] if takes_article(name) else []
    if scene.kind == "count":
        asks["image-count"] = [ask_count]
        truths = [ask_yes_no_count]
    if scene.kind == "pair":
        asks["image-position"] = [ask_neighbour, ask_side]
        truths = [ask_yes_no_side]
    return asks | {"image-yesno": truths}


def ask_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["name_a"]
    question = phrasings.ask(rng, "image-name", held_out)
    topic = "image-name-plural" if is_plural(name) else "image-name"
    answer = phrasings.answer(rng, topic, a=with_article(name))
    return Turn("image-name", question, answer, name, name_choices(rng, item))


def name_choices(rng: random.Random, item: Item) -> tuple[str, ...]:
    """The right name among others that are trained."""
    others = rng.sample(pool(item.scene.style, False), 2 * NUM_NAME_CHOICES)
    wrong = dict.fromkeys(thing.name for thing in others if thing.key != item.scene.subject.key)
    choices = [item.scene.subject.name, *list(wrong)[: NUM_NAME_CHOICES - 1]]
    rng.shuffle(choices)
    return tuple(choices)


def ask_describe(rng: random.Random, item: Item, held_out: bool) -> Turn:
    question = phrasings.ask(rng, "image-describe", held_out)
    answer = phrasings.answer(rng, "image-describe", caption=item.plain_caption)
    return Turn("image-describe", question, answer, item.plain_caption)


def ask_colour(rng: random.Random, item: Item, held_out: bool) -> Turn:
    colour, name = item.slots["colour"], item.slots["name_a"]
    number = NUMBER_WORDS.index(item.slots["count"])
    the = with_the(name) if number == 1 else f"the {plural(name)}"
    question = phrasings.ask(
        rng, "image-colour", held_out, the=the, are=is_are(name) if number == 1 else "are"
    )
    answer = phrasings.answer(rng, "image-colour", colour=colour, a_colour=a_colour(colour))
    return Turn("image-colour", question, answer, colour, tuple(COLOURS))


def a_colour(colour: str) -> str:
    return f"{indefinite(colour)} {colour}"


def ask_count(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name, word = item.slots["name_a"], item.slots["count"]
    question = phrasings.ask(rng, "image-count", held_out, many=plural(name))
    topic = "image-count-one" if word == "one" else "image-count"
    answer = phrasings.answer(rng, topic, name=name, counted=counted(NUMBER_WORDS.index(word), name))
    return Turn("image-count", question, answer, word, NUMBER_WORDS[1:5])


def ask_place(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name, place = item.slots["name_a"], item.slots["place"]
    question = phrasings.ask(rng, "image-place", held_out, the=with_the(name), is_=is_are(name))
    topic = "image-place-plural" if is_plural(name) else "image-place"
    answer = phrasings.answer(rng, topic, the=with_the(name), place=PLACE_WORDS[place])
    return Turn("image-position", question, answer, place, tuple(PLACE_WORDS))


def _two_sides(rng: random.Random, item: Item) -> tuple[str, str, str]:
    """(near, far, relation) with near <relation> far, in either order."""
    near, far, relation = item.slots["name_a"], item.slots["name_b"], item.slots["relation"]
    return (near, far, relation) if rng.random() < 0.5 else (far, near, OPPOSITES[relation])


def ask_neighbour(rng: random.Random, item: Item, held_out: bool) -> Turn:
    near, far, relation = _two_sides(rng, item)
    words = rng.choice(RELATION_WORDS[relation])
    question = phrasings.ask(rng, "image-neighbour", held_out, relation=words, the=with_the(far))
    topic = "image-neighbour-plural" if is_plural(near) else "image-neighbour"
    answer = phrasings.answer(rng, topic, a=with_article(near), relation=words, the=with_the(far))
    return Turn("image-position", question, answer, near)


def ask_side(rng: random.Random, item: Item, held_out: bool) -> Turn:
    near, far, relation = _two_sides(rng, item)
    words, opposite = RELATION_WORDS[relation][0], RELATION_WORDS[OPPOSITES[relation]][0]
    one, two = rng.sample((words, opposite), 2)
    fields = {"the": with_the(near), "the_other": with_the(far), "is_": is_are(near)}
    question = phrasings.ask(rng, "image-side", held_out, one=one, two=two, **fields)
    answer = phrasings.answer(rng, "image-side", relation=words, **fields)
    return Turn("image-position", question, answer, relation, (relation, OPPOSITES[relation]))


def ask_yes_no_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["name_a"]
    truth = rng.random() < 0.5
    asked = name if truth else unlike_name(rng, item)
    question = phrasings.ask(rng, "image-yesno-name", held_out, a=with_article(asked))
    return yes_no("image-yesno", rng, question, truth, "name", a=with_article(name))


def unlike_name(rng: random.Random, item: Item) -> str:
    """A trained name that shares no word with the names in a picture or clip."""
    names = [value for slot, value in item.slots.items() if slot.startswith("name")]
    words = set(" ".join(names).split())
    while True:
        name = rng.choice(pool(item.scene.style, False)).name
        if takes_article(name) and not words & set(name.split()):
            return name


def ask_yes_no_colour(rng: random.Random, item: Item, held_out: bool) -> Turn:
    colour = item.slots["colour"]
    truth = rng.random() < 0.5
    asked = colour if truth else rng.choice([other for other in COLOURS if other != colour])
    name = item.slots["name_a"]
    fields = {"colour": asked, "a_colour": a_colour(asked), "the": with_the(name), "is_": is_are(name)}
    question = phrasings.ask(rng, "image-yesno-colour", held_out, **fields)
    return yes_no("image-yesno", rng, question, truth, "colour", colour=colour)


def ask_yes_no_count(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name, word = item.slots["name_a"], item.slots["count"]
    truth = rng.random() < 0.5
    wrong = [other for other in NUMBER_WORDS[2:5] if other != word]
    asked = word if truth and word != "one" else rng.choice(wrong)
    truth = asked == word
    question = phrasings.ask(rng, "image-yesno-count", held_out, number=asked, many=plural(name))
    topic = "count-one" if word == "one" else "count"
    numbered = counted(NUMBER_WORDS.index(word), name)
    return yes_no("image-yesno", rng, question, truth, topic, counted=numbered, name=name)


def ask_yes_no_side(rng: random.Random, item: Item, held_out: bool) -> Turn:
    near, far, relation = _two_sides(rng, item)
    truth = rng.random() < 0.5
    asked = relation if truth else OPPOSITES[relation]
    fields = {"the": with_the(near), "the_other": with_the(far), "is_": is_are(near)}
    question = phrasings.ask(rng, "image-yesno-side", held_out, one=RELATION_WORDS[asked][0], **fields)
    return yes_no("image-yesno", rng, question, truth, "side", one=RELATION_WORDS[relation][0], **fields)


def yes_no(task: str, rng: random.Random, question: str, truth: bool, topic: str, **fields: str) -> Turn:
    word = "yes" if truth else "no"
    return Turn(task, question, phrasings.answer(rng, f"{word}-{topic}", **fields), word, YES_NO)


def ask_which(rng: random.Random, first: Item, second: Item, held_out: bool) -> Turn:
    """Two pictures in one message; which one shows the thing?"""
    wanted, which = rng.choice(((first, "first"), (second, "second")))
    a = with_article(wanted.slots["name_a"])
    question = phrasings.ask(rng, "image-which", held_out, a=a)
    answer = phrasings.answer(rng, "image-which", a=a, which=which)
    return Turn("image-which", question, answer, which, ("first", "second"))


def is_clear(item: Item) -> bool:
    """Whether "Which picture shows a ...?" is plain English for it."""
    return item.scene.kind == "single" and is_countable(item.slots["name_a"])
