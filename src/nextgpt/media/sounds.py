"""Two readers of sound files, libsndfile and then PyAV, behind one function."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.containers import audio_stream, open_container
from nextgpt.media.limits import MediaLimits
from nextgpt.media.sniff import sniff
from nextgpt.media.source import Source

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

Blocks = Generator[np.ndarray, None, None]
_BLOCK = 1 << 18
_SNDFILE_MIMES = {"audio/wav", "audio/flac", "audio/ogg", "audio/mpeg", "audio/aiff"}


@dataclass(frozen=True)
class Sound:
    """What a header says; num_samples (a channel) is None where only decoding can tell."""

    rate: int
    channels: int
    num_samples: int | None


def read_sound(source: Source, limits: MediaLimits) -> tuple[Sound, Blocks]:
    """The header and a generator of float32 (s,C) blocks. Any exception: not readable."""
    mime = sniff(source.head(limits))
    if mime == "audio/wav":
        _check_wav_complete(source, limits)
    if mime in _SNDFILE_MIMES:
        import soundfile

        try:
            return _started(_sndfile_blocks(source, limits))
        except (soundfile.LibsndfileError, RuntimeError):
            pass  # a codec or header that libsndfile does not know, or damage: PyAV's turn
    return _started(_av_blocks(source, limits))


def _started(generator: Generator[Any, None, None]) -> tuple[Sound, Blocks]:
    """The first thing that a reader yields is its header."""
    return next(generator), generator


def _sndfile_blocks(source: Source, limits: MediaLimits) -> Generator[Any, None, None]:
    import soundfile

    with source.open(limits) as file, soundfile.SoundFile(file) as sound:
        if not 0 < sound.frames < 1 << 62:
            raise RuntimeError("the header does not know the length, and libsndfile then stops early")
        yield Sound(sound.samplerate, sound.channels, sound.frames)
        while len(block := sound.read(_BLOCK // sound.channels + 1, dtype="float32", always_2d=True)):
            yield block


def _av_blocks(source: Source, limits: MediaLimits) -> Generator[Any, None, None]:
    with open_container(source, limits) as container:
        stream = audio_stream(container)
        if stream is None:
            raise MediaError(f"{source.name}: has no sound in it; give a file with a sound track.")
        seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
        frames = container.decode(stream)
        first = next(frames, None)
        if first is None:
            raise MediaError(f"{source.name}: has no samples; give a sound that is not empty.")
        rate, channels = (
            first.sample_rate,
            len(first.layout.channels),
        )  # the codec knows better than the header
        yield Sound(rate, channels, round(seconds * rate) if seconds and seconds > 0 else None)
        yield from _to_blocks(first, frames)


def _to_blocks(first: AudioFrame, frames: Iterator[AudioFrame]) -> Iterator[np.ndarray]:
    """float32 (s,C) of each frame; all are brought to the layout and the rate of the first."""
    from av import AudioResampler

    resampler = AudioResampler("fltp", first.layout, first.sample_rate)
    for frame in _chained(first, frames):
        for converted in resampler.resample(frame):
            yield converted.to_ndarray().T


def _chained(first: AudioFrame, frames: Iterator[AudioFrame]) -> Iterator[AudioFrame | None]:
    yield first
    yield from frames
    yield None  # flushes the resampler


def _check_wav_complete(source: Source, limits: MediaLimits) -> None:
    """libsndfile reads a cut WAV without a word, so its data chunk is compared with the file's length."""
    with source.open(limits) as file:
        length = file.seek(0, 2)
        position = 12
        while position + 8 <= length:
            file.seek(position)
            name, size = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                break
            position += 8 + size + size % 2
        else:
            raise MediaError(f"{source.name}: is a WAV file without sound data; export it again.")
    streamed = size >= 0x7FFFFF00 or size == 0  # written to a pipe, the length was not known
    if not streamed and position + 8 + size > length + 8:
        raise MediaError(
            f"{source.name}: is cut off, {length - position - 8:,} of {size:,} bytes of sound are there; "
            "export or download it again."
        )
