"""Media as values, decoded late and bounded: Image, Audio, Video, of a path, bytes, array or data URI."""

from nextgpt.media.audio import Audio
from nextgpt.media.image import Image
from nextgpt.media.limits import DEFAULT_LIMITS, MediaLimits
from nextgpt.media.medium import Medium
from nextgpt.media.video import Video

__all__ = ["DEFAULT_LIMITS", "Audio", "Image", "MediaLimits", "Medium", "Video"]
