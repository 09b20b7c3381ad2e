"""Audio: every format, rate and channel count; arrays; resampling; saving."""

import contextlib
import io
import json
import struct

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from nextgpt.errors import MediaError
from nextgpt.media import Audio, MediaLimits


def tone(rate=16_000, seconds=0.5, hertz=440.0, channels=1) -> np.ndarray:
    """(S,C); the second channel is silent."""
    samples = np.zeros((int(rate * seconds), channels), np.float32)
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(len(samples)) / rate)
    return samples


def written(samples, rate, **options) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **options)
    return file.getvalue()


def av_written(samples, rate, container, codec, layout="mono") -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        planar = np.ascontiguousarray(samples.T.astype(np.float32))
        frame = av.AudioFrame.from_ndarray(planar, format="fltp", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode()]:
            out.mux(packet)
    return file.getvalue()


def loudest_hertz(samples, rate) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate / len(samples))


PCM = [
    ("WAV", s)
    for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM")
]
COMPRESSED = [
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


@pytest.mark.parametrize(
    ("name", "subtype"), PCM + COMPRESSED + [("AIFF", "PCM_16"), ("RF64", "PCM_16"), ("WAVEX", "PCM_16")]
)
def test_formats_of_libsndfile(name, subtype, tmp_path):
    path = tmp_path / "ein Ton ä 音"
    path.write_bytes(written(tone(), 16_000, format=name, subtype=subtype))
    audio = Audio.from_path(path)
    samples = audio.samples()
    assert (audio.rate, audio.channels, samples.dtype, samples.ndim) == (16_000, 1, np.float32, 1)
    assert abs(audio.seconds - 0.5) < 0.1 and abs(len(samples) / audio.rate - 0.5) < 0.1
    assert abs(loudest_hertz(samples, 16_000) - 440) < 5


AV_FORMATS = [("ipod", "aac"), ("mp4", "aac"), ("adts", "aac"), ("matroska", "libopus"), ("webm", "libopus")]


@pytest.mark.parametrize(("container", "codec"), [*AV_FORMATS, ("mov", "alac"), ("avi", "libmp3lame")])
def test_formats_of_ffmpeg(container, codec):
    rate = 48_000
    samples = tone(rate)
    audio = Audio.from_bytes(av_written(samples, rate, container, codec))
    assert (audio.rate, audio.channels) == (rate, 1)
    assert abs(len(audio.samples()) / rate - 0.5) < 0.1
    assert abs(loudest_hertz(audio.samples(), rate) - 440) < 5


def test_a_wav_with_a_codec_that_only_ffmpeg_knows():
    audio = Audio.from_bytes(av_written(tone(48_000), 48_000, "wav", "adpcm_yamaha"))
    assert abs(loudest_hertz(audio.samples(), audio.rate) - 440) < 5


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 12_345])
def test_any_rate_is_resampled(rate):
    audio = Audio.from_bytes(written(tone(rate), rate, format="WAV", subtype="FLOAT"))
    samples = audio.samples(16_000)
    assert abs(len(samples) - 8000) <= 1
    assert abs(loudest_hertz(samples, 16_000) - 440) < 5
    assert abs(np.abs(samples[1000:-1000]).max() - 0.5) < 0.02


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_are_averaged_and_kept(channels):
    audio = Audio.from_bytes(written(tone(channels=channels), 16_000, format="WAV", subtype="FLOAT"))
    assert audio.channels == channels and audio.array().shape == (8000, channels)
    assert np.allclose(audio.samples(), tone()[:, 0] / channels, atol=1e-6)


def test_stereo_through_ffmpeg():
    audio = Audio.from_bytes(av_written(tone(48_000, channels=2), 48_000, "ipod", "aac", "stereo"))
    assert audio.channels == 2 and audio.array().shape[1] == 2
    assert 0.2 < np.abs(audio.samples()).max() < 0.35


@pytest.mark.parametrize("count", [1, 2, 3, 100])
@pytest.mark.parametrize("rates", [(16_000, 16_000), (48_000, 16_000), (8000, 44_100)])
def test_sounds_of_few_samples(count, rates):
    for name in ("WAV", "FLAC"):
        audio = Audio.from_bytes(written(np.full(count, 0.25), rates[0], format=name))
        assert len(audio.samples(rates[1])) >= 1
        assert np.isfinite(audio.samples(rates[1])).all()
    assert len(Audio.from_array(np.full(count, 0.25), rates[0]).samples(rates[1])) >= 1


def test_silence():
    for name in ("WAV", "FLAC", "OGG", "MP3"):
        assert np.abs(Audio.from_bytes(written(np.zeros(16_000), 16_000, format=name)).samples()).max() < 1e-3


