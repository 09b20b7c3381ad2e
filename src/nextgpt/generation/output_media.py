"""Signal states -> media: output projector, then the modality's decoder, many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nextgpt.generation.options import MAX_SEED, GenerationOptions
from nextgpt.generation.reply import Slot
from nextgpt.messages import MediaPart, media_part

MAX_BATCH = 8  # media that a decoder makes at once
Fetch = Callable[[str], Path]
OnStep = Callable[["Order", int, int], None]


@dataclass(frozen=True, eq=False)
class Order:
    """One medium to make for the reply `row`."""

    row: int
    slot: Slot
    seed: int
    options: GenerationOptions

    @property
    def modality(self) -> str:
        return self.slot.signals.modality


def item_seed(seed: int, number: int) -> int:
    """The seed of a reply's medium: the request's own for the first, then derived from it."""
    if number == 1:
        return seed
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & MAX_SEED


class OutputMedia:
    """Decoders are opened when a medium of their modality is first ordered, and kept."""

    def __init__(self, model: Any, fetch: Fetch, decoders: dict[str, Any] | None = None) -> None:
        self.model, self.fetch = model, fetch
        self.decoders = dict(decoders or {})

    def make(
        self, orders: Sequence[Order], on_step: OnStep | None = None
    ) -> Iterator[tuple[Order, MediaPart]]:
        """Media of one modality and equal settings are made together; a seed gives the same in any batch."""
        groups: dict[Any, list[Order]] = {}
        for order in orders:
            key = (order.modality, order.options.steps, order.options.guidance)
            groups.setdefault(key, []).append(order)
        for (modality, *_), group in groups.items():
            for start in range(0, len(group), MAX_BATCH):
                yield from self._make(modality, group[start : start + MAX_BATCH], on_step)

    @torch.inference_mode()
    def _decode(self, modality: str, orders: Sequence[Order], on_step: OnStep | None) -> list[Any]:
        states_BKD = torch.stack([order.slot.signals.states_KD for order in orders])

        def report(done: int, steps: int) -> None:
            for order in orders if on_step is not None else ():
                on_step(order, done, steps)  # type: ignore[misc]

        return self.decoder(modality).decode(
            self.model.output_projectors[modality](states_BKD),
            seeds=[order.seed for order in orders],
            steps=orders[0].options.steps,
            guidance=orders[0].options.guidance,
            on_step=report,
        )

    def _make(
        self, modality: str, orders: Sequence[Order], on_step: OnStep | None
    ) -> Iterator[tuple[Order, MediaPart]]:
        media = self._decode(modality, orders, on_step)
        yield from (
            (order, media_part(one, seed=order.seed)) for order, one in zip(orders, media, strict=True)
        )

    def decoder(self, modality: str) -> Any:
        """The modality's decoder. CheckpointError or PartError that names it when it isn't there."""
        if modality not in self.decoders:
            from nextgpt.nn.decoders import load_decoder

            config = self.model.config.outputs[modality].decoder
            decoder = load_decoder(config, self.fetch)
            self.decoders[modality] = decoder.to(self.model.language_model.device)
        return self.decoders[modality]
