"""Items with slots -> SlotBatch: which token each embedding of a projector should look like."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from nextgpt.data.batches import Batches, stack_padded
from nextgpt.data.manifest import ItemPart
from nextgpt.training.losses import SlotBatch

FILLER = " -"


class SlotData:
    """layout: (field, number of embeddings) in order. Words longer than their place are cut, shorter ones
    filled up, so that an embedding always knows what to say."""

    def __init__(self, batches: Batches, modality: str, layout: Sequence[tuple[str, int]]) -> None:
        self.batches, self.modality, self.layout = batches, modality, layout
        rows = batches.items.by_modality[modality]
        ids = {token for row in rows for token in self.ids(row["slots"])}
        self.vocabulary = torch.tensor(sorted(ids))

    def ids(self, slots: Mapping[str, str]) -> list[int]:
        encode = self.batches.processor.encode_text
        filler = encode(FILLER)[:1]
        found: list[int] = []
        for field, length in self.layout:
            words = encode(" " + slots[field]) if slots.get(field) else ()
            found += (*words, *filler * length)[:length]
        return found

    def batch(self, items: Sequence[dict[str, Any]]) -> SlotBatch:
        outputs = [self.batches.output(ItemPart(self.modality, item["id"])) for item in items]
        targets = torch.tensor([self.ids(item["slots"]) for item in items])
        return SlotBatch(self.modality, stack_padded(outputs), targets, self.vocabulary)
