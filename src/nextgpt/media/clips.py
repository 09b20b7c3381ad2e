"""What a reader of moving pictures gives, and how frames are picked from it; the reader for arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.limits import MediaLimits

DEFAULT_RATE = 25.0  # of a clip of one frame whose file says nothing
MOMENT = 1e-4  # seconds; clocks of files are rounded


@dataclass(frozen=True)
class ClipFacts:
    num_frames: int
    fps: float  # of a variable rate, the mean
    seconds: float
    start: float = 0.0  # the container's clock at the first frame
    keys: tuple[float, ...] = ()  # seconds from the start at which decoding may begin


class Shown:
    """A frame and the second from which it is on screen; its pixels are made when first asked for."""

    def __init__(self, time: float, render: Callable[[], np.ndarray] | np.ndarray):
        self.time = time
        self._render = render

    @cached_property
    def pixels(self) -> np.ndarray:
        return self._render() if callable(self._render) else self._render


class Clip(Protocol):
    @property
    def facts(self) -> ClipFacts: ...

    def frames_near(self, times: Sequence[float]) -> Iterator[Shown]:
        """Frames in the order of showing, at least those on screen at the rising `times`."""
        ...


def pick(clip: Clip, times: Sequence[float]) -> Iterator[np.ndarray]:
    """The frame on screen at each of the rising `times`, (H,W,3) uint8; only one is held at a time."""
    pending = list(reversed(times))
    current: Shown | None = None
    for frame in clip.frames_near(times):
        while current is not None and pending and pending[-1] + MOMENT < frame.time:
            pending.pop()
            yield current.pixels
        if not pending:
            return
        current = frame
    for _ in pending:
        if current is not None:
            yield current.pixels


def facts_of(starts: list[float], last_duration: float, header_rate: float | None, name: str) -> ClipFacts:
    """From the second at which each frame appears, and how long the last one stays."""
    if not starts:
        raise MediaError(f"{name}: has no frames; give a video that is not empty.")
    count, span = len(starts), max(starts) - min(starts)
    gap = span / (count - 1) if count > 1 else 0.0
    if not 0 < last_duration <= max(10 * gap, 10.0):
        last_duration = gap or 1.0 / (header_rate or DEFAULT_RATE)
    seconds = span + last_duration
    fits = header_rate is not None and abs(header_rate * seconds - count) <= 0.05 * count + 1
    fps = header_rate if fits and header_rate else count / seconds
    return ClipFacts(count, float(fps), seconds, min(starts))


def check_num_frames(count: int, name: str, limits: MediaLimits) -> None:
    if count > limits.max_frames:
        raise MediaError(
            f"{name}: has more than {limits.max_frames:,} frames; cut it, or raise MediaLimits.max_frames."
        )


@dataclass(frozen=True)
class ArrayClip:
    """(F,H,W,3) uint8 at a constant rate."""

    frames: np.ndarray
    fps: float

    @property
    def facts(self) -> ClipFacts:
        return ClipFacts(len(self.frames), self.fps, len(self.frames) / self.fps)

    def frames_near(self, times: Sequence[float]) -> Iterator[Shown]:
        for index, frame in enumerate(self.frames):
            yield Shown(index / self.fps, frame)
