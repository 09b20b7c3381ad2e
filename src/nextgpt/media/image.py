"""Image: pixels of a picture, from a file, bytes or an array."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from nextgpt.errors import MediaError
from nextgpt.media.limits import DEFAULT_LIMITS, MediaLimits
from nextgpt.media.medium import Medium, Metadata, UnreadableError, metadata_json
from nextgpt.media.source import Source

if TYPE_CHECKING:
    import PIL.Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_SAVERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"quality": 95}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
}
_EXIF_IFD, _USER_COMMENT, _ORIENTATION = 0x8769, 0x9286, 0x0112


@dataclass(frozen=True, eq=False, repr=False)
class Image(Medium):
    """A picture. Of an animation it is the first frame."""

    noun: ClassVar[str] = "an image"
    readable: ClassVar[str] = "a JPEG, PNG, WebP, GIF, BMP or TIFF file"
    suffixes: ClassVar[tuple[str, ...]] = tuple(_SAVERS)

    pixels: np.ndarray | None = None  # only of an image made from an array

    @classmethod
    def from_array(cls, array: np.ndarray, limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of uint8 (H,W,3) RGB, (H,W,4) with alpha, or (H,W) grey. MediaError for any other array."""
        array = np.asarray(array)
        shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
        if array.dtype != np.uint8 or not shape_ok or array.size == 0:
            raise MediaError(
                f"the given array: is {array.dtype} {array.shape}; "
                "an image is uint8 (height, width, 3), 0 to 255."
            )
        check_pixels(array.shape[1], array.shape[0], "the given array", limits)
        return cls(Source(), limits, _array_to_rgb(array))

    @classmethod
    def from_pil(cls, picture: PIL.Image.Image, limits: MediaLimits = DEFAULT_LIMITS) -> Self:
        """Of a Pillow image of any mode."""
        check_pixels(*picture.size, "the given Pillow image", limits)
        given = cls(Source(), limits)
        with given._reading():
            return replace(given, pixels=picture_to_rgb(picture))

    def array(self) -> np.ndarray:
        """uint8 (H,W,3) RGB: upright as its EXIF says, alpha over white. A new array. MediaError."""
        if self.pixels is not None:
            return self.pixels.copy()
        with self._reading(), self.source.open(self.limits) as file:
            picture = open_picture(file, self.source.name, self.limits)
            return picture_to_rgb(picture)

    def check(self) -> None:
        if self.pixels is None:
            with self._reading(), self.source.open(self.limits) as file:
                open_picture(file, self.source.name, self.limits)

    def _encode(self, file: BinaryIO, suffix: str, metadata: Metadata) -> None:
        import PIL.Image

        name, options = _SAVERS[suffix]
        extra = _png_text(metadata) if name == "PNG" else exif_comment(metadata)
        encoded = io.BytesIO()
        try:
            PIL.Image.fromarray(self.array()).save(encoded, name, **options, **extra)
        except (OSError, ValueError, struct.error) as error:
            if isinstance(error, MediaError):
                raise
            raise MediaError(
                f"{self.source.name}: cannot be encoded as {name} ({error}); use .png."
            ) from None
        file.write(encoded.getbuffer())

    def _array_sha256(self) -> str:
        assert self.pixels is not None
        return array_sha256("image", self.pixels)


def check_pixels(width: int, height: int, name: str, limits: MediaLimits) -> None:
    if width < 1 or height < 1:
        raise MediaError(f"{name}: has no pixels ({width} x {height}); export it again.")
    if width * height > limits.max_pixels:
        raise MediaError(
            f"{name}: has {width:,} x {height:,} pixels and the limit is {limits.max_pixels:,}; "
            "scale it down, or raise MediaLimits.max_pixels."
        )


def open_picture(
    file: BinaryIO, name: str, limits: MediaLimits, formats: tuple[str, ...] = FORMATS
) -> PIL.Image.Image:
    """The header of a picture in one of `formats`, its size checked; pixels are read by load().

    Pillow's openers are called directly: Image.open would warn about large sizes, which we refuse anyway.
    """
    import PIL.Image
    from PIL import TiffImagePlugin, WebPImagePlugin  # noqa: F401  (they enter PIL.Image.OPEN)

    PIL.Image.preinit()
    prefix = file.read(16)
    for format_name in formats:
        factory, accept = PIL.Image.OPEN[format_name]
        if accept is not None and accept(prefix) is True:
            file.seek(0)
            picture = factory(file, "")
            check_pixels(*picture.size, name, limits)
            return picture
    raise UnreadableError


def picture_to_rgb(picture: PIL.Image.Image) -> np.ndarray:
    """(H,W,3) uint8 of a Pillow image of any mode."""
    import PIL.Image

    picture.load()
    picture = _upright(picture)
    if picture.mode.startswith(("I", "F")):
        return _wide_to_rgb(np.asarray(picture))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = PIL.Image.new("RGBA", picture.size, "white")
        picture = PIL.Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    import PIL.Image

    turn = PIL.Image.Transpose
    turns = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE}
    turns |= {6: turn.ROTATE_270, 7: turn.TRANSVERSE, 8: turn.ROTATE_90}
    try:
        orientation = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken EXIF is no reason to refuse a picture
        return picture
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _wide_to_rgb(values: np.ndarray) -> np.ndarray:
    """Grey of more than 8 bits. White is 65535, or 1.0 for floats; of larger values, the largest."""
    is_16_bit = values.dtype == np.uint16
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(values.max())
    ladder = (65535.0,) if is_16_bit else (1.0, 255.0, 65535.0, max(peak, 1.0))
    white = next(step for step in ladder if peak <= step)
    grey = np.clip(values * (255.0 / white), 0, 255).round().astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _array_to_rgb(array: np.ndarray) -> np.ndarray:
    if array.ndim == 2 or array.shape[2] == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    if array.shape[2] == 3:
        return array.copy()
    alpha = array[:, :, 3:].astype(np.uint16)
    return ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def array_sha256(kind: str, array: np.ndarray, *facts: object) -> str:
    digest = hashlib.sha256(repr((kind, array.shape, str(array.dtype), *facts)).encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _png_text(metadata: Metadata) -> dict[str, Any]:
    """A text chunk a key; Pillow writes UTF-8 chunks where Latin-1 does not do."""
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for key, value in metadata.items():
        if value is not None:
            chunks.add_text(key, str(value))
    return {"pnginfo": chunks}


def exif_comment(metadata: Metadata) -> dict[str, Any]:
    """Options for Pillow's save(): the metadata as JSON in EXIF UserComment."""
    import PIL.Image

    if not metadata:
        return {}
    exif = PIL.Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = b"ASCII\0\0\0" + metadata_json(metadata).encode("ascii")
    return {"exif": exif.tobytes()}
