"""What a settled picture or clip holds, layer by layer: the truth beside a decoder's reading of its sentence."""

from collections.abc import Callable
from functools import cache
from math import cos, log2, radians, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.nano.clips import FRAMES, ClipScene, Pose, pose_at
from nextgpt.nano.scenes import ImageScene, pool
from nextgpt.nano.settled_clips import TwoMotions
from nextgpt.nano.settled_split import STYLE

HIDDEN = (0.5, 0.5, -1.0, 1.0, 0.0, 0.0)
Layer = tuple[str, list[Pose]]


@cache
def numbers() -> dict[str, int]:
    """A trained thing's code -> its number; names that are held out have none."""
    return {thing.code: number for number, thing in enumerate(pool(STYLE, False))}


def settled_layers(scene: Any, num_layers: int, num_frames: int) -> NDArray[np.float32]:
    """(num_layers, 1 + 6 num_frames): the thing's number, -1 for a layer that is not used, and its pose in every
    frame: x, y, log2 of the size, cosine and sine of the angle, opacity."""
    rows = np.tile(np.array((-1.0, *HIDDEN * num_frames), np.float32), (num_layers, 1))
    for row, (code, poses) in zip(rows, LAYERS[type(scene)](scene)):
        row[:] = (numbers()[code], *(value for pose in poses for value in told(pose)))
    return rows


def layers_for(scene: Any, reader: Any) -> NDArray[np.float32]:
    """As many layers and frames as a reader of that config has."""
    return settled_layers(scene, reader.num_layers, reader.num_frames)


def told(pose: Pose) -> tuple[float, ...]:
    turn = radians(pose.angle)
    return pose.x, pose.y, log2(pose.size), cos(turn), sin(turn), pose.opacity


def picture_layers(scene: ImageScene) -> list[Layer]:
    return [(one.code, [Pose(one.x, one.y, one.size)]) for one in scene.sprites]


def clip_layers(scene: ClipScene, frames: int = FRAMES) -> list[Layer]:
    times = [index / (frames - 1) for index in range(frames)]
    return [(track.code, [pose_at(track, time) for time in times]) for track in scene.tracks]


def halves_layers(scene: TwoMotions) -> list[Layer]:
    (first,), (second,) = (clip_layers(one, FRAMES // 2) for one in (scene.first, scene.second))
    return [(first[0], first[1] + second[1])]


LAYERS: dict[type, Callable[[Any], list[Layer]]] = {
    ImageScene: picture_layers,
    ClipScene: clip_layers,
    TwoMotions: halves_layers,
}
