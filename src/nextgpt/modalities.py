"""The table of modalities. Adding one is a row here, a part (messages.MEDIA_PARTS), an encoder, a decoder and a data
source; a module of the user's own puts its row in from outside (docs/new-modality.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nextgpt.media import Audio, Image, Medium, Video


class Modality(StrEnum):
    """Names of the modalities that come with nextgpt. Any other has a plain string."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True)
class ModalitySpec:
    """Facts of one modality that has media; text has none and no row."""

    name: str
    media_type: type[Medium]  # the class of its values
    noun: str  # for sentences
    file_suffix: str  # of files that nextgpt writes, no dot
    mime_type: str  # of such a file


MODALITIES: dict[str, ModalitySpec] = {
    Modality.IMAGE: ModalitySpec(Modality.IMAGE, Image, "an image", "png", "image/png"),
    Modality.AUDIO: ModalitySpec(Modality.AUDIO, Audio, "a sound", "wav", "audio/wav"),
    Modality.VIDEO: ModalitySpec(Modality.VIDEO, Video, "a video", "mp4", "video/mp4"),
}


def modality_of(media: Medium) -> str:
    """Modality of a media value. ValueError when it is none."""
    for spec in MODALITIES.values():
        if isinstance(media, spec.media_type):
            return spec.name
    raise ValueError(f"{type(media).__name__} is no media value; give one of {', '.join(MODALITIES)}.")
