"""Moving drawings: tracks of drawn things from a first pose to a last one, on one colour."""

import random
from dataclasses import asdict, dataclass
from math import pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.scenes import check_style, paste, pool
from nextgpt.nano.sources import COLOURS, Thing, find_thing, load_rgba

FRAMES = 16
FRAMES_PER_SECOND = 8
# motion word -> (what it does, in which direction); the split's keys are "motion:<motion word>"
MOTIONS: dict[str, tuple[str, str]] = {
    "left": ("moving", "left"),
    "right": ("moving", "right"),
    "up": ("moving", "up"),
    "down": ("moving", "down"),
    "clockwise": ("rotating", "clockwise"),
    "counterclockwise": ("rotating", "counterclockwise"),
    "grow": ("growing", ""),
    "shrink": ("shrinking", ""),
    "fade-in": ("fading", "in"),
    "fade-out": ("fading", "out"),
    "bounce": ("bouncing", ""),
    "still": ("still", ""),
}
_STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_MAX_TRIES = 1000


@dataclass(frozen=True)
class Pose:
    """Centre and longer side as fractions of the canvas, angle in degrees clockwise, opacity 0 to 1."""

    x: float
    y: float
    size: float
    angle: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Track:
    """One thing that goes evenly from start to end; it hops `hops` times, `hop` of the canvas high."""

    code: str
    motion: str
    start: Pose
    end: Pose
    hops: int = 0
    hop: float = 0.0


@dataclass(frozen=True)
class ClipScene:
    style: str
    colour: str
    tracks: tuple[Track, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ClipScene":
        tracks = tuple(
            Track(**(track | {"start": Pose(**track["start"]), "end": Pose(**track["end"])}))
            for track in data["tracks"]
        )
        return cls(data["style"], data["colour"], tracks)

    @property
    def subject(self) -> Thing:
        return find_thing(self.style, self.tracks[0].code)

    @property
    def motion(self) -> str:
        return self.tracks[0].motion


def render_clip(scene: ClipScene, size: int, frames: int = FRAMES) -> NDArray[np.uint8]:
    """uint8 (frames, size, size, 3), 8 frames a second at 16 frames."""
    return np.stack([_render_frame(scene, size, index / max(1, frames - 1)) for index in range(frames)])


def _render_frame(scene: ClipScene, size: int, time: float) -> NDArray[np.uint8]:
    canvas = Image.new("RGB", (2 * size, 2 * size), COLOURS[scene.colour])
    for track in scene.tracks:
        pose = pose_at(track, time)
        art = _posed(load_rgba(scene.style, track.code), pose, canvas.width)
        longer = max(art.size) / canvas.width
        paste(canvas, art, pose.x, pose.y, longer)
    return np.asarray(canvas.reduce(2))


def pose_at(track: Track, time: float) -> Pose:
    """Pose at time 0 (start) to 1 (end)."""
    start, end = asdict(track.start), asdict(track.end)
    pose = {name: start[name] + time * (end[name] - start[name]) for name in start}
    pose["y"] -= track.hop * abs(sin(pi * track.hops * time))
    return Pose(**pose)


def _posed(art: Image.Image, pose: Pose, side: int) -> Image.Image:
    """Art at its final size on the canvas, turned and made transparent."""
    scale = pose.size * side / max(art.size)
    width, height = (max(1, round(length * scale)) for length in art.size)
    drawn = art.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if pose.angle:
        drawn = drawn.rotate(-pose.angle, Image.Resampling.BICUBIC, expand=True)
    if pose.opacity < 1:
        drawn.putalpha(drawn.getchannel("A").point(lambda alpha: round(alpha * pose.opacity)))
    return drawn


def sample_clip_scene(
    rng: random.Random, split_name: str, style: str, thing: Thing | None = None, motion: str | None = None
) -> ClipScene:
    """A clip that the split allows; in split "combination" thing|motion is held out, or thing|colour where
    the motion is "still".
    """
    check_style(split_name, style)
    for attempt in range(_MAX_TRIES):
        keep = thing if attempt < _MAX_TRIES // 2 else None
        subject = keep or rng.choice(pool(style, split_name == "name"))
        colour, moves = rng.choice(tuple(COLOURS)), motion or rng.choice(tuple(MOTIONS))
        if split_name == "name" or _allowed(subject, colour, moves, split_name == "combination"):
            return ClipScene(style, colour, (_track(rng, subject.code, moves),))
    raise DataError(f"no clip in style {style} for split {split_name}")


def _allowed(thing: Thing, colour: str, motion: str, wanted_out: bool) -> bool:
    colour_out = split.is_held_out_pair(thing.key, split.attribute_key("colour", colour))
    motion_out = split.is_held_out_pair(thing.key, split.attribute_key("motion", motion))
    if wanted_out:
        return motion_out and not colour_out
    return not motion_out and not colour_out


def _track(rng: random.Random, code: str, motion: str) -> Track:
    size = rng.uniform(0.35, 0.5)
    if motion in _STEPS:
        return _moving(rng, code, motion, size)
    x, y = rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58)
    middle = _pose(x, y, rng.uniform(0.45, 0.65))
    if motion in ("clockwise", "counterclockwise"):
        turn = rng.uniform(150, 270) * (1 if motion == "clockwise" else -1)
        return Track(code, motion, middle, _pose(x, y, middle.size, angle=turn))
    if motion in ("grow", "shrink"):
        small, large = _pose(x, y, rng.uniform(0.15, 0.3)), _pose(x, y, rng.uniform(0.65, 0.8))
        return Track(code, motion, *((small, large) if motion == "grow" else (large, small)))
    if motion in ("fade-in", "fade-out"):
        faint = _pose(x, y, middle.size, opacity=0.0)
        return Track(code, motion, *((faint, middle) if motion == "fade-in" else (middle, faint)))
    if motion == "bounce":
        ground = _pose(x, rng.uniform(0.68, 0.74), size)
        return Track(code, motion, ground, ground, rng.choice((2, 3)), round(rng.uniform(0.3, 0.4), 3))
    return Track(code, motion, middle, middle)


def _moving(rng: random.Random, code: str, motion: str, size: float) -> Track:
    step_x, step_y = _STEPS[motion]
    half, shift = rng.uniform(0.2, 0.32), rng.uniform(-0.2, 0.2)
    x, y = 0.5 + shift * abs(step_y), 0.5 + shift * abs(step_x)
    start, end = (
        _pose(x - half * step_x, y - half * step_y, size),
        _pose(x + half * step_x, y + half * step_y, size),
    )
    return Track(code, motion, start, end)


def _pose(x: float, y: float, size: float, angle: float = 0.0, opacity: float = 1.0) -> Pose:
    return Pose(round(x, 3), round(y, 3), round(size, 3), round(angle, 1), opacity)
