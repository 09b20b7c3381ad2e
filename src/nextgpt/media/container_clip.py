"""MP4, WebM, MOV, MKV, AVI, ...: moving pictures that PyAV decodes."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.clips import DEFAULT_RATE, MOMENT, ClipFacts, Shown, check_num_frames, facts_of
from nextgpt.media.containers import check_seconds, open_container, video_stream
from nextgpt.media.image import check_pixels
from nextgpt.media.limits import MediaLimits
from nextgpt.media.source import Source

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_SEEK_GAP = 2.0  # seconds; a key frame at least so far ahead is jumped to
_SEEKABLE = ("mov", "matroska")


@dataclass(frozen=True)
class ContainerClip:
    """One pass over packets for facts, then as little decoding as the wanted frames need."""

    source: Source
    limits: MediaLimits

    @cached_property
    def facts(self) -> ClipFacts:
        with open_container(self.source, self.limits) as container:
            stream = self._stream(container)
            starts, keys, last_duration = self._walk(container, stream)
            rate = stream.average_rate or stream.guessed_rate
            facts = facts_of(starts, last_duration, float(rate) if rate else None, self.source.name)
            self._check_complete(facts, stream)
            seekable = container.format.name.split(",")[0] in _SEEKABLE
        return replace(facts, keys=tuple(sorted(key - facts.start for key in keys if seekable)))

    def _walk(self, container: InputContainer, stream: VideoStream) -> tuple[list[float], list[float], float]:
        """Seconds at which frames and key frames appear, and how long the last one stays. No decoding."""
        starts: list[float] = []
        keys: list[float] = []
        last = (-math.inf, 0.0)
        for packet in container.demux(stream):
            time = _packet_time(packet, len(starts), stream)
            if time is None:
                continue
            starts.append(time)
            keys.extend([time] if packet.is_keyframe else [])
            last = max(last, (time, float((packet.duration or 0) * _clock(stream))))
            self._check_so_far(starts)
        return starts, keys, last[1]

    def frames_near(self, times: Sequence[float]) -> Iterator[Shown]:
        facts = self.facts
        with open_container(self.source, self.limits) as container:
            stream = self._stream(container)
            for key, until in _runs(facts.keys, times):
                if key is not None:
                    container.seek(round((key + facts.start) / _clock(stream)), stream=stream)
                for seconds, frame in _decoded(container, stream, facts, until):
                    check_pixels(
                        frame.width, frame.height, self.source.name, self.limits
                    )  # may change midway
                    yield Shown(seconds, _renderer(frame))

    def _stream(self, container: InputContainer) -> VideoStream:
        stream = video_stream(container)
        if stream is None:
            raise MediaError(f"{self.source.name}: has no moving picture in it; give a video file.")
        codec = stream.codec_context
        check_pixels(codec.width, codec.height, self.source.name, self.limits)
        codec.options = {"max_pixels": str(2 * self.limits.max_pixels)}  # doubled: codecs round sizes up
        return stream

    def _check_so_far(self, starts: list[float]) -> None:
        check_num_frames(len(starts), self.source.name, self.limits)
        check_seconds(abs(starts[-1] - starts[0]), self.source.name, self.limits)

    def _check_complete(self, facts: ClipFacts, stream: VideoStream) -> None:
        promised = float((stream.duration or 0) * _clock(stream))
        if facts.seconds < 0.9 * promised - 0.5:
            raise MediaError(
                f"{self.source.name}: is cut off or damaged, {facts.seconds:.1f} of {promised:.1f} seconds "
                "can be read; export or download it again."
            )


def _clock(stream: VideoStream) -> Fraction:
    """Seconds a tick."""
    return stream.time_base or Fraction(1, 90_000)


def _packet_time(packet: av.Packet, index: int, stream: VideoStream) -> float | None:
    """Second at which the packet's frame appears; None for one that shows nothing."""
    if packet.size == 0 or packet.is_discard:
        return None
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None:
        return index / float(stream.average_rate or DEFAULT_RATE)
    return float(stamp * _clock(stream))


def _runs(keys: Sequence[float], times: Sequence[float]) -> list[tuple[float | None, float]]:
    """Stretches to decode as (key frame to jump to first or None, last wanted time).

    A stretch ends where nothing is wanted for _SEEK_GAP seconds up to a later key frame.
    """
    runs: list[tuple[float | None, float]] = []
    previous = 0.0
    for time in times:
        key = keys[bisect.bisect_right(keys, time) - 1] if keys and keys[0] <= time else 0.0
        if key > previous + _SEEK_GAP:
            runs.append((key, time))
        else:
            runs[-1:] = [(runs[-1][0] if runs else None, time)]
        previous = time
    return runs


def _decoded(
    container: InputContainer,
    stream: VideoStream,
    facts: ClipFacts,
    until: float,
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(second, frame) from where the container stands to the first after second `until`."""
    for index, frame in enumerate(container.decode(stream)):
        seconds = index / facts.fps if frame.time is None else frame.time - facts.start
        yield seconds, frame
        if seconds > until + MOMENT:
            return


def _renderer(frame: av.VideoFrame) -> Callable[[], np.ndarray]:
    def render() -> np.ndarray:
        pixels = frame.to_ndarray(format="rgb24")
        quarter_turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(pixels, quarter_turns))

    return render
