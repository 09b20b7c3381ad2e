"""Pictures and clips whose drawing is settled by their sentence: what the decoders learn from.

The encoders' scenes (scenes.py, clips.py) vary place and size that no sentence tells; a decoder would have to
learn all of that too. Here "a red apple on blue" is one drawing, in one style, up to `JITTER`. Things stand in
halves and quarters of the canvas, so that an autoencoder's cells see the same cut of a thing in each place.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.clips import FRAMES, ClipScene, Pose, Track, render_clip
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene, Sprite, pool, render_image
from nextgpt.nano.settled_captions import settled_image_caption, settled_image_slots, settled_video_caption
from nextgpt.nano.settled_sounds import settled_sound_items
from nextgpt.nano.sounds import render_sound
from nextgpt.nano.sources import COLOURS, STYLE_PARTS, Thing, find_thing

STYLE = "fluent-3d"
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
VIDEO_SHARES = {"one": 84, "crossing": 8, "then": 8}
_MAX_TRIES = 1000

_STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
MOTIONS = (
    *_STEPS,
    "clockwise",
    "counterclockwise",
    "grow",
    "shrink",
    "fade-in",
    "fade-out",
    "bounce",
    "still",
)


@dataclass(frozen=True)
class TwoMotions:
    """One thing that moves in one way and then in another, half of the frames each."""

    first: ClipScene
    second: ClipScene

    def to_dict(self) -> dict[str, Any]:
        return {"first": self.first.to_dict(), "second": self.second.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TwoMotions":
        return cls(ClipScene.from_dict(data["first"]), ClipScene.from_dict(data["second"]))

    @property
    def style(self) -> str:
        return self.first.style

    @property
    def colour(self) -> str:
        return self.first.colour

    @property
    def subject(self) -> Thing:
        return self.first.subject

    @property
    def motion(self) -> str:
        return self.first.motion


def render_settled(scene: Any, size: int) -> NDArray[np.uint8]:
    """uint8 (size, size, 3) of a picture, (16, size, size, 3) of a clip."""
    return RENDERERS[type(scene)](scene, size)


def _render_two(scene: TwoMotions, size: int) -> NDArray[np.uint8]:
    half = FRAMES // 2
    return np.concatenate([render_clip(one, size, half) for one in (scene.first, scene.second)])


RENDERERS: dict[type, Callable[[Any, int], NDArray[np.uint8]]] = {
    ImageScene: render_image,
    ClipScene: render_clip,
    TwoMotions: _render_two,
}

# ---- what the split allows


def _out(thing: Thing, kind: str, word: str | int) -> bool:
    return split.is_held_out_pair(thing.key, split.attribute_key(kind, word))


def _allowed(wanted: str, colours_out: bool, combination_out: bool | None) -> bool:
    """Whether a scene belongs to split `wanted`. `combination_out`: whether what its kind is about is held out;
    None where the kind is about the colour."""
    if wanted == "name":
        return True
    about = colours_out if combination_out is None else combination_out
    other = False if combination_out is None else colours_out
    return about == (wanted == "combination") and not other


# ---- pictures


def settled_image_items(split_name: str, number: int, seed: int = 0) -> Iterator[Item]:
    """Pictures of split train, combination or name. In combination the pair held out is: single, size, place:
    thing and colour; count: thing and number; pair and between: the first two things."""
    rng = random.Random(f"{seed}:settled-image:{split_name}")
    for index, (kind, thing) in enumerate(islice(_plan(rng, split_name, IMAGE_SHARES), number)):
        scene, size_word = _image_scene(rng, kind, split_name, thing)
        caption = settled_image_caption(scene, rng, size_word)
        slots = settled_image_slots(scene, size_word)
        yield Item(f"image-settled-{split_name}-{index:06d}", split_name, _source(), scene, caption, slots)


def _source() -> tuple[str, ...]:
    return (STYLE_PARTS[STYLE], "unicode-emoji")


def _plan(rng: random.Random, split_name: str, shares: dict[str, int]) -> Iterator[tuple[str, Thing]]:
    """(kind, thing) for ever: kinds by their shares, things of each kind in shuffled rounds."""
    decks = {kind: _rounds(rng, pool(STYLE, split_name == "name", kind == "count")) for kind in shares}
    while True:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        yield kind, next(decks[kind])


def _rounds(rng: random.Random, things: tuple[Thing, ...]) -> Iterator[Thing]:
    for _ in count():
        yield from rng.sample(things, len(things))


def _image_scene(rng: random.Random, kind: str, split_name: str, thing: Thing) -> tuple[ImageScene, str]:
    for attempt in range(_MAX_TRIES):
        one = thing if attempt < _MAX_TRIES // 2 else rng.choice(pool(STYLE, split_name == "name"))
        found = _SCENES[kind](rng, split_name, one, rng.choice(tuple(COLOURS)))
        if found is not None:
            return found
    raise DataError(f"no settled {kind} picture for split {split_name}")


def _single(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    if not _allowed(wanted, _out(thing, "colour", colour), None):
        return None
    return _scene("single", colour, [_sprite(rng, thing, 0.5, 0.5, FULL)], place="centre"), ""


def _sized(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    if not _allowed(wanted, _out(thing, "colour", colour), None):
        return None
    word = rng.choice(tuple(SIZES))
    return _scene("single", colour, [_sprite(rng, thing, 0.5, 0.5, SIZES[word])], place="centre"), word


def _placed(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    place = rng.choice(tuple(PLACES))
    if not _allowed(wanted, _out(thing, "colour", colour), None) or _out(thing, "place", place):
        return None
    return _scene("single", colour, [_sprite(rng, thing, *PLACES[place], HALF)], place=place), ""


def _counted(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    number = rng.choice(tuple(GRIDS))
    if not _allowed(wanted, _out(thing, "colour", colour), _out(thing, "count", number)):
        return None
    return _scene("count", colour, [_sprite(rng, thing, x, y, HALF) for x, y in GRIDS[number]]), ""


def _pair(rng: random.Random, wanted: str, thing: Thing, colour: str) -> tuple[ImageScene, str] | None:
    other = rng.choice(pool(STYLE, False))
    if other.name == thing.name or other.key == thing.key:
        return None
    colours_out = any(_out(one, "colour", colour) for one in (thing, other))
    if not _allowed(wanted, colours_out, split.is_held_out_pair(thing.key, other.key)):
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
    colours_out = any(_out(one, "colour", colour) for one in everything)
    pairs = [split.is_held_out_pair(thing.key, one.key) for one in others]
    rest_out = split.is_held_out_pair(others[0].key, others[1].key)
    if pairs[1] or rest_out or not _allowed(wanted, colours_out, pairs[0]):
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


# ---- clips


def settled_video_items(split_name: str, number: int, seed: int = 0) -> Iterator[Item]:
    """Clips of split train, combination or name; in combination the thing and its (first) motion are held out."""
    rng = random.Random(f"{seed}:settled-video:{split_name}")
    for index, (kind, thing) in enumerate(islice(_plan(rng, split_name, VIDEO_SHARES), number)):
        scene, speed = _clip_scene(rng, kind, split_name, thing)
        caption = settled_video_caption(scene, rng, speed)
        slots = _video_slots(scene, speed, kind)
        yield Item(f"video-settled-{split_name}-{index:06d}", split_name, _source(), scene, caption, slots)


def _video_slots(scene: Any, speed: str, kind: str) -> dict[str, str]:
    """name, motion and colour; second: the other motion of `then`; name_b: the other thing of `crossing`."""
    second = scene.second.motion if isinstance(scene, TwoMotions) else ""
    tracks: tuple[Track, ...] = () if isinstance(scene, TwoMotions) else scene.tracks
    name_b = find_thing(STYLE, tracks[1].code).name if len(tracks) > 1 else ""
    return {"name": scene.subject.name, "motion": scene.motion, "colour": scene.colour, "speed": speed,
            "second": second, "name_b": name_b, "kind": kind}  # fmt: skip


def _clip_scene(rng: random.Random, kind: str, wanted: str, thing: Thing) -> tuple[Any, str]:
    for attempt in range(_MAX_TRIES):
        one = thing if attempt < _MAX_TRIES // 2 else rng.choice(pool(STYLE, wanted == "name"))
        colour, motion = rng.choice(tuple(COLOURS)), rng.choice(MOTIONS)
        if _allowed(wanted, _out(one, "colour", colour), _out(one, "motion", motion)):
            found = _CLIPS[kind](rng, one, colour, motion)
            if found is not None:
                return found
    raise DataError(f"no settled {kind} clip for split {wanted}")


def _one(rng: random.Random, thing: Thing, colour: str, motion: str) -> tuple[Any, str] | None:
    speed = rng.choice(("", "", "", "", "slowly")) if motion in _STEPS else ""
    track = settled_track(thing.code, motion, 0.5 if speed else 1.0)
    return ClipScene(STYLE, colour, (track,)), speed


def _crossing(rng: random.Random, thing: Thing, colour: str, motion: str) -> tuple[Any, str] | None:
    """Two things pass each other, the first above or left of the second."""
    other = rng.choice(pool(STYLE, False))
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}.get(motion)
    if opposite is None or other.name == thing.name or other.key == thing.key:
        return None
    if _out(other, "colour", colour) or _out(other, "motion", opposite):
        return None
    if split.is_held_out_pair(thing.key, other.key):
        return None
    tracks = (settled_track(thing.code, motion, 1.0, -0.25), settled_track(other.code, opposite, 1.0, 0.25))
    return ClipScene(STYLE, colour, tracks), ""


def _then(rng: random.Random, thing: Thing, colour: str, motion: str) -> tuple[Any, str] | None:
    second = rng.choice(MOTIONS)
    if second == motion or "still" in (motion, second) or _out(thing, "motion", second):
        return None
    halves = [ClipScene(STYLE, colour, (settled_track(thing.code, one),)) for one in (motion, second)]
    return TwoMotions(*halves), ""


_CLIPS: dict[str, Callable[[random.Random, Thing, str, str], tuple[Any, str] | None]] = {
    "one": _one, "crossing": _crossing, "then": _then,
}  # fmt: skip


def settled_track(code: str, motion: str, reach: float = 1.0, shift: float = 0.0) -> Track:
    """The one course of a motion; `reach` scales its way, `shift` moves it across (fractions of the canvas)."""
    if motion in _STEPS:
        dx, dy = (0.24 * reach * step for step in _STEPS[motion])
        x, y = 0.5 + (shift if dy else 0), 0.5 + (shift if dx else 0)
        size = 0.44 if shift else 0.5
        return Track(code, motion, _pose(x - dx, y - dy, size), _pose(x + dx, y + dy, size))
    middle = _pose(0.5, 0.5, 0.62)
    ends = {
        "clockwise": (middle, _pose(0.5, 0.5, 0.62, angle=180.0)),
        "counterclockwise": (middle, _pose(0.5, 0.5, 0.62, angle=-180.0)),
        "grow": (_pose(0.5, 0.5, 0.22), _pose(0.5, 0.5, 0.8)),
        "shrink": (_pose(0.5, 0.5, 0.8), _pose(0.5, 0.5, 0.22)),
        "fade-in": (_pose(0.5, 0.5, 0.62, opacity=0.0), middle),
        "fade-out": (middle, _pose(0.5, 0.5, 0.62, opacity=0.0)),
        "still": (middle, middle),
    }
    if motion == "bounce":
        ground = _pose(0.5, 0.7, 0.46)
        return Track(code, motion, ground, ground, 2, 0.38)
    return Track(code, motion, *ends[motion])


def _pose(x: float, y: float, size: float, angle: float = 0.0, opacity: float = 1.0) -> Pose:
    return Pose(round(x, 3), round(y, 3), size, angle, opacity)


@dataclass(frozen=True)
class Settled:
    """items(split, number, seed) gives Items; render(scene) their media as arrays."""

    items: Callable[..., Iterator[Item]]
    render: Callable[[Any], NDArray[Any]]


SETTLED: dict[str, Settled] = {
    "image": Settled(settled_image_items, partial(render_settled, size=128)),
    "video": Settled(settled_video_items, partial(render_settled, size=64)),
    "audio": Settled(settled_sound_items, render_sound),
}
