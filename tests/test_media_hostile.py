"""Media from outside are hostile: every bad file is one sentence, soon, and without filling the memory."""

import base64
import contextlib
import io
import os
import struct
import subprocess
import sys
import textwrap
import zipfile
import zlib

import av
import numpy as np
import PIL.Image
import pytest
import soundfile

from nextgpt.errors import MediaError
from nextgpt.media import Audio, Image, MediaLimits, Video

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's, on broken files
READ = {
    Image: lambda image: image.array(),
    Audio: lambda audio: audio.samples(16_000),
    Video: lambda video: video.frames(3),
}
KINDS = pytest.mark.parametrize("kind", list(READ))
BOTH = pytest.mark.parametrize("act", ["read", "check"])


def refused(medium, act="read") -> str:
    """The one sentence with which it is refused; its cause is hidden, so no traceback of a library shows."""
    with pytest.raises(MediaError) as caught:
        medium.check() if act == "check" else READ[type(medium)](medium)
    error, text = caught.value, str(caught.value)
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)
    assert "\n" not in text and text.endswith(".") and len(text) < 500
    assert medium.source.name in text
    return text


def png(width, height, rows=0) -> bytes:
    """A PNG that says it has width x height pixels, and has `rows` black rows."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(1)
    row = bytes(1 + 3 * width)
    pixels = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture(name, size=(64, 64), **options) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(file, name, **options)
    return file.getvalue()


def sound(name="WAV", seconds=1.0, rate=8000, **options) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, int(seconds * rate))
    soundfile.write(file, noise, rate, format=name, **options)
    return file.getvalue()


def clip(count=30, container="mp4", codec="libx264", step=1, size=32, rate=10, **options) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, options=options)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, index, 0), format="rgb24")
            frame.pts = index * step
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


def gif(count, size=(4, 4)) -> bytes:
    """Frames of one pixel each on a canvas of any size: 30 bytes a frame."""
    header = b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = (
        b"\x21\xf9\x04\0\x02\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    )
    return header + frame * count + b";"


# --- no file at all


@KINDS
@BOTH
def test_no_media_file(kind, act, tmp_path):
    empty, fifo, loop = tmp_path / "empty", tmp_path / "fifo", tmp_path / "loop"
    empty.touch()
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    cases = {
        tmp_path / "missing.png": "does not exist",
        empty: "empty",
        tmp_path: "folder",
        "/dev/zero": "device",
        fifo: "pipe",
        loop: "cannot be opened",
        tmp_path / ("long" * 100): "cannot be opened",
        "nul\0.png": "no valid file name",
        "half\ud800.png": "no valid file name",
        "/proc/self/mem": "",
        "/proc/self/maps": "empty",
    }
    for path, words in cases.items():
        assert words in refused(kind.from_path(path), act)
    assert "empty" in refused(kind.from_bytes(b""), act)


@KINDS
def test_too_many_bytes_are_refused_before_they_are_read(kind, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(10**13)  # ten terabytes that take no room
    assert "limit" in refused(kind.from_path(path))
    with pytest.raises(MediaError, match="limit"):
        kind.from_path(path).sha256()
    with pytest.raises(MediaError, match="limit"):
        kind.from_path(path).to_bytes()
    assert "limit" in refused(kind.from_bytes(bytes(101), MediaLimits(max_bytes=100)))
    with pytest.raises(MediaError, match="limit"):
        kind.from_data_uri("data:;base64," + "A" * 1000, MediaLimits(max_bytes=100))


@KINDS
@pytest.mark.parametrize(
    "address",
    ["http://x/a.png", "HTTPS://x/a.png", "ftp://x/a", "file:///etc/passwd", "rtmp://x", "s3://a/b"],
)
def test_addresses_are_never_fetched(kind, address):
    with pytest.raises(MediaError, match="never fetches"):
        kind.from_path(address)


@KINDS
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,@@@",
        "data:;base64,AAA",
        "x",
        None,
        7,
    ],
)
def test_data_uris_that_are_none(kind, uri):
    with pytest.raises(MediaError):
        kind.from_data_uri(uri)


def test_data_uris_in_other_spellings():
    data = picture("PNG")
    text = base64.b64encode(data).decode()
    for uri in (
        f"data:image/png;base64,{text}",
        f"DATA:;BASE64,{text[:50]}\n{text[50:]}",
        "data:," + "".join(f"%{b:02x}" for b in data),
    ):
        assert Image.from_data_uri(uri).array().shape == (64, 64, 3)
    with pytest.raises(MediaError, match="from_data_uri"):
        Image.from_path("data:image/png;base64,AAAA")
    for wrong in (b"path", "", 7):
        with pytest.raises((MediaError, TypeError)):
            Image.from_path(wrong)
    with pytest.raises(MediaError, match="bytes"):
        Image.from_bytes("text")


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    monkeypatch.setattr(
        "builtins.open", lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(MediaError, match="may not be read"):
        Image.from_path(path).array()


# --- the wrong kind of file


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", bytes(10**7))
    return file.getvalue()


WRONG = {
    "text": (b"Just some words, no media.\n" * 9, "plain text"),
    "zip": (archive(), "zip"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "pdf"),
    "zeros": (bytes(5000), ""),
    "noise": (np.random.default_rng(1).bytes(5000), ""),
    "script": (b"#!/bin/sh\nrm -rf /\n", "plain text"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>", "plain text"),
    "playlist": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "plain text",
    ),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "plain text"),
    "dash": (b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>", "plain text"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "plain text"),
}


@KINDS
@BOTH
@pytest.mark.parametrize("name", list(WRONG))
def test_files_of_no_medium(kind, act, name, tmp_path):
    data, words = WRONG[name]
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    assert words in refused(kind.from_path(path), act)
    assert words in refused(kind.from_bytes(data), act)


SILENT_MP4, PNG, WAV = clip(), picture("PNG"), sound()


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Image, WAV, "a sound (wav), not an image"),
        (Image, sound("FLAC"), "a sound (flac)"),
        (Image, sound("MP3"), "a sound (mpeg)"),
        (Image, SILENT_MP4, "a video (mp4), not an image"),
        (Audio, PNG, "an image (png), not a sound"),
        (Audio, picture("JPEG"), "an image (jpeg)"),
        (Audio, picture("GIF"), "an image (gif)"),
        (Audio, SILENT_MP4, "no sound"),
        (Video, WAV, "no moving picture"),
        (Video, PNG, "an image (png), not a video"),
        (Video, picture("JPEG"), "an image (jpeg), not a video"),
        (Video, picture("BMP"), "an image (bmp), not a video"),
    ],
)
def test_media_of_another_kind(kind, data, words):
    assert words in refused(kind.from_bytes(data))
    assert words in refused(kind.from_bytes(data), "check")


# --- bombs: large content in small files


@BOTH
def test_pictures_of_too_many_pixels(act):
    for size in ((10_000, 10_000), (14_000, 14_000), (2**31 - 1, 2**31 - 1), (50_000_001, 1)):
        assert refused(Image.from_bytes(png(*size)), act)
    assert "100,000,000" not in refused(Image.from_bytes(png(10_000, 10_000)), act)
    assert "10,000 x 10,000 pixels" in refused(Image.from_bytes(png(10_000, 10_000)), act)
    assert refused(Image.from_bytes(png(0, 0)), act)
    assert "limit" in refused(Image.from_bytes(gif(1, (65_535, 65_535))), act)
    assert "limit" in refused(Video.from_bytes(gif(2, (65_535, 65_535))), act)


def test_bombs_take_no_memory_and_no_time(tmp_path):
    """In a process of its own, whose greatest memory is measured."""
    (tmp_path / "a.png").write_bytes(png(10_000, 10_000, rows=500))
    (tmp_path / "canvas.gif").write_bytes(gif(50, (65_535, 65_535)))
    (tmp_path / "frames.gif").write_bytes(gif(6000))
    (tmp_path / "area.gif").write_bytes(gif(1000, (4000, 4000)))
    (tmp_path / "a.webp").write_bytes(
        b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\xfe\x3f\0\xfe\x3f\0" + bytes(40)
    )
    script = f"""
        import resource, sys
        from nextgpt.errors import MediaError
        from nextgpt.media import Image, Video, MediaLimits
        limits = MediaLimits(max_animation_pixels=50_000_000, max_frames=5000)
        Image.from_path({str(tmp_path)!r} + "/frames.gif").array()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name, kind in (("a.png", Image), ("canvas.gif", Image), ("canvas.gif", Video),
                           ("frames.gif", Video), ("area.gif", Video), ("a.webp", Image), ("a.webp", Video)):
            try:
                value = kind.from_path({str(tmp_path)!r} + "/" + name, limits)
                value.array() if kind is Image else value.frames(4)
            except MediaError as error:
                print(name, error)
            else:
                sys.exit(name + " was read")
        print("kB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no warnings of libraries either
    assert int(done.stdout.split()[-1]) < 200_000, done.stdout
    assert "5,000 frames" in done.stdout and "pixels together" in done.stdout


def test_many_frames_are_counted_while_reading():
    limits = MediaLimits(max_frames=10)
    for data in (gif(11), clip(11), clip(11, "matroska")):
        assert "10 frames" in refused(Video.from_bytes(data, limits))
    assert len(Video.from_bytes(clip(10), limits).frames(2)) == 2


def test_clips_of_too_many_pixels_a_frame():
    limits = MediaLimits(max_pixels=32 * 32 - 1)
    for data in (clip(), clip(container="matroska"), clip(container="webm", codec="libvpx-vp9")):
        assert "32 x 32 pixels" in refused(Video.from_bytes(data, limits))


def test_a_clip_that_grows_behind_its_header():
    """The container says 16 x 16, the stream inside is 64 x 64."""
    data = clip(size=64, container="matroska")
    lying = data.replace(b"\xb0\x81\x40\xba\x81\x40", b"\xb0\x81\x10\xba\x81\x10")
    assert lying != data
    with contextlib.suppress(MediaError):
        Video.from_bytes(lying, MediaLimits(max_pixels=1000)).frames(2)
        pytest.fail("more pixels than the limit were decoded")


def test_a_clip_that_grows_midway():
    data = clip(container="mpegts", size=32) + clip(container="mpegts", size=256)
    end = [1.0, 9.0]  # the last frame stays
    assert Video.from_bytes(data).frames_at(end).shape == (2, 32, 32, 3)
    for limit in (2000, 50_000):  # below half of 256 x 256 the codec refuses, above it we do
        with pytest.raises(MediaError, match="the given bytes"):
            Video.from_bytes(data, MediaLimits(max_pixels=limit)).frames_at(end)


# --- hours of content


def test_ten_hours_in_a_true_header(tmp_path):
    path = tmp_path / "ten hours.wav"
    size = 36_000 * 8000 * 2
    header = (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16)
    )
    with open(path, "wb") as file:
        file.write(header + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    assert "limit" in refused(Audio.from_path(path))
    assert "36,000 seconds" in refused(Audio.from_path(path, MediaLimits(max_bytes=10**9)))
    assert "36,000 seconds" in refused(Audio.from_path(path, MediaLimits(max_bytes=10**9)), "check")


def test_ten_hours_in_a_lying_header():
    wav = bytearray(sound("WAV"))
    wav[40:44] = struct.pack("<I", 36_000 * 8000 * 2)
    assert "cut off" in refused(Audio.from_bytes(bytes(wav)))
    flac = bytearray(sound("FLAC"))
    flac[21] = (flac[21] & 0xF0) | 0
    flac[22:26] = struct.pack(">I", 36_000 * 8000)
    assert refused(Audio.from_bytes(bytes(flac)))
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        mp4 = bytearray(clip())
        position = mp4.index(box) + offset
        mp4[position : position + 4] = struct.pack(">I", 2**31 - 1)
        with contextlib.suppress(MediaError):  # the packets count, whatever the header says
            assert abs(Video.from_bytes(bytes(mp4)).seconds - 3) < 0.5


def test_a_short_header_of_a_long_sound():
    """A FLAC that says nothing about its length, of which there is too much."""
    flac = bytearray(sound("FLAC", seconds=20))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    assert "limit" in refused(Audio.from_bytes(bytes(flac), MediaLimits(max_seconds=10)))
    assert "limit" in refused(Audio.from_bytes(bytes(flac), MediaLimits(max_samples=10_000)))
    assert len(Audio.from_bytes(bytes(flac)).samples()) == 160_000
    mp3 = sound("MP3", seconds=20)
    assert "limit" in refused(Audio.from_bytes(mp3, MediaLimits(max_seconds=10)))
    assert "limit" in refused(Audio.from_bytes(sound("OGG", seconds=20), MediaLimits(max_seconds=10)))


def test_hours_between_two_frames():
    for container in ("mp4", "matroska"):
        data = clip(2, container, step=10 * 36_000)
        assert "36,000 seconds" in refused(Video.from_bytes(data))
    data = clip(300, "mpegts", rate=1)
    assert "seconds long" in refused(Video.from_bytes(data, MediaLimits(max_seconds=100)))


# --- nothing inside


def test_sounds_without_samples():
    for name in ("WAV", "FLAC", "OGG"):
        assert refused(Audio.from_bytes(sound(name, seconds=0)))
    assert "without sound data" in refused(Audio.from_bytes(sound("WAV")[:36]))


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi"])
def test_clips_without_frames(container):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("mjpeg" if container != "avi" else "mpeg4", rate=10)
        stream.width, stream.height = 32, 32
        stream.pix_fmt = "yuvj420p" if container != "avi" else "yuv420p"
        out.start_encoding()
    assert refused(Video.from_bytes(file.getvalue()))


def test_clips_whose_frames_cannot_be_found():
    data = clip(1)
    for emptied in (
        data.replace(b"stts", b"sttx"),
        data.replace(b"avc1", b"zzzz"),
    ):
        assert emptied != data
        assert refused(Video.from_bytes(emptied))
    assert refused(Video.from_bytes(gif(0)))
    assert refused(Image.from_bytes(gif(0)))


# --- cut off


FILES = {
    (Image, "png"): PNG,
    (Image, "jpeg"): picture("JPEG"),
    (Image, "webp"): picture("WEBP"),
    (Image, "gif"): picture("GIF"),
    (Image, "bmp"): picture("BMP"),
    (Image, "tiff"): picture("TIFF", compression="tiff_lzw"),
    (Audio, "wav"): WAV,
    (Audio, "flac"): sound("FLAC", seconds=3),
    (Video, "mp4"): SILENT_MP4,
    (Video, "mov"): clip(container="mov"),
}


@pytest.mark.parametrize(("kind", "name"), list(FILES))
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_files_that_are_cut_off(kind, name, share, tmp_path):
    data = FILES[kind, name]
    READ[kind](kind.from_bytes(data))
    path = tmp_path / f"cut.{name}"
    path.write_bytes(data[: max(3, int(len(data) * share))])
    assert refused(kind.from_path(path))


STREAMS = {  # formats made for broadcasting have no length in their header: what is there is read
    (Audio, "ogg"): sound("OGG", seconds=5),
    (Audio, "mp3"): sound("MP3", seconds=5),
    (Video, "ts"): clip(container="mpegts"),
    (Video, "mkv"): clip(container="matroska"),
    (Video, "webm"): clip(container="webm", codec="libvpx-vp9"),
    (Video, "gif"): gif(3),
}


@pytest.mark.parametrize(("kind", "name"), list(STREAMS))
def test_streams_may_be_cut_anywhere(kind, name):
    data = STREAMS[kind, name]
    for share in (0.01, 0.1, 0.5, 0.9):
        with contextlib.suppress(MediaError):
            assert len(READ[kind](kind.from_bytes(data[: int(len(data) * share)])))


@pytest.mark.parametrize(
    "data",
    [
        SILENT_MP4,
        clip(container="matroska"),
        clip(container="webm", codec="libvpx-vp9"),
        clip(container="avi", codec="mpeg4"),
        gif(3),
    ],
)
def test_damage_anywhere_gives_frames_or_one_sentence(data):
    rng = np.random.default_rng(0)
    for _ in range(25):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), 3):
            broken[position] = int(rng.integers(256))
        with contextlib.suppress(MediaError):
            Video.from_bytes(bytes(broken)).frames(3)


def test_playlists_open_nothing(tmp_path):
    (tmp_path / "segment.ts").write_bytes(clip(container="mpegts"))
    names = f"{tmp_path}/segment.ts"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\n{names}\n#EXT-X-ENDLIST\n"
    for name, text in (("a.m3u8", playlist), ("a.ffconcat", f"ffconcat version 1.0\nfile {names}\n")):
        (tmp_path / name).write_text(text)
        for kind in (Video, Audio):
            assert "plain text" in refused(kind.from_path(tmp_path / name))


def test_a_clip_that_refers_to_another_file(tmp_path):
    """MOV data references and the like open nothing."""
    data = clip()
    external = data.replace(b"url \0\0\0\x01", b"url \0\0\0\0")
    assert external != data
    with contextlib.suppress(MediaError):
        Video.from_bytes(external).frames(1)
