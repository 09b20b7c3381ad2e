"""Opening files with PyAV so that a hostile one can neither reach other files nor fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from nextgpt.errors import MediaError
from nextgpt.media.limits import MediaLimits
from nextgpt.media.medium import UnreadableError
from nextgpt.media.source import Source

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Only self-contained formats: playlists (hls, dash, concat) would open the files and addresses they name.
_FORMATS = "mov,mp4,m4a,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mp3,aac,wav,flac,aiff,caf,amr,w64"


@contextmanager
def open_container(source: Source, limits: MediaLimits) -> Iterator[InputContainer]:
    """A container whose header is read and whose promised length is within `limits`."""
    import av

    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
    with source.open(limits) as file:
        try:
            container = av.open(
                file, "r", container_options=options, metadata_errors="replace", io_open=_refuse
            )
        except MediaError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise _known_or_not(error) from None
        with container:
            if container.duration is not None:
                check_seconds(container.duration / av.time_base, source.name, limits)
            yield container


def check_seconds(seconds: float, name: str, limits: MediaLimits) -> None:
    if seconds > limits.max_seconds:
        raise MediaError(
            f"{name}: is {seconds:,.0f} seconds long and the limit is {limits.max_seconds:,.0f}; "
            "cut it, or raise MediaLimits.max_seconds."
        )


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture; the cover picture of a song is none."""
    import av

    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & cover), None)


def audio_stream(container: InputContainer) -> AudioStream | None:
    return next(iter(container.streams.audio), None)


def _refuse(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise MediaError("a media file that refers to other files is not opened; give a complete file.")


def _known_or_not(error: Exception) -> Exception:
    """Damage in a known format, or a format that no reader knows: the sentences differ."""
    text = str(error).lower()
    return UnreadableError() if "whitelist" in text or "invalid argument" in text else error
