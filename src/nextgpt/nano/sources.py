"""Where the small world's drawings come from: named things in four styles, and ten background colours."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nextgpt.errors import DataError, optional_library
from nextgpt.nano.split import concept_key, is_held_out_name

COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "red": (220, 40, 40),
    "green": (40, 160, 70),
    "blue": (50, 90, 220),
    "yellow": (245, 215, 60),
    "purple": (140, 70, 190),
    "orange": (245, 140, 40),
    "pink": (250, 160, 195),
    "gray": (128, 128, 128),
}
STYLE_PARTS = {
    "fluent-3d": "fluent-emoji-3d",
    "noto": "noto-emoji",
    "flat": "fluent-emoji-flat",
    "twemoji": "twemoji",
}
_NAMES_PART = "unicode-emoji"
_GROUPS_LEFT_OUT = {"Flags", "Symbols"}
_ART_PIXELS = 256


@dataclass(frozen=True)
class Thing:
    """A drawn thing. `code` (codepoints without fe0f) and `style` find it again; `key` is its concept."""

    key: str
    name: str
    style: str
    group: str
    code: str


def part_folder(name: str) -> Path:
    """Folder with the unpacked content of a part."""
    from nextgpt.parts import fetch_part

    return fetch_part(name)


def find_file(part: str, filename: str) -> Path:
    """The first file of that name in a part, whether or not npm's `package/` folder was stripped."""
    paths = sorted(part_folder(part).rglob(filename))
    if not paths:
        raise DataError(f"part {part} has no file {filename}: fetch it again")
    return paths[0]


@cache
def names() -> dict[str, tuple[str, str]]:
    """code -> (lower-case name, group) of every emoji but flags and symbols."""
    entries = json.loads(find_file(_NAMES_PART, "data-by-emoji.json").read_text())
    return {
        _code(emoji): (entry["name"].lower().replace("’", "'"), entry["group"])
        for emoji, entry in entries.items()
        if entry["group"] not in _GROUPS_LEFT_OUT
    }


@cache
def key_of_name(name: str) -> str:
    """Split key of anything that has a name: its concept where an emoji has that name, else the name."""
    for code, (known, _group) in names().items():
        if known == name:
            return concept_key(code)
    return name


def is_held_out_label(name: str) -> bool:
    """Whether a classifier's class of this name counts as a held-out name of the small world."""
    return is_held_out_name(key_of_name(name.lower()))


@cache
def things(style: str) -> tuple[Thing, ...]:
    """All named things of a style, in Unicode order."""
    if style not in STYLE_PARTS:
        raise DataError(f"unknown style {style}: use one of {', '.join(STYLE_PARTS)}")
    art = _art(style)
    return tuple(
        Thing(concept_key(code), name, style, group, code)
        for code, (name, group) in names().items()
        if code in art
    )


@cache
def _things_by_code(style: str) -> dict[str, Thing]:
    return {thing.code: thing for thing in things(style)}


def find_thing(style: str, code: str) -> Thing:
    found = _things_by_code(style).get(code)
    if found is None:
        raise DataError(f"style {style} draws no {code}: the scene needs another version of its parts")
    return found


@lru_cache(maxsize=8192)
def load_rgba(style: str, code: str) -> Image.Image:
    """RGBA art, cut to what is visible, at most 256 px; shared, so do not change it."""
    image = _art(style)[code]().convert("RGBA")
    box = image.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox()
    return image.crop(box) if box else image


@cache
def _art(style: str) -> dict[str, Callable[[], Image.Image]]:
    """code -> a function that draws it."""
    return _webp_art(STYLE_PARTS[style]) if style == "fluent-3d" else _svg_art(STYLE_PARTS[style])


def _webp_art(part: str) -> dict[str, Callable[[], Image.Image]]:
    paths = sorted(part_folder(part).rglob("*.webp"))
    return {_without_variant(path.stem): partial(Image.open, path) for path in paths}


def _svg_art(part: str) -> dict[str, Callable[[], Image.Image]]:
    icons = json.loads(find_file(part, "icons.json").read_text())
    codes = json.loads(find_file(part, "chars.json").read_text())
    art: dict[str, Callable[[], Image.Image]] = {}
    for code, icon_name in codes.items():
        icon = _resolve_icon(icons, icon_name)
        if icon is not None:
            art[_without_variant(code)] = partial(_draw_svg, icon, icons)
    return art


def _resolve_icon(icons: dict, name: str) -> dict | None:
    alias = icons.get("aliases", {}).get(name)
    if alias is None:
        return icons["icons"].get(name)
    parent = _resolve_icon(icons, alias["parent"])
    if parent is None:
        return None
    return parent | {"hFlip": alias.get("hFlip", False) != parent.get("hFlip", False)}


def _draw_svg(icon: dict, icons: dict) -> Image.Image:
    resvg_py = optional_library("resvg_py", "data", "Drawing")
    width, height = icon.get("width", icons["width"]), icon.get("height", icons["height"])
    body = icon["body"]
    if icon.get("hFlip"):
        body = f'<g transform="translate({width} 0) scale(-1 1)">{body}</g>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=svg, width=_ART_PIXELS, height=_ART_PIXELS, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png)))


def _code(emoji: str) -> str:
    return _without_variant("-".join(f"{ord(character):04x}" for character in emoji))


def _without_variant(codepoints: str) -> str:
    return codepoints.lower().replace("-fe0f", "")


def colour_array(colour: str) -> NDArray[np.uint8]:
    return np.array(COLOURS[colour], dtype=np.uint8)
