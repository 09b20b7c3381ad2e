"""How replies appear in the terminal: text as it comes, media as files with a line for each."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nextgpt.cli.model_options import make_folder
from nextgpt.cli.page import medium_name, save_part
from nextgpt.generation.events import Finished, MediaOpened, MediaProgress, MediaReady, TextDelta


def print_reply(events: Iterable[Any], folder: Path, message: int) -> Finished:
    """Print a stream and save its media into the folder. message: the reply's number. Returns the last event."""
    for event in events:
        match event:
            case TextDelta():
                print(event.text, end="", flush=True)
            case MediaOpened():
                print(f"[{event.modality} {event.number}]", end="", flush=True)
            case MediaProgress():
                _overwrite(f"{event.modality} {event.number}: step {event.done} of {event.steps}")
            case MediaReady():
                _overwrite("")
                medium, kind = event.part.media, str(event.part.modality)
                name = medium_name(message, event.number)
                path = save_part(medium, kind, make_folder(folder), name, event.part.seed)
                print(f"\n[{kind} {event.number}: {path}]", end="", flush=True)
            case Finished():
                print(flush=True)
                return event
    raise AssertionError("a stream ends with Finished")


def _overwrite(line: str) -> None:
    """A line on the terminal that the next one replaces; nothing where stderr is a file."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr: report(done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)
