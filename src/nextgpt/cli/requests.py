"""The batch format: lines of requests in, lines of replies out (docs/batch.md).

    {"id": "7", "messages": [...], "options": {...}}
    {"id": "7", "content": [{"type": "text", "text": "..."}, {"type": "image", "path": "7-1.png", "seed": 3}],
     "finish_reason": "stop", "usage": {...}}                    or    {"id": "7", "error": "..."}

Paths of a request are relative to the requests file, paths of a reply to its folder.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nextgpt.errors import MessageError, NextGPTError
from nextgpt.generation.options import GenerationOptions
from nextgpt.messages import Message, messages_from_list

MAX_NAME_BYTES = 100
KEYS = ("id", "messages", "options")


@dataclass(frozen=True)
class BatchRequest:
    """A line of the file. error: what is wrong with it, then messages are empty. name: for file names."""

    id: Any
    line: int
    digest: str
    name: str = ""
    messages: tuple[Message, ...] = ()
    options: GenerationOptions = GenerationOptions()  # noqa: RUF009  # a frozen value
    error: str | None = None


def read_requests(path: Path, defaults: Mapping[str, Any] | None = None) -> list[BatchRequest]:
    """All requests in order, those at fault with their error. defaults: options where a request has none.

    MessageError when the file itself can't be read. No media file is opened here.
    """
    return _named(
        [_read_line(number, line, path.parent, dict(defaults or {})) for number, line in read_lines(path)]
    )


def read_lines(path: Path) -> list[tuple[int, str]]:
    """(number, line) of the lines that are not blank. MessageError when the file can't be read."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise MessageError(f"The requests file {str(path)!r} can't be read ({reason}).") from None
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _read_line(number: int, line: str, folder: Path, defaults: dict[str, Any]) -> BatchRequest:
    request = BatchRequest(None, number, hashlib.sha256(line.strip().encode()).hexdigest()[:16])
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return replace(request, error=f"line {number}: is no JSON; a line holds one request.")
    if not isinstance(value, dict):
        return replace(request, error=f"line {number}: is no JSON object; a line holds one request.")
    given = value.get("id")
    request = replace(request, id=given if isinstance(given, str | int | None) else str(given)[:80])
    try:
        return _read_request(request, value, folder, defaults)
    except NextGPTError as error:
        return replace(request, error=str(error))


def _read_request(
    request: BatchRequest, value: dict[str, Any], folder: Path, defaults: dict[str, Any]
) -> BatchRequest:
    if not isinstance(request.id, str) or not request.id or HALF_CHARACTER.search(request.id):
        raise MessageError(f'line {request.line}: "id" must be a text that is not empty.')
    for key in value:
        if key not in KEYS:
            raise MessageError(f"The request has the unknown key {key!r:.50}; it may have {', '.join(KEYS)}.")
    if "messages" not in value:
        raise MessageError('The request has no "messages"; add them.')
    given = {} if value.get("options") is None else value["options"]
    GenerationOptions.from_dict(given)
    own = {name: one for name, one in given.items() if one is not None}
    return replace(
        request,
        messages=tuple(messages_from_list(value["messages"], folder)),
        options=GenerationOptions.from_dict({"seed": seed_of(request.id)} | defaults | own),
    )


def seed_of(request_id: str) -> int:
    """The seed of a request that names none: the same at every run, another for every id."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4], "big") >> 1


def _named(requests: Sequence[BatchRequest]) -> list[BatchRequest]:
    """Give each request its file name; a duplicate id is an error."""
    ids: set[str] = set()
    names: set[str] = set()
    found = []
    for request in requests:
        if isinstance(request.id, str) and request.id in ids:
            request = replace(request, error=f"The id {request.id!r:.80} stands in an earlier line too.")
        elif isinstance(request.id, str):
            ids.add(request.id)
        if request.error is None:
            name = clean_name(request.id)
            name = hashed_name(request.id) if name.casefold() in names else name
            names.add(name.casefold())
            request = replace(request, name=name)
        found.append(request)
    return found


def clean_name(request_id: str) -> str:
    """A file name for any id: letters and digits of any script, - _ and dots; others get a hash behind it."""
    name = re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", request_id))
    plain = name == request_id and name[0] not in ".-" and len(name.encode()) <= MAX_NAME_BYTES
    return name if plain and not RESERVED.fullmatch(name) else hashed_name(request_id)


HALF_CHARACTER = re.compile("[\ud800-\udfff]")
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|replies|.*\.")


def hashed_name(request_id: str) -> str:
    name = re.sub(r"[^\w-]", "_", unicodedata.normalize("NFC", request_id)).strip("-")
    short = name.encode()[: MAX_NAME_BYTES - 20].decode(errors="ignore")
    return f"{short or 'id'}-{hashlib.sha256(request_id.encode()).hexdigest()[:10]}"
