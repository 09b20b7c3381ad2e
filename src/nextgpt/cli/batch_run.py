"""Answering a file of requests: in order, many at once, each reply whole or not there, and resumable.

`replies.jsonl` only grows. A reply's media are saved first, then its line is appended by one write; so after
an interruption all lines but perhaps the last are whole, and that one is cut off and answered again.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nextgpt.cli.page import save_part
from nextgpt.cli.requests import BatchRequest
from nextgpt.errors import MessageError, NextGPTError
from nextgpt.files import locked, whole_lines
from nextgpt.messages import TextPart

REPLIES = "replies.jsonl"
STATE = ".requests.json"  # what the folder's replies answer, to notice an edited file
OnDone = Callable[[int, int], None]


def answer_all(
    open_pipeline: Callable[[], Any],
    requests: Sequence[BatchRequest],
    folder: Path,
    *,
    identity: str,
    batch_size: int = 16,
    on_done: OnDone = lambda done, total: None,
) -> int:
    """Answer what is not answered yet; returns how many of all replies are errors. identity: of the model."""
    with locked(folder):
        (folder / REPLIES).touch()
        start = resume(folder, requests, identity)
        on_done(start, len(requests))
        if start < len(requests):
            answer_from(start, open_pipeline(), requests, folder, batch_size, on_done)
        return count_errors(folder)


def answer_from(
    start: int, pipeline: Any, requests: Sequence[BatchRequest], folder: Path, size: int, on_done: OnDone
) -> None:
    """Batches are the same wherever a run starts, since neighbours change a bfloat16 reply's last bits."""
    with open(folder / REPLIES, "ab", buffering=0) as file:
        for place in range(start - start % size, len(requests), size):
            some = requests[place : place + size]
            for number, line in enumerate(reply_lines(pipeline, some, folder), place):
                if number >= start:
                    file.write(line)
            on_done(place + len(some), len(requests))


def reply_lines(pipeline: Any, requests: Sequence[BatchRequest], folder: Path) -> Iterator[bytes]:
    """Lines for these requests in order. Their media are saved before a line is given."""
    good = [request for request in requests if request.error is None]
    results = iter(pipeline.replies([one.messages for one in good], [one.options for one in good]))
    for request in requests:
        result = request.error if request.error is not None else next(results)
        value = {"id": request.id, **reply_value(result, request, folder)}
        yield json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def reply_value(result: Any, request: BatchRequest, folder: Path) -> dict[str, Any]:
    """What a line says beside its id."""
    if isinstance(result, str | NextGPTError):
        return {"error": " ".join(str(result).split())}
    if result.message is None:
        return {"error": "The model gave an empty reply; try another seed or a higher temperature."}
    content: list[dict[str, Any]] = []
    number = 0
    for part in result.message.content:
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": part.text})
            continue
        number, kind = number + 1, str(part.modality)
        path = save_part(part.media, kind, folder, f"{request.name}-{number}", part.seed)
        content.append({"type": kind, "path": path.name, "seed": part.seed})
    return {"content": content, "finish_reason": result.finish_reason, "usage": vars(result.usage)}


def resume(folder: Path, requests: Sequence[BatchRequest], identity: str) -> int:
    """How many requests are answered already. MessageError when the folder holds replies to others."""
    answered = whole_lines(folder / REPLIES)
    state = {"model": identity, "requests": [request.digest for request in requests]}
    path = folder / STATE
    if answered:
        check_same(_read_json(path), state, len(answered), folder)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(state))
    os.replace(temporary, path)
    return len(answered)


def check_same(before: Any, now: dict[str, Any], count: int, folder: Path) -> None:
    if not isinstance(before, dict) or before.get("model") != now["model"]:
        why = "replies of another model or with other settings"
    elif before.get("requests", [])[:count] != now["requests"][:count] or count > len(now["requests"]):
        why = "replies to other requests"
    else:
        return
    raise MessageError(f"{str(folder)!r} holds {why}; choose another folder, or start again with --fresh.")


def count_errors(folder: Path) -> int:
    return sum("error" in json.loads(line) for line in whole_lines(folder / REPLIES))


def start_again(folder: Path) -> None:
    """Forget the replies; media files stay until they are written anew."""
    for name in (REPLIES, STATE):
        (folder / name).unlink(missing_ok=True)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
