"""Exact sentences for scenes, and the slots: the canonical words that a model should read off."""

import random

from nextgpt.nano.clips import MOTIONS, ClipScene
from nextgpt.nano.instruments import Instrument, instruments
from nextgpt.nano.nouns import NUMBER_WORDS, counted, indefinite, with_article
from nextgpt.nano.phrasings import captions
from nextgpt.nano.scenes import ImageScene
from nextgpt.nano.sounds import SoundScene


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


MOTION_WORDS = {
    "left": ("moving left", "moving to the left"),
    "right": ("moving right", "moving to the right"),
    "up": ("moving up", "moving upwards"),
    "down": ("moving down", "moving downwards"),
    "clockwise": ("turning clockwise", "rotating clockwise"),
    "counterclockwise": ("turning counterclockwise", "rotating counterclockwise"),
    "grow": ("growing", "getting bigger"),
    "shrink": ("shrinking", "getting smaller"),
    "fade-in": ("fading in",),
    "fade-out": ("fading out",),
    "bounce": ("bouncing", "bouncing up and down"),
    "still": ("standing still", "staying still"),
}


def video_slots(scene: ClipScene) -> dict[str, str]:
    """name, motion (moving, rotating, growing, shrinking, fading, bouncing, still), direction, colour."""
    motion, direction = MOTIONS[scene.motion]
    return {"name": scene.subject.name, "motion": motion, "direction": direction, "colour": scene.colour}


def video_caption(scene: ClipScene, rng: random.Random) -> str:
    """ "a rocket moving left on a black background"."""
    moves = rng.choice(MOTION_WORDS[scene.motion])
    a, on = with_article(scene.subject.name), on_colour(scene.colour, rng)
    return rng.choice(captions("video")).format(a=a, moves=moves, on=on)


def audio_slots(scene: SoundScene) -> dict[str, str]:
    """first, count, pitch, direction, second; "" where a kind has none."""
    counted_kind = scene.kind in ("notes", "scale")
    return {
        "first": scene.first,
        "count": NUMBER_WORDS[len(scene.strokes)] if counted_kind else "",
        "pitch": scene.pitch,
        "direction": scene.direction,
        "second": scene.second,
    }


def audio_caption(scene: SoundScene, rng: random.Random) -> str:
    """ "three high notes of a violin", "first a crow, then a piano note"."""
    first, second = instruments()[scene.first], instruments().get(scene.second)
    number = len(scene.strokes)
    topic = "audio-hits" if scene.kind == "notes" and first.unit == "hit" else f"audio-{scene.kind}"
    if number == 1 and scene.kind == "notes":
        topic += "-one"
    fields = _sound_words(scene, first, number)
    if second is not None:
        fields |= {"one": first.phrase, "two": second.phrase}
    return " ".join(rng.choice(captions(topic)).format(**fields).split())


def _sound_words(scene: SoundScene, first: Instrument, number: int) -> dict[str, str]:
    article = indefinite(scene.pitch) if scene.pitch else "a"
    return {
        "a": first.noun,
        "name": first.name,
        "name_article": indefinite(first.name),
        "number": NUMBER_WORDS[number],
        "pitch": scene.pitch,
        "pitch_article": article if scene.pitch else "one",
        "times": {2: "twice", 1: "once"}.get(number, f"{NUMBER_WORDS[number]} times"),
        "direction": scene.direction,
        "rising": {"up": "rising", "down": "falling", "": ""}[scene.direction],
    }
