"""check_decoder: does a new decoder keep the contract of nn/decoders? DECODER_CHECKS is the visible table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from nextgpt.testing.conformance import decoder_behaviour as behaviour
from nextgpt.testing.conformance import decoder_prompts as form
from nextgpt.testing.conformance.decoder_prompts import Subject
from nextgpt.testing.conformance.report import (
    Report,
    run_checks,
)

PROMPTS = ("a red apple on blue", "two cats")


def check_decoder(
    decoder: Any,
    modality: str,
    *,
    latents: Tensor | None = None,
    prompts: Sequence[str] = PROMPTS,
    steps: int = 2,
    seeds_matter: bool = True,
) -> Report:
    """decoder: frozen, as `load_decoder` gives it. latents: (B, ...) of B media, for `denoising_loss`; None: the
    decoder is not trained through, so that is not tried. seeds_matter False: it says the same whatever the seed."""
    subject = Subject(decoder, modality, latents, list(prompts), steps, seeds_matter)
    return run_checks(type(decoder).__name__, subject, DECODER_CHECKS)


DECODER_CHECKS: dict[str, Callable[[Subject], None]] = {
    "runs": form.check_runs,
    "table": form.check_table,
    "prompt shapes": form.check_prompt_shapes,
    "prompts": form.check_prompts,
    "empty prompt": form.check_empty_prompt,
    "media": behaviour.check_media,
    "seeds": behaviour.check_seeds,
    "global generator": behaviour.check_generator,
    "conditioning": behaviour.check_conditioning,
    "inputs kept": behaviour.check_inputs_kept,
    "steps": behaviour.check_steps,
    "interruption": behaviour.check_interruption,
    "wrong requests": behaviour.check_requests,
    "frozen": behaviour.check_is_frozen,
    "denoising loss": behaviour.check_denoising,
    "bfloat16": behaviour.check_bfloat16,
    "meta": behaviour.check_meta,
}
