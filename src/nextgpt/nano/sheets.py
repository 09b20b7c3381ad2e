"""Contact sheets: look at (and listen to) what the small world makes."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nextgpt.errors import DataError
from nextgpt.nano.items import MODALITY_ITEMS, NanoSizes
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.sounds import RATE

COLUMNS = {"image": 8, "video": 2, "audio": 4}
_MARGIN = 6
_LINE = 12
_WINDOW = 1024


def show_sheet(modality: str, out_path: Path, n: int = 40, seed: int = 0, settled: bool = False) -> Path:
    """Write a PNG of n training items with their captions: pictures, film strips or spectrograms.

    settled: the scenes that decoders learn from, not those of the encoders. A modality of PAGES also gets an HTML
    page beside the PNG (same name). Returns the path of the PNG.
    """
    if modality not in MODALITY_ITEMS:
        raise DataError(f"no modality {modality} in the small world: use one of {', '.join(MODALITY_ITEMS)}")
    items = list(
        SETTLED[modality].items("train", n, seed)
        if settled
        else islice(MODALITY_ITEMS[modality](NanoSizes(), seed), n)
    )
    arrays = [SETTLED[modality].render(item.scene) for item in items]
    pictures = [DRAWN[modality](array) for array in arrays]
    captions = [item.caption for item in items]
    if page := PAGES.get(modality):
        Path(out_path).with_suffix(".html").write_text(page(arrays, pictures, captions), encoding="utf-8")
    contact_sheet(pictures, captions, COLUMNS[modality]).save(out_path)
    return Path(out_path)


PICTURES = {
    "image": lambda medium: medium.array(),
    "video": lambda medium: film_strip(medium.frames(8)),
    "audio": lambda medium: spectrogram(medium.samples(RATE)),
}


def picture_of(modality: str, medium: Any) -> NDArray[np.uint8]:
    """How a medium is shown on a sheet: a picture as it is, a clip's film strip, a sound's spectrogram."""
    return PICTURES[modality](medium)


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
    """Picture of a 16 kHz sound: 4 s to the right, 60 Hz to 8 kHz upwards (log), 60 dB from black to
    white.
    """
    padded = np.zeros(4 * RATE + _WINDOW, np.float32)
    shown = wave[: 4 * RATE]
    padded[: len(shown)] = shown
    starts = np.linspace(0, 4 * RATE, width).astype(int)
    windows = np.stack([padded[start : start + _WINDOW] for start in starts]) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2 + 1e-9
    bins = np.geomspace(60 * _WINDOW / RATE, power.shape[1] - 1, height).astype(int)
    decibels = 10 * np.log10(power[:, bins] / power.max())
    grey = np.clip((decibels + 60) / 60 * 255, 0, 255).astype(np.uint8).T[::-1]
    return np.repeat(grey[..., None], 3, axis=2)


def _page(
    waves: Sequence[NDArray[np.float32]], pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str]
) -> str:
    """One HTML file with everything inside."""
    figures = "\n".join(
        f"<figure><img src='{_data_uri(_png(picture), 'image/png')}'><br>"
        f"<audio controls src='{_data_uri(_wav(wave), 'audio/wav')}'></audio>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for wave, picture, caption in zip(waves, pictures, captions)
    )
    style = "body{font-family:sans-serif;display:flex;flex-wrap:wrap}figure{width:300px}"
    return (
        f"<!doctype html><meta charset='utf-8'><title>nano sounds</title><style>{style}</style>\n{figures}\n"
    )


def _data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _wav(wave: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


# how an array is drawn on a sheet, and the page of those that want more than a look
DRAWN: dict[str, Callable[[NDArray[Any]], NDArray[np.uint8]]] = {
    "image": lambda pixels: pixels,
    "video": lambda frames: film_strip(frames[::2]),
    "audio": spectrogram,
}
PAGES = {"audio": _page}
