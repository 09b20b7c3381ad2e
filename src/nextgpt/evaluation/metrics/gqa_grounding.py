"""GQA's grounding: how much of a model's attention lies on the regions that question and answer speak of.

grounding = sum over regions and cells of attention x (overlap / area of the cell), as its official eval.py has it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the picture


def cell(row: int, column: int, size: int) -> Box:
    """A cell of an attention map of size x size; rows are counted along x, as the script counts them."""
    edge = 1.0 / size
    return (edge * row, edge * column, edge * (row + 1), edge * (column + 1))


def region(scene: Mapping[str, Any], object_id: str) -> Box:
    """Where an object of a scene graph is."""
    thing, width, height = scene["objects"][object_id], scene["width"], scene["height"]
    left, top = thing["x"], thing["y"]
    return (left / width, top / height, (left + thing["w"]) / width, (top + thing["h"]) / height)


def overlap(box: Box, other: Box) -> float:
    """The share of `box` that lies in the other."""
    width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    return width * height / ((box[2] - box[0]) * (box[3] - box[1]))


def cells_of(attention: Sequence[Sequence[float]], by_objects: bool) -> list[tuple[Box, float]]:
    """[(box, weight)] of a square map, or of rows (left, top, right, bottom, weight)."""
    if by_objects:
        return [((row[0], row[1], row[2], row[3]), row[4]) for row in attention]
    size = len(attention)
    return [(cell(i, j, size), attention[i][j]) for i in range(size) for j in range(size)]


def grounding(
    scenes: Mapping[str, Any], attentions: Mapping[str, Any], by_objects: bool = False
) -> Callable[[str, Mapping[str, Any]], float]:
    """A function of (question id, question) for score_gqa."""

    def of(id: str, question: Mapping[str, Any]) -> float:
        scene, spoken = scenes[question["imageId"]], question["annotations"]
        pointers = [*spoken["question"].values(), *spoken["fullAnswer"].values()]
        regions = [region(scene, pointer) for pointer in pointers]
        if any("scene" in step for step in question["semantic"]):
            regions.append((0.0, 0.0, 1.0, 1.0))
        cells = cells_of(attentions[id], by_objects)
        return sum(weight * overlap(box, other) for other in regions for box, weight in cells)

    return of
