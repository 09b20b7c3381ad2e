"""What an encoder gives: the subject of the checks, and checks of its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from nextgpt.config import ENCODER_CONFIGS, EncoderConfig, from_dict, to_dict
from nextgpt.media import Medium
from nextgpt.nn.encoders import ENCODERS
from nextgpt.nn.outputs import EncoderOutput
from nextgpt.testing.conformance.report import (
    NotTried,
    need,
)


@dataclass
class Subject:
    encoder: Any
    media: list[Medium]

    @property
    def name(self) -> str:
        return type(self.encoder).__name__

    @property
    def config(self) -> Any:
        return self.encoder.config

    def inputs(self, rows: Sequence[int]) -> dict[str, Tensor]:
        return self.encoder.collate([self.encoder.preprocess(self.media[row]) for row in rows])

    @torch.no_grad()
    def output(self, rows: Sequence[int], encoder: Any = None) -> EncoderOutput:
        return (encoder or self.encoder)(**self.inputs(rows))

    @cached_property
    def together(self) -> EncoderOutput:
        return self.output(range(len(self.media)))

    def real(self, output: EncoderOutput, row: int) -> list[Tensor]:
        """What one medium is encoded as: its real positions, its scores."""
        features, scores = output.features_BNE, output.scores_BP
        found = [] if features is None else [features[row][output.mask_BN[row]]]
        return found if scores is None else [*found, scores[row]]


def check_runs(it: Subject) -> None:
    for name in ("config", "preprocess", "collate"):
        need(hasattr(it.encoder, name), f"{it.name} has no `{name}`; add it (see nn/encoders/yamnet.py).")
    inputs, rows = it.inputs(range(len(it.media))), len(it.media)
    need(
        isinstance(inputs, dict),
        f"{it.name}.collate gives a {type(inputs).__name__}; give a dict of tensors.",
    )
    for key, value in inputs.items():
        need(
            isinstance(value, Tensor) and value.ndim and len(value) == rows,
            f"{it.name}.collate gives {key!r} as {_shape(value)} for {rows} media; give a tensor of {rows} rows.",
        )
    output = it.together
    need(
        isinstance(output, EncoderOutput),
        f"{it.name}.forward gives a {type(output).__name__}; give an EncoderOutput (nn/outputs.py).",
    )


def check_config(it: Subject) -> None:
    kind, cls = it.config.type, type(it.config)
    need(
        ENCODERS.get(kind) is type(it.encoder),
        f"ENCODERS[{kind!r}] is not {it.name}; add the row: ENCODERS[{kind!r}] = {it.name}.",
    )
    need(
        ENCODER_CONFIGS.get(kind) is cls,
        f"ENCODER_CONFIGS[{kind!r}] is not {cls.__name__}; add the row: ENCODER_CONFIGS[{kind!r}] = {cls.__name__}.",
    )
    for name in ("part", "feature_dim", "num_positions", "num_scores"):
        need(hasattr(it.config, name), f"{cls.__name__} has no `{name}`; add it (config.EncoderConfig).")
    again = from_dict(EncoderConfig, to_dict(it.config))
    need(again == it.config, f"{cls.__name__} comes back from JSON as {again}; give it plain fields.")


def check_shapes(it: Subject) -> None:
    features, scores, rows = it.together.features_BNE, it.together.scores_BP, len(it.media)
    need(
        features is not None or scores is not None,
        f"{it.name}.forward gives neither features nor scores; give one of them.",
    )
    if features is not None:
        wanted = f"({rows}, at most {it.config.num_positions}, {it.config.feature_dim})"
        shape = tuple(features.shape)
        need(
            len(shape) == 3
            and shape[::2] == (rows, it.config.feature_dim)
            and shape[1] <= it.config.num_positions,
            f"{it.name}.forward gives features of shape {shape}, but its config says (B, N, E) = {wanted}; change the "
            "config's num_positions or feature_dim, or the layer that makes them.",
        )
    found = 0 if scores is None else scores.shape[-1]
    need(
        found == it.config.num_scores and (scores is None or tuple(scores.shape) == (rows, found)),
        f"{it.name}.forward gives scores of shape {_shape(scores)}, but its config says num_scores = "
        f"{it.config.num_scores}; they are (B, P), and None where P is 0.",
    )


def check_mask(it: Subject) -> None:
    mask, features = it.together.mask_BN, it.together.features_BNE
    wanted = tuple(features.shape[:2]) if features is not None else (len(it.media), mask.shape[-1])
    need(
        mask.dtype == torch.bool and tuple(mask.shape) == wanted,
        f"{it.name}.forward gives a mask that is {mask.dtype} {tuple(mask.shape)}; it is torch.bool {wanted}, True at "
        "real positions.",
    )
    need(mask.any(1).all(), f"{it.name}.forward masks every position of a medium; keep one at least.")
    need(
        torch.equal(mask, mask.cummin(1).values),
        f"{it.name}.forward masks positions before real ones; put real positions first, since caches keep only "
        "their number.",
    )


def check_values(it: Subject) -> None:
    features, scores = it.together.features_BNE, it.together.scores_BP
    if features is not None:
        real = features[it.together.mask_BN]
        need(
            real.is_floating_point() and real.isfinite().all(),
            f"{it.name}.forward gives features that are {real.dtype} or not finite; give finite floats.",
        )
    need(
        scores is None or bool(((scores >= 0) & (scores <= 1.001)).all()),
        f"{it.name}.forward gives scores outside 0 to 1; apply softmax or sigmoid to the logits.",
    )


def check_class_names(it: Subject) -> None:
    names = getattr(it.encoder, "class_names", [])
    if not it.config.num_scores or not names:
        raise NotTried("it has no classes, or was not loaded with its labels")
    need(
        len(names) == it.config.num_scores,
        f"{it.name} has {len(names)} class names for {it.config.num_scores} scores; give labels.json a row each.",
    )


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    return "None" if value is None else f"a {type(value).__name__}"
