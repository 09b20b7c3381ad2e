"""The parts of a message in the order in which they were typed.

A command-line parser gathers values by option, so `"Is" --image a.jpg "louder than" --audio b.wav` would lose
its order; it is read again from the arguments themselves.
"""

import os.path
from collections.abc import Sequence
from typing import Any

from nextgpt.errors import MessageError
from nextgpt.messages import ContentPart, Message, TextPart, media_part
from nextgpt.modalities import MODALITIES


def parts_in_order(arguments: Sequence[str], parameters: Sequence[Any]) -> list[tuple[str, str]]:
    """(kind, value) for every text and every --image, --audio, --video. parameters: the verb's, of click."""
    flags = {name for one in parameters if getattr(one, "is_flag", False) for name in one.opts}
    found: list[tuple[str, str]] = []
    queue = list(arguments)
    while queue:
        item = queue.pop(0)
        if item == "--":
            return [*found, *(("text", rest) for rest in queue)]
        if not item.startswith("-") or item == "-":
            found.append(("text", item))
            continue
        name, has_value, value = item.partition("=")
        if name in flags:
            continue
        value = value if has_value or not queue else queue.pop(0)
        if name.removeprefix("--") in MODALITIES:
            found.append((name.removeprefix("--"), value))
    return found


def user_message(parts: Sequence[tuple[str, str]]) -> Message:
    """Texts that follow each other are joined by a space. MessageError, MediaError."""
    content: list[ContentPart] = []
    for kind, value in parts:
        if kind != "text":
            content.append(media_part(MODALITIES[kind].media_type.from_path(value)))
            continue
        check_words(value)
        if content and isinstance(content[-1], TextPart):
            content[-1] = TextPart(f"{content[-1].text} {value}")
        else:
            content.append(TextPart(value))
    return Message("user", tuple(content))


def check_words(value: str) -> None:
    """MessageError for a file's path: read as words it would be answered, and wrongly."""
    if os.path.splitext(value)[1] and os.path.isfile(value):
        ways = " or ".join(f"--{name} {value}" for name in MODALITIES)
        raise MessageError(f"{value!r} is a file, not words; to show it, write {ways}.")
