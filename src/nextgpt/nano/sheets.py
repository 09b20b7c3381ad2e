"""Contact sheets: look at (and listen to) what the small world makes."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_MARGIN = 6
_LINE = 12


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], columns: int
) -> Image.Image:
    """Pictures of one size in a grid, each with its caption below."""
    height, width = pictures[0].shape[:2]
    cell_w, cell_h = width + 2 * _MARGIN, height + 2 * _MARGIN + 3 * _LINE
    num_rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * cell_w, num_rows * cell_h), (235, 235, 235))
    draw = ImageDraw.Draw(sheet)
    for index, (picture, caption) in enumerate(zip(pictures, captions)):
        x, y = index % columns * cell_w + _MARGIN, index // columns * cell_h + _MARGIN
        sheet.paste(Image.fromarray(picture), (x, y))
        for number, line in enumerate(wrap(caption, max(12, width // 6))[:3]):
            draw.text((x, y + height + 2 + number * _LINE), line, fill=(0, 0, 0))
    return sheet
