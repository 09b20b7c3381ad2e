"""Still pictures: a scene is a value of plain JSON, drawing it needs nothing but the scene and the art."""

import random
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.nouns import is_countable
from nextgpt.nano.sources import COLOURS, Thing, find_thing, load_rgba, things

KINDS = ("single", "count", "pair")
PLACES = ("centre", "left", "right", "top", "bottom")
RELATIONS = ("left", "right", "above", "below")

_PLACE_CENTRES = {
    "centre": (0.5, 0.5),
    "left": (0.27, 0.5),
    "right": (0.73, 0.5),
    "top": (0.5, 0.27),
    "bottom": (0.5, 0.73),
}
_COUNT_LAYOUTS: dict[int, tuple[tuple[tuple[float, float], ...], ...]] = {
    1: (((0.5, 0.5),),),
    2: (((0.26, 0.5), (0.74, 0.5)), ((0.5, 0.26), (0.5, 0.74)), ((0.26, 0.26), (0.74, 0.74))),
    3: (((0.26, 0.26), (0.74, 0.26), (0.5, 0.74)), ((0.5, 0.26), (0.26, 0.74), (0.74, 0.74))),
    4: (((0.26, 0.26), (0.74, 0.26), (0.26, 0.74), (0.74, 0.74)),),
}
_MAX_TRIES = 1000


@dataclass(frozen=True)
class Sprite:
    """One drawn thing: centre and longer side as fractions of the canvas."""

    code: str
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class ImageScene:
    """Sprites of one style on one colour. `place` for kind single; `relation` reads: first sprite <relation>
    second.
    """

    kind: str
    style: str
    colour: str
    sprites: tuple[Sprite, ...]
    place: str = ""
    relation: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ImageScene":
        return cls(**(data | {"sprites": tuple(Sprite(**sprite) for sprite in data["sprites"])}))

    @property
    def subject(self) -> Thing:
        return find_thing(self.style, self.sprites[0].code)

    @property
    def other(self) -> Thing | None:
        return find_thing(self.style, self.sprites[1].code) if self.kind == "pair" else None


def render_image(scene: ImageScene, size: int) -> NDArray[np.uint8]:
    """uint8 (size, size, 3). Drawn at twice the size, so that things may stand on half pixels."""
    canvas = Image.new("RGB", (2 * size, 2 * size), COLOURS[scene.colour])
    for sprite in scene.sprites:
        paste(canvas, load_rgba(scene.style, sprite.code), sprite.x, sprite.y, sprite.size)
    return np.asarray(canvas.reduce(2))


def paste(canvas: Image.Image, art: Image.Image, x: float, y: float, size: float) -> None:
    """Draw art on the canvas, centred at (x, y), its longer side `size`, all fractions of the canvas'
    width.
    """
    side = canvas.width
    scale = size * side / max(art.size)
    width, height = (max(1, round(length * scale)) for length in art.size)
    drawn = art.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    canvas.paste(drawn, (round(x * side - width / 2), round(y * side - height / 2)), drawn)


@cache
def pool(style: str, held_out: bool, countable: bool = False) -> tuple[Thing, ...]:
    """Things of a style whose names are (not) held out."""
    return tuple(
        thing
        for thing in things(style)
        if split.is_held_out_name(thing.key) == held_out and (not countable or is_countable(thing.name))
    )


def check_style(split_name: str, style: str) -> None:
    if (split_name == "style") != (style == split.HELD_OUT_STYLE):
        raise DataError(f"style {style} is not for split {split_name}: {split.HELD_OUT_STYLE} only evaluates")


def sample_image_scene(
    rng: random.Random,
    kind: str,
    split_name: str,
    style: str,
    thing: Thing | None = None,
    place: str | None = None,
) -> ImageScene:
    """A scene that the split allows. In split "combination" the pair that the kind is about is held out:
    single thing|colour (or thing|place), count thing|count (thing|colour for one), pair thing|thing."""
    check_style(split_name, style)
    make = {"single": _sample_single, "count": _sample_count, "pair": _sample_pair}[kind]
    for attempt in range(_MAX_TRIES):
        keep = thing if attempt < _MAX_TRIES // 2 else None
        subject = keep or rng.choice(pool(style, split_name == "name", kind == "count"))
        scene = make(rng, split_name, style, subject, place)
        if scene is not None:
            return scene
    raise DataError(f"no {kind} scene in style {style} for split {split_name}")


