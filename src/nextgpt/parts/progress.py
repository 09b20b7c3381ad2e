"""What the user sees while a part is fetched: spinner, phase, bytes so far, elapsed time (on stderr)."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Show a live line for one part; gives say(phase). The clients report no progress, so the folder is measured."""
    if not enabled:
        yield lambda phase: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(20),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    done = threading.Event()  # set when the package is there: what is unpacked is not counted
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"waiting for {name}", total=size or None)

        def watch() -> None:
            while not done.wait(0.3):
                progress.update(task, completed=min(folder_size(folder), size))

        def say(phase: str) -> None:
            progress.update(task, description=f"{phase} {name}")
            if phase not in ("waiting for", "fetching"):
                done.set()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield say
        finally:
            done.set()
            watcher.join()
