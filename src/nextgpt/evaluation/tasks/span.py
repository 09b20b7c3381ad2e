"""A stretch of a video, or a folder of its frames, decoded when it is asked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextgpt.errors import DataError
from nextgpt.media import Image, Medium, Video

MAX_FRAMES = 64


@dataclass(frozen=True)
class Span:
    """From `start` to `end` seconds. Kept are at most MAX_FRAMES frames at equal distances, as large as max_side."""

    video: Video
    start: float
    end: float
    max_side: int = 480

    @property
    def media(self) -> tuple[Medium, ...]:
        return (self.video,)

    def load(self) -> Video:
        """MediaError when the video can't be decoded."""
        end = min(self.end, self.video.seconds)
        start = min(self.start, max(0.0, end - 1 / self.video.fps))
        num = max(1, min(MAX_FRAMES, round((end - start) * self.video.fps)))
        step = (end - start) / num
        frames = self.video.frames_at([start + (i + 0.5) * step for i in range(num)], self.max_side)
        return Video.from_array(frames, num / max(end - start, 1e-3))


@dataclass(frozen=True)
class Frames:
    """A folder of pictures, in the order of their names, `fps` of them a second."""

    folder: Path
    fps: float
    start: float
    end: float

    @property
    def media(self) -> tuple[Medium, ...]:
        """Pictures of the span. DataError for a folder without any."""
        paths = sorted(path for path in self.folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
        if not paths:
            raise DataError(f"'{self.folder}' has no frames (.jpg or .png); unpack it again.")
        first = min(int(self.start * self.fps), len(paths) - 1)
        kept = paths[first : max(first + 1, round(self.end * self.fps))]
        return tuple(Image.from_path(path) for path in kept)

    def load(self) -> Video:
        pictures = self.media
        step = max(1.0, len(pictures) / MAX_FRAMES)
        chosen = [pictures[int(i * step)] for i in range(min(len(pictures), MAX_FRAMES))]
        frames = np.stack([picture.array() for picture in chosen])  # type: ignore[attr-defined]
        return Video.from_array(frames, self.fps / step)
