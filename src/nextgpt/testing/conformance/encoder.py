"""check_encoder: does a new encoder keep the contract of nn/encoders? ENCODER_CHECKS is the visible table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nextgpt.media import Medium
from nextgpt.testing.conformance import encoder_behaviour as behaviour
from nextgpt.testing.conformance import encoder_outputs as form
from nextgpt.testing.conformance.encoder_outputs import Subject
from nextgpt.testing.conformance.report import (
    Report,
    run_checks,
)


def check_encoder(encoder: Any, media: Sequence[Medium]) -> Report:
    """encoder: as `load_encoder` gives it (or Class(config), frozen); media: two or more of one modality, of
    different content and, where the modality has lengths, different lengths. ValueError for fewer."""
    if len(media) < 2 or len({one.sha256() for one in media}) < len(media):
        raise ValueError("check_encoder needs two media or more of different content; give more.")
    return run_checks(type(encoder).__name__, Subject(encoder, list(media)), ENCODER_CHECKS)


ENCODER_CHECKS: dict[str, Callable[[Subject], None]] = {
    "runs": form.check_runs,
    "config": form.check_config,
    "shapes": form.check_shapes,
    "mask": form.check_mask,
    "values": form.check_values,
    "class names": form.check_class_names,
    "batch": behaviour.check_batch,
    "determinism": behaviour.check_determinism,
    "content": behaviour.check_content,
    "inputs kept": behaviour.check_inputs_kept,
    "frozen": behaviour.check_is_frozen,
    "weights": behaviour.check_weights,
    "bfloat16": behaviour.check_bfloat16,
    "meta": behaviour.check_meta,
    "damaged media": behaviour.check_damaged,
}
