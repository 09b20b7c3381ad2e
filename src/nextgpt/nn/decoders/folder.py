"""A small decoder's folder, in diffusers' layout:

    model_index.json   component -> [library, class]; "nextgpt" holds our LatentDecoderConfig and `shared`
    transformer/  vae/  scheduler/  prompt/   each opens with its class' own from_pretrained
    reader/  vocoder/  where the decoder has one

`shared` maps a component to a folder relative to this one: clips use the pictures' autoencoder.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch

from nextgpt.config import from_dict, to_dict
from nextgpt.errors import PartError
from nextgpt.nn.decoders.config import LatentDecoderConfig

INDEX = "model_index.json"
COMPONENTS = ("transformer", "vae", "scheduler", "prompt")
OPTIONAL = ("reader", "vocoder")


def write_folder(decoder: Any, folder: Path, shared: Mapping[str, str] | None = None) -> None:
    """Components in their present dtype; the index last, so that a broken write is seen as such."""
    shared = dict(shared or {})
    index: dict[str, Any] = {
        "_class_name": type(decoder).__name__,
        "_diffusers_version": diffusers.__version__,
        "nextgpt": {"config": to_dict(decoder.config), "shared": shared},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*COMPONENTS, *OPTIONAL):
        component = getattr(decoder, name, None)
        if component is None:
            continue
        library = type(component).__module__
        index[name] = [
            library.split(".")[0] if library.startswith("diffusers") else library,
            type(component).__name__,
        ]
        if name not in shared:
            component.save_pretrained(folder / name)
            forget_origin(folder / name / component.config_name)
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")


def forget_origin(config: Path) -> None:
    """diffusers notes where a component was opened, which is nobody's business elsewhere."""
    record = json.loads(config.read_text())
    record.pop("_name_or_path", None)
    config.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def pack_matrices(module: torch.nn.Module) -> None:
    """Matrices as float8 (E4M3), for a file; they are opened in the dtype that is asked for."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.to(torch.float8_e4m3fn)


def read_folder(folder: Path, dtype: torch.dtype) -> tuple[LatentDecoderConfig, dict[str, Any]]:
    """The config and the loaded components. PartError where something is missing."""
    index = read_index(folder)
    config = from_dict(LatentDecoderConfig, index["nextgpt"]["config"], f"{folder / INDEX}: nextgpt.config")
    shared = index["nextgpt"]["shared"]
    return config, {
        name: read_component(
            (folder / shared.get(name, name)).resolve(), index[name][0], index[name][1], dtype
        )
        for name in (*COMPONENTS, *OPTIONAL)
        if name in index
    }


def read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        raise PartError(
            f"{folder} is no decoder's folder: it has no {INDEX}; train one with `nextgpt decoders train`."
        )
    index = json.loads(path.read_text())
    missing = [name for name in ("nextgpt", *COMPONENTS) if name not in index]
    if missing:
        raise PartError(f"{path} does not name {', '.join(missing)}, so it is no decoder of nextgpt.")
    return index


def read_component(folder: Path, library: str, name: str, dtype: torch.dtype) -> Any:
    if not folder.is_dir():
        raise PartError(f"The decoder's component {folder} is missing; fetch or train the decoder again.")
    if library != "diffusers" and not library.startswith("nextgpt.nn.decoders."):
        raise PartError(f"The decoder's component {folder} asks for code of {library}, which is not loaded.")
    kind = getattr(importlib.import_module(library), name)
    is_module = isinstance(kind, type) and issubclass(kind, torch.nn.Module)
    options = {"torch_dtype": dtype, "low_cpu_mem_usage": False} if is_module else {}
    component = kind.from_pretrained(folder, local_files_only=True, **options)
    if is_module:
        torch.nn.Module.to(component, dtype)  # diffusers leaves weights of eight bits as they are
    return component
