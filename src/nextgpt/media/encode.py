"""Writing clips: H.264 in MP4 through PyAV, and animated WebP through Pillow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.audio import Audio
from nextgpt.media.image import exif_comment
from nextgpt.media.medium import Metadata, metadata_json

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_MAX_WEBP_PIXELS = 300_000_000  # width x height x frames, held in memory
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def encode_mp4(
    file: BinaryIO, frames: Iterator[np.ndarray], fps: float, audio: Audio | None, metadata: Metadata
) -> None:
    """yuv420p, so that every player shows it; odd sizes grow by a repeated row or column."""
    import av

    with av.open(file, "w", format="mp4") as container:
        if metadata:
            container.metadata["comment"] = metadata_json(metadata)
        first = _even(next(frames))
        video = _add_video(container, first, fps)
        sound = _add_audio(container, audio)
        _mux_frame(container, video, first, 0)
        for index, pixels in enumerate(frames, 1):
            _mux_frame(container, video, _even(pixels), index)
        container.mux(video.encode())
        if audio is not None and sound is not None:
            _mux_audio(container, sound, audio)


def encode_webp(
    file: BinaryIO, frames: Iterator[np.ndarray], fps: float, audio: Audio | None, metadata: Metadata
) -> None:
    """Without sound, which the format has not."""
    import PIL.Image

    pictures = []
    for pixels in frames:  # Pillow wants them all at once
        pictures.append(PIL.Image.fromarray(pixels))
        if len(pictures) * pixels.shape[0] * pixels.shape[1] > _MAX_WEBP_PIXELS:
            raise MediaError("the clip: is too large for an animated WebP; save it as .mp4.")
    ticks = [round(index * 1000 / fps) for index in range(len(pictures) + 1)]
    durations = [max(1, after - before) for before, after in itertools.pairwise(ticks)]
    extra = exif_comment(metadata)
    pictures[0].save(
        file,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        quality=90,
        loop=0,
        **extra,
    )


def _add_video(container: OutputContainer, first: np.ndarray, fps: float) -> VideoStream:
    rate = Fraction(fps).limit_denominator(1001)
    stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / rate
    return stream


def _mux_frame(container: OutputContainer, stream: VideoStream, pixels: np.ndarray, index: int) -> None:
    import av

    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame.pts, frame.time_base = index, stream.codec_context.time_base
    container.mux(stream.encode(frame))


def _even(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _add_audio(container: OutputContainer, audio: Audio | None) -> AudioStream | None:
    if audio is None:
        return None
    rate = audio.rate if audio.rate in _AAC_RATES else 48000
    return container.add_stream("aac", rate=rate, layout="mono")


def _mux_audio(container: OutputContainer, stream: AudioStream, audio: Audio) -> None:
    import av

    samples = np.clip(audio.samples(stream.rate), -1.0, 1.0)
    for start in range(0, len(samples), 1024):
        block = np.ascontiguousarray(samples[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = stream.rate, start, Fraction(1, stream.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
