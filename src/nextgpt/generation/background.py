"""Work that reports by callback, as an iterator of its reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Raised inside the work by `emit` once nobody listens any more."""


def events_of(work: Callable[[Callable[[T], None]], None]) -> Iterator[T]:
    """Run work(emit) in a thread and yield what it emits; its exception is raised here. Leaving the iterator
    early stops the work at its next emit."""
    queue: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    left = threading.Event()

    def emit(event: T) -> None:
        if left.is_set():
            raise Stopped
        queue.put(("event", event))

    def run() -> None:
        try:
            work(emit)
            queue.put(("end", None))
        except BaseException as error:
            queue.put(("error", error))

    thread = threading.Thread(target=run, name="nextgpt-media", daemon=True)
    thread.start()
    try:
        yield from _until_end(queue)
    finally:
        left.set()
        thread.join()


def _until_end(queue: SimpleQueue[tuple[str, Any]]) -> Iterator[Any]:
    while True:
        kind, value = queue.get()
        if kind == "error":
            raise value
        if kind == "end":
            return
        yield value
