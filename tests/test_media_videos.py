"""Video: containers, animations, rates, rotation, picking of frames, saving."""

import io
import json
from fractions import Fraction

import av
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextgpt.errors import MediaError
from nextgpt.media import Audio, MediaLimits, Video
from nextgpt.media.container_clip import _runs


def grey_frames(count, height=32, width=48, step=None) -> np.ndarray:
    """Frame i has the grey 10 + step * i, so that a frame tells its number."""
    levels = 10 + np.arange(count) * (step or min(20, 230 // count))
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).astype(np.uint8)


def av_written(frames, container, codec, stamps=None, rate=10, rotation=None, options=None) -> bytes:
    """`stamps`: milliseconds at which the frames appear; without them the rate is constant."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if rotation is not None:
            stream.set_display_rotation(rotation)
        stream.codec_context.time_base = Fraction(1, 1000) if stamps is not None else 1 / Fraction(rate)
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = stamps[index] if stamps is not None else index
            frame.time_base = stream.codec_context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


def animated(frames, name, durations, **options) -> bytes:
    file = io.BytesIO()
    pictures = [PIL.Image.fromarray(pixels) for pixels in frames]
    pictures[0].save(file, name, save_all=True, append_images=pictures[1:], duration=durations, **options)
    return file.getvalue()


def levels(clip: np.ndarray) -> np.ndarray:
    return clip.mean(axis=(1, 2, 3))


def centres(count, num) -> list[int]:
    return [int((index + 0.5) * count / num) for index in range(num)]


CONTAINERS = [
    ("mp4", "libx264"),
    ("mov", "libx264"),
    ("mov", "mjpeg"),
    ("matroska", "libx264"),
    ("webm", "libvpx-vp9"),
    ("webm", "libvpx"),
    ("avi", "mpeg4"),
    ("mpegts", "libx264"),
]


@pytest.mark.parametrize(("container", "codec"), CONTAINERS)
@pytest.mark.parametrize("rate", [10, Fraction(30_000, 1001)])
def test_containers(container, codec, rate, tmp_path):
    frames = grey_frames(12)
    path = tmp_path / "ein Film ä 映画"
    path.write_bytes(av_written(frames, container, codec, rate=rate))
    for video in (Video.from_path(path), Video.from_bytes(path.read_bytes())):
        assert video.num_frames == 12
        assert abs(video.fps - rate) < 0.05 and abs(video.seconds - 12 / rate) < 0.02
        assert video.audio is None
    clip = video.frames(12)
    assert clip.shape == (12, 32, 48, 3) and clip.dtype == np.uint8
    assert np.abs(levels(clip) - levels(frames)).max() < 6
    assert np.abs(levels(video.frames(4)) - levels(frames[centres(12, 4)])).max() < 6


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
def test_animations(name):
    frames = grey_frames(8)
    video = Video.from_bytes(animated(frames, name, 100))
    assert (video.num_frames, video.audio) == (8, None)
    assert abs(video.fps - 10) < 1e-6 and abs(video.seconds - 0.8) < 1e-6
    assert np.abs(levels(video.frames(8)) - levels(frames)).max() < 6
    assert np.abs(levels(video.frames(3)) - levels(frames[centres(8, 3)])).max() < 6


def test_transparent_animations_lie_over_white():
    frames = np.zeros((2, 8, 8, 4), np.uint8)
    frames[1, :, :, 3] = 255
    for name in ("GIF", "WEBP"):
        options = {"disposal": 2} if name == "GIF" else {"lossless": True}
        clip = Video.from_bytes(animated(frames, name, 100, **options)).frames(2)
        assert levels(clip).tolist() == [255, 0]


def test_frames_of_no_duration_last_as_long_as_in_a_browser():
    assert abs(Video.from_bytes(animated(grey_frames(4), "GIF", 0)).seconds - 0.4) < 1e-6


def test_variable_rate_is_picked_by_time_not_by_number():
    frames = grey_frames(4)
    for name in ("GIF", "WEBP"):  # the first frame stays for 0.9 of 1.2 seconds
        video = Video.from_bytes(animated(frames, name, [900, 100, 100, 100]))
        assert abs(video.seconds - 1.2) < 1e-6
        assert np.abs(levels(video.frames(4)) - levels(frames[[0, 0, 0, 2]])).max() < 6
    stamps = [0, 900, 1000, 1100]
    for container, codec in (("matroska", "libx264"), ("mp4", "libx264"), ("webm", "libvpx-vp9")):
        video = Video.from_bytes(av_written(frames, container, codec, stamps))
        assert video.num_frames == 4 and abs(video.seconds - 1.2) < 0.12
        assert np.abs(levels(video.frames(4)) - levels(frames[[0, 0, 0, 2]])).max() < 6


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(("container", "codec"), CONTAINERS)
def test_short_clips_repeat_frames(count, container, codec):
    frames = grey_frames(count)
    video = Video.from_bytes(av_written(frames, container, codec))
    clip = video.frames(8)
    assert len(clip) == 8 and video.num_frames == count and video.seconds > 0
    assert np.abs(levels(clip) - levels(frames[centres(count, 8)])).max() < 6


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
def test_a_still_picture_is_a_clip_of_one_frame(name):
    video = Video.from_bytes(animated(grey_frames(1), name, 0))
    assert video.num_frames == 1 and video.seconds > 0 and len(video.frames(3)) == 3


@given(st.integers(1, 40), st.integers(1, 60), st.sampled_from([1, 7.5, 23.976, 25, 29.97, 60]))
@settings(max_examples=60, deadline=None)
def test_frames_are_the_centres_of_equal_parts(count, num, fps):
    frames = grey_frames(count, 2, 2, step=6)
    picked = Video.from_array(frames, fps).frames(num)
    times = [(index + 0.5) * count / num for index in range(num)]
    expected = [frames[int(time)] if time % 1 > 0.01 else None for time in times]
    for pixels, wanted, time in zip(picked, expected, times):
        if wanted is not None and time % 1 < 0.99:  # at a boundary both neighbours are right
            assert np.array_equal(pixels, wanted)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize(
    "options", [{"g": "15", "bf": "3"}, {"g": "25", "x264-params": "open-gop=1:bframes=3"}]
)
def test_jumping_to_key_frames_gives_the_same_frames(container, options, monkeypatch):
    frames = grey_frames(200, step=1)
    data = av_written(frames, container, "libx264", options=options)
    jumped = Video.from_bytes(data).frames(5)
    assert np.abs(levels(jumped) - levels(frames[centres(200, 5)])).max() < 3
    decoded = count_decoded(monkeypatch, lambda: Video.from_bytes(data).frames(5))
    assert decoded < 120  # of 200
    monkeypatch.setattr("nextgpt.media.container_clip._SEEKABLE", ())
    assert np.array_equal(jumped, Video.from_bytes(data).frames(5))


def count_decoded(monkeypatch, work) -> int:
    from nextgpt.media import container_clip

    count, original = 0, container_clip._decoded

    def counting(*args):
        nonlocal count
        for frame in original(*args):
            count += 1
            yield frame

    monkeypatch.setattr(container_clip, "_decoded", counting)
    work()
    return count


def test_runs_of_decoding():
    keys = [0.0, 5.0, 10.0, 11.0]
    assert _runs(keys, [1.0, 2.0]) == [(None, 2.0)]
    assert _runs(keys, [1.0, 6.0, 12.0]) == [(None, 1.0), (5.0, 6.0), (11.0, 12.0)]
    assert _runs(keys, [12.0]) == [(11.0, 12.0)]
    assert _runs((), [1.0, 100.0]) == [(None, 100.0)]


@pytest.mark.parametrize("degrees", [90, 180, 270, -90])
def test_rotation_of_telephones(degrees):
    frames = np.zeros((3, 32, 48, 3), np.uint8)
    frames[:, :8, :8] = 255  # a white corner, top left as stored
    clip = Video.from_bytes(av_written(frames, "mp4", "libx264", rotation=degrees)).frames(1)[0]
    expected = np.rot90(frames[0], round(degrees / 90))
    assert clip.shape == expected.shape and np.abs(clip.astype(int) - expected).mean() < 8


def test_odd_rates_and_sizes(tmp_path):
    for fps, shape in (
        (0.5, (3, 1, 1, 3)),
        (1, (2, 7, 5, 3)),
        (29.97, (5, 33, 47, 3)),
        (60, (5, 16, 16, 3)),
        (1 / 7, (2, 2, 2, 3)),
    ):
        video = Video.from_array(grey_frames(*shape[:3]), fps)
        for suffix in (".mp4", ".webp"):
            again = Video.from_path(video.save(tmp_path / f"a{suffix}"))
            assert again.num_frames == shape[0] and abs(again.fps / fps - 1) < 0.05
            assert np.abs(levels(again.frames(shape[0])) - levels(video.frames(shape[0]))).max() < 6


def test_max_side_scales_down_and_keeps_the_form():
    video = Video.from_array(grey_frames(3, 100, 200), 10)
    assert video.frames(2, max_side=50).shape == (2, 25, 50, 3)
    assert video.frames(2, max_side=500).shape == (2, 100, 200, 3)
    data = av_written(grey_frames(3, 64, 128), "mp4", "libx264")
    assert Video.from_bytes(data).frames(2, max_side=32).shape == (2, 16, 32, 3)


def test_save_and_read_with_sound_and_metadata(tmp_path):
    sound = Audio.from_array(0.5 * np.sin(np.arange(24_000) / 8), 24_000)
    video = Video.from_array(grey_frames(10), 10, audio=sound)
    path = video.save(tmp_path / "Film 猫.mp4", {"prompt": "eine Katze 猫", "seed": 5})
    with av.open(str(path)) as container:
        assert json.loads(container.metadata["comment"]) == {"prompt": "eine Katze 猫", "seed": 5}
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert container.streams.video[0].codec_context.name == "h264"
    again = Video.from_path(path)
    assert again.audio is not None and abs(again.audio.seconds - 1) < 0.1 and again.audio.rate == 24_000
    assert abs(np.abs(again.audio.samples()).max() - 0.5) < 0.1
    assert np.abs(levels(again.frames(10)) - levels(video.frames(10))).max() < 6
    assert again.save(tmp_path / "b.mp4") and Video.from_path(tmp_path / "b.mp4").num_frames == 10
    with PIL.Image.open(video.save(tmp_path / "c.webp", {"seed": 5})) as picture:
        assert (
            json.loads(picture.getexif().get_ifd(0x8769)[0x9286][8:]) == {"seed": 5}
            and picture.n_frames == 10
        )
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("rate", [16_000, 12_345, 96_000])
def test_sound_of_any_rate_goes_into_mp4(rate, tmp_path):
    video = Video.from_array(grey_frames(4), 4, audio=Audio.from_array(np.zeros((rate, 2)), rate))
    assert abs(Video.from_path(video.save(tmp_path / "a.mp4")).audio.seconds - 1) < 0.15


def test_animations_become_mp4(tmp_path):
    frames = grey_frames(4)
    video = Video.from_bytes(animated(frames, "GIF", [900, 100, 100, 100]))
    again = Video.from_path(video.save(tmp_path / "a.mp4"))
    assert abs(again.seconds - 1.2) < 0.05
    assert np.abs(levels(again.frames(4)) - levels(frames[[0, 0, 0, 2]])).max() < 6


def test_saving_where_it_cannot_be(tmp_path):
    video = Video.from_array(grey_frames(2), 10)
    with pytest.raises(MediaError, match="suffix"):
        video.save(tmp_path / "a.avi")
    with pytest.raises(MediaError, match="cannot be written"):
        video.save(tmp_path / "missing" / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_cover_art_is_no_video():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        noise = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        noise.sample_rate = 48_000
        for stream, frame in ((cover, picture), (sound, noise)):
            for packet in [*stream.encode(frame), *stream.encode()]:
                out.mux(packet)
    with pytest.raises(MediaError, match="moving picture"):
        Video.from_bytes(file.getvalue()).frames(1)
    assert len(Audio.from_bytes(file.getvalue()).samples()) >= 4800


@pytest.mark.parametrize(
    ("frames", "fps"),
    [
        (np.zeros((2, 4, 4, 3)), 10),
        (np.zeros((0, 4, 4, 3), np.uint8), 10),
        (np.zeros((4, 4, 3), np.uint8), 10),
        (np.zeros((2, 4, 4, 4), np.uint8), 10),
        (np.zeros((2, 4, 4, 3), np.uint8), 0),
        (np.zeros((2, 4, 4, 3), np.uint8), float("nan")),
        (np.zeros((2, 4, 4, 3), np.uint8), float("inf")),
        (np.zeros((2, 4, 4, 3), np.uint8), -1),
        (np.zeros((2, 4, 4, 3), np.uint8), 0.001),
    ],
)
def test_arrays_that_are_no_video(frames, fps):
    with pytest.raises(MediaError):
        Video.from_array(frames, fps)


def test_values_are_equal_by_content_and_never_change():
    frames = grey_frames(3).copy()
    video = Video.from_array(frames, 10)
    assert video == Video.from_array(frames, 10) != Video.from_array(frames, 20)
    frames[:] = 0
    video.frames(3)[:] = 0
    assert levels(video.frames(3)).min() >= 10
    for num in (0, -1, True):
        with pytest.raises(MediaError, match="1 or more"):
            video.frames(num)


def test_times_and_sizes_that_make_no_sense(tmp_path, monkeypatch):
    video = Video.from_array(grey_frames(3), 10)
    for times, side in (([], None), ([0.2, 0.1], None), ([0.1], 0), ([0.1], -5)):
        with pytest.raises(MediaError, match="rising"):
            video.frames_at(times, side)
    monkeypatch.setattr("nextgpt.media.encode._MAX_WEBP_PIXELS", 2 * 32 * 48)
    with pytest.raises(MediaError, match="mp4"):
        video.save(tmp_path / "a.webp")
    assert not list(tmp_path.iterdir())


def test_what_one_call_returns_is_bounded():
    video = Video.from_array(grey_frames(3, 100, 100), 10, limits=MediaLimits(max_kept_pixels=20_000))
    assert len(video.frames(2)) == 2
    with pytest.raises(MediaError, match="max_side"):
        video.frames(3)
    assert len(video.frames(100, max_side=10)) == 100
