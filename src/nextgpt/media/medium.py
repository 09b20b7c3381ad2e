"""What image, audio and video values share: where they come from, identity, saving."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Self

from nextgpt.errors import MediaError
from nextgpt.media.limits import DEFAULT_LIMITS, MediaLimits
from nextgpt.media.sniff import described, sniff
from nextgpt.media.source import Source, printable, source_from_data_uri, source_from_path

logger = logging.getLogger(__name__)
Metadata = Mapping[str, str | int | float | None]  # prompt, seed, model, ...: stored in the saved file


@dataclass(frozen=True, eq=False, repr=False)
class Medium:
    """One image, sound or video. A value: it never changes, and is decoded only when asked.

    Equal are media of one type with the same path, or else with the same content.
    """

    noun: ClassVar[str]  # "an image"
    readable: ClassVar[str]  # formats, for errors
    suffixes: ClassVar[tuple[str, ...]]  # that save() writes; the first is the default

    source: Source
    limits: MediaLimits = DEFAULT_LIMITS

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of a file; it is opened when its content is first asked for. MediaError for an address."""
        return cls(source_from_path(path), limits)

    @classmethod
    def from_bytes(cls, data: bytes, limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of a whole file's content in memory, in any readable format."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise MediaError(f"from_bytes was given a {type(data).__name__}; give bytes.")
        return cls(Source(data=bytes(data)), limits)

    @classmethod
    def from_data_uri(cls, uri: str, limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of `data:<type>;base64,<content>`. MediaError when it is no data URI."""
        return cls(source_from_data_uri(uri, limits), limits)

    @property
    def path(self) -> Path | None:
        """The file it was made from."""
        return self.source.path

    @property
    def is_array(self) -> bool:
        return self.source.path is None and self.source.data is None

    def check(self) -> None:
        """Open it and read its header, so that a bad file is a MediaError now rather than later."""
        raise NotImplementedError

    def sha256(self) -> str:
        """Hash of the original bytes; of an array, of its type, shape and values. A cache key."""
        return self._array_sha256() if self.is_array else self.source.sha256(self.limits)

    def to_bytes(self) -> bytes:
        """The original file's bytes; an array is encoded in the default format (PNG, WAV, MP4)."""
        if not self.is_array:
            return self.source.read(self.limits)
        file = io.BytesIO()
        self._encode(file, self.suffixes[0], {})
        return file.getvalue()

    def to_data_uri(self) -> str:
        data = self.to_bytes()
        return f"data:{sniff(data[:64])};base64,{base64.b64encode(data).decode('ascii')}"

    def save(self, path: str | os.PathLike[str], metadata: Metadata | None = None) -> Path:
        """Encode into `path`, its suffix says how; complete or not at all. MediaError when it cannot.

        metadata (prompt, seed, model, ...) is stored inside the file.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in self.suffixes:
            known = ", ".join(self.suffixes)
            raise MediaError(f"'{printable(str(path))}': {self.noun} is saved as {known}; change the suffix.")
        with _replacing(target) as file:
            self._encode(file, suffix, metadata or {})
        return target

    def _encode(self, file: BinaryIO, suffix: str, metadata: Metadata) -> None:
        raise NotImplementedError

    def _array_sha256(self) -> str:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Medium) or type(self) is not type(other):
            return NotImplemented
        if self.path is not None and self.path == other.path:
            return True
        if self.path is not None or other.path is not None:
            return False  # by name, so that comparing never reads a file
        return self.is_array == other.is_array and self.sha256() == other.sha256()

    def __hash__(self) -> int:
        return hash((type(self), self.path or self.sha256()))

    def __repr__(self) -> str:
        size = "" if self.source.data is None else f", {len(self.source.data):,} bytes"
        return f"{type(self).__name__}({self.source.name}{size})"

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Whatever a decoding library raises inside becomes one sentence about this medium."""
        try:
            yield
        except (MediaError, NotImplementedError):
            raise
        except MemoryError:
            raise MediaError(
                f"{self.source.name}: needs more memory than there is; make it smaller."
            ) from None
        except Exception as error:
            logger.debug("cannot read %s", self.source.name, exc_info=True)
            raise MediaError(self._why_unreadable(error)) from None

    def _why_unreadable(self, error: Exception) -> str:
        if self.is_array:
            return f"{self.source.name}: cannot be read ({error})."
        mime = sniff(self.source.head(self.limits))
        expected = type(self).__name__.lower()
        if "decompression bomb" in str(error):  # Pillow's own, larger cap
            return f"{self.source.name}: has far more pixels than can be read; scale it down."
        if (looks := described(mime)) and not mime.startswith(expected):
            return f"{self.source.name}: is {looks}, not {self.noun}; give {self.readable}."
        if looks and not isinstance(error, UnreadableError):
            return f"{self.source.name}: starts like {looks} but is damaged or cut off; get it again."
        return f"{self.source.name}: is not {self.noun} that can be read; give {self.readable}."


class UnreadableError(Exception):
    """Inside _reading: no reader knows this format (as opposed to damage in a known one)."""


def metadata_json(metadata: Metadata) -> str:
    """One ASCII line for formats that have a single comment field."""
    return json.dumps(dict(metadata)) if metadata else ""


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target` that takes its name when all went well. MediaError."""
    temporary = target.with_name(f".nextgpt-{secrets.token_hex(8)}{target.suffix}")
    try:
        with open(temporary, "x+b") as file:
            yield file
        os.replace(temporary, target)
    except (OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        reason = getattr(error, "strerror", None) or "no valid file name"
        raise MediaError(
            f"'{printable(str(target))}': cannot be written ({reason}); choose another folder or name."
        ) from None
    finally:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)
