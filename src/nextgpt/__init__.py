"""nextgpt: messages of text, images, audio and video in, ordered replies of any mix of them out.

A name is imported when it is first used: `import nextgpt` loads neither torch nor codecs.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextgpt.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        MediaError,
        MessageError,
        NextGPTError,
        NotTrainedError,
        PartError,
        UserError,
    )
    from nextgpt.generation.events import (
        Finished,
        MediaOpened,
        MediaProgress,
        MediaReady,
        StreamEvent,
        TextDelta,
        Usage,
    )
    from nextgpt.generation.options import GenerationOptions
    from nextgpt.generation.pipeline import AnyToAnyPipeline
    from nextgpt.media import Audio, Image, MediaLimits, Video
    from nextgpt.messages import AudioPart, ImagePart, Message, TextPart, VideoPart

# module -> its public names
_MODULES: dict[str, tuple[str, ...]] = {
    "generation.pipeline": ("AnyToAnyPipeline",),
    "generation.options": ("GenerationOptions",),
    "generation.events": (
        "Finished",
        "MediaOpened",
        "MediaProgress",
        "MediaReady",
        "StreamEvent",
        "TextDelta",
        "Usage",
    ),
    "messages": ("AudioPart", "ImagePart", "Message", "TextPart", "VideoPart"),
    "media": ("Audio", "Image", "MediaLimits", "Video"),
    "errors": (
        "CheckpointError",
        "ConfigError",
        "DataError",
        "MediaError",
        "MessageError",
        "NextGPTError",
        "NotTrainedError",
        "PartError",
        "UserError",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AnyToAnyPipeline",
    "Audio",
    "AudioPart",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "Finished",
    "GenerationOptions",
    "Image",
    "ImagePart",
    "MediaError",
    "MediaLimits",
    "MediaOpened",
    "MediaProgress",
    "MediaReady",
    "Message",
    "MessageError",
    "NextGPTError",
    "NotTrainedError",
    "PartError",
    "StreamEvent",
    "TextDelta",
    "TextPart",
    "Usage",
    "UserError",
    "Video",
    "VideoPart",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("nextgpt")
    if name not in _HOMES:
        raise AttributeError(f"module 'nextgpt' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"nextgpt.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
