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


def film_strip(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(F, H, W, 3) -> (H, F * W, 3)."""
    return np.concatenate(list(frames), axis=1)


def spectrogram(wave: NDArray[np.float32], height: int = 96, width: int = 240) -> NDArray[np.uint8]:
    """Picture of a 16 kHz sound: time to the right (4 s), pitch upwards (log, 60 Hz to 8 kHz), 60 dB from black."""
    padded = np.zeros(64_000 + _WINDOW, np.float32)
    padded[: len(wave)] = wave[:64_000]
    starts = np.linspace(0, 64_000, width).astype(int)
    windows = np.stack([padded[start : start + _WINDOW] for start in starts]) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2 + 1e-9
    bins = np.geomspace(60 * _WINDOW / 16_000, power.shape[1] - 1, height).astype(int)
    decibels = 10 * np.log10(power[:, bins] / power.max())
    grey = np.clip((decibels + 60) / 60 * 255, 0, 255).astype(np.uint8).T[::-1]
    return np.repeat(grey[..., None], 3, axis=2)


_WINDOW = 1024
