"""How a decoder behaves: rows, seeds, gradients, dtypes, devices, errors."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.fx.experimental import _config as fx_config

from nextgpt.modalities import MODALITIES
from nextgpt.testing.conformance.decoder_prompts import Subject
from nextgpt.testing.conformance.modality import alike
from nextgpt.testing.conformance.report import (
    Fault,
    NotTried,
    check_frozen,
    check_global_generator,
    described,
    distance,
    moved,
    must_refuse,
    need,
)


class Interrupted(Exception):
    """Raised by on_step here, as a caller who wants to stop does."""


def check_media(it: Subject) -> None:
    media_type = MODALITIES[it.modality].media_type
    for one in it.decode([0, 1], [1, 2]):
        need(
            isinstance(one, media_type),
            f"{it.name}.decode gives a {type(one).__name__}, but {it.modality} is {media_type.__name__}; wrap it, with "
            f"{media_type.__name__}.from_array for instance.",
        )
        media_type.from_bytes(one.to_bytes()).check()


def check_seeds(it: Subject) -> None:
    alone = it.decode([0], [7])[0]
    for rows, seeds, place in (([0, 1], [7, 8], 0), ([1, 0], [8, 7], 1)):
        need(
            alike(alone, it.decode(rows, seeds)[place]),
            f"{it.name}.decode makes another medium of the same seed and conditioning when it stands in a batch; "
            "draw row i from a generator of seeds[i] alone (nn/sampling.py has item_generators and draw_noise).",
        )
    if it.seeds_matter:
        need(
            not alike(alone, it.decode([0], [8])[0]),
            f"{it.name}.decode makes the same medium of seeds 7 and 8; use the seed, or say seeds_matter=False.",
        )


def check_generator(it: Subject) -> None:
    check_global_generator(f"{it.name}.decode", lambda: it.decode([0, 1], [1, 2]))


def check_conditioning(it: Subject) -> None:
    one, other = it.decode([0, 1], [7, 7])
    need(
        not alike(one, other),
        f"{it.name}.decode makes the same medium of different conditioning; does it read sequence_BQC?",
    )


def check_inputs_kept(it: Subject) -> None:
    before = it.conditioning.sequence_BQC.clone()
    with torch.inference_mode():
        it.decoder.decode(it.conditioning, seeds=[1, 2], steps=it.steps)
    changed = not torch.equal(before, it.conditioning.sequence_BQC)
    it.__dict__.pop("conditioning")
    need(not changed, f"{it.name}.decode changes its conditioning in place; write into a new tensor.")


def check_steps(it: Subject) -> None:
    calls: list[tuple[int, int]] = []
    it.decode([0], [1], on_step=lambda done, steps: calls.append((done, steps)))
    wanted = [(done, it.steps) for done in range(1, it.steps + 1)]
    need(
        calls == wanted,
        f"{it.name}.decode of {it.steps} steps calls on_step with {calls[:4]}; call on_step(done, steps) after each "
        f"step: {wanted}.",
    )


def check_interruption(it: Subject) -> None:
    def stop(done: int, steps: int) -> None:
        raise Interrupted

    before = it.decode([0], [1])[0]
    try:
        it.decode([0], [1], on_step=stop)
    except Interrupted:
        pass
    else:
        raise Fault(
            f"{it.name}.decode goes on when on_step raises; let the error through, so a user can stop."
        )
    need(
        alike(before, it.decode([0], [1])[0]),
        f"{it.name}.decode makes another medium after an interruption; keep nothing of a request in the module.",
    )


def check_requests(it: Subject) -> None:
    must_refuse("decode with 0 steps", lambda: it.decode([0], [1], steps=0))
    must_refuse("decode with guidance -1", lambda: it.decode([0], [1], guidance=-1.0))
    must_refuse("decode of two rows with one seed", lambda: it.decode([0, 1], [1]), ValueError)
    wide = replace(it.spec, width=it.spec.width + 1).empty(1)
    must_refuse(
        f"decode of conditioning of width {it.spec.width + 1} (its own is {it.spec.width})",
        lambda: it.decoder.decode(wide, seeds=[1], steps=it.steps),
        ValueError,
    )


def check_is_frozen(it: Subject) -> None:
    check_frozen(it.name, it.decoder)


def check_denoising(it: Subject) -> None:
    """Stages that train through the decoder: the conditioning learns, the decoder does not."""
    rows = _latents(it)
    given = replace(it.conditioning, sequence_BQC=it.conditioning.sequence_BQC.clone().requires_grad_())
    loss = it.decoder.denoising_loss(rows, given, torch.Generator().manual_seed(0))
    need(
        loss.shape == () and bool(loss.isfinite()),
        f"{it.name}.denoising_loss gives {loss.detach().flatten()[:3].tolist()} of shape {tuple(loss.shape)}; give one "
        "finite number.",
    )
    gradient = (
        None
        if not loss.requires_grad
        else torch.autograd.grad(loss, given.sequence_BQC, allow_unused=True)[0]
    )
    need(
        gradient is not None and bool(gradient.isfinite().all()) and bool(gradient.any()),
        f"{it.name}.denoising_loss gives the conditioning no gradient; drop no_grad and detach on its way.",
    )
    loss = loss.detach()
    again = it.decoder.denoising_loss(rows, given, torch.Generator().manual_seed(0)).detach()
    need(
        distance(loss, again) <= 1e-6,
        f"{it.name}.denoising_loss gives {float(loss):.4g} and then {float(again):.4g} with the same generator; draw "
        "noise and times from the generator that it is given.",
    )


def check_bfloat16(it: Subject) -> None:
    small = moved(it.name, it.decoder, dtype=torch.bfloat16)
    try:
        with torch.inference_mode():
            media = small.decode(it.conditioning.index([0]), seeds=[1], steps=it.steps)
    except Exception as error:
        raise Fault(
            f"{it.name}.to(torch.bfloat16) {described(error)}; cast the conditioning to the weights' dtype in decode, "
            "and the result to float32."
        ) from None
    media[0].check()


def check_meta(it: Subject) -> None:
    """A literal device shows at once where the tensors have none. What is chosen by values (nonzero) is taken whole."""
    rows = _latents(it)
    there = moved(it.name, it.decoder, device="meta")
    try:
        with fx_config.patch(meta_nonzero_assume_all_nonzero=True):  # type: ignore[attr-defined]
            loss = there.denoising_loss(rows.to("meta"), it.conditioning.to("meta"))
    except Exception as error:
        raise Fault(
            f"{it.name} on the device `meta` {described(error)}; make tensors on the inputs' device and keep constants "
            "by register_buffer."
        ) from None
    need(
        loss.device.type == "meta",
        f"{it.name}.denoising_loss is on {loss.device} whatever its inputs' device.",
    )


def _latents(it: Subject) -> Tensor:
    if it.latents is None:
        raise NotTried("no latents were given, so stages can't train through this decoder")
    need(
        hasattr(it.decoder, "denoising_loss"),
        f"{it.name} has no `denoising_loss`; add it or give no latents.",
    )
    need(
        len(it.latents) == len(it.prompts),
        f"There are {len(it.latents)} latents for {len(it.prompts)} prompts; give as many.",
    )
    return it.latents
