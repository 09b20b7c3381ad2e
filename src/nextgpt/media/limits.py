"""How much of a file from outside is accepted: hard caps that are checked before memory is spent."""

from __future__ import annotations

from dataclasses import dataclass, fields

from nextgpt.errors import ConfigError


@dataclass(frozen=True)
class MediaLimits:
    """Caps for one medium; whatever is larger is a MediaError, never cut silently.

    They guard the machine, they are no policy: how many seconds a model listens to is an encoder's setting.
    """

    max_bytes: int = 200_000_000  # of the file, checked before it is read
    max_pixels: int = 50_000_000  # width x height of an image or a frame, checked before it is decoded
    max_seconds: float = 600.0  # of sound and video, checked in the header and again while decoding
    max_frames: int = 20_000  # of a video
    max_samples: int = 120_000_000  # of a sound, all channels together
    max_kept_pixels: int = 300_000_000  # width x height x frames that one Video.frames call returns
    max_animation_pixels: int = 2_000_000_000  # width x height x frames of an animated GIF or WebP

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ConfigError(f"MediaLimits.{field.name} is {value}; it must be more than 0.")


DEFAULT_LIMITS = MediaLimits()
