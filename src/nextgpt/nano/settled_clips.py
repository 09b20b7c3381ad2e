"""Clips whose drawing is settled by their sentence: each motion has one course."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.clips import FRAMES, ClipScene, Pose, Track, render_clip
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import pool
from nextgpt.nano.settled_captions import settled_video_caption
from nextgpt.nano.settled_split import STYLE, allowed, held_out, plan, source
from nextgpt.nano.sources import COLOURS, Thing, find_thing

# kind -> how many of a hundred. Two motions in a row are what is hardest to read, so training has more of them.
VIDEO_SHARES = {"one": 84, "crossing": 8, "then": 8}
TRAINED_SHARES = {"one": 64, "crossing": 8, "then": 28}
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


def render_two(scene: TwoMotions, size: int) -> NDArray[np.uint8]:
    half = FRAMES // 2
    return np.concatenate([render_clip(one, size, half) for one in (scene.first, scene.second)])


def settled_video_items(split_name: str, number: int, seed: int = 0) -> Iterator[Item]:
    """Clips of split train, combination or name; in combination the thing and its (first) motion are held out."""
    rng = random.Random(f"{seed}:settled-video:{split_name}")
    shares = TRAINED_SHARES if split_name == "train" else VIDEO_SHARES
    for index, (kind, thing) in enumerate(islice(plan(rng, split_name, shares), number)):
        scene, speed = _clip_scene(rng, kind, split_name, thing)
        caption = settled_video_caption(scene, rng, speed)
        slots = _video_slots(scene, speed, kind)
        yield Item(f"video-settled-{split_name}-{index:06d}", split_name, source(), scene, caption, slots)


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
        if allowed(wanted, held_out(one, "colour", colour), held_out(one, "motion", motion)):
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
    if held_out(other, "colour", colour) or held_out(other, "motion", opposite):
        return None
    if split.is_held_out_pair(thing.key, other.key):
        return None
    tracks = (settled_track(thing.code, motion, 1.0, -0.25), settled_track(other.code, opposite, 1.0, 0.25))
    return ClipScene(STYLE, colour, tracks), ""


def _then(rng: random.Random, thing: Thing, colour: str, motion: str) -> tuple[Any, str] | None:
    second = rng.choice(MOTIONS)
    if second == motion or "still" in (motion, second) or held_out(thing, "motion", second):
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
