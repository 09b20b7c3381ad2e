"""Exact sentences for scenes, and the slots: the canonical words that a model should read off."""

import random

from nextgpt.nano.nouns import NUMBER_WORDS, counted, with_article
from nextgpt.nano.phrasings import captions
from nextgpt.nano.scenes import ImageScene


def image_slots(scene: ImageScene) -> dict[str, str]:
    """name_a, count, name_b, relation, colour, place; "" where a kind has none."""
    other = scene.other
    return {
        "name_a": scene.subject.name,
        "count": NUMBER_WORDS[len(scene.sprites) if scene.kind == "count" else 1],
        "name_b": other.name if other else "",
        "relation": scene.relation,
        "colour": scene.colour,
        "place": scene.place,
    }


def image_caption(scene: ImageScene, rng: random.Random) -> str:
    """ "a red apple on a blue background", "two cats on green", "a cat to the left of a dog on white"."""
    topic = "image-place" if scene.place not in ("", "centre") else f"image-{scene.kind}"
    number = len(scene.sprites) if scene.kind == "count" else 1
    fields = {
        "a": counted(number, scene.subject.name),
        "b": with_article(scene.other.name) if scene.other else "",
        "relation": rng.choice(RELATION_WORDS[scene.relation]) if scene.relation else "",
        "place": PLACE_WORDS.get(scene.place, ""),
        "on": on_colour(scene.colour, rng),
    }
    return rng.choice(captions(topic)).format(**fields)


RELATION_WORDS = {
    "left": ("to the left of", "left of"),
    "right": ("to the right of", "right of"),
    "above": ("above",),
    "below": ("below", "under"),
}
PLACE_WORDS = {
    "centre": "in the centre",
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}


def on_colour(colour: str, rng: random.Random) -> str:
    article = "an" if colour == "orange" else "a"
    return rng.choice(
        (f"on {article} {colour} background", f"on {colour}", f"on {article} {colour} background")
    )
