"""Names of drawn things by the features of EfficientNet-Lite0, a network that nothing trains with.

The gallery has one true drawing of every name of the 3-D style (Flags and Symbols left out), cut out like what is
judged and on the same background colour, at the nearest of three sizes: features change with both. A feature is the
mean over the network's last grid, so that it heeds no shift. Galleries are kept in the cache.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from nextgpt.config import EfficientNetLiteConfig
from nextgpt.nano.media_judges.segments import Pixels, background, cut_out, foreground, whole
from nextgpt.nano.scenes import ImageScene, Sprite, render_image
from nextgpt.nano.sources import Thing, things

PART = "efficientnet-lite0"
STYLE = "fluent-3d"
CANVAS = 128
PIXELS = (36, 56, 104)  # longer sides of the drawings: clips and thirds, halves, whole pictures
BATCH = 32
VERSION = "1"


def scale_of(pixels: float) -> int:
    """The gallery's size that is nearest, as a ratio."""
    return min(PIXELS, key=lambda known: abs(np.log(max(pixels, 1) / known)))


def true_cut(thing: Thing, colour: str, pixels: int) -> Pixels:
    """A thing's drawing as a judge sees it."""
    sprite = Sprite(thing.code, 0.5, 0.5, pixels / CANVAS)
    picture = render_image(ImageScene("single", thing.style, colour, (sprite,)), CANVAS)
    found = background(picture)[1]
    return cut_out(picture, whole(foreground(picture, found)).box, found)


class Gallery:
    """Features of pictures, and how near they are to every name. `names` may be fewer, for tests."""

    def __init__(self, entries: Sequence[Thing] | None = None, encoder: Any = None) -> None:
        self.entries = tuple(things(STYLE) if entries is None else entries)
        self.index = {thing.name: number for number, thing in enumerate(self.entries)}
        self._encoder = encoder
        self._known: dict[tuple[str, int], Tensor] = {}

    @cached_property
    def encoder(self) -> Any:
        """bf16: half the time of fp32; gallery and query are rounded alike."""
        from nextgpt.nn.encoders import load_encoder
        from nextgpt.parts import fetch_part

        config = EfficientNetLiteConfig(part=PART, width=1.0, depth=1.0, image_size=224, grid=7)
        return self._encoder or load_encoder(config, fetch_part(PART)).to(torch.bfloat16)

    def features(self, pictures: Iterable[Pixels]) -> Tensor:
        """(n, 1280) float32 of squares of any size, not normalised."""
        every, rows = list(pictures), []
        size = self.encoder.config.image_size
        for start in range(0, len(every), BATCH):
            batch = np.stack([_resized(picture, size) for picture in every[start : start + BATCH]])
            with torch.inference_mode():
                output = self.encoder(torch.from_numpy(batch)[:, None])
            rows.append(output.features_BNE.float().mean(1))
        return torch.cat(rows) if rows else torch.zeros(0, self.encoder.config.feature_dim)

    def of(self, colour: str, pixels: int) -> Tensor:
        """(names, 1280), normalised; made when first asked for (half a minute for all names), then from the cache."""
        if (colour, pixels) not in self._known:
            self._known[colour, pixels] = self._stored(colour, pixels)
        return self._known[colour, pixels]

    def _stored(self, colour: str, pixels: int) -> Tensor:
        from safetensors.torch import load_file, save_file

        from nextgpt.parts import cache_root

        path = cache_root() / "judges" / f"gallery-{self._key}-{colour}-{pixels}.safetensors"
        if path.exists():
            return normalised(load_file(path)["features"].float())
        made = self.features(true_cut(thing, colour, pixels) for thing in self.entries)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{torch.randint(1 << 30, ()).item()}.tmp")
        save_file({"features": made.half()}, partial)
        partial.replace(path)
        return normalised(made.half().float())

    @cached_property
    def _key(self) -> str:
        from nextgpt.nano.sources import STYLE_PARTS
        from nextgpt.parts import PARTS

        parts = [PARTS[name].folder_name for name in (PART, STYLE_PARTS[self.entries[0].style])]
        words = [VERSION, *parts, *(thing.code for thing in self.entries)]
        return sha256("\n".join(words).encode()).hexdigest()[:12]

    def likeness(self, features: Tensor, colour: str, pixels: float) -> Tensor:
        """(n, names): cosine with every name's drawing on that colour, at the nearest size."""
        return normalised(features) @ self.of(colour, scale_of(pixels)).T

    def rank(self, likeness: Tensor, name: str) -> int:
        """1 for the most alike of all names."""
        return int((likeness > likeness[self.index[name]]).sum()) + 1

    def nearest(self, likeness: Tensor, names: Sequence[str]) -> str:
        """The most alike of some names."""
        return max(names, key=lambda name: float(likeness[self.index[name]]))


def normalised(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows.float(), dim=-1)


def _resized(picture: Pixels, size: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))
