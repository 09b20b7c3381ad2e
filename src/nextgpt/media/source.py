"""Where the bytes of a medium are: a file, or memory. Nothing is opened before it is asked for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import re
import stat
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from nextgpt.errors import MediaError
from nextgpt.media.limits import MediaLimits
from nextgpt.media.sniff import HEAD_BYTES

BytesFile = io.BufferedReader | io.BytesIO
_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")


def printable(text: str, limit: int = 200) -> str:
    """`text` on one line: characters that do not print are escaped, the middle of long text left out."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)
    return line if len(line) <= limit else f"{line[: limit // 2]}...{line[-limit // 2 :]}"


@dataclass(frozen=True)
class Source:
    """A file at `path`, or `data` in memory, or neither (a medium made from an array)."""

    path: Path | None = None
    data: bytes | None = None

    @property
    def name(self) -> str:
        """How errors call it."""
        if self.path is not None:
            return f"'{printable(str(self.path))}'"
        return "the given array" if self.data is None else "the given bytes"

    def open(self, limits: MediaLimits) -> BytesFile:
        """The bytes as a file to read, once their number is known to be within `limits`. MediaError."""
        if self.path is not None:
            return _open_file(self.path, self.name, limits)
        data = self.data or b""
        check_size(len(data), self.name, limits)
        return io.BytesIO(data)

    def read(self, limits: MediaLimits) -> bytes:
        """All bytes. MediaError."""
        if self.data is not None:
            check_size(len(self.data), self.name, limits)
            return self.data
        with self.open(limits) as file:
            data = file.read(limits.max_bytes + 1)  # a file that grows meanwhile is bounded too
        check_size(len(data), self.name, limits)
        return data

    def head(self, limits: MediaLimits) -> bytes:
        with self.open(limits) as file:
            return file.read(HEAD_BYTES)

    def sha256(self, limits: MediaLimits) -> str:
        with self.open(limits) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def check_size(num_bytes: int, name: str, limits: MediaLimits) -> None:
    if num_bytes == 0:
        raise MediaError(f"{name}: is empty (0 bytes); give a file with content.")
    if num_bytes > limits.max_bytes:
        raise MediaError(
            f"{name}: has {num_bytes:,} bytes and the limit is {limits.max_bytes:,}; "
            "make it smaller, or raise MediaLimits.max_bytes."
        )


def source_from_path(path: str | os.PathLike[str]) -> Source:
    """Of a file's path; the file is not touched yet. MediaError for addresses, which are never fetched."""
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise MediaError(f"A path must be text that is not empty, not {type(text).__name__} {text!r:.50}.")
    if text[:5].lower() == "data:":
        raise MediaError("A data URI was given where a path is expected; use from_data_uri.")
    if match := _ADDRESS.match(text):
        raise MediaError(
            f"'{printable(text)}': is an address ({match[1]}), and nextgpt never fetches media; "
            "download the file first and give its path."
        )
    return Source(path=Path(text))


def source_from_data_uri(uri: str, limits: MediaLimits) -> Source:
    """Of `data:image/png;base64,...`; the mime type is not trusted, the bytes decide. MediaError."""
    if not isinstance(uri, str) or uri[:5].lower() != "data:" or "," not in uri:
        shown = printable(uri, 40) if isinstance(uri, str) else type(uri).__name__
        raise MediaError(f"'{shown}': is no data URI; it must look like data:image/png;base64,...")
    comma = uri.index(",")
    is_base64 = uri[:comma].lower().rstrip().endswith(";base64")
    num_bytes = (len(uri) - comma - 1) * 3 // 4 if is_base64 else len(uri) - comma - 1
    check_size(num_bytes, "the given data URI", limits)
    data = _from_base64(uri[comma + 1 :]) if is_base64 else urllib.parse.unquote_to_bytes(uri[comma + 1 :])
    return Source(data=data)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MediaError("the given data URI: is not valid base64; encode the whole file again.") from None


def _open_file(path: Path, name: str, limits: MediaLimits) -> BytesFile:
    """Only a regular file is opened: a device, pipe or folder could block or never end."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket"
            raise MediaError(f"{name}: is {kind}, not a file; give the path of a media file.")
        check_size(status.st_size, name, limits)
        return open(path, "rb")
    except MediaError:
        raise
    except FileNotFoundError:
        raise MediaError(f"{name}: does not exist; check the path.") from None
    except PermissionError:
        raise MediaError(f"{name}: may not be read; change its permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the name
        reason = getattr(error, "strerror", None) or "no valid file name"
        raise MediaError(f"{name}: cannot be opened ({reason}); check the path.") from None
