"""Messages from and to the form of Hugging Face chat templates and processors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.media import DEFAULT_LIMITS, MediaLimits, Medium
from nextgpt.messages.dicts import Reader, read_all, write_message
from nextgpt.messages.values import Message
from nextgpt.modalities import MODALITIES


@dataclass(frozen=True)
class _ChatReader(Reader):
    """Media stand under "path", "url" (a data URI or a path) or the modality's name (also as values)."""

    keys: tuple[str | None, ...] = ("path", "url", None)

    def medium(self, modality: str, key: str, value: Any) -> Medium:
        media_type = MODALITIES[modality].media_type
        from_pil = getattr(media_type, "from_pil", None)
        if isinstance(value, bytes):
            return media_type.from_bytes(value, self.limits)
        if from_pil is not None and type(value).__module__.startswith("PIL."):
            return from_pil(value, self.limits)
        return super().medium(modality, key, str(value) if isinstance(value, Path) else value)


def to_hf_chat(messages: Sequence[Message], base_dir: Path | None = None) -> list[dict[str, Any]]:
    """For `apply_chat_template`: files stand under "path", media in memory as data URIs under "url".

    A message of one text has a string as content, which text-only templates need. MediaError.
    """
    return [write_message(message, base_dir, "url") for message in messages]


def from_hf_chat(
    values: Sequence[Mapping[str, Any]],
    base_dir: Path | None = None,
    where: str = "",
    *,
    allow_paths: bool = True,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> list[Message]:
    """Read such a chat; its addresses (http) are refused, never fetched. MessageError."""
    reader = _ChatReader(base_dir=base_dir, allow_paths=allow_paths, limits=limits)
    return read_all(reader, values, where)
