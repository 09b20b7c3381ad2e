"""Synthetic posteriors: what a frozen classifier might say of a medium that can't be had.

Real photos and recordings are in no package, class names are. A softmax classifier's posterior has one peak of
any height, a few confusions and a long tail; YAMNet's scores are sigmoids of windows, averaged.
"""

import torch
from torch import Tensor


def softmax_posterior(label: int, num_classes: int, seed: int) -> Tensor:
    """(P,) sums to one, largest at `label`; the peak is uniform in 0.08 .. 1.0."""
    generator = torch.Generator().manual_seed(seed)
    peak = 0.08 + 0.92 * torch.rand((), generator=generator)
    tail = torch.exp(2.5 * torch.randn(num_classes, generator=generator))
    tail[label] = 0
    tail = tail / tail.sum() * (1 - peak)
    tail = tail.clamp(max=0.95 * float(peak))
    tail[label] = peak
    return tail / tail.sum()


def sigmoid_posterior(label: int, num_classes: int, seed: int) -> Tensor:
    """(P,) in 0 .. 1, largest at `label`, a few others below it, the rest near zero."""
    generator = torch.Generator().manual_seed(seed)
    peak = 0.1 + 0.9 * torch.rand((), generator=generator)
    scores = 0.02 * torch.rand(num_classes, generator=generator) ** 4
    others = torch.randint(num_classes, (4,), generator=generator)
    scores[others] = 0.9 * peak * torch.rand(4, generator=generator)
    scores[label] = peak
    return scores


POSTERIORS = {"softmax": softmax_posterior, "sigmoid": sigmoid_posterior}