def _sample_single(
    rng: random.Random, split_name: str, style: str, thing: Thing, place: str | None
) -> ImageScene | None:
    colour = rng.choice(tuple(COLOURS))
    place = place or (rng.choice(PLACES[1:]) if rng.random() < 0.3 else "centre")
    off_centre = place != "centre"
    colour_out = split.is_held_out_pair(thing.key, split.attribute_key("colour", colour))
    place_out = off_centre and split.is_held_out_pair(thing.key, split.attribute_key("place", place))
    wanted_out = split_name == "combination"
    if wanted_out and (place_out == colour_out if off_centre else not colour_out):
        return None  # exactly one of the two pairs is new
    if not wanted_out and split_name != "name" and (colour_out or place_out):
        return None
    size = rng.uniform(0.45, 0.5) if off_centre else rng.uniform(0.45, 0.9)
    x, y = _PLACE_CENTRES[place]
    slack = 0.02 if off_centre else min(0.05, (0.98 - size) / 2)
    sprite = _sprite(thing, rng.uniform(x - slack, x + slack), rng.uniform(y - slack, y + slack), size)
    return ImageScene("single", style, colour, (sprite,), place=place)


def _sample_count(
    rng: random.Random, split_name: str, style: str, thing: Thing, _place: str | None
) -> ImageScene | None:
    colour, count = rng.choice(tuple(COLOURS)), rng.randint(1, 4)
    colour_out = split.is_held_out_pair(thing.key, split.attribute_key("colour", colour))
    count_out = split.is_held_out_pair(thing.key, split.attribute_key("count", count))
    if split_name == "combination" and (count_out, colour_out) != (
        (True, False) if count > 1 else (False, True)
    ):
        return None
    if split_name in ("train", "style") and (colour_out or count_out):
        return None
    size = rng.uniform(0.45, 0.8) if count == 1 else rng.uniform(0.3, 0.4)
    jitter = 0.04 if count == 1 else (0.46 - size) / 2
    centres = rng.choice(_COUNT_LAYOUTS[count])
    sprites = (
        _sprite(thing, x + rng.uniform(-jitter, jitter), y + rng.uniform(-jitter, jitter), size)
        for x, y in centres
    )
    return ImageScene("count", style, colour, tuple(sprites))


def _sample_pair(
    rng: random.Random, split_name: str, style: str, thing: Thing, _place: str | None
) -> ImageScene | None:
    colour, relation = rng.choice(tuple(COLOURS)), rng.choice(RELATIONS)
    other = rng.choice(pool(style, False))
    if other.key == thing.key or other.name == thing.name:
        return None
    colour_key = split.attribute_key("colour", colour)
    colour_out = any(split.is_held_out_pair(one.key, colour_key) for one in (thing, other))
    pair_out = split.is_held_out_pair(thing.key, other.key)
    if split_name != "name" and (colour_out or pair_out != (split_name == "combination")):
        return None
    along, across = rng.uniform(0.22, 0.26), rng.uniform(-0.1, 0.1)
    sign = -1 if relation in ("left", "above") else 1
    offset = (sign * along, across) if relation in ("left", "right") else (across, sign * along)
    size = rng.uniform(0.36, 0.42)
    first = _sprite(thing, 0.5 + offset[0], 0.5 + offset[1], size)
    second = _sprite(other, 0.5 - offset[0], 0.5 - offset[1], size)
    return ImageScene("pair", style, colour, (first, second), relation=relation)


def _sprite(thing: Thing, x: float, y: float, size: float) -> Sprite:
    return Sprite(thing.code, round(x, 3), round(y, 3), round(size, 3))
