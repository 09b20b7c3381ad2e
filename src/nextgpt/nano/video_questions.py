"""Questions about moving drawings, and their answers, from the scene alone."""

import random

from nextgpt.nano import phrasings
from nextgpt.nano.captions import MOTION_WORDS
from nextgpt.nano.clips import MOTIONS
from nextgpt.nano.image_questions import Ask, a_colour, name_choices, unlike_name, yes_no
from nextgpt.nano.nouns import is_plural, takes_article, with_article, with_the
from nextgpt.nano.rows import Item, Turn
from nextgpt.nano.sources import COLOURS

_VERBS = {"moving": ("move", "moves"), "rotating": ("turn", "turns"), "fading": ("fade", "fades")}
_OPPOSITES = {"left": "right", "up": "down", "clockwise": "counterclockwise", "in": "out"}
_OPPOSITES |= {second: first for first, second in _OPPOSITES.items()}
_DIRECTIONS = {
    "moving": ("left", "right", "up", "down"),
    "rotating": ("clockwise", "counterclockwise"),
    "fading": ("in", "out"),
}
_MOTION_CHOICES = tuple(dict.fromkeys(motion for motion, _direction in MOTIONS.values()))


def video_asks(item: Item) -> dict[str, list[Ask]]:
    """Task -> the questions that this clip allows."""
    name = item.slots["name"]
    asks: dict[str, list[Ask]] = {
        "video-name": [ask_name],
        "video-describe": [ask_describe],
        "video-motion": [ask_motion],
        "video-colour": [ask_colour],
    }
    if item.slots["direction"] and not is_plural(name):
        asks["video-direction"] = [ask_direction]
    yes_no_asks: list[Ask] = [ask_yes_no_colour]
    if takes_article(name):
        yes_no_asks += [ask_yes_no_name, ask_yes_no_motion, ask_yes_no_motion]
    return asks | {"video-yesno": yes_no_asks}


def ask_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["name"]
    question = phrasings.ask(rng, "video-name", held_out)
    answer = phrasings.answer(
        rng, "video-name-plural" if is_plural(name) else "video-name", a=with_article(name)
    )
    return Turn("video-name", question, answer, name, name_choices(rng, item))


def ask_describe(rng: random.Random, item: Item, held_out: bool) -> Turn:
    question = phrasings.ask(rng, "video-describe", held_out)
    answer = phrasings.answer(rng, "video-describe", caption=item.plain_caption)
    return Turn("video-describe", question, answer, item.plain_caption)


def ask_motion(rng: random.Random, item: Item, held_out: bool) -> Turn:
    return _motion_turn(rng, "video-motion", item, held_out, item.slots["motion"], _MOTION_CHOICES)


def ask_direction(rng: random.Random, item: Item, held_out: bool) -> Turn:
    motion, direction = item.slots["motion"], item.slots["direction"]
    return _motion_turn(rng, "video-direction", item, held_out, direction, _DIRECTIONS[motion])


def _motion_turn(
    rng: random.Random, task: str, item: Item, held_out: bool, expected: str, choices: tuple[str, ...]
) -> Turn:
    name, direction = item.slots["name"], item.slots["direction"]
    one, two = rng.sample((direction, _OPPOSITES.get(direction, "")), 2)
    verb, verbs = _VERBS.get(item.slots["motion"], ("move", "moves"))
    question = phrasings.ask(
        rng, task, held_out, the=with_the(name), verb=verb, verbs=verbs, one=one, two=two
    )
    topic = f"{task}-plural" if is_plural(name) else task
    answer = phrasings.answer(rng, topic, the=with_the(name), moves=_moves(rng, item.scene.motion))
    return Turn(task, question, answer, expected, choices)


def _moves(rng: random.Random, motion: str) -> str:
    return rng.choice(MOTION_WORDS[motion])


def ask_colour(rng: random.Random, item: Item, held_out: bool) -> Turn:
    colour = item.slots["colour"]
    question = phrasings.ask(rng, "video-colour", held_out)
    answer = phrasings.answer(rng, "video-colour", colour=colour, a_colour=a_colour(colour))
    return Turn("video-colour", question, answer, colour, tuple(COLOURS))


def ask_yes_no_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["name"]
    truth = rng.random() < 0.5
    asked = name if truth else unlike_name(rng, item)
    question = phrasings.ask(rng, "video-yesno-name", held_out, a=with_article(asked))
    return yes_no("video-yesno", rng, question, truth, "name", a=with_article(name))


def ask_yes_no_colour(rng: random.Random, item: Item, held_out: bool) -> Turn:
    colour = item.slots["colour"]
    truth = rng.random() < 0.5
    asked = colour if truth else rng.choice([other for other in COLOURS if other != colour])
    question = phrasings.ask(rng, "video-yesno-colour", held_out, colour=asked, a_colour=a_colour(asked))
    return yes_no("video-yesno", rng, question, truth, "colour", colour=colour)


def ask_yes_no_motion(rng: random.Random, item: Item, held_out: bool) -> Turn:
    motion, the = item.scene.motion, with_the(item.slots["name"])
    truth = rng.random() < 0.5
    asked = motion if truth else rng.choice([other for other in MOTIONS if other != motion])
    question = phrasings.ask(rng, "video-yesno-motion", held_out, the=the, moves=_moves(rng, asked))
    return yes_no("video-yesno", rng, question, truth, "motion", the=the, moves=_moves(rng, motion))
