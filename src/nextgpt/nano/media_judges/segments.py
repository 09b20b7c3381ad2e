"""What stands before a plain background: its colour by the border, a mask, connected parts and their boxes.

The background is measured, not taken from the caption: a picture with the wrong colour may still show the thing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.errors import optional_library
from nextgpt.nano.sources import COLOURS

BORDER = 0.04  # of the side: the ring whose pixels name the background
DIFFERENCE = 30.0  # Euclidean distance in RGB from which a pixel is foreground
SPECK = 0.004  # of the picture's area: smaller parts are noise

Mask = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """A connected part: centre, box (left, top, right, bottom) and area as fractions of the side or the picture."""

    x: float
    y: float
    box: tuple[float, float, float, float]
    area: float

    @property
    def extent(self) -> float:
        """The longer side of the box."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the box, which is where a drawing was put, whatever its shape."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


def ndimage() -> Any:
    """scipy's, imported when it is first needed; DataError without it."""
    return optional_library("scipy.ndimage", "eval", "Judging media")


def border_pixels(picture: Pixels) -> NDArray[np.float32]:
    """(n, 3): the ring around uint8 (H, W, 3)."""
    ring = np.ones(picture.shape[:2], bool)
    wide = max(1, round(BORDER * picture.shape[0]))
    ring[wide:-wide, wide:-wide] = False
    return picture[ring].astype(np.float32)


def background(picture: Pixels) -> tuple[str, NDArray[np.float32]]:
    """(name, RGB): the colour of the ten that most border pixels are nearest to, and the median of those pixels."""
    pixels, table = border_pixels(picture), np.array(list(COLOURS.values()), np.float32)
    nearest = ((pixels[:, None] - table) ** 2).sum(-1).argmin(1)
    most = int(np.bincount(nearest, minlength=len(table)).argmax())
    return list(COLOURS)[most], np.median(pixels[nearest == most], axis=0)


def foreground(picture: Pixels, colour: NDArray[np.float32], difference: float = DIFFERENCE) -> Mask:
    """(H, W) where the picture is not of that colour."""
    away = picture.astype(np.float32) - colour
    return np.einsum("hwc,hwc->hw", away, away) > difference**2


def connected(mask: Mask, gap: int = 0, speck: float = SPECK) -> list[Part]:
    """Parts of a mask, the largest first, specks left out. Parts up to about 2 * gap pixels apart are one."""
    joined = ndimage().binary_dilation(mask, iterations=gap) if gap else mask
    labels, count = ndimage().label(joined, structure=np.ones((3, 3)))
    found = (part_of(mask & (labels == number)) for number in range(1, count + 1))
    return sorted((one for one in found if one.area >= speck), key=lambda one: -one.area)


def part_of(mask: Mask) -> Part:
    """All of a mask as one part."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return Part(0.5, 0.5, (0.5, 0.5, 0.5, 0.5), 0.0)
    height, width = mask.shape
    box = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)
    centre = (float(columns.mean() + 0.5) / width, float(rows.mean() + 0.5) / height)
    return Part(*centre, tuple(map(float, box)), len(rows) / mask.size)  # type: ignore[arg-type]


def whole(mask: Mask) -> Part:
    """Everything but specks as one part."""
    labels, count = ndimage().label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= max(2, SPECK * mask.size / 4)
    keep[0] = False
    return part_of(keep[labels])


def cut_out(picture: Pixels, box: tuple[float, float, float, float], colour: NDArray[np.float32]) -> Pixels:
    """The box as a square of its longer side, a tenth wider, its background continued in the given colour."""
    side = picture.shape[0]
    left, top, right, bottom = (value * side for value in box)
    half = max(2.0, 0.55 * max(right - left, bottom - top))
    x, y = (left + right) / 2, (top + bottom) / 2
    x0, y0, size = round(x - half), round(y - half), max(4, round(2 * half))
    square = np.broadcast_to(np.round(colour).astype(np.uint8), (size, size, 3)).copy()
    inside = (slice(max(0, y0), min(side, y0 + size)), slice(max(0, x0), min(side, x0 + size)))
    part = picture[inside]
    square[inside[0].start - y0 : inside[0].start - y0 + part.shape[0],
           inside[1].start - x0 : inside[1].start - x0 + part.shape[1]] = part  # fmt: skip
    return square
