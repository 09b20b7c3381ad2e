"""Rows of rendered messages -> one Batch of tensors. Pure tensor work: no media, no modules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nextgpt.nn.outputs import Conditioning, EncoderOutput

IGNORE = -100


@dataclass(frozen=True)
class Row:
    """One conversation, rendered. ids and labels are as long as each other; labels[t] is ids[t] where the loss
    stands and IGNORE elsewhere. restated[t] is what the state at t, a signal token's, should say (decision 8), and
    IGNORE elsewhere. inputs and outputs name each medium in the order of its span: modality and whatever the caller
    needs to find it again (a media value, an item id)."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    restated: tuple[int, ...]
    inputs: tuple[tuple[str, Any], ...] = ()
    outputs: tuple[tuple[str, Any], ...] = ()


@dataclass
class Batch:
    """ids, labels, restated (B, T) long; mask (B, T) bool. inputs: modality -> the encoder's input tensors or an
    EncoderOutput from a cache, one row a medium, row by row of the batch and in order within a row.
    targets: modality -> conditioning target of each output medium in the same order; latents likewise.
    rehearsed_B: rows (bool) of plain chat, on which the language model should stay what it was."""

    ids_BT: Tensor
    mask_BT: Tensor
    labels_BT: Tensor
    restated_BT: Tensor
    inputs: dict[str, dict[str, Tensor] | EncoderOutput] = field(default_factory=dict)
    targets: dict[str, Conditioning] = field(default_factory=dict)
    latents: dict[str, Tensor] = field(default_factory=dict)
    rehearsed_B: Tensor | None = None

    def to(self, device: torch.device | str) -> "Batch":
        def move(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: move(item) for key, item in value.items()}
            return None if value is None else value.to(device)

        return Batch(**{name: move(value) for name, value in vars(self).items()})


def collate_rows(rows: Sequence[Row], *, side: str = "right", pad_id: int = 0) -> Batch:
    """Pad to the longest row on that side ("left" for generation)."""
    length = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), length), pad_id)
    labels = torch.full((len(rows), length), IGNORE)
    restated = torch.full((len(rows), length), IGNORE)
    mask = torch.zeros((len(rows), length), dtype=torch.bool)
    for index, row in enumerate(rows):
        span = slice(length - len(row.ids), length) if side == "left" else slice(0, len(row.ids))
        ids[index, span] = torch.tensor(row.ids)
        labels[index, span] = torch.tensor(row.labels)
        restated[index, span] = torch.tensor(row.restated)
        mask[index, span] = True
    return Batch(ids, mask, labels, restated)


def media_in_order(rows: Sequence[Row], kind: str) -> dict[str, list[Any]]:
    """modality -> media of all rows in batch order; kind is "inputs" or "outputs"."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        for modality, medium in getattr(row, kind):
            found.setdefault(modality, []).append(medium)
    return found
