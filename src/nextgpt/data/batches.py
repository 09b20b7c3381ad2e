"""Dialogues -> Batch: ids by the processor, features from the caches, labels filled from real posteriors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from nextgpt.batch import IGNORE, Batch, Row, collate_rows, media_in_order
from nextgpt.data.feature_cache import FeatureCache
from nextgpt.data.manifest import Dialogue, ItemPart, Items, Text, Turn
from nextgpt.data.posteriors import POSTERIORS
from nextgpt.errors import DataError
from nextgpt.nn.outputs import Conditioning, EncoderOutput
from nextgpt.processor import Processor


@dataclass(frozen=True)
class ModalityData:
    """What batches need of one modality: its caches, its encoder's class names and kind of scores."""

    features: FeatureCache
    class_names: list[str]
    scores: str = "softmax"
    sentence_class: str = "article"


def with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


CHAT = "chat"  # the task of rows that hold the base model's own answers
LABEL_FORMS = {"article": with_article, "plain": lambda name: name[:1].lower() + name[1:]}


@dataclass
class Batches:
    """The bridge from manifests to tensors. `targets`: modality -> captions -> condition targets."""

    processor: Processor
    items: Items
    modalities: dict[str, ModalityData]
    targets: dict[str, Any] | None = None
    max_length: int = 384

    def output(self, part: ItemPart) -> EncoderOutput:
        """The cached EncoderOutput of one item, batch 1, its posterior replaced where the part says so."""
        data = self.modalities[part.modality]
        row = data.features.get([self.items.key(part.item)])
        count = int(row["count"][0])
        mask = torch.arange(row["features"].shape[1])[None] < count
        scores = row["scores"].float() if "scores" in row else None
        if part.posterior is not None:
            if scores is None:
                raise DataError(
                    f"{part.item} has a posterior, but its encoder has no classes; leave the posterior out."
                )
            made = POSTERIORS[data.scores](
                part.posterior["class"], scores.shape[1], part.posterior.get("seed", 0)
            )
            scores = made[None]
        return EncoderOutput(row["features"], mask, scores)

    def label(self, part: ItemPart) -> str:
        """The encoder's first class for that part, as it stands in a sentence."""
        return LABEL_FORMS[self.modalities[part.modality].sentence_class](self.class_name(part))

    def class_name(self, part: ItemPart) -> str:
        data = self.modalities[part.modality]
        if part.posterior is not None:
            return data.class_names[part.posterior["class"]]
        scores = self.output(part).scores_BP
        assert scores is not None
        return data.class_names[int(scores.argmax())]

    def fill(self, dialogue: Dialogue) -> tuple[Turn, ...]:
        """Turns with {label} replaced by the class that the encoder names for the last medium before it."""
        turns, last = [], None
        for turn in dialogue.turns:
            content: list[Text | ItemPart] = []
            for part in turn.content:
                if isinstance(part, ItemPart):
                    last = part
                elif turn.role == "assistant" and "{label}" in part.text:
                    assert last is not None
                    part = replace(part, text=part.text.replace("{label}", self.label(last)))
                content.append(part)
            turns.append(replace(turn, content=tuple(content)))
        return tuple(turns)

    def fill_text(self, dialogue: Dialogue, text: str) -> str:
        """{label} in an expected answer: the class, with no article."""
        media = [part for turn in dialogue.turns for part in turn.content if isinstance(part, ItemPart)]
        if "{label}" not in text or not media:
            return text
        return text.replace("{label}", self.class_name(media[0]))

    def row(self, dialogue: Dialogue) -> Row:
        """The dialogue for training: cut behind its last label; a record may switch its language loss off."""
        row = self.processor.row(self.fill(dialogue), max_length=self.max_length)
        special = self.processor.special
        signals = {i for name in self.modalities for i in special[name].signals}
        learnt = (i for i, label in enumerate(row.labels) if label != IGNORE or row.ids[i] in signals)
        end = 1 + max(
            learnt, default=len(row.ids) - 1
        )  # signal tokens stay, also of a reply without words to learn
        opens = {special[name].open for name in self.modalities}
        shown = sum(token in opens for token in row.ids[:end])
        said = row.labels[:end], row.restated[:end]
        labels, restated = said if dialogue.record.get("language_loss", True) else ((IGNORE,) * end,) * 2
        return Row(row.ids[:end], labels, restated, row.inputs[:shown], row.outputs)

    def batch(self, dialogues: Sequence[Dialogue]) -> Batch:
        rows = [self.row(dialogue) for dialogue in dialogues]
        batch = collate_rows(rows)
        batch.rehearsed_B = torch.tensor([dialogue.task == CHAT for dialogue in dialogues])
        for modality, parts in media_in_order(rows, "inputs").items():
            batch.inputs[modality] = stack_padded([self.output(part) for part in parts])
        for modality, parts in media_in_order(rows, "outputs").items():
            if self.targets:
                batch.targets[modality] = self.condition_target(modality, [part.caption for part in parts])
        return batch

    def condition_target(self, modality: str, captions: list[str]) -> Conditioning:
        assert self.targets is not None
        return self.targets[modality](captions)


def stack_padded(outputs: Sequence[EncoderOutput]) -> EncoderOutput:
    """Join along B, dropping positions that no row uses (outputs of one encoder have one N)."""
    joined = EncoderOutput.stack(outputs)
    longest = max(1, int(joined.mask_BN.sum(1).max()))
    features: Tensor | None = joined.features_BNE
    return EncoderOutput(
        None if features is None else features[:, :longest], joined.mask_BN[:, :longest], joined.scores_BP
    )
