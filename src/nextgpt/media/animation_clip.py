"""Animated GIF and WebP: moving pictures that Pillow decodes, with their transparency and disposal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nextgpt.errors import MediaError
from nextgpt.media.clips import ClipFacts, Shown, check_num_frames, facts_of
from nextgpt.media.containers import check_seconds
from nextgpt.media.image import check_pixels, open_picture, picture_to_rgb
from nextgpt.media.limits import MediaLimits
from nextgpt.media.source import Source

if TYPE_CHECKING:
    import PIL.Image

ANIMATIONS = {"image/gif": "GIF", "image/webp": "WEBP"}


@dataclass(frozen=True)
class AnimationClip:
    """A pass for facts and a pass for frames; both decode, as no header says how long frames stay."""

    source: Source
    limits: MediaLimits
    format_name: str

    @cached_property
    def facts(self) -> ClipFacts:
        frames = [(start, duration) for start, duration, _ in self._walk()]
        return facts_of(
            [start for start, _ in frames], frames[-1][1] if frames else 0.0, None, self.source.name
        )

    def frames_near(self, times: Sequence[float]) -> Iterator[Shown]:
        for start, _, picture in self._walk():
            pixels = picture_to_rgb(picture.copy())  # the next seek changes the picture in place
            yield Shown(start, pixels)

    def _walk(self) -> Iterator[tuple[float, float, PIL.Image.Image]]:
        """(second of appearing, seconds on screen, picture) a frame."""
        with self.source.open(self.limits) as file:
            picture = open_picture(file, self.source.name, self.limits, (self.format_name,))
            start, index = 0.0, 0
            while _seek(picture, index):
                index += 1
                self._check_so_far(index, start, picture)
                picture.load()
                duration = _frame_seconds(picture)
                yield start, duration, picture
                start += duration

    def _check_so_far(self, count: int, seconds: float, picture: PIL.Image.Image) -> None:
        name, limits = self.source.name, self.limits
        check_pixels(*picture.size, name, limits)
        known = 1 if self.format_name == "GIF" else getattr(picture, "n_frames", 1)  # counting decodes a GIF
        check_num_frames(max(count, known), name, limits)
        check_seconds(seconds, name, limits)
        if count * picture.width * picture.height > limits.max_animation_pixels:
            raise MediaError(
                f"{name}: its frames have more than {limits.max_animation_pixels:,} pixels together; "
                "make it smaller, or raise MediaLimits.max_animation_pixels."
            )


def _seek(picture: PIL.Image.Image, index: int) -> bool:
    try:
        picture.seek(index)
    except EOFError:
        return False
    return True


def _frame_seconds(picture: PIL.Image.Image) -> float:
    """Browsers show a frame of 10 ms or less for 100 ms, and people know their animations from there."""
    milliseconds = float(picture.info.get("duration", 0) or 0)
    return milliseconds / 1000 if milliseconds > 10 else 0.1
