"""Folders of media: which files, in which order, which belong together, and how they are read."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError

ENDINGS = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".bmp"),
    "audio": (".wav", ".flac", ".mp3", ".ogg", ".m4a"),
    "video": (".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif", ".webp"),
}
Progress = Callable[[int, int], None]


def files_of(folder: Path, modality: str) -> list[Path]:
    """Media of the folder and of folders in it, sorted by path. DataError where there are none."""
    endings = ENDINGS[modality]
    if not folder.is_dir():
        raise DataError(f"There is no folder {str(folder)!r}; expected a folder of {', '.join(endings)}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    if not found:
        raise DataError(f"The folder {str(folder)!r} has no file that ends in {', '.join(endings)}.")
    return found


def by_stem(files: Sequence[Path], folder: Path) -> dict[str, Path]:
    """Name without ending -> file. DataError where two files share one."""
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise DataError(
                f"{str(folder)!r} has {found[path.stem].name!r} and {path.name!r}: names must differ."
            )
        found[path.stem] = path
    return found


def pairs_of(made: Path, real: Path, modality: str) -> dict[str, tuple[Path, Path]]:
    """Name -> (made, real) of files with the same name in both. DataError where a made file has no partner."""
    ours, theirs = (by_stem(files_of(folder, modality), folder) for folder in (made, real))
    if lonely := sorted(ours.keys() - theirs.keys()):
        raise DataError(
            f"{len(lonely)} of the {len(ours)} files in {str(made)!r} have no partner of that name in {str(real)!r}, "
            f"the first {lonely[0]}."
        )
    return {name: (path, theirs[name]) for name, path in ours.items()}


def load_medium(path: Path, modality: str) -> Any:
    """An Image, Audio or Video of the file."""
    from nextgpt.media import Audio, Image, Video

    kinds: dict[str, Any] = {"image": Image, "audio": Audio, "video": Video}
    return kinds[modality].from_path(path)


def batches_of(
    files: Sequence[Path], modality: str, size: int, progress: Progress
) -> Iterator[tuple[Sequence[Path], list[Any]]]:
    """(paths, media) of `size` at a time; progress is told after each."""
    for start in range(0, len(files), size):
        some = files[start : start + size]
        yield some, [load_medium(path, modality) for path in some]
        progress(start + len(some), len(files))
