"""What the decoders learn from: media that are settled by their sentence. A modality is a row of SETTLED.

The encoders' scenes (scenes.py, clips.py) vary place and size that no sentence tells; a decoder would have to learn
all of that too. Here "a red apple on blue" is one drawing, in one style, up to a hundredth of the canvas.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.nano.clips import ClipScene, render_clip
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene, render_image
from nextgpt.nano.settled_clips import TwoMotions, render_two, settled_video_items
from nextgpt.nano.settled_layers import layers_for
from nextgpt.nano.settled_pictures import settled_image_items
from nextgpt.nano.settled_scores import settled_score
from nextgpt.nano.settled_sounds import settled_sound_items
from nextgpt.nano.sounds import render_sound


def render_settled(scene: Any, size: int) -> NDArray[np.uint8]:
    """uint8 (size, size, 3) of a picture, (16, size, size, 3) of a clip."""
    return RENDERERS[type(scene)](scene, size)


RENDERERS: dict[type, Callable[[Any, int], NDArray[np.uint8]]] = {
    ImageScene: render_image,
    ClipScene: render_clip,
    TwoMotions: render_two,
}


@dataclass(frozen=True)
class Settled:
    """items(split, number, seed) gives Items; render(scene) their media as arrays; truth(scene, reader) what they hold,
    row by row, for a reader of that config."""

    items: Callable[..., Iterator[Item]]
    render: Callable[[Any], NDArray[Any]]
    truth: Callable[[Any, Any], NDArray[np.float32]]


SETTLED: dict[str, Settled] = {
    "image": Settled(settled_image_items, partial(render_settled, size=128), layers_for),
    "video": Settled(settled_video_items, partial(render_settled, size=128), layers_for),
    "audio": Settled(settled_sound_items, render_sound, settled_score),
}
