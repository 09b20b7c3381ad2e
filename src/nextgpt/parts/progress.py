"""What the user sees while a part is fetched: spinner, phase, bytes so far, elapsed time (on stderr)."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)
Say = Callable[[str], None]


def format_size(num_bytes: int) -> str:
    """12.3 MB, as package indexes count (1 MB = 1,000,000 bytes)."""
    size = float(num_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


@contextmanager
def fetch_progress(name: str, size: int, folder: Path, *, enabled: bool) -> Iterator[Say]:
    """A live line for one part; gives say(phase). The clients report nothing, so the folder is measured."""
    if not (enabled and sys.stderr.isatty()):
        yield lambda phase: logger.info("%s %s", phase, name)
        return
    measuring = threading.Event()
    with _progress_bar() as bar:
        task = bar.add_task(f"waiting for {name}", total=size or None)

        def say(phase: str) -> None:
            bar.update(task, description=f"{phase} {name}")
            measuring.set() if phase == "fetching" else measuring.clear()

        def measure() -> None:
            if measuring.is_set():
                bar.update(task, completed=min(folder_size(folder), size))

        with _repeated(measure):
            yield say


@contextmanager
def _repeated(action: Callable[[], None], seconds: float = 0.3) -> Iterator[None]:
    """Do something again and again in a thread while the block runs."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _progress_bar() -> "Progress":
    from rich import progress
    from rich.console import Console

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}"),
        progress.BarColumn(20),
        progress.DownloadColumn(),
        progress.TimeElapsedColumn(),
    )
    return progress.Progress(*columns, console=Console(file=sys.stderr), transient=True)
