"""SHA-256 of files and folders, and the manifest that a finished part carries."""

import hashlib
import json
import os
from collections.abc import Container, Iterator
from pathlib import Path

MARKER = ".complete"  # written last: the folder is whole; holds {"files": {relative path: sha256}}


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def relative_files(folder: Path) -> Iterator[str]:
    """Relative paths, with forward slashes, of every file, without the marker and Python's bytecode."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            relative = (Path(parent) / name).relative_to(folder).as_posix()
            if relative != MARKER:
                yield relative


def tree_sha256(folder: Path, but: Container[str] = ()) -> str:
    """One hash for a folder: SHA-256 over the lines '<sha256>  <relative path>' in the order of the paths.
    but: names of files that do not count, wherever they lie."""
    names = (name for name in relative_files(folder) if Path(name).name not in but)
    lines = sorted(f"{name}\n{file_sha256(folder / name)}" for name in names)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def weights_hash(folder: Path) -> str:
    """16 digits of what the files of a folder of weights are, whatever its card says; "" where there is none."""
    return tree_sha256(folder, but={"README.md"})[:16] if folder.is_dir() else ""


def write_manifest(folder: Path) -> None:
    """Hash every file of a finished folder into its marker; every user of the cache may read them."""
    files = {}
    for name in relative_files(folder):
        (folder / name).chmod(0o644)
        files[name] = file_sha256(folder / name)
    (folder / MARKER).write_text(json.dumps({"files": files}, indent=0) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, str]:
    """The files of a finished folder with their hashes; empty when the marker is missing or damaged."""
    try:
        return dict(json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def differences(folder: Path) -> list[str]:
    """What is wrong with a finished folder: 'changed x', 'missing x', 'unknown x'; empty when all is well."""
    expected = read_manifest(folder)
    found = set(relative_files(folder))
    problems = [f"missing {name}" for name in sorted(set(expected) - found)]
    problems += [f"unknown {name}" for name in sorted(found - set(expected))]
    both = sorted(found & set(expected))
    return problems + [f"changed {name}" for name in both if not _is_same(folder / name, expected[name])]


def _is_same(path: Path, sha256: str) -> bool:
    try:
        return file_sha256(path) == sha256
    except OSError:
        return False
