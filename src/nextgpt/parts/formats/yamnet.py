"""YAMNet from a TensorFlow SavedModel's variables -> safetensors with batch normalisation fused.

Keys of the result, each with .weight and .bias: layers.{0..26}, the 27 convolutions in order (after the
first, depthwise (C, 1, 3, 3) and pointwise (out, in, 1, 1) alternate), and classifier.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import PartError
from . import only_file
from .batchnorm import fuse
from .labels import audioset_labels, write_labels
from .tfbundle import read_bundle

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

BATCH_NORM_EPS = 1e-4  # of YAMNet's params.py; its batch norms have no scale
NUM_CONVOLUTIONS = 27
VARIABLE = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"


def convert(content: Path, target: Path, needs: Mapping[str, Path]) -> None:
    """Read the bundle beside variables.index, fuse, and save with the class names."""
    from safetensors.torch import save_file

    variables = read_bundle(only_file(content, "variables.index").with_suffix(""))
    save_file(fuse_variables(variables), target / "model.safetensors")
    write_labels(audioset_labels(only_file(content, "yamnet_class_map.csv")), target)


def fuse_variables(variables: "Mapping[str, np.ndarray]") -> "dict[str, Tensor]":
    """All layers fused: in the file convolutions and batch norms alternate, the classifier is the last.

    Raises:
        PartError: a variable is missing.
    """
    fused: dict[str, Tensor] = {}
    try:
        for i in range(NUM_CONVOLUTIONS):
            fused[f"layers.{i}.weight"], fused[f"layers.{i}.bias"] = _fuse_layer(variables, 2 * i)
        last = 2 * NUM_CONVOLUTIONS
        fused["classifier.weight"] = _tensor(variables, last, "kernel").T.contiguous()
        fused["classifier.bias"] = _tensor(variables, last, "bias")
    except KeyError as error:
        raise PartError(f"the YAMNet weights lack {error}.") from error
    return fused


def _fuse_layer(variables: "Mapping[str, np.ndarray]", index: int) -> "tuple[Tensor, Tensor]":
    """Convolution `index` with batch norm `index + 1`; TensorFlow keeps (kh, kw, in, out or 1)."""
    if VARIABLE.format(index, "depthwise_kernel") in variables:
        weight = _tensor(variables, index, "depthwise_kernel").permute(2, 3, 0, 1)
    else:
        weight = _tensor(variables, index, "kernel").permute(3, 2, 0, 1)
    mean = _tensor(variables, index + 1, "moving_mean")
    variance = _tensor(variables, index + 1, "moving_variance")
    return fuse(
        weight, mean=mean, variance=variance, shift=_tensor(variables, index + 1, "beta"), eps=BATCH_NORM_EPS
    )


def _tensor(variables: "Mapping[str, np.ndarray]", index: int, name: str) -> "Tensor":
    import torch

    return torch.from_numpy(variables[VARIABLE.format(index, name)].copy())
