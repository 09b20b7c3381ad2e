"""How an encoder behaves: rows, seeds, gradients, dtypes, devices, errors."""

from __future__ import annotations

import torch

from nextgpt.modalities import MODALITIES, modality_of
from nextgpt.testing.conformance.encoder_outputs import Subject
from nextgpt.testing.conformance.report import (
    Fault,
    check_frozen,
    check_global_generator,
    described,
    distance,
    moved,
    must_refuse,
    need,
)

ROW_TOLERANCE = 1e-4  # fp32, alone or in a batch
BFLOAT16_TOLERANCE = 0.2  # of the features' length; bfloat16 keeps eight bits of each number


def check_batch(it: Subject) -> None:
    backwards = list(reversed(range(len(it.media))))
    turned = it.output(backwards)
    for row in range(len(it.media)):
        wanted = it.real(it.together, row)
        for how, found in (
            ("alone", it.real(it.output([row]), 0)),
            ("in another order", it.real(turned, backwards.index(row))),
        ):
            for one, other in zip(wanted, found, strict=True):
                need(
                    one.shape == other.shape,
                    f"{it.name} gives medium {row} {len(other)} positions {how} and {len(one)} in the batch; its mask "
                    "must hang on the medium alone.",
                )
                need(
                    distance(one, other) <= ROW_TOLERANCE,
                    f"{it.name} encodes medium {row} otherwise {how} than in the batch (by {distance(one, other):.2g} "
                    "of its largest value); a row must not see its neighbours or their padding.",
                )


def check_determinism(it: Subject) -> None:
    check_global_generator(f"{it.name}.forward", lambda: it.output([0, 1]))
    first, again = it.output([0, 1]), it.output([0, 1])
    same = all(torch.equal(a, b) for r in (0, 1) for a, b in zip(it.real(first, r), it.real(again, r)))
    need(
        same,
        f"{it.name}.forward gives other bits the second time; features are cached, so they must not change.",
    )


def check_content(it: Subject) -> None:
    first, second = it.real(it.together, 0), it.real(it.together, 1)
    same = all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, second))
    need(
        not same,
        f"{it.name} encodes two different media alike; does preprocess or forward drop what it was given?",
    )


def check_inputs_kept(it: Subject) -> None:
    inputs = it.inputs([0, 1])
    before = {name: value.clone() for name, value in inputs.items()}
    with torch.no_grad():
        it.encoder(**inputs)
    changed = [name for name, value in inputs.items() if not torch.equal(value, before[name])]
    need(
        not changed,
        f"{it.name}.forward changes its input {changed[:1]} in place; write into a new tensor (no `_` methods).",
    )


def check_is_frozen(it: Subject) -> None:
    check_frozen(it.name, it.encoder)
    output = it.encoder(**it.inputs([0, 1]))
    tensors = [value for value in (output.features_BNE, output.scores_BP) if value is not None]
    need(
        not any(value.requires_grad for value in tensors),
        f"{it.name}.forward gives tensors with gradients; none of what it computes from may want them.",
    )


def check_weights(it: Subject) -> None:
    """`load_encoder` makes Class(config) and fills it from model.safetensors: nothing else may matter."""
    torch.manual_seed(1)
    fresh = type(it.encoder)(it.config).eval().requires_grad_(False)
    fresh.load_state_dict(it.encoder.state_dict())
    found = it.output([0, 1], fresh)
    same = all(
        distance(a, b) == 0 for r in (0, 1) for a, b in zip(it.real(it.together, r), it.real(found, r))
    )
    need(
        same,
        f"{it.name}(config) with the same state_dict encodes otherwise; keep every tensor as a parameter or by "
        "register_buffer, and take all settings from the config.",
    )


def check_bfloat16(it: Subject) -> None:
    small = moved(it.name, it.encoder, dtype=torch.bfloat16)
    try:
        output = it.output(range(len(it.media)), small)
    except Exception as error:
        raise Fault(
            f"{it.name}.to(torch.bfloat16) {described(error)}; cast the inputs to the weights' dtype in forward."
        ) from None
    for row in range(len(it.media)):
        for one, other in zip(it.real(it.together, row), it.real(output, row)):
            apart = float((one.float() - other.float()).norm() / one.float().norm().clamp(min=1e-6))
            need(
                apart <= BFLOAT16_TOLERANCE,
                f"{it.name} in bfloat16 is {apart:.0%} away from float32 on medium {row}; compute sums, logarithms and "
                "softmax in float32.",
            )


def check_meta(it: Subject) -> None:
    """A literal device shows at once where the tensors have none."""
    there = moved(it.name, it.encoder, device="meta")
    try:
        output = there(**{name: value.to("meta") for name, value in it.inputs([0, 1]).items()})
    except Exception as error:
        raise Fault(
            f"{it.name} on the device `meta` {described(error)}; make tensors on the inputs' device, keep constants by "
            "register_buffer, and don't read values of tensors."
        ) from None
    for name, value in vars(output).items():
        need(
            value is None or value.device.type == "meta",
            f"{it.name}.forward gives {name} on {getattr(value, 'device', '')} whatever the inputs' device; make it "
            "on theirs.",
        )


def check_damaged(it: Subject) -> None:
    media_type = MODALITIES[modality_of(it.media[0])].media_type
    for what, data in (("a damaged file", b"\x89no such format\r\n\x00" * 9), ("an empty file", b"")):
        broken = media_type.from_bytes(data)
        must_refuse(f"{it.name}.preprocess of {what}", lambda broken=broken: it.encoder.preprocess(broken))  # type: ignore[misc]
