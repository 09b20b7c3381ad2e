"""Items with slots -> SlotBatch: what each embedding of a projector should say."""

from collections.abc import Sequence
from typing import Any

import torch

from nextgpt.batch import IGNORE
from nextgpt.data.batches import Batches, stack_padded
from nextgpt.data.manifest import ItemPart
from nextgpt.training.losses import SlotBatch


class SlotData:
    """word_fields and name_fields: which slots the resampler's embeddings and the concepts' queries say.

    names: the classes of the concepts. An absent word leaves its embedding free; an absent name is the empty one.
    """

    def __init__(
        self,
        batches: Batches,
        modality: str,
        items: Sequence[dict[str, Any]],
        word_fields: Sequence[str],
        name_fields: Sequence[str],
        names: Sequence[str],
    ) -> None:
        self.batches, self.modality = batches, modality
        self.word_fields, self.name_fields = word_fields, name_fields
        self.class_of = {name: number for number, name in enumerate(names)}
        ids = {word for item in items for word in self.words(item["slots"])} - {IGNORE}
        self.vocabulary = torch.tensor(sorted(ids))

    def words(self, slots: dict[str, str]) -> list[int]:
        encode = self.batches.processor.encode_text
        return [encode(" " + slots[field])[0] if slots[field] else IGNORE for field in self.word_fields]

    def names(self, slots: dict[str, str]) -> list[int]:
        return [self.class_of.get(slots[field], IGNORE) for field in self.name_fields]

    def batch(self, items: Sequence[dict[str, Any]]) -> SlotBatch:
        outputs = [self.batches.output(ItemPart(self.modality, item["id"])) for item in items]
        return SlotBatch(
            self.modality,
            stack_padded(outputs),
            torch.tensor([self.words(item["slots"]) for item in items]),
            self.vocabulary,
            torch.tensor([self.names(item["slots"]) for item in items]),
        )
