"""The values: Message, and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from nextgpt.errors import MessageError
from nextgpt.media import Audio, Image, Medium, Video
from nextgpt.modalities import MODALITIES, Modality, modality_of

ROLES = ("user", "assistant", "system")
MAX_TEXT_CHARACTERS = 1_000_000
_MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class TextPart:
    """Text that is not empty and can be written as UTF-8. MessageError otherwise."""

    modality: ClassVar[str] = Modality.TEXT
    text: str

    def __post_init__(self) -> None:
        _check_text(self.text)


@dataclass(frozen=True)
class MediaPart:
    """A media value in a message; a subclass a row of MODALITIES, with the value under the modality's name.

    `seed` is what the model made it from, and only stands in an assistant's message.
    """

    modality: ClassVar[str]
    seed: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        spec = MODALITIES[self.modality]
        if not isinstance(self.media, spec.media_type):
            raise MessageError(
                f"{type(self).__name__} was given a value of type {type(self.media).__name__}; "
                f"it takes {spec.noun}, {spec.media_type.__name__}.from_path(...) for instance."
            )
        if self.seed is not None and not (type(self.seed) is int and 0 <= self.seed <= _MAX_SEED):
            raise MessageError(f"The seed {self.seed!r:.50} is no whole number from 0 to {_MAX_SEED}.")

    @property
    def media(self) -> Medium:
        """The value, whatever the modality."""
        return getattr(self, str(self.modality))


@dataclass(frozen=True)
class ImagePart(MediaPart):
    modality: ClassVar[str] = Modality.IMAGE
    image: Image


@dataclass(frozen=True)
class AudioPart(MediaPart):
    modality: ClassVar[str] = Modality.AUDIO
    audio: Audio


@dataclass(frozen=True)
class VideoPart(MediaPart):
    modality: ClassVar[str] = Modality.VIDEO
    video: Video


ContentPart = TextPart | MediaPart
MEDIA_PARTS: dict[str, type[MediaPart]] = {part.modality: part for part in (ImagePart, AudioPart, VideoPart)}


def media_part(media: Medium, seed: int | None = None) -> MediaPart:
    """The part for a media value of any modality."""
    return MEDIA_PARTS[modality_of(media)](media, seed=seed)  # type: ignore


@dataclass(frozen=True)
class Message:
    """One turn: a role and one part or more, in order. MessageError when it is not of the documented form."""

    role: str
    content: tuple[ContentPart, ...]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise MessageError(f"The role {self.role!r:.50} is unknown; it is one of {', '.join(ROLES)}.")
        object.__setattr__(self, "content", tuple(self.content))
        if not self.content:
            raise MessageError("A message is empty; give it text or media.")
        for part in self.content:
            self._check_part(part)

    def _check_part(self, part: object) -> None:
        if not isinstance(part, TextPart | MediaPart):
            raise MessageError(
                f"A message was given a value of type {type(part).__name__}; parts are text or media."
            )
        if isinstance(part, MediaPart) and part.seed is not None and self.role != "assistant":
            raise MessageError(f"A seed stands in {self.role} content; only an assistant's media have one.")

    @classmethod
    def user(cls, *parts: str | Medium | ContentPart) -> Self:
        return cls("user", tuple(map(as_part, parts)))

    @classmethod
    def assistant(cls, *parts: str | Medium | ContentPart) -> Self:
        return cls("assistant", tuple(map(as_part, parts)))

    @classmethod
    def system(cls, *parts: str | Medium | ContentPart) -> Self:
        return cls("system", tuple(map(as_part, parts)))

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def media_parts(self) -> tuple[MediaPart, ...]:
        return tuple(part for part in self.content if isinstance(part, MediaPart))


def as_part(value: str | Medium | ContentPart) -> ContentPart:
    """A part of a string, a media value or a part. MessageError."""
    if isinstance(value, str):
        return TextPart(value)
    if isinstance(value, Medium):
        return media_part(value)
    return value


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise MessageError(f"A text is a {type(text).__name__}; give a string.")
    if not text:
        raise MessageError("A text is empty; write something or leave the part out.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise MessageError(
            f"A text has {len(text):,} characters; the limit is {MAX_TEXT_CHARACTERS:,}, shorten it."
        )
    if (bad := next((c for c in text if c == "\0" or "\ud800" <= c <= "\udfff"), None)) is not None:
        name = "a NUL character" if bad == "\0" else f"half a surrogate pair (U+{ord(bad):04X})"
        raise MessageError(f"A text has {name} at position {text.index(bad)}; remove it.")
