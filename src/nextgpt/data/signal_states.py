"""Signal states of a language model that no longer changes, computed once, to train output projectors alone.

A step through the language model costs seconds, a step of an output projector milliseconds, and the projector
needs thousands of them.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from nextgpt.batch import media_in_order
from nextgpt.checkpoint import module_of
from nextgpt.data.batches import Batches
from nextgpt.data.manifest import Dialogue, ItemPart
from nextgpt.nn.outputs import Conditioning
from nextgpt.training.losses import StatesBatch


def captions_of(dialogue: Dialogue, modality: str) -> list[str]:
    """Of the media of that modality that an assistant's turns hold."""
    replies = [part for turn in dialogue.turns if turn.role == "assistant" for part in turn.content]
    return [part.caption for part in replies if isinstance(part, ItemPart) and part.modality == modality]


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
        kept: Path | None = None,
    ) -> None:
        """kept: a folder where states are left for the next run of the same model over the same rows."""
        self.modality, self.distance = modality, distance
        rows = sorted((d for d in dialogues if captions_of(d, modality)), key=lambda d: d.length)
        chunks = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        file = kept and kept / f"{modality}-{states_key(model, rows)}.safetensors"
        if file and file.exists():
            self.states_MKD = load_file(file)["states"]
        else:
            self.states_MKD = torch.cat([self._of(model, batches, chunk) for chunk in track(chunks)])
            if file:
                keep(file, self.states_MKD)
        captions = [self._captions(batches, chunk) for chunk in chunks]
        self.target = Conditioning.stack([batches.condition_target(modality, some) for some in captions])
        self.captions = list(chain.from_iterable(captions))

    @torch.no_grad()
    def _of(self, model: Any, batches: Batches, chunk: Sequence[Dialogue]) -> Tensor:
        batch = replace(batches, targets=None).batch(chunk)  # targets are made once, for all rows
        with torch.autocast(model.language_model.device.type, torch.bfloat16):
            projected = {name: model.project(name, inputs) for name, inputs in batch.inputs.items()}
            embeddings = model.embed(batch.ids_BT, projected)
            states = model.language_model(embeddings, batch.mask_BT).last_hidden_state
        return model.signal_states(batch.ids_BT, states, self.modality).to(torch.bfloat16)

    def _captions(self, batches: Batches, chunk: Sequence[Dialogue]) -> list[str]:
        rows = [batches.row(dialogue) for dialogue in chunk]
        return [part.caption for part in media_in_order(rows, "outputs")[self.modality]]

    def longest(self, share: float) -> list[int]:
        """Numbers of those media, a share of all, whose captions have the most words: they are read worst."""
        order = sorted(range(len(self.captions)), key=lambda number: -len(self.captions[number].split()))
        return order[: math.ceil(share * len(order))]

    def batch(self, numbers: Sequence[int]) -> StatesBatch:
        chosen = list(numbers)
        target = self.target.index(chosen)
        return StatesBatch(self.modality, self.states_MKD[chosen].float(), target, self.distance)


def states_key(model: Any, rows: Sequence[Dialogue]) -> str:
    """Twelve digits of everything that a stage can have trained in the model, and of the rows."""
    key = sha256()
    for name, value in model.named_parameters():
        if module_of(name) and not module_of(name).startswith("output_projectors"):
            key.update(value.detach().float().cpu().numpy().tobytes())
    key.update(json.dumps([row.record for row in rows], sort_keys=True).encode())
    return key.hexdigest()[:12]


def keep(file: Path, states_MKD: Tensor) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}.tmp")
    save_file({"states": states_MKD.contiguous()}, partial)
    partial.rename(file)
