"""Pictures whose drawing is settled by their sentence.

Things stand in halves and quarters of the canvas, so that an autoencoder's cells see the same cut of a thing in each
place; sizes and places that no sentence tells vary by `JITTER` alone.
"""

import random
from collections.abc import Callable, Iterator
from itertools import islice

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene, Sprite, pool
from nextgpt.nano.settled_captions import settled_image_caption, settled_image_slots
from nextgpt.nano.settled_split import STYLE, allowed, held_out, plan, source
from nextgpt.nano.sources import COLOURS, Thing

JITTER = 0.01
FULL, HALF, THIRD = 0.8, 0.44, 0.3
PLACES = {"left": (0.25, 0.5), "right": (0.75, 0.5), "top": (0.5, 0.25), "bottom": (0.5, 0.75)}
RELATIONS = {"left": ("left", "right"), "right": ("right", "left"), "above": ("top", "bottom"),
             "below": ("bottom", "top")}  # fmt: skip
GRIDS = {
    2: ((0.25, 0.5), (0.75, 0.5)),
    3: ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75)),
    4: ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)),
}
SIZES = {"small": 0.4, "large": 0.96}
# kind -> how many of a hundred
IMAGE_SHARES = {"single": 50, "size": 5, "place": 5, "count": 16, "pair": 20, "between": 4}
_MAX_TRIES = 1000


def settled_image_items(split_name: str, number: int, seed: int = 0) -> Iterator[Item]:
    """Pictures of split train, combination or name. In combination the pair held out is: single, size, place:
    thing and colour; count: thing and number; pair and between: the first two things."""
    rng = random.Random(f"{seed}:settled-image:{split_name}")
    for index, (kind, thing) in enumerate(islice(plan(rng, split_name, IMAGE_SHARES), number)):
        scene, size_word = _image_scene(rng, kind, split_name, thing)
        caption = settled_image_caption(scene, rng, size_word)
        slots = settled_image_slots(scene, size_word)
        yield Item(f"image-settled-{split_name}-{index:06d}", split_name, source(), scene, caption, slots)


def _image_scene(rng: random.Random, kind: str, split_name: str, thing: Thing) -> tuple[ImageScene, str]:
    for attempt in range(_MAX_TRIES):
        one = thing if attempt < _MAX_TRIES // 2 else rng.choice(pool(STYLE, split_name == "name"))
        found = _SCENES[kind](rng, split_name, one, rng.choice(tuple(COLOURS)))
        if found is not None:
            return found
    raise DataError(f"no settled {kind} picture for split {split_name}")


def _single(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    if not allowed(wanted, held_out(thing, "colour", colour), None):
        return None
    return _scene("single", colour, [_sprite(rng, thing, 0.5, 0.5, FULL)], place="centre"), ""


def _sized(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    if not allowed(wanted, held_out(thing, "colour", colour), None):
        return None
    word = rng.choice(tuple(SIZES))
    return _scene("single", colour, [_sprite(rng, thing, 0.5, 0.5, SIZES[word])], place="centre"), word


def _placed(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    place = rng.choice(tuple(PLACES))
    if not allowed(wanted, held_out(thing, "colour", colour), None) or held_out(thing, "place", place):
        return None
    return _scene("single", colour, [_sprite(rng, thing, *PLACES[place], HALF)], place=place), ""


def _counted(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    number = rng.choice(tuple(GRIDS))
    if not allowed(wanted, held_out(thing, "colour", colour), held_out(thing, "count", number)):
        return None
    return _scene("count", colour, [_sprite(rng, thing, x, y, HALF) for x, y in GRIDS[number]]), ""


def _pair(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    other = rng.choice(pool(STYLE, False))
    if other.name == thing.name or other.key == thing.key:
        return None
    colours_out = any(held_out(one, "colour", colour) for one in (thing, other))
    if not allowed(wanted, colours_out, split.is_held_out_pair(thing.key, other.key)):
        return None
    relation = rng.choice(tuple(RELATIONS))
    places = (PLACES[place] for place in RELATIONS[relation])
    sprites = [_sprite(rng, one, *place, HALF) for one, place in zip((thing, other), places)]
    return _scene("pair", colour, sprites, relation=relation), ""


def _between(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    others = rng.sample(pool(STYLE, False), 2)
    everything = (thing, *others)
    if len({one.name for one in everything}) < 3 or len({one.key for one in everything}) < 3:
        return None
    colours_out = any(held_out(one, "colour", colour) for one in everything)
    pairs = [split.is_held_out_pair(thing.key, one.key) for one in others]
    rest_out = split.is_held_out_pair(others[0].key, others[1].key)
    if pairs[1] or rest_out or not allowed(wanted, colours_out, pairs[0]):
        return None
    sprites = [_sprite(rng, one, x, 0.5, THIRD) for one, x in zip(everything, (0.5, 1 / 6, 5 / 6))]
    return _scene("between", colour, sprites, relation="between"), ""


_SCENES: dict[str, Callable[[random.Random, str, Thing, str], tuple[ImageScene, str] | None]] = {
    "single": _single, "size": _sized, "place": _placed, "count": _counted, "pair": _pair, "between": _between,
}  # fmt: skip


def _scene(kind: str, colour: str, sprites: list[Sprite], place: str = "", relation: str = "") -> ImageScene:
    return ImageScene(kind, STYLE, colour, tuple(sprites), place, relation)


def _sprite(rng: random.Random, thing: Thing, x: float, y: float, size: float) -> Sprite:
    dx, dy = (rng.uniform(-JITTER, JITTER) for _ in range(2))
    return Sprite(thing.code, round(x + dx, 3), round(y + dy, 3), size)
