"""Batch normalisation folded into the convolution before it, computed in float64."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def fuse(
    weight: "Tensor",
    *,
    mean: "Tensor",
    variance: "Tensor",
    shift: "Tensor",
    eps: float,
    scale: "Tensor | None" = None,
) -> "tuple[Tensor, Tensor]":
    """Weight (out, in, kh, kw) and bias (out,), float32, of the one convolution that equals both.

    y = (conv(x) - mean) / sqrt(variance + eps) * scale + shift; mean, variance, shift, scale are (out,).
    """
    import torch

    factor = torch.rsqrt(variance.double() + eps)
    if scale is not None:
        factor = factor * scale.double()
    bias = shift.double() - mean.double() * factor
    return (weight.double() * factor.reshape(-1, 1, 1, 1)).float().contiguous(), bias.float()
