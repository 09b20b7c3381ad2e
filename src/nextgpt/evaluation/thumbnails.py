"""Small pictures of media, as HTML that needs no other file."""

import base64
import html
import io
from typing import Any

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media import Audio, Image, Medium, Video

SIDE, FRAMES, BARS = 160, 4, 80
MAX_EMBEDDED = 300_000  # bytes of a sound that is put into the page


def thumbnail(medium: Medium) -> str:
    """A picture; a strip of frames; a waveform, with the sound where it is short. Never raises for a bad file."""
    try:
        return KINDS[type(medium).__name__](medium)
    except MediaError as error:
        return f"<em>{html.escape(str(error))}</em>"


def of_image(image: Image) -> str:
    return jpeg(image.array(), SIDE)


def of_video(video: Video) -> str:
    return jpeg(np.concatenate(list(video.frames(FRAMES, SIDE)), axis=1), FRAMES * SIDE)


def of_audio(audio: Audio) -> str:
    samples = np.abs(audio.samples())
    peaks = [part.max(initial=0.0) for part in np.array_split(samples, BARS)]
    highest = max(max(peaks), 1e-6)
    bars = "".join(
        f'<rect x="{2 * place}" y="{20 - 20 * peak / highest:.1f}" width="1.5" height="{40 * peak / highest:.1f}"/>'
        for place, peak in enumerate(peaks)
    )
    drawn = f'<svg class="wave" viewBox="0 0 {2 * BARS} 40" width="{2 * BARS}" height="40">{bars}</svg>'
    data = audio.to_bytes()
    if len(data) > MAX_EMBEDDED:
        return drawn
    return f'{drawn}<audio controls src="{audio.to_data_uri()}"></audio>'


def jpeg(pixels: np.ndarray, side: int) -> str:
    """An <img> of (H,W,3) uint8, its longer side at most `side`."""
    from PIL import Image as PILImage

    picture = PILImage.fromarray(pixels)
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}" alt="">'


KINDS: dict[str, Any] = {"Image": of_image, "Audio": of_audio, "Video": of_video}
