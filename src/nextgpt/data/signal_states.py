"""Signal states of a language model that no longer changes, computed once, to train output projectors alone.

A step through the language model costs seconds, a step of an output projector milliseconds, and the projector
needs thousands of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nextgpt.batch import media_in_order
from nextgpt.data.batches import Batches
from nextgpt.data.manifest import Dialogue, ItemPart
from nextgpt.nn.outputs import Conditioning
from nextgpt.training.losses import StatesBatch


def asks_for(dialogue: Dialogue, modality: str) -> bool:
    """Whether an assistant's turn holds a medium of that modality."""
    replies = [part for turn in dialogue.turns if turn.role == "assistant" for part in turn.content]
    return any(isinstance(part, ItemPart) and part.modality == modality for part in replies)


class SignalStates:
    """states (M, K, D) and condition targets of the M media of one modality in some dialogues."""

    def __init__(
        self,
        model: Any,
        batches: Batches,
        dialogues: Sequence[Dialogue],
        modality: str,
        track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
        batch_size: int = 16,
        distance: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        self.modality, self.distance = modality, distance
        rows = sorted((d for d in dialogues if asks_for(d, modality)), key=lambda d: d.length)
        chunks = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        found = [self._of(model, batches, chunk) for chunk in track(chunks)]
        self.states_MKD = torch.cat([states for states, _ in found])
        self.target = Conditioning.stack([target for _, target in found])

    @torch.no_grad()
    def _of(self, model: Any, batches: Batches, chunk: Sequence[Dialogue]) -> tuple[Tensor, Conditioning]:
        batch = replace(batches, targets=None).batch(chunk)  # the targets come below, in the states' order
        captions = [
            part.caption for part in media_in_order(self._rows(batches, chunk), "outputs")[self.modality]
        ]
        with torch.autocast(model.language_model.device.type, torch.bfloat16):
            projected = {name: model.project(name, inputs) for name, inputs in batch.inputs.items()}
            embeddings = model.embed(batch.ids_BT, projected)
            states = model.language_model(embeddings, batch.mask_BT).last_hidden_state
        target = batches.condition_target(self.modality, captions)
        return model.signal_states(batch.ids_BT, states, self.modality).to(torch.bfloat16), target

    def _rows(self, batches: Batches, chunk: Sequence[Dialogue]) -> list[Any]:
        return [batches.row(dialogue) for dialogue in chunk]

    def batch(self, numbers: Sequence[int]) -> StatesBatch:
        chosen = list(numbers)
        target = self.target.index(chosen)
        return StatesBatch(self.modality, self.states_MKD[chosen].float(), target, self.distance)
