"""Unpack a package as data: nothing is run, nothing lands outside the folder, and the size is bounded."""

import logging
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import PartError
from .address import is_inner_path

logger = logging.getLogger(__name__)

ZIP_SUFFIXES = (".whl", ".zip")
TAR_SUFFIXES = (".tgz", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2")
MAX_ENTRIES = 200_000
CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Entry:
    """A file or link of an archive: a file has its open content, a link its target from the archive's top."""

    name: str
    content: IO[bytes] | None = None
    link_target: str = ""


class Extraction:
    """Writes the wanted entries of one archive into a folder.

    strip: leading folders to drop (npm keeps all below `package/`). inside: the wanted file or folder,
    whose own content then lies at the top of the folder. max_bytes: bound on what may be written.
    """

    def __init__(self, folder: Path, *, strip: int = 0, inside: str = "", max_bytes: int) -> None:
        self.folder = folder
        self.strip = strip
        self.inside = PurePosixPath(inside)
        self.max_bytes = max_bytes
        self.num_entries = 0
        self.links: dict[Path, Path] = {}

    def add(self, entry: Entry) -> None:
        """Write a file, or remember a link until all files are there (no file is written through a link)."""
        self.num_entries += 1
        if self.num_entries > MAX_ENTRIES:
            raise PartError(f"the package holds more than {MAX_ENTRIES} files; nothing of it was kept.")
        path = self._path(entry.name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.content is not None:
            self._write(path, entry.content)
        elif target := self._path(entry.link_target, "the target of the link " + entry.name):
            self.links[path] = target

    def finish(self) -> None:
        """Make the links whose target is a file of the folder; others point to nothing that was kept.

        Raises:
            PartError: nothing was found.
        """
        while ready := {link: target for link, target in self.links.items() if target.is_file()}:
            for link, target in ready.items():
                del self.links[link]
                _link(target, link)
        if self.links:
            logger.info("left out %d links to what was not unpacked", len(self.links))
        if not any(self.folder.iterdir()):
            raise PartError(f"the package holds no {self.inside}; check the address of the part.")

    def _path(self, name: str, what: str = "the entry") -> Path | None:
        """Where an entry goes, None when it is not wanted.

        Raises:
            PartError: the name is absolute or climbs out of the archive.
        """
        if not is_inner_path(name):
            raise PartError(f"the package is not safe to unpack: {what} {name!r} leaves its folder.")
        parts = PurePosixPath(name).parts[self.strip :]
        wanted = self.inside.parts
        if not parts or parts[: len(wanted)] != wanted:
            return None
        return self.folder.joinpath(*(parts[len(wanted) :] or parts[-1:]))

    def _write(self, path: Path, content: IO[bytes]) -> None:
        with path.open("wb") as file:
            while chunk := content.read(CHUNK):
                self.max_bytes -= len(chunk)
                if self.max_bytes < 0:
                    raise PartError("the package unpacks to far more than its size; nothing of it was kept.")
                file.write(chunk)


def _link(target: Path, link: Path) -> None:
    """A relative symbolic link, or a copy where the system has none; an entry of the same name gives way."""
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(os.path.relpath(target, link.parent))
    except OSError:
        shutil.copyfile(target, link)


def unpack(
    archive: Path, folder: Path, *, strip: int = 0, inside: str = "", max_bytes: int | None = None
) -> None:
    """Unpack a wheel, zip, tar or Debian package into an empty folder; any other file is copied.

    Raises:
        PartError: an entry leaves the folder, the size bound is passed, or the archive is damaged.
    """
    bound = max_bytes if max_bytes is not None else (64 << 20) + 32 * archive.stat().st_size
    extraction = Extraction(folder, strip=strip, inside=inside, max_bytes=bound)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for entry in _entries(archive):
            extraction.add(entry)
    except PartError:
        raise
    except (*_DAMAGE, ValueError, RuntimeError) as error:
        raise PartError(f"the package {archive.name} is damaged: {error}.") from error
    extraction.finish()


def _entries(archive: Path) -> Iterator[Entry]:
    if archive.name.endswith(ZIP_SUFFIXES):
        return _zip_entries(archive)
    if archive.name.endswith(TAR_SUFFIXES):
        return _tar_entries(tarfile.open(archive))
    if archive.name.endswith(".deb"):
        return _deb_entries(archive)
    return _single_entry(archive)


def _single_entry(path: Path) -> Iterator[Entry]:
    with path.open("rb") as content:
        yield Entry(path.name, content)


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if info.is_dir():
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise PartError(
                    f"the package is not safe to unpack: {info.filename!r} is a link in a zip file."
                )
            with file.open(info) as content:
                yield Entry(info.filename, content)


def _tar_entries(file: tarfile.TarFile) -> Iterator[Entry]:
    with file:
        for info in file:
            name = info.name.removeprefix("./")
            if info.isfile():
                content = file.extractfile(info)
                yield Entry(name, content)
            elif info.issym():
                yield Entry(name, link_target=_symlink_target(name, info.linkname))
            elif info.islnk():
                yield Entry(name, link_target=info.linkname.removeprefix("./"))
            elif not info.isdir():
                raise PartError(f"the package is not safe to unpack: {name!r} is neither a file nor a link.")


def _symlink_target(name: str, target: str) -> str:
    """The target from the archive's top; one that leaves the archive stays so and is refused later."""
    if target.startswith("/"):
        return target
    return os.path.normpath(str(PurePosixPath(name).parent / target)).replace(os.sep, "/")


def _deb_entries(archive: Path) -> Iterator[Entry]:
    """The files of a Debian package: an ar archive whose member data.tar.* holds them."""
    with archive.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise PartError(f"{archive.name} is not a Debian package.")
        while len(header := file.read(60)) == 60:
            name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
            if name == "data.tar.zst":
                yield from _zstd_deb_entries(archive)
                return
            if name.startswith("data.tar"):
                yield from _tar_entries(tarfile.open(fileobj=file, mode="r|*"))  # noqa: SIM115 (closed there)
                return
            file.seek(size + size % 2, os.SEEK_CUR)
    raise PartError(f"the Debian package {archive.name} holds no data.")


def _zstd_deb_entries(archive: Path) -> Iterator[Entry]:
    """zstd is not in Python's library before 3.14: dpkg-deb decompresses, we still unpack."""
    client = shutil.which("dpkg-deb")
    if client is None:
        raise PartError(f"{archive.name} is packed with zstd: install dpkg to unpack it.")
    with subprocess.Popen([client, "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield from _tar_entries(tarfile.open(fileobj=process.stdout, mode="r|"))  # noqa: SIM115
