"""Prompts: what the engine is given, a row's embeddings and the identity of every position."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nextgpt.batch import Row


@dataclass(frozen=True, eq=False)
class Prompt:
    """embeddings (T, D). keys: T values; equal keys up to some position mean equal embeddings up to there."""

    keys: tuple[Hashable, ...]
    embeddings_TD: Tensor

    def __len__(self) -> int:
        return len(self.keys)


def make_prompt(model: Any, row: Row, media: Sequence[tuple[Hashable, Tensor]]) -> Prompt:
    """media: the row's input media in the order of their spans: identity, embeddings (N', D)."""
    found: dict[str, list[Tensor]] = {}
    for (modality, _), (_, embeddings_ND) in zip(row.inputs, media, strict=True):
        found.setdefault(modality, []).append(embeddings_ND)
    ids_BT = torch.tensor([row.ids], device=model.language_model.device)
    embeddings = model.embed(ids_BT, {name: torch.stack(values) for name, values in found.items()})
    return Prompt(position_keys(model.special, row, [identity for identity, _ in media]), embeddings[0])


def position_keys(special: Any, row: Row, identities: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """The id of each token; at placeholders the medium's identity and the place within its span."""
    placeholders = {special[name].placeholder for name in special.modalities}
    keys: list[Hashable] = []
    span, place = -1, 0
    for index, token in enumerate(row.ids):
        if token not in placeholders:
            keys.append(token)
            continue
        if index == 0 or row.ids[index - 1] != token:
            span, place = span + 1, 0
        keys.append((identities[span], place))
        place += 1
    return tuple(keys)


def common_prefix(rows: Sequence[Sequence[Hashable]]) -> int:
    """Number of leading positions at which all rows are equal."""
    shortest = min(len(row) for row in rows)
    first = rows[0]
    for place in range(shortest):
        if any(row[place] != first[place] for row in rows[1:]):
            return place
    return shortest
