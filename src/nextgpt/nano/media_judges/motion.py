"""How the one thing of a clip moves: by the track of its centre, its spread, its strength and its turning.

Everything is measured on how far each pixel is from the background, less `NOISE`. Spread is the moment of that, so
that a fading thing keeps its size. The centre is that of the box, because a turning thing's centre of mass wanders. The
thresholds lie between what the true motions do and what still things do; docs/judges.md has the scores.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.nano.media_judges.segments import (
    DIFFERENCE,
    Pixels,
    background,
    ndimage,
    whole,
)

NOISE = 15.0  # of the distance to the background's colour
FAINT = 0.1  # of the strongest frame's mass: fainter frames have no centre
FADING = 0.45  # change of strength over the clip, of its largest value
GROWING = 0.45  # logarithm of the last spread over the first; growing things have 1.2 or more
BOUNCING = 0.2  # of the canvas: how far the centre leaves a straight way; hops are 0.3 and more
MOVING = 0.17  # of the canvas; slow things go 0.24
TURNING = 4.0  # degrees a frame; turning things go 10 or more
ANGLES, RADII = 120, 24

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Track:
    """Per frame: mass and spread (root of the variance) of the difference picture, centre of the thing's box; places
    are fractions of the canvas. turn: degrees clockwise from frame to frame."""

    mass: Numbers
    x: Numbers
    y: Numbers
    spread: Numbers
    turn: float

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.mass > FAINT * max(1e-6, float(self.mass.max(initial=0.0)))


def clip_background(clip: Pixels) -> tuple[str, NDArray[np.float32]]:
    """Colour by the borders of all frames: the name most frames agree on, and the median of theirs."""
    found = [background(frame) for frame in clip]
    names = [name for name, _ in found]
    name = max(dict.fromkeys(names), key=names.count)
    return name, np.median([colour for each, colour in found if each == name], axis=0)


def distance(clip: Pixels, colour: NDArray[np.float32]) -> Numbers:
    """(F, H, W): Euclidean distance in RGB to the background's colour."""
    return np.linalg.norm(clip.astype(np.float32) - colour, axis=-1)


def track_of(clip: Pixels, colour: NDArray[np.float32]) -> Track:
    """uint8 (F, H, W, 3) -> its track."""
    weight = np.maximum(0.0, distance(clip, colour) - NOISE)
    _, height, width = weight.shape
    mass = weight.sum((1, 2))
    safe = np.maximum(mass, 1e-6)
    columns, rows = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    across, along = weight.sum(1), weight.sum(2)
    x, y = across @ columns / safe, along @ rows / safe
    variance = across @ columns**2 / safe - x**2 + along @ rows**2 / safe - y**2
    spread = np.sqrt(np.maximum(variance, 1e-6))
    middles = np.array([whole(frame > DIFFERENCE - NOISE).middle for frame in weight], np.float32)
    return Track(mass, middles[:, 0], middles[:, 1], spread, turning(clip, colour, weight))


def turning(clip: Pixels, colour: NDArray[np.float32], weight: Numbers) -> float:
    """Degrees clockwise a frame: where the polar pictures of neighbouring frames fit best, all pairs together."""
    part = whole(weight.max(0) > DIFFERENCE - NOISE)
    rings = polar(clip.astype(np.float32) - colour, part.middle, part.extent / 2)
    waves = np.fft.rfft(rings, axis=2)
    waves[:, :, 0] = 0  # a ring's mean turns unseen
    radii = np.arange(1, RADII + 1)[:, None, None]
    product = (waves[1:] * waves[:-1].conj() * radii).sum((0, 1, 3))
    fit = np.fft.irfft(product, ANGLES)
    reach = ANGLES // 10  # 36 degrees
    shifts = np.arange(-reach, reach + 1)
    return float(shifts[fit[shifts].argmax()]) * 360 / ANGLES


def polar(frames: Numbers, middle: tuple[float, float], radius: float) -> Numbers:
    """(F, H, W, 3) -> (F, RADII, ANGLES, 3) about a point; angles go clockwise from the right."""
    _, height, width, _ = frames.shape
    angles = np.arange(ANGLES) * 2 * np.pi / ANGLES
    radii = (np.arange(RADII) + 1) / RADII * radius
    x = (middle[0] + radii[:, None] * np.cos(angles)) * width - 0.5
    y = (middle[1] + radii[:, None] * np.sin(angles)) * height - 0.5
    planes = [
        [ndimage().map_coordinates(frame[..., channel], (y, x), order=1) for channel in range(3)]
        for frame in frames
    ]
    return np.moveaxis(np.asarray(planes, np.float32), 1, -1)


def motion_of(track: Track) -> str:
    """One of the twelve motion words; "still" where nothing was seen to change."""
    seen = track.seen
    if seen.sum() < 3:
        return "still"
    growing = change(np.log(track.spread), seen)
    if abs(growing) > GROWING:
        return "grow" if growing > 0 else "shrink"
    strength = np.where(seen, track.mass / track.spread**2, 0.0)
    fading = change(strength / max(1e-6, float(strength.max())), np.ones_like(seen))
    if abs(fading) > FADING:
        return "fade-in" if fading > 0 else "fade-out"
    if hop(track) > BOUNCING:
        return "bounce"
    across, along = change(track.x, seen), change(track.y, seen)
    if max(abs(across), abs(along)) > MOVING:
        return direction(across, along)
    if abs(track.turn) >= TURNING:
        return "clockwise" if track.turn > 0 else "counterclockwise"
    return "still"


def direction(across: float, along: float) -> str:
    if abs(across) > abs(along):
        return "left" if across < 0 else "right"
    return "up" if along < 0 else "down"


def change(values: Numbers, seen: NDArray[np.bool_]) -> float:
    """What a straight line through the values gains from the first frame to the last."""
    time = np.linspace(0, 1, len(values))[seen.astype(bool)]
    return float(np.polyfit(time, values[seen.astype(bool)], 1)[0])


def hop(track: Track) -> float:
    """How far the height leaves a straight line."""
    time, y = np.linspace(0, 1, len(track.y))[track.seen], track.y[track.seen]
    rest = y - np.polyval(np.polyfit(time, y, 1), time)
    return float(rest.max() - rest.min())


def flicker(clip: Pixels, colour: NDArray[np.float32]) -> float | None:
    """Mean absolute change (of 255) from frame to frame where no frame shows a thing; None if that is nowhere."""
    busy = (distance(clip, colour) > DIFFERENCE).any(0)
    still = ~ndimage().binary_dilation(busy, iterations=2)
    if not still.any():
        return None
    return float(np.abs(np.diff(clip[:, still].astype(np.float32), axis=0)).mean())
