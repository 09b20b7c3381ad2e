"""What a decoder takes, and its own encoding of texts: the subject of the checks, and checks of its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from nextgpt.media import Medium
from nextgpt.modalities import MODALITIES
from nextgpt.nn.decoders import DECODERS
from nextgpt.nn.outputs import Conditioning, ConditioningSpec
from nextgpt.testing.conformance.report import (
    distance,
    must_refuse,
    need,
)

PROMPT_TOLERANCE = 1e-4  # fp32, alone or in a batch


@dataclass
class Subject:
    decoder: Any
    modality: str
    latents: Tensor | None
    prompts: list[str]
    steps: int
    seeds_matter: bool

    @property
    def name(self) -> str:
        return type(self.decoder).__name__

    @property
    def spec(self) -> ConditioningSpec:
        return self.decoder.conditioning_spec

    @cached_property
    def conditioning(self) -> Conditioning:
        """Random, as far apart as what prompts give, so that checks of `decode` hang on `decode` alone."""
        shape = (len(self.prompts), self.spec.length, self.spec.width)
        noise = torch.Generator().manual_seed(0)
        pooled = self.spec.pooled_dim
        return Conditioning(
            torch.randn(shape, generator=noise),
            torch.ones(shape[:2], dtype=torch.bool),
            None if pooled is None else torch.randn(shape[0], pooled, generator=noise),
        )

    def decode(self, rows: Sequence[int], seeds: Sequence[int], **options: Any) -> list[Medium]:
        """In inference mode, as the pipeline does."""
        with torch.inference_mode():
            given = self.conditioning.index(rows)
            return self.decoder.decode(given, seeds=list(seeds), **{"steps": self.steps, **options})


def check_runs(it: Subject) -> None:
    for name in ("conditioning_spec", "encode_prompt", "decode"):
        need(
            hasattr(it.decoder, name),
            f"{it.name} has no `{name}`; add it (see nn/decoders/latent_decoder.py).",
        )
    need(it.modality in MODALITIES, f"MODALITIES has no row {it.modality!r}; add it before the decoder.")
    need(
        isinstance(it.spec, ConditioningSpec) and it.spec.length > 0 and it.spec.width > 0,
        f"{it.name}.conditioning_spec is {it.spec!r:.80}; give a ConditioningSpec(length, width).",
    )
    media = it.decode([0, 1], [1, 2])
    count = len(media) if isinstance(media, list) else type(media).__name__
    need(count == 2, f"{it.name}.decode gives {count} for two rows; give a list with one medium a row.")


def check_table(it: Subject) -> None:
    need(
        any(row is type(it.decoder) for row in DECODERS.values()),
        f"{it.name} is in no row of DECODERS; add one: DECODERS['a-name'] = {it.name}.",
    )


def check_prompt_shapes(it: Subject) -> None:
    found = it.decoder.encode_prompt(it.prompts)
    need(
        isinstance(found, Conditioning),
        f"{it.name}.encode_prompt gives a {type(found).__name__}; give a Conditioning (nn/outputs.py).",
    )
    wanted = (len(it.prompts), it.spec.length, it.spec.width)
    shape = tuple(found.sequence_BQC.shape)
    need(
        shape == wanted,
        f"{it.name}.encode_prompt gives a sequence of shape {shape}, but its conditioning_spec says (B, Q, C) = "
        f"{wanted}; pad or cut the text to Q positions, whatever its length.",
    )
    mask = found.mask_BQ
    need(
        mask.dtype == torch.bool and tuple(mask.shape) == wanted[:2] and bool(mask.any(1).all()),
        f"{it.name}.encode_prompt gives a mask that is {mask.dtype} {tuple(mask.shape)} and keeps {int(mask.sum())} "
        f"positions; it is torch.bool {wanted[:2]} with a True in every row.",
    )
    pooled = None if found.pooled_BP is None else tuple(found.pooled_BP.shape)
    wanted_pooled = None if it.spec.pooled_dim is None else (len(it.prompts), it.spec.pooled_dim)
    need(
        pooled == wanted_pooled,
        f"{it.name}.encode_prompt gives pooled of shape {pooled}, but its conditioning_spec says {wanted_pooled}; "
        "let them agree.",
    )


def check_prompts(it: Subject) -> None:
    """The condition target of a text hangs on that text alone."""
    together, again = (it.decoder.encode_prompt(it.prompts).sequence_BQC for _ in range(2))
    need(
        torch.equal(together, again),
        f"{it.name}.encode_prompt gives other bits the second time; put its text encoder in eval mode.",
    )
    alone = it.decoder.encode_prompt(it.prompts[:1]).sequence_BQC
    need(
        distance(alone[0], together[0]) <= PROMPT_TOLERANCE,
        f"{it.name}.encode_prompt encodes {it.prompts[0]!r} otherwise alone than beside {it.prompts[1]!r} (by "
        f"{distance(alone[0], together[0]):.2g}); padding must not reach a text's states.",
    )
    need(
        distance(together[0], together[1]) > 1e-6,
        f"{it.name}.encode_prompt encodes {it.prompts[0]!r} and {it.prompts[1]!r} alike; does it read its texts?",
    )


def check_empty_prompt(it: Subject) -> None:
    for text in ("", "  "):
        must_refuse(f"encode_prompt of {text!r}", lambda text=text: it.decoder.encode_prompt([text]))  # type: ignore[misc]
