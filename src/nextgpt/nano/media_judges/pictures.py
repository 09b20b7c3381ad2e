"""What a picture shows: background, things, places, relation, count, size.

`read_pictures` looks once at each picture (its colour, its parts, their features); `judge_picture` compares a reading
with a caption's slots. A kind of scene says how large its things may be, so that several pieces of one thing are told
from several things: pieces are joined as long as they fit into one thing's place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from nextgpt.nano.media_judges.gallery import Gallery
from nextgpt.nano.media_judges.segments import (
    Mask,
    Part,
    Pixels,
    background,
    connected,
    cut_out,
    foreground,
    whole,
)
from nextgpt.nano.nouns import NUMBER_WORDS

# kind -> the longer side of a thing, as a fraction of the canvas (nano/settled.py), a tenth added
ROOM = {"count": 0.48, "pair": 0.48, "between": 0.34}
PLACES = {
    "centre": (0.5, 0.5), "left": (0.25, 0.5), "right": (0.75, 0.5), "top": (0.5, 0.25), "bottom": (0.5, 0.75),
}  # fmt: skip
SMALL, LARGE = (
    0.6,
    0.88,
)  # of the canvas: a small thing's longer side is 0.4, a plain one's 0.8, a large one's 0.96


@dataclass(frozen=True)
class PictureReading:
    """Parts: for scenes of one thing that one, else each of them; likeness (parts, names)."""

    colour: str
    parts: tuple[Part, ...]
    likeness: Tensor


def things_of(mask: Mask, kind: str) -> tuple[Part, ...]:
    """The parts that count as things in a scene of that kind."""
    if kind not in ROOM:
        return (whole(mask),)
    return tuple(joined(connected(mask), ROOM[kind]))


def joined(parts: Sequence[Part], room: float) -> list[Part]:
    """Pieces that fit together into a square of that side are one thing.

    From the outermost piece inwards, nearest pieces first: nothing lies further out, so what fits with it is its own.
    """
    rest, found = list(parts), []
    while rest:
        one = max(rest, key=outwards)
        rest.remove(one)
        for piece in sorted(rest, key=lambda other: union(one, other).extent):
            if union(one, piece).extent <= room:
                one = union(one, piece)
                rest.remove(piece)
        found.append(one)
    return found


def outwards(part: Part) -> float:
    """How far the middle is from the centre of the picture."""
    x, y = part.middle
    return abs(x - 0.5) + abs(y - 0.5)


def union(a: Part, b: Part) -> Part:
    area = a.area + b.area
    box = (
        min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3])
    )  # fmt: skip
    return Part((a.x * a.area + b.x * b.area) / area, (a.y * a.area + b.y * b.area) / area, box, area)


def read_pictures(pictures: Sequence[Pixels], kinds: Sequence[str], gallery: Gallery) -> list[PictureReading]:
    """One reading a picture uint8 (H, W, 3). Parts behind the fourth, and those to be counted, are not named."""
    seen, cuts = [], []
    for picture, kind in zip(pictures, kinds):
        name, colour = background(picture)
        parts = things_of(foreground(picture, colour), kind)
        shown = [] if kind == "count" else sorted(parts, key=lambda part: -part.area)[:4]
        seen.append((name, parts, shown, picture.shape[0]))
        cuts += [cut_out(picture, part.box, colour) for part in shown]
    features = gallery.features(cuts)
    readings, start = [], 0
    for name, parts, shown, side in seen:
        rows = [
            gallery.likeness(features[start + number : start + number + 1], name, part.extent * side)
            for number, part in enumerate(shown)
        ]
        start += len(shown)
        rest = tuple(part for part in parts if part not in shown)
        stacked = Tensor() if not rows else _stack(rows)
        readings.append(PictureReading(name, (*shown, *rest), stacked))
    return readings


def _stack(rows: list[Tensor]) -> Tensor:
    import torch

    return torch.cat(rows)


def judge_picture(
    reading: PictureReading, slots: dict[str, str], kind: str, gallery: Gallery
) -> dict[str, Any]:
    """task -> right or wrong, and `seen`: what was read, for answers.jsonl."""
    judged: dict[str, Any] = {"image-colour": reading.colour == slots["colour"]}
    seen: dict[str, Any] = {"colour": reading.colour, "parts": len(reading.parts)}
    if kind == "single":
        rank = gallery.rank(reading.likeness[0], slots["name_a"])
        judged |= {"image-name-first": rank == 1, "image-name-five": rank <= 5}
        seen["rank"] = rank
        judged |= _placed(reading.parts[0], slots)
    elif kind == "count":
        judged["image-count"] = len(reading.parts) == NUMBER_WORDS.index(slots["count"])
    elif kind == "pair":
        seen["relation"] = relation(reading, slots, gallery)
        judged["image-relation"] = seen["relation"] == slots["relation"]
        judged["image-pair-five"] = _both_in_five(reading, slots, gallery)
    elif kind == "between":
        judged["image-between"] = is_between(reading, slots, gallery)
    return {**judged, "seen": seen}


def _placed(part: Part, slots: dict[str, str]) -> dict[str, bool]:
    """Place, where the caption names one; size likewise."""
    found = {}
    x, y = part.middle
    if slots.get("place", "centre") != "centre":
        place = min(PLACES, key=lambda name: (PLACES[name][0] - x) ** 2 + (PLACES[name][1] - y) ** 2)
        found["image-place"] = place == slots["place"]
    if slots.get("size"):
        size = "small" if part.extent < SMALL else "large" if part.extent > LARGE else ""
        found["image-size"] = size == slots["size"]
    return found


def relation(reading: PictureReading, slots: dict[str, str], gallery: Gallery) -> str:
    """Where the first thing stands from the second; "" if there are not two parts, or not one of each name.

    Each part is named by itself among the two names: two parts alike are no pair.
    """
    if len(reading.parts) != 2:
        return ""
    names = (slots["name_a"], slots["name_b"])
    called = [gallery.nearest(row, names) for row in reading.likeness]
    if sorted(called) != sorted(names):
        return ""
    a = reading.parts[called.index(names[0])]
    b = reading.parts[called.index(names[1])]
    across, along = a.middle[0] - b.middle[0], a.middle[1] - b.middle[1]
    if abs(across) > abs(along):
        return "left" if across < 0 else "right"
    return "above" if along < 0 else "below"


def _both_in_five(reading: PictureReading, slots: dict[str, str], gallery: Gallery) -> bool:
    """Both names are among the first five of different parts, of all names."""
    if len(reading.parts) != 2:
        return False
    ranks = [[gallery.rank(row, slots[key]) <= 5 for row in reading.likeness] for key in ("name_a", "name_b")]
    return (ranks[0][0] and ranks[1][1]) or (ranks[0][1] and ranks[1][0])


def is_between(reading: PictureReading, slots: dict[str, str], gallery: Gallery) -> bool:
    """Three parts in a row, each named among the three names, the first name in the middle."""
    if len(reading.parts) != 3:
        return False
    names = [slots["name_a"], slots["name_b"], slots["name_c"]]
    order = sorted(range(3), key=lambda number: reading.parts[number].middle[0])
    called = [gallery.nearest(reading.likeness[number], names) for number in order]
    return called[1] == names[0] and sorted(called) == sorted(names)
