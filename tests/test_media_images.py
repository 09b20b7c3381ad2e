"""Image: every format, orientation, transparency, depth; arrays; saving."""

import contextlib
import io
import json

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nextgpt.errors import MediaError
from nextgpt.media import Image, MediaLimits

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's, on broken files
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(height=32, width=48) -> np.ndarray:
    """Red, green over blue, white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, WHITE
    return pixels


def encoded(picture: PIL.Image.Image, name: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def close(actual, expected, by=12) -> bool:
    return actual.shape == expected.shape and np.abs(actual.astype(int) - expected).max() <= by


LOSSLESS = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
def test_lossless_formats_give_the_same_pixels(name, options, tmp_path):
    data = encoded(PIL.Image.fromarray(quarters()), name, **options)
    path = tmp_path / "ein Bild ä 猫 кот.bin"  # the suffix says nothing, the bytes do
    path.write_bytes(data)
    for image in (Image.from_path(path), Image.from_path(str(path)), Image.from_bytes(data)):
        assert np.array_equal(image.array(), quarters())
        assert image.array().dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "options"), [("JPEG", {"quality": 95, "subsampling": 0}), ("WEBP", {"quality": 95})]
)
def test_lossy_formats_give_nearly_the_same_pixels(name, options):
    data = encoded(PIL.Image.fromarray(quarters()), name, **options)
    assert np.abs(Image.from_bytes(data).array().astype(int) - quarters()).mean() < 4


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(name, orientation):
    upright = quarters()
    turn = {1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1]}
    turn |= {
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    }
    turn |= {8: lambda p: np.rot90(p, -1)}  # how a camera held so stores it
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    stored = PIL.Image.fromarray(np.ascontiguousarray(turn[orientation](upright)))
    image = Image.from_bytes(encoded(stored, name, exif=exif.tobytes()))
    assert image.array().shape == upright.shape
    assert np.abs(image.array().astype(int) - upright).mean() < 12


def test_broken_exif_does_not_refuse_a_picture():
    data = encoded(
        PIL.Image.fromarray(quarters()), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    )
    assert Image.from_bytes(data).array().shape == (32, 48, 3)


def test_alpha_lies_over_white():
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[:, 0], rgba[:, 1], rgba[:, 2] = (255, 0, 0, 255), (0, 0, 0, 0), (0, 0, 0, 128)
    expected = np.array([RED, WHITE, (127, 127, 127)], np.uint8)[None].repeat(2, 0)
    for name in ("PNG", "WEBP", "TIFF"):
        options = {"lossless": True, "exact": True} if name == "WEBP" else {}
        assert close(
            Image.from_bytes(encoded(PIL.Image.fromarray(rgba), name, **options)).array(), expected, 1
        )
    assert close(Image.from_array(rgba).array(), expected, 1)
    assert close(Image.from_pil(PIL.Image.fromarray(rgba)).array(), expected, 1)


def test_grey_with_alpha_and_palettes():
    grey = PIL.Image.new("LA", (2, 1), (0, 0))
    assert (Image.from_bytes(encoded(grey, "PNG")).array() == 255).all()
    palette = PIL.Image.fromarray(quarters()).quantize(4)
    for name in ("PNG", "GIF", "BMP", "TIFF"):
        assert close(Image.from_bytes(encoded(palette, name)).array(), quarters(), 2)
    transparent = palette.copy()
    data = encoded(transparent, "PNG", transparency=palette.getpixel((0, 0)))
    assert tuple(Image.from_bytes(data).array()[0, 0]) == WHITE
    bits = PIL.Image.new("1", (3, 3), 1)
    assert (Image.from_bytes(encoded(bits, "PNG")).array() == 255).all()


def test_cmyk():
    cmyk = PIL.Image.fromarray(quarters()).convert("CMYK")
    for name in ("JPEG", "TIFF"):
        assert np.abs(Image.from_bytes(encoded(cmyk, name)).array().astype(int) - quarters()).mean() < 6


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_cut(name):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = Image.from_bytes(encoded(PIL.Image.fromarray(ramp), name)).array()
    assert close(grey[:, :, 0], np.arange(256).reshape(16, 16), 1)


def test_float_and_32_bit_tiff():
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    ramp[0, 1] = np.nan
    assert close(
        Image.from_bytes(encoded(PIL.Image.fromarray(ramp), "TIFF")).array()[1:, :, 0],
        np.arange(16, 256).reshape(15, 16),
        1,
    )
    whole = (np.arange(256, dtype=np.int32) * 257).reshape(16, 16)
    assert close(
        Image.from_bytes(encoded(PIL.Image.fromarray(whole), "TIFF")).array()[:, :, 0],
        np.arange(256).reshape(16, 16),
        1,
    )


def test_an_animation_is_its_first_frame():
    frames = [PIL.Image.new("RGB", (8, 6), colour) for colour in (RED, GREEN, BLUE)]
    for name in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if name == "WEBP" else {}
        data = encoded(frames[0], name, save_all=True, append_images=frames[1:], **options)
        assert tuple(Image.from_bytes(data).array()[0, 0]) == RED


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9).map(lambda s: (*s[:2], 3))))
@settings(max_examples=30, deadline=None)
def test_saving_as_png_and_data_uris_keep_every_pixel(pixels):
    image = Image.from_array(pixels)
    again = Image.from_data_uri(image.to_data_uri())
    assert np.array_equal(again.array(), pixels)
    assert Image.from_array(pixels) == image and hash(Image.from_array(pixels)) == hash(image)
    assert Image.from_array(pixels.copy()).sha256() == image.sha256()


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_pixels_or_one_sentence(data):
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff"):
        try:
            Image.from_bytes(head + data).array()
        except MediaError as error:
            assert "\n" not in str(error)
            assert "the given bytes" in str(error)


def test_damage_anywhere_gives_pixels_or_one_sentence():
    rng = np.random.default_rng(0)
    for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        data = bytearray(encoded(PIL.Image.fromarray(quarters()), name))
        for _ in range(40):
            broken = data.copy()
            broken[int(rng.integers(len(data)))] = int(rng.integers(256))
            with contextlib.suppress(MediaError):
                Image.from_bytes(bytes(broken)).array()


def test_an_array_is_copied():
    pixels = quarters()
    image = Image.from_array(pixels)
    pixels[:] = 0
    image.array()[:] = 0
    assert np.array_equal(image.array(), quarters())


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        "no",
    ],
)
def test_arrays_that_are_no_image(array):
    with pytest.raises(MediaError, match="uint8"):
        Image.from_array(array)


def test_grey_arrays():
    assert Image.from_array(np.full((3, 4), 9, np.uint8)).array().shape == (3, 4, 3)
    assert Image.from_array(np.full((3, 4, 1), 9, np.uint8)).array().shape == (3, 4, 3)


METADATA = {"prompt": 'a cat, 猫, "quoted"', "seed": 7, "model": "nano", "nothing": None}


def test_metadata_is_inside_the_saved_file(tmp_path):
    image = Image.from_array(quarters())
    path = image.save(tmp_path / "Bild mit Leerzeichen 猫.png", METADATA)
    with PIL.Image.open(path) as picture:
        assert picture.text["prompt"] == METADATA["prompt"] and picture.text["seed"] == "7"
    for suffix in (".webp", ".jpg", ".JPEG"):
        with PIL.Image.open(image.save(tmp_path / f"b{suffix}", METADATA)) as picture:
            comment = picture.getexif().get_ifd(0x8769)[0x9286]
            assert json.loads(comment[8:])["prompt"] == METADATA["prompt"]
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".JPEG", ".jpg", ".png", ".webp"]  # no leftovers


def test_saving_where_it_cannot_be(tmp_path):
    image = Image.from_array(quarters())
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.png").mkdir()
    for path in (
        tmp_path / "missing" / "a.png",
        tmp_path / "file" / "a.png",
        tmp_path / "folder.png",
        "/proc/a.png",
        "a\0.png",
    ):
        with pytest.raises(MediaError, match="cannot be written"):
            image.save(path)
    with pytest.raises(MediaError, match="suffix"):
        image.save(tmp_path / "a.gif")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_failed_save_keeps_the_old_file(tmp_path):
    target = Image.from_array(quarters()).save(tmp_path / "a.png")
    before = target.read_bytes()
    with pytest.raises(MediaError):
        Image.from_bytes(b"no image").save(target)
    assert target.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(MediaError, match="cannot be encoded"):
        Image.from_array(np.zeros((1, 70_000, 3), np.uint8)).save(tmp_path / "b.jpg")


def test_limits_of_arrays():
    with pytest.raises(MediaError, match="limit"):
        Image.from_array(np.zeros((11, 10), np.uint8), MediaLimits(max_pixels=100))


def test_a_pillow_image_that_cannot_be_loaded():
    data = encoded(PIL.Image.fromarray(quarters()), "PNG")
    with pytest.raises(MediaError, match="cannot be read"):
        Image.from_pil(PIL.Image.open(io.BytesIO(data[:-60])))