def test_float_files_may_be_louder_than_full_scale():
    assert (
        Audio.from_bytes(written(np.full(10, 3.0), 8000, format="WAV", subtype="FLOAT")).samples().max()
        == 3.0
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_an_error(value):
    samples = np.zeros(100)
    samples[50] = value
    with pytest.raises(MediaError, match="finite"):
        Audio.from_array(samples, 8000)
    with pytest.raises(MediaError, match="finite"):
        Audio.from_bytes(written(samples, 8000, format="WAV", subtype="FLOAT")).samples(16_000)
    with pytest.raises(MediaError, match="finite"):
        Audio.from_array(np.full(4, 1e300), 8000)


def test_whole_number_arrays_are_scaled():
    assert Audio.from_array(np.array([-32768, 0, 16384], np.int16), 8000).samples().tolist() == [-1, 0, 0.5]
    assert Audio.from_array(np.array([[2**30]], np.int32), 8000).samples().tolist() == [0.5]


@pytest.mark.parametrize(
    ("samples", "rate", "match"),
    [
        (np.zeros((2, 100)), 8000, "transpose"),
        (np.zeros(0), 8000, "no samples"),
        (np.zeros((0, 2)), 8000, "no samples"),
        (np.zeros((2, 2, 2)), 8000, r"\(samples,\)"),
        (np.zeros(4, bool), 8000, "floats"),
        (np.zeros(4, complex), 8000, "floats"),
        (np.zeros(4), 0, "rate"),
        (np.zeros(4), -8000, "rate"),
        (np.zeros(4), 8000.5, "rate"),
        (np.zeros(4), 10**9, "rate"),
        (np.zeros(4), float("nan"), "rate"),
        (np.zeros(4), "8000", "rate"),
        (np.zeros(4), True, "rate"),
    ],
)
def test_arrays_that_are_no_sound(samples, rate, match):
    with pytest.raises(MediaError, match=match):
        Audio.from_array(samples, rate)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50), st.sampled_from([".wav", ".flac"]))
@settings(max_examples=30, deadline=None)
def test_saving_keeps_16_bits(tmp_path_factory, values, suffix):
    path = tmp_path_factory.mktemp("s") / f"a{suffix}"
    audio = Audio.from_array(np.array(values), 12_345)
    again = Audio.from_path(audio.save(path))
    assert again.rate == 12_345 and np.abs(again.samples() - audio.samples()).max() < 1 / 16_000
    assert Audio.from_data_uri(audio.to_data_uri()).samples().shape == audio.samples().shape


def test_saving_with_metadata_and_beyond_full_scale(tmp_path):
    audio = Audio.from_array(np.array([[2.0, -2.0], [0.5, 0.0]]), 44_100)
    for suffix in (".wav", ".flac"):
        path = audio.save(tmp_path / f"a{suffix}", {"prompt": "Regen 雨", "seed": 3})
        with soundfile.SoundFile(path) as file:
            assert json.loads(file.comment) == {"prompt": "Regen 雨", "seed": 3}
            assert file.subtype == "PCM_16" and file.channels == 2
        assert np.allclose(Audio.from_path(path).array(), [[1, -1], [0.5, 0]], atol=1e-4)
    with pytest.raises(MediaError, match="suffix"):
        audio.save(tmp_path / "a.mp3")
    with pytest.raises(MediaError, match="cannot be saved"):
        Audio.from_array(np.zeros((4, 9)), 8000).save(tmp_path / "b.flac")
    with pytest.raises(MediaError, match="cannot be written"):
        audio.save(tmp_path / "missing" / "a.wav")
    assert len(list(tmp_path.iterdir())) == 2


def test_equal_sounds():
    samples = tone()
    assert Audio.from_array(samples, 16_000) == Audio.from_array(samples.copy(), 16_000)
    assert Audio.from_array(samples, 16_000) != Audio.from_array(samples, 8000)
    assert Audio.from_bytes(b"a") == Audio.from_bytes(b"a") != Audio.from_bytes(b"b")


def test_an_unknown_length_in_the_header_is_no_damage():
    data = bytearray(written(tone(), 16_000, format="WAV", subtype="PCM_16"))
    for size in (0xFFFFFFFF, 0x7FFFFFFF):
        data[4:8] = data[40:44] = struct.pack("<I", size)
        assert len(Audio.from_bytes(bytes(data)).samples()) == 8000


def test_rate_of_the_codec_wins_over_the_header():
    data = av_written(tone(48_000), 48_000, "ipod", "aac")
    position = data.index(b"mp4a") + 28  # the sample entry's rate, 16.16 fixed point
    lying = data[:position] + struct.pack(">I", 8000 << 16) + data[position + 4 :]
    audio = Audio.from_bytes(lying)
    assert audio.rate == 48_000 and abs(loudest_hertz(audio.samples(), 48_000) - 440) < 5


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_samples_or_one_sentence(data):
    for head in (
        b"",
        b"RIFF\xff\0\0\0WAVEfmt ",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb\x90",
        b"\0\0\0\x18ftypM4A ",
    ):
        try:
            Audio.from_bytes(head + data).samples(16_000)
        except MediaError as error:
            assert "\n" not in str(error) and "the given bytes" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda: written(tone(), 16_000, format="WAV"),
        lambda: written(tone(), 16_000, format="FLAC"),
        lambda: written(tone(), 16_000, format="OGG"),
        lambda: written(tone(), 16_000, format="MP3"),
        lambda: av_written(tone(48_000), 48_000, "ipod", "aac"),
    ],
)
def test_damage_anywhere_gives_samples_or_one_sentence(make):
    rng, data = np.random.default_rng(0), bytearray(make())
    for _ in range(25):
        broken = data.copy()
        broken[int(rng.integers(min(400, len(data))))] = int(rng.integers(256))
        with contextlib.suppress(MediaError):
            Audio.from_bytes(bytes(broken), MediaLimits(max_seconds=30)).samples(16_000)
