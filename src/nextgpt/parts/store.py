"""The cache of parts: fetched once, checked, converted once, offline for ever after.

    <cache root>/parts/<name>-<sha12>-v<port_version>/    a finished part, with part.json and its marker
    <cache root>/parts/.work/                             folders in the making, and locks

A part is made in .work and renamed when it is whole, so a finished folder is never half-written.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import PartError
from .hashing import MARKER
from .lock import PARTS, Part, get_part


def cache_root() -> Path:
    """$NEXTGPT_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("NEXTGPT_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("nextgpt"))


def part_folder(part: Part) -> Path:
    """Where the finished part lies or would lie."""
    return cache_root() / "parts" / part.folder_name


def is_complete(part: Part) -> bool:
    """True when the part is in the cache."""
    return (part_folder(part) / MARKER).is_file()


def fetch_part(part: str | Part, *, progress: bool = True) -> Path:
    """The part's folder in the cache; the first call fetches, checks and converts it.

    Args:
        part: a name of parts.lock, or a Part of the caller's own.
        progress: show a live line on stderr.
    Raises:
        PartError: unknown name, missing client, failed fetch, wrong hash, unsafe package, full disk.
    """
    part = get_part(part) if isinstance(part, str) else part
    folder = part_folder(part)
    if is_complete(part):
        return folder
    needs = {name: fetch_part(name, progress=progress) for name in part.needs}
    try:
        _install(part, folder, needs, progress)
    except OSError as error:
        raise PartError(f"cannot put the part {part.name} into {folder.parent}: {error}.") from error
    return folder


def _install(part: Part, folder: Path, needs: dict[str, Path], progress: bool) -> None:
    """Make the part unless another process did while we waited, and rename it into its place."""
    from .progress import fetch_progress

    work = _work_folder(part)
    with fetch_progress(part.name, part.size, work, enabled=progress) as say, part_lock(part):
        if is_complete(part):
            return
        shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
        work.mkdir(parents=True, exist_ok=True)
        try:
            finished = _make(part, Path(tempfile.mkdtemp(dir=work)), needs, say)
            shutil.rmtree(folder, ignore_errors=True)  # a folder without its marker
            finished.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _make(part: Part, work: Path, needs: dict[str, Path], say: Callable[[str], None]) -> Path:
    """Fetch, check, unpack and convert inside the work folder; gives the finished folder there."""
    from .fetchers import fetch_package
    from .formats import convert
    from .hashing import write_manifest
    from .unpack import unpack

    say("fetching")
    package = fetch_package(part, work / "package")
    say("unpacking")
    content = work / "content"
    if package.is_dir():
        shutil.move(package / part.address.path, content)
    else:
        unpack(package, content, strip=int(part.address.scheme == "npm"), inside=part.address.path)
    say("converting")
    finished = convert(part, content, work / "finished", needs)
    (finished / "part.json").write_text(json.dumps(pinned(part), indent=2) + "\n", encoding="utf-8")
    write_manifest(finished)
    return finished


def pinned(part: str | Part) -> dict[str, str]:
    """What a part.json and a checkpoint say of a part: enough to know it again.

    The sha256 is the package's (of one per platform, the first), of an hf: commit without one the commit.
    """
    part = get_part(part) if isinstance(part, str) else part
    return {
        "name": part.name,
        "address": str(part.address),
        "sha256": part.sha256[0] if part.sha256 else part.address.version,
        "port_version": str(part.port_version),
        "licence": part.licence,
    }


def _work_folder(part: Part) -> Path:
    return cache_root() / "parts" / ".work" / part.folder_name


@contextmanager
def part_lock(part: Part, *, wait: bool = True) -> Iterator[None]:
    """Hold the part against other processes.

    Raises:
        PartError: another process holds it and wait is False.
    """
    import filelock

    path = _work_folder(part).with_name(part.folder_name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path, timeout=-1 if wait else 0):
            yield
    except filelock.Timeout as error:
        raise PartError(f"another process is fetching the part {part.name}; try again later.") from error


def cached_folders(part: Part) -> list[Path]:
    """Every folder of the part in the cache, also of earlier versions."""
    pattern = re.compile(re.escape(part.name) + r"-[0-9a-f]{12}-v\d+(-.*)?")
    root = cache_root() / "parts"
    return sorted(path for path in root.glob("*") if pattern.fullmatch(path.name)) if root.is_dir() else []


def clean_part(part: Part) -> int:
    """Delete the part from the cache; gives the bytes freed.

    Raises:
        PartError: another process is fetching it.
    """
    from .progress import folder_size

    freed = 0
    with part_lock(part, wait=False):
        for folder in [*cached_folders(part), _work_folder(part)]:
            freed += folder_size(folder)
            (folder / MARKER).unlink(missing_ok=True)  # first: a half-deleted folder is not complete
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def clean_unknown() -> int:
    """Delete what lies in the cache of parts and belongs to none of parts.lock; gives the bytes freed."""
    from .progress import folder_size

    known = {folder for part in PARTS.values() for folder in cached_folders(part)}
    freed = 0
    for folder in (cache_root() / "parts").glob("[!.]*"):
        if folder.is_dir() and folder not in known:
            freed += folder_size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return freed
