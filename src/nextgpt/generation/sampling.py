"""Choosing the next token of each row: greedy, or from the row's own generator, whatever its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NUCLEUS_GUESS = 256  # a nucleus is nearly always within so many tokens; sorting 49k for each row is slow


@dataclass(frozen=True)
class Sampling:
    """temperature 0 is greedy; top_p cuts the tail, 1.0 leaves it."""

    temperature: float = 0.0
    top_p: float = 1.0


def choose(
    logits_BV: Tensor, sampling: Sequence[Sampling], generators: Sequence[torch.Generator]
) -> list[int]:
    """One token a row. generators are CPU generators, used by rows that sample."""
    tokens = logits_BV.argmax(-1).tolist()
    for row, (how, generator) in enumerate(zip(sampling, generators)):
        if how.temperature > 0:
            tokens[row] = sample(logits_BV[row].float(), how, generator)
    return tokens


def sample(logits_V: Tensor, how: Sampling, generator: torch.Generator) -> int:
    """Draw from the softmax at this temperature within the nucleus of mass top_p."""
    logits_V = (logits_V - logits_V.max()) / how.temperature
    ids = torch.arange(len(logits_V), device=logits_V.device)
    probabilities = logits_V.softmax(-1)
    if how.top_p < 1:
        probabilities, order = nucleus(probabilities, how.top_p)
        ids = ids[order]
    mass = probabilities.double().cumsum(-1)
    point = torch.rand((), generator=generator, dtype=torch.float64).to(mass.device) * mass[-1]
    return int(ids[torch.searchsorted(mass, point, right=True).clamp(max=len(ids) - 1)])


def nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The fewest best tokens whose mass reaches top_p: their probabilities, best first, and their places."""
    best, order = probabilities.topk(min(NUCLEUS_GUESS, len(probabilities)))
    if len(best) < len(probabilities) and best.sum() < top_p:
        best, order = probabilities.sort(descending=True, stable=True)
    count = int((best.cumsum(-1) < top_p).sum()) + 1
    return best[:count], order[:count]
