"""Video: frames of a moving picture with their rate, from a file, bytes or an array; sound optional."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, ClassVar, Self

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.animation_clip import ANIMATIONS, AnimationClip
from nextgpt.media.audio import Audio
from nextgpt.media.clips import ArrayClip, Clip, ClipFacts, pick
from nextgpt.media.container_clip import ContainerClip
from nextgpt.media.containers import audio_stream, check_seconds, open_container
from nextgpt.media.encode import encode_mp4, encode_webp
from nextgpt.media.image import array_sha256, check_pixels
from nextgpt.media.limits import DEFAULT_LIMITS, MediaLimits
from nextgpt.media.medium import Medium, Metadata
from nextgpt.media.sniff import sniff
from nextgpt.media.source import Source

_SAVERS = {".mp4": encode_mp4, ".webp": encode_webp}
MAX_FPS = 1000.0


@dataclass(frozen=True, eq=False, repr=False)
class Video(Medium):
    """A clip. A still picture in an animation format is a clip of one frame."""

    noun: ClassVar[str] = "a video"
    readable: ClassVar[str] = "an MP4, WebM, MOV, MKV, GIF or animated WebP file"
    suffixes: ClassVar[tuple[str, ...]] = tuple(_SAVERS)

    stored: np.ndarray | None = None  # uint8 (F,H,W,3), only of a clip made from an array
    stored_fps: float = 0.0
    stored_audio: Audio | None = None

    @classmethod
    def from_array(
        cls,
        frames: np.ndarray,
        fps: float,
        audio: Audio | None = None,
        limits: MediaLimits = DEFAULT_LIMITS,
    ) -> Self:
        """Of uint8 (F,H,W,3) RGB frames at `fps` frames a second, and a sound track. MediaError."""
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or frames.size == 0:
            raise MediaError(
                f"the given array: is {frames.dtype} {frames.shape}; a video is uint8 "
                "(frames, height, width, 3), 0 to 255, with one frame or more."
            )
        _check_array(frames, fps, limits)
        return cls(Source(), limits, frames.copy(), float(fps), audio)

    @property
    def fps(self) -> float:
        """Frames a second; of a variable rate, the mean."""
        return self._facts.fps

    @property
    def seconds(self) -> float:
        return self._facts.seconds

    @property
    def num_frames(self) -> int:
        return self._facts.num_frames

    @cached_property
    def audio(self) -> Audio | None:
        """The sound track, or None. MediaError."""
        if self.stored is not None:
            return self.stored_audio
        with self._reading():
            if sniff(self.source.head(self.limits)) in ANIMATIONS:
                return None
            with open_container(self.source, self.limits) as container:
                has_sound = audio_stream(container) is not None
        return Audio(self.source, self.limits) if has_sound else None

    def frames(self, num: int, max_side: int | None = None) -> np.ndarray:
        """uint8 (num,H,W,3): what is on screen at the centres of `num` equal parts of the whole clip.

        A clip of fewer frames gives some more than once. With `max_side` larger frames are scaled down, so
        that their longer side is `max_side` pixels. MediaError.
        """
        if isinstance(num, bool) or num < 1:
            raise MediaError(f"{self.source.name}: {num} frames were asked for; ask for 1 or more.")
        return self.frames_at([(index + 0.5) * self.seconds / num for index in range(num)], max_side)

    def frames_at(self, times: list[float], max_side: int | None = None) -> np.ndarray:
        """uint8 (len(times),H,W,3): what is on screen at the rising `times`, in seconds. MediaError."""
        if not times or sorted(times) != list(times) or (max_side is not None and max_side < 1):
            raise MediaError(
                f"{self.source.name}: give rising times, one or more, and a max_side of 1 or more."
            )
        kept: list[np.ndarray] = []
        for pixels in self._pick(times):
            pixels = _shrink(pixels, kept[0].shape[:2] if kept else _fitting(pixels.shape[:2], max_side))
            self._check_kept(pixels, len(times))
            kept.append(pixels)
        return np.stack(kept)

    def check(self) -> None:
        _ = self._facts

    @cached_property
    def _facts(self) -> ClipFacts:
        with self._reading():
            return self._clip.facts

    @cached_property
    def _clip(self) -> Clip:
        if self.stored is not None:
            return ArrayClip(self.stored, self.stored_fps)
        mime = sniff(self.source.head(self.limits))
        if mime in ANIMATIONS:
            return AnimationClip(self.source, self.limits, ANIMATIONS[mime])
        return ContainerClip(self.source, self.limits)

    def _pick(self, times: list[float]) -> Iterator[np.ndarray]:
        found = False
        with self._reading():
            for pixels in pick(self._clip, times):
                found = True
                yield pixels
        if not found:
            raise MediaError(f"{self.source.name}: has no frames that can be decoded; export it again.")

    def _check_kept(self, pixels: np.ndarray, num: int) -> None:
        height, width = pixels.shape[:2]
        if height * width * num > self.limits.max_kept_pixels:
            raise MediaError(
                f"{self.source.name}: {num} frames of {width} x {height} are more than "
                f"{self.limits.max_kept_pixels:,} pixels; ask for fewer, or for smaller ones (max_side)."
            )

    def _encode(self, file: BinaryIO, suffix: str, metadata: Metadata) -> None:
        """At the clip's mean rate, frame by frame."""
        num = max(1, round(self.seconds * self.fps))
        frames = self._pick([(index + 0.5) / self.fps for index in range(num)])
        encoded = io.BytesIO()
        try:
            _SAVERS[suffix](encoded, frames, self.fps, self.audio, metadata)
        except MediaError:
            raise
        except Exception as error:
            raise MediaError(f"{self.source.name}: cannot be encoded as {suffix} ({error}).") from None
        file.write(encoded.getbuffer())

    def _array_sha256(self) -> str:
        assert self.stored is not None
        sound = self.stored_audio.sha256() if self.stored_audio else None
        return array_sha256("video", self.stored, self.stored_fps, sound)


def _check_array(frames: np.ndarray, fps: float, limits: MediaLimits) -> None:
    name = "the given array"
    if isinstance(fps, bool) or not (0 < fps <= MAX_FPS and math.isfinite(fps)):
        raise MediaError(f"{name}: has {fps} frames a second; it must be more than 0, at most {MAX_FPS:g}.")
    check_pixels(frames.shape[2], frames.shape[1], name, limits)
    check_seconds(len(frames) / fps, name, limits)
    if len(frames) > limits.max_frames:
        raise MediaError(f"{name}: has {len(frames):,} frames, the limit is {limits.max_frames:,}; cut it.")


def _fitting(size: tuple[int, ...], max_side: int | None) -> tuple[int, int]:
    """(height, width) with the longer side at most `max_side`."""
    height, width = size
    scale = min(1.0, max_side / max(height, width)) if max_side else 1.0
    return max(1, round(height * scale)), max(1, round(width * scale))


def _shrink(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """`pixels` in the size (height, width) of the first frame: a hostile stream may change it midway."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    import PIL.Image

    height, width = size
    return np.asarray(PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.LANCZOS))
