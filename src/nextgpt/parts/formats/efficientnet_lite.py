"""EfficientNet-Lite from a pinned .pth -> safetensors with batch normalisation fused.

Keys of the result, each with .weight and .bias: stem, blocks.{i}.expand (absent at expansion 1),
blocks.{i}.depthwise, blocks.{i}.project, head, classifier.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import PartError
from . import only_file
from .batchnorm import fuse
from .labels import imagenet_labels, write_labels

if TYPE_CHECKING:
    from torch import Tensor

BATCH_NORM_EPS = 1e-3  # batch_norm_epsilon of efficientnet-lite-pytorch 0.1.0, as in the TensorFlow original

# layer of ours -> (convolution, batch norm) of the .pth
OUTER_LAYERS = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
BLOCK_LAYERS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def convert(content: Path, target: Path, needs: Mapping[str, Path]) -> None:
    """Read the one .pth (its package's hash has matched), fuse, and save with the class names."""
    from safetensors.torch import save_file

    save_file(fuse_state(_load_state(only_file(content, "*.pth"))), target / "model.safetensors")
    write_labels(imagenet_labels(needs["imagenet-labels"]), target)


def _load_state(path: Path) -> "dict[str, Tensor]":
    """The tensors of a .pth; no code in it is run.

    Raises:
        PartError: it holds more than tensors.
    """
    import pickle

    import torch

    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise PartError(f"{path.name} does not hold only tensors, so it is not loaded.") from error


def fuse_state(state: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """All layers fused.

    Raises:
        PartError: a key is missing, or one is left over.
    """
    rest = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    fused: dict[str, Tensor] = {}
    try:
        for layer, convolution, norm in _layer_names(state):
            fused[f"{layer}.weight"], fused[f"{layer}.bias"] = _fuse_layer(rest, convolution, norm)
        for kind in ("weight", "bias"):
            fused[f"classifier.{kind}"] = rest.pop(f"_fc.{kind}").float().contiguous()
    except KeyError as error:
        raise PartError(f"the EfficientNet-Lite weights lack {error}.") from error
    if rest:
        raise PartError(f"the EfficientNet-Lite weights have unknown keys: {', '.join(list(rest)[:5])}.")
    return fused


def _layer_names(state: "Mapping[str, Tensor]") -> list[tuple[str, str, str]]:
    """(our name, convolution, batch norm) of every layer."""
    names = [(layer, convolution, norm) for layer, (convolution, norm) in OUTER_LAYERS.items()]
    num_blocks = len({key.split(".")[1] for key in state if key.startswith("_blocks.")})
    for i in range(num_blocks):
        for layer, (convolution, norm) in BLOCK_LAYERS.items():
            if layer != "expand" or f"_blocks.{i}.{convolution}.weight" in state:
                names.append((f"blocks.{i}.{layer}", f"_blocks.{i}.{convolution}", f"_blocks.{i}.{norm}"))
    return names


def _fuse_layer(rest: "dict[str, Tensor]", convolution: str, norm: str) -> "tuple[Tensor, Tensor]":
    """Take one layer's tensors out of `rest` and fuse them."""
    return fuse(
        rest.pop(f"{convolution}.weight"),
        mean=rest.pop(f"{norm}.running_mean"),
        variance=rest.pop(f"{norm}.running_var"),
        scale=rest.pop(f"{norm}.weight"),
        shift=rest.pop(f"{norm}.bias"),
        eps=BATCH_NORM_EPS,
    )
