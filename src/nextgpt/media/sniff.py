"""What the first bytes of a file say it is: for mime types and for errors that help."""

from __future__ import annotations

HEAD_BYTES = 64
UNKNOWN = "application/octet-stream"

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"RF64", "audio/wav"),
    (b"PK\x03\x04", "application/zip"),
    (b"%PDF", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
)
_CONTAINED: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WEBP"): "image/webp",
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RIFF", b"AVI "): "video/x-msvideo",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
}
_BRANDS = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime", b"heic": "image/heic"}
_BRANDS |= {b"mif1": "image/heic", b"avif": "image/avif", b"avis": "image/avif"}
_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")


def sniff(head: bytes) -> str:
    """Mime type of a file that starts with `head` (64 bytes are enough); UNKNOWN when nothing matches."""
    for prefix, mime in _PREFIXES:
        if head.startswith(prefix):
            return mime
    contained = _CONTAINED.get((head[:4], head[8:12]))
    return contained or _sniff_boxes(head) or _sniff_rest(head)


def _sniff_boxes(head: bytes) -> str | None:
    """MP4 and its relatives, whose first box says the brand, and Matroska."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in _QUICKTIME_ATOMS:
        return "video/quicktime"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    return None


def _sniff_rest(head: bytes) -> str:
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg"
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head)
    return "text/plain" if head and printable == len(head) else UNKNOWN


def described(mime: str) -> str:
    """'an image (PNG)', 'plain text', ... for a sentence; '' for UNKNOWN."""
    if mime == UNKNOWN:
        return ""
    kind, _, subtype = mime.partition("/")
    if kind == "application":
        return f"a {subtype} file"
    if kind == "text":
        return "plain text"
    return f"{ {'image': 'an image', 'audio': 'a sound', 'video': 'a video'}[kind] } ({subtype})".replace(
        "x-", ""
    )
