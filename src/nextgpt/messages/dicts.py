"""Messages from and to the wire form, and the small grammar that both outside forms share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.errors import MediaError, MessageError
from nextgpt.media import DEFAULT_LIMITS, MediaLimits, Medium
from nextgpt.messages.values import MEDIA_PARTS, ContentPart, MediaPart, Message, TextPart
from nextgpt.modalities import MODALITIES


@dataclass(frozen=True)
class Reader:
    """How outside values become media.

    keys: under which a media part may hold its value; None stands for the name of its modality.
    base_dir: where relative paths start. allow_paths: False for a server, whose clients may not name files.
    """

    keys: tuple[str | None, ...] = ("path", "data")
    base_dir: Path | None = None
    allow_paths: bool = True
    limits: MediaLimits = DEFAULT_LIMITS

    def message(self, value: Any, where: str) -> Message:
        """MessageError that names `where`."""
        with located(where):
            check_keys(value, ("role", "content"), "A message")
            content = value["content"]
            if isinstance(content, str):
                return Message(value["role"], (TextPart(content),))
            if not isinstance(content, Sequence) or isinstance(content, bytes):
                raise MessageError(f'"content" is {_kind(content)}; give text or a list of parts.')
            return Message(value["role"], tuple(self.part(item, i) for i, item in enumerate(content, 1)))

    def part(self, value: Any, number: int) -> ContentPart:
        with located(f"part {number}"):
            kind = value.get("type") if isinstance(value, Mapping) else None
            if kind == "text":
                check_keys(value, ("type", "text"), "A text part")
                return TextPart(value["text"])
            if not isinstance(kind, str) or kind not in MODALITIES:
                known = ", ".join(("text", *MODALITIES))
                raise MessageError(f'The type {kind!r:.50} is unknown; "type" is one of {known}.')
            return self.media_part(kind, value)

    def media_part(self, modality: str, value: Mapping[str, Any]) -> MediaPart:
        keys = [key or str(modality) for key in self.keys]
        check_keys(value, ("type",), f"{MODALITIES[modality].noun} part".capitalize(), (*keys, "seed"))
        given = [key for key in keys if value.get(key) is not None]
        if len(given) != 1:
            has = " and ".join(given) or "none of them"
            raise MessageError(f"A media part has exactly one of {', '.join(keys)}; this one has {has}.")
        medium = self.medium(modality, given[0], value[given[0]])
        return MEDIA_PARTS[modality](medium, seed=value.get("seed"))  # type: ignore

    def medium(self, modality: str, key: str, value: Any) -> Medium:
        """The media value that `key`: `value` stands for. MediaError, MessageError."""
        media_type = MODALITIES[modality].media_type
        if isinstance(value, media_type):
            return value
        if not isinstance(value, str):
            raise MessageError(f'"{key}" is {_kind(value)}; give text.')
        if key != "path" and value[:5].lower() == "data:":
            return media_type.from_data_uri(value, self.limits)
        path = media_type.from_path(value, self.limits).path  # refuses addresses
        if key == "data":
            raise MessageError('"data" is no data URI; it must look like data:image/png;base64,... .')
        if not self.allow_paths:
            raise MessageError("files of this machine are not read for a request; send a data URI.")
        return media_type.from_path((self.base_dir or Path()) / (path or ""), self.limits)


def message_from_dict(
    value: Mapping[str, Any],
    base_dir: Path | None = None,
    where: str = "message",
    *,
    allow_paths: bool = True,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> Message:
    """Read the wire form. Files are not opened yet. MessageError that names `where` and the part."""
    return Reader(base_dir=base_dir, allow_paths=allow_paths, limits=limits).message(value, where)


def messages_from_list(
    values: Sequence[Mapping[str, Any]],
    base_dir: Path | None = None,
    where: str = "",
    *,
    allow_paths: bool = True,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> list[Message]:
    """Read a conversation; errors name `where` (request 7) and the message. MessageError."""
    reader = Reader(base_dir=base_dir, allow_paths=allow_paths, limits=limits)
    return read_all(reader, values, where)


def read_all(reader: Reader, values: Any, where: str) -> list[Message]:
    prefix = f"{where}, " if where else ""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise MessageError(f"{where or 'messages'}: is {_kind(values)}; give a list of messages.")
    return [reader.message(value, f"{prefix}message {i}") for i, value in enumerate(values, 1)]


def message_to_dict(message: Message, base_dir: Path | None = None) -> dict[str, Any]:
    """The wire form. Files keep their path, relative to `base_dir` if they are below it; media in memory
    become data URIs (arrays are encoded as PNG, WAV or MP4). MediaError."""
    return write_message(message, base_dir, "data")


def messages_to_list(messages: Sequence[Message], base_dir: Path | None = None) -> list[dict[str, Any]]:
    return [message_to_dict(message, base_dir) for message in messages]


def write_message(message: Message, base_dir: Path | None, data_key: str) -> dict[str, Any]:
    """Content of one text is that text, for readers who know nothing else."""
    if len(message.content) == 1 and isinstance(message.content[0], TextPart):
        return {"role": message.role, "content": message.content[0].text}
    return {
        "role": message.role,
        "content": [_write_part(part, base_dir, data_key) for part in message.content],
    }


def _write_part(part: ContentPart, base_dir: Path | None, data_key: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    path = part.media.path
    value = {data_key: part.media.to_data_uri()} if path is None else {"path": _relative(path, base_dir)}
    return {"type": str(part.modality), **value, **({} if part.seed is None else {"seed": part.seed})}


def _relative(path: Path, base_dir: Path | None) -> str:
    below = base_dir is not None and path.is_relative_to(base_dir)
    return str(path.relative_to(base_dir)) if base_dir is not None and below else str(path)


def check_keys(value: Any, required: tuple[str, ...], what: str, optional: tuple[str, ...] = ()) -> None:
    """MessageError unless `value` is a mapping with all `required` keys and no others than `optional`."""
    if not isinstance(value, Mapping):
        raise MessageError(f"{what} is {_kind(value)}; it must be a JSON object.")
    if missing := [key for key in required if key not in value]:
        raise MessageError(f'{what} has no "{missing[0]}"; add it.')
    if unknown := [key for key in value if key not in (*required, *optional)]:
        known = ", ".join((*required, *optional))
        raise MessageError(f"{what} has the unknown key {unknown[0]!r:.50}; it may have {known}.")


def _kind(value: Any) -> str:
    return "nothing (null)" if value is None else f"of type {type(value).__name__}"


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put `where` in front of the sentences of errors raised inside."""
    try:
        yield
    except (MessageError, MediaError) as error:
        raise MessageError(f"{where}: {error}") from None
