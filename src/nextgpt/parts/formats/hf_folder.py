"""A Hugging Face folder as it is, without the copies of the weights in other formats."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from ...errors import PartError

KEPT_SUFFIXES = {".json", ".safetensors", ".txt", ".model", ".jinja", ".md"}


def convert(content: Path, target: Path, needs: Mapping[str, Path]) -> None:
    """Move configuration, tokenizer and safetensors files; subfolders (pooling, onnx) are left out.

    Raises:
        PartError: no config.json or no safetensors file.
    """
    for path in sorted(content.iterdir()):
        if path.is_file() and (path.suffix in KEPT_SUFFIXES or path.name.startswith("LICENSE")):
            shutil.move(path, target / path.name)
    if not (target / "config.json").is_file() or not list(target.glob("*.safetensors")):
        raise PartError("the package is no Hugging Face folder with config.json and safetensors weights.")
