"""The conformance kit can fail: parts with one fault each, and the sentence that says so. nextgpt's own parts pass."""

import contextlib
import dataclasses
import re

import numpy as np
import pytest
import torch
from test_decoders import TINY, WORDS, text_folder  # noqa: F401  (a fixture)
from tutorial import series_module

from nextgpt.config import EfficientNetLiteConfig, YamnetConfig
from nextgpt.media import Audio, Image, Video
from nextgpt.messages import MEDIA_PARTS
from nextgpt.modalities import MODALITIES
from nextgpt.nn.decoders import DECODERS, untrained_decoder
from nextgpt.nn.encoders import ENCODERS
from nextgpt.nn.outputs import Conditioning, EncoderOutput
from nextgpt.testing import check_decoder, check_encoder, check_modality
from nextgpt.testing.conformance.report import Fault, NotTried, run_checks


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """The tutorial's parts, which have no fault."""
    with series_module(tmp_path_factory.mktemp("series")) as module:
        noise = np.random.default_rng(0)
        module.curves = [module.Series.from_array(np.cumsum(noise.standard_normal(n))) for n in (30, 77, 200)]
        yield module


# ---- encoders


def wrapped(change):
    """forward's output changed by change(encoder, output, inputs)."""

    def make(series):
        class Broken(series.SeriesEncoder):
            def forward(self, **inputs):
                return change(self, super().forward(**inputs), inputs)

        return Broken

    return make


def features(change):
    return wrapped(
        lambda it, out, inputs: dataclasses.replace(out, features_BNE=change(it, out.features_BNE))
    )


def mask(change):
    return wrapped(lambda it, out, inputs: dataclasses.replace(out, mask_BN=change(out.mask_BN)))


def writes_into_its_input(it, output, inputs):
    inputs["values"].mul_(2)
    return output


def hides_a_tensor(series):
    class Broken(series.SeriesEncoder):
        def __init__(self, config):
            super().__init__(config)
            self.offset = torch.randn(config.feature_dim)

        def forward(self, **inputs):
            output = super().forward(**inputs)
            return dataclasses.replace(
                output, features_BNE=output.features_BNE + self.offset.to(output.mask_BN.device)
            )

    return Broken


def parses_by_itself(series):
    class Broken(series.SeriesEncoder):
        def preprocess(self, media):
            if media.is_array:
                return super().preprocess(media)
            return torch.tensor([float(line) for line in media.to_bytes().decode("latin1").splitlines()])

    return Broken


def casts_nothing(series):
    class Broken(series.SeriesEncoder):
        def forward(self, values, lengths):
            windows = torch.nn.functional.pad(values.unflatten(1, (-1, 8)), (0, 2))
            lengths = (lengths[:, None] + 7) // 8
            return EncoderOutput(
                self.layer(windows), torch.arange(windows.shape[1], device=values.device) < lengths
            )

    return Broken


ENCODER_FAULTS = {
    "narrow": (
        features(lambda it, x: x[..., :-1]),
        "shapes",
        "Broken.forward gives features of shape (3, 16, 23), but its config says (B, N, E) = (3, at most 16, 24); "
        "change the config's num_positions or feature_dim, or the layer that makes them.",
    ),
    "float mask": (
        mask(torch.Tensor.float),
        "mask",
        "Broken.forward gives a mask that is torch.float32 (3, 16); it is torch.bool (3, 16), True at real positions.",
    ),
    "left padding": (
        mask(lambda value: value.flip(1)),
        "mask",
        "Broken.forward masks positions before real ones; put real positions first, since caches keep only their "
        "number.",
    ),
    "neighbours": (
        features(lambda it, x: x - x.mean((0, 1))),
        "batch",
        "Broken encodes medium 0 otherwise alone than in the batch (by {number} of its largest value); a row must not "
        "see its neighbours or their padding.",
    ),
    "no numbers": (
        features(lambda it, x: x / 0),
        "values",
        "Broken.forward gives features that are torch.float32 or not finite; give finite floats.",
    ),
    "chance": (
        features(lambda it, x: x + torch.rand_like(x)),
        "determinism",
        "Broken.forward draws from torch's global generator, so its result depends on what ran before; draw from "
        "torch.Generator().manual_seed(seed) instead.",
    ),
    "blind": (
        wrapped(lambda it, out, inputs: EncoderOutput(out.features_BNE[:, :1] * 0, out.mask_BN[:, :1])),
        "content",
        "Broken encodes two different media alike; does preprocess or forward drop what it was given?",
    ),
    "in place": (
        wrapped(writes_into_its_input),
        "inputs kept",
        "Broken.forward changes its input ['values'] in place; write into a new tensor (no `_` methods).",
    ),
    "hidden tensor": (
        hides_a_tensor,
        "weights",
        "Broken(config) with the same state_dict encodes otherwise; keep every tensor as a parameter or by "
        "register_buffer, and take all settings from the config.",
    ),
    "one dtype": (
        casts_nothing,
        "bfloat16",
        "Broken.to(torch.bfloat16) raised RuntimeError (mat1 and mat2 must have the same dtype, but got Float and "
        "BFloat16) at test_conformance.py, line {number}; cast the inputs to the weights' dtype in forward.",
    ),
    "one device": (
        features(lambda it, x: x + torch.zeros(24)),
        "meta",
        "Broken on the device `meta` raised {words}; make tensors on the inputs' device, keep constants by "
        "register_buffer, and don't read values of tensors.",
    ),
    "own parser": (
        parses_by_itself,
        "damaged media",
        "Broken.preprocess of a damaged file raised ValueError (could not convert string to float: {words}) at "
        "test_conformance.py, line {number}; raise a UserError with one sentence instead.",
    ),
    "unasked scores": (
        wrapped(lambda it, out, inputs: dataclasses.replace(out, scores_BP=torch.ones(len(out.mask_BN), 5))),
        "shapes",
        "Broken.forward gives scores of shape (3, 5), but its config says num_scores = 0; they are (B, P), and None "
        "where P is 0.",
    ),
}


@pytest.mark.parametrize("fault", ENCODER_FAULTS)
def test_a_broken_encoder_is_told_its_fault(series, fault, monkeypatch):
    make, check, sentence = ENCODER_FAULTS[fault]
    broken = make(series)
    monkeypatch.setitem(ENCODERS, "series-windows", broken)
    torch.manual_seed(0)
    report = check_encoder(broken(series.SeriesEncoderConfig()).eval().requires_grad_(False), series.curves)
    assert check in report.faults, report
    assert same(report.faults[check], sentence)


def test_an_encoder_that_still_learns(series):
    torch.manual_seed(0)
    encoder = series.SeriesEncoder(series.SeriesEncoderConfig())
    assert check_encoder(encoder.eval(), series.curves).faults == {
        "frozen": "SeriesEncoder: the parameter ['layer.weight'] wants gradients; call requires_grad_(False)."
    }
    assert check_encoder(encoder.requires_grad_(False).train(), series.curves).faults == {
        "frozen": "SeriesEncoder: the module ['itself'] is in training mode; call eval()."
    }


def test_an_encoder_without_rows_in_the_tables(series, monkeypatch):
    encoder = series.SeriesEncoder(series.SeriesEncoderConfig()).eval().requires_grad_(False)
    monkeypatch.delitem(ENCODERS, "series-windows")
    assert check_encoder(encoder, series.curves).faults == {
        "config": "ENCODERS['series-windows'] is not SeriesEncoder; add the row: ENCODERS['series-windows'] = "
        "SeriesEncoder."
    }


def test_behind_the_gate_nothing_is_tried(series):
    report = check_encoder(torch.nn.Linear(2, 2), series.curves)
    assert report.faults == {"runs": "Linear has no `config`; add it (see nn/encoders/yamnet.py)."}
    assert all(one.not_tried.endswith("since the check 'runs' failed") for one in report.results[1:])
    assert str(report).startswith("Linear: 1 fault\nFAULT runs ") and "\n-     config " in str(report)


def test_one_medium_is_too_few(series):
    with pytest.raises(ValueError, match="two media or more of different content"):
        check_encoder(None, [series.curves[0], series.curves[0]])


# ---- decoders


def decodes(change):
    """decode replaced by change(its own decode, conditioning, seeds, options)."""

    def make(series):
        class Broken(series.CurveDecoder):
            def decode(self, conditioning, *, seeds, **options):
                return change(super().decode, conditioning, seeds, options)

        return Broken

    return make


def method(name, function):
    return lambda series: type("Broken", (series.CurveDecoder,), {name: function(series.CurveDecoder)})


def unpadded(cls):
    def encode_prompt(self, texts):
        full = cls.encode_prompt(self, texts)
        longest = max(len(text.split()) for text in texts)
        return Conditioning(full.sequence_BQC[:, :longest], full.mask_BQ[:, :longest])

    return encode_prompt


def unchecked_prompt(cls):
    return lambda self, texts: cls.encode_prompt(self, [text.strip() or "nothing" for text in texts])


def float_mask(cls):
    def encode_prompt(self, texts):
        found = cls.encode_prompt(self, texts)
        return Conditioning(found.sequence_BQC, found.mask_BQ.float())

    return encode_prompt


def swallows(decode, conditioning, seeds, options):
    on_step = options.pop("on_step", None)

    def quiet(done, steps):
        with contextlib.suppress(Exception):
            on_step(done, steps)

    return decode(conditioning, seeds=seeds, on_step=on_step and quiet, **options)


def one_generator(decode, conditioning, seeds, options):
    """Noise of row i hangs on the first row's seed."""
    return decode(conditioning, seeds=[seeds[0] + i for i in range(len(seeds))], **options)


def from_the_global_generator(decode, conditioning, seeds, options):
    return decode(conditioning, seeds=torch.randint(1 << 30, (len(seeds),)).tolist(), **options)


def bare_matmul(cls):
    def decode(self, conditioning, *, seeds, **options):
        torch.zeros(1, 16) @ conditioning.sequence_BQC[0].T.float()
        return cls.decode(self, conditioning, seeds=seeds, **options)

    return decode


def no_cast(cls):
    def predict(self, latents, timesteps, conditioning):
        given = torch.cat([latents, timesteps[:, None] / 1000, conditioning.sequence_BQC.flatten(1)], 1)
        return self.net(given)

    return predict


def detached(cls):
    return lambda self, latents, given, generator=None: cls.denoising_loss(
        self, latents, given.detach(), generator
    )


def own_noise(cls):
    return lambda self, latents, given, generator=None: cls.denoising_loss(self, latents, given)


DECODER_FAULTS = {
    "one generator": (
        decodes(one_generator),
        "seeds",
        "Broken.decode makes another medium of the same seed and conditioning when it stands in a batch; draw row i "
        "from a generator of seeds[i] alone (nn/sampling.py has item_generators and draw_noise).",
    ),
    "seeds unread": (
        decodes(lambda decode, given, seeds, options: decode(given, seeds=[0 for _ in seeds], **options)),
        "seeds",
        "Broken.decode makes the same medium of seeds 7 and 8; use the seed, or say seeds_matter=False.",
    ),
    "global generator": (
        decodes(from_the_global_generator),
        "global generator",
        "Broken.decode draws from torch's global generator, so its result depends on what ran before; draw from "
        "torch.Generator().manual_seed(seed) instead.",
    ),
    "deaf": (
        decodes(
            lambda decode, given, seeds, options: (
                decode(
                    dataclasses.replace(given, sequence_BQC=given.sequence_BQC * 0), seeds=seeds, **options
                )
                if given.sequence_BQC.shape[-1] == 16
                else decode(given, seeds=seeds, **options)
            )
        ),
        "conditioning",
        "Broken.decode makes the same medium of different conditioning; does it read sequence_BQC?",
    ),
    "arrays": (
        decodes(
            lambda decode, given, seeds, options: [
                one.array() for one in decode(given, seeds=seeds, **options)
            ]
        ),
        "media",
        "Broken.decode gives a ndarray, but series is Series; wrap it, with Series.from_array for instance.",
    ),
    "swallowed interruption": (
        decodes(swallows),
        "interruption",
        "Broken.decode goes on when on_step raises; let the error through, so a user can stop.",
    ),
    "no steps told": (
        decodes(
            lambda decode, given, seeds, options: decode(given, seeds=seeds, **{**options, "on_step": None})
        ),
        "steps",
        "Broken.decode of 2 steps calls on_step with []; call on_step(done, steps) after each step: [(1, 2), (2, 2)].",
    ),
    "any steps": (
        decodes(
            lambda decode, given, seeds, options: decode(
                given, seeds=seeds, **{**options, "steps": max(1, options["steps"])}
            )
        ),
        "wrong requests",
        "decode with 0 steps is accepted; raise a UserError with one sentence that says what to do.",
    ),
    "a library's error": (
        method("decode", bare_matmul),
        "wrong requests",
        "decode of conditioning of width 17 (its own is 16) raised RuntimeError (mat1 and mat2 shapes cannot be "
        "multiplied (1x16 and 17x8)) at test_conformance.py, line {number}; raise a ValueError with one sentence "
        "instead.",
    ),
    "prompts as long as they are": (
        method("encode_prompt", unpadded),
        "prompt shapes",
        "Broken.encode_prompt gives a sequence of shape (2, 5, 16), but its conditioning_spec says (B, Q, C) = "
        "(2, 8, 16); pad or cut the text to Q positions, whatever its length.",
    ),
    "float mask": (
        method("encode_prompt", float_mask),
        "prompt shapes",
        "Broken.encode_prompt gives a mask that is torch.float32 (2, 8) and keeps 16 positions; it is torch.bool "
        "(2, 8) with a True in every row.",
    ),
    "empty prompt": (
        method("encode_prompt", unchecked_prompt),
        "empty prompt",
        "encode_prompt of '' is accepted; raise a UserError with one sentence that says what to do.",
    ),
    "no gradient": (
        method("denoising_loss", detached),
        "denoising loss",
        "Broken.denoising_loss gives the conditioning no gradient; drop no_grad and detach on its way.",
    ),
    "own noise": (
        method("denoising_loss", own_noise),
        "denoising loss",
        "Broken.denoising_loss gives {number} and then {number} with the same generator; draw noise and times from the "
        "generator that it is given.",
    ),
    "one dtype": (
        method("predict", no_cast),
        "bfloat16",
        "Broken.to(torch.bfloat16) raised RuntimeError (mat1 and mat2 must have the same dtype, but got Float and "
        "BFloat16) at test_conformance.py, line {number}; cast the conditioning to the weights' dtype in decode, and "
        "the result to float32.",
    ),
}


@pytest.mark.parametrize("fault", DECODER_FAULTS)
def test_a_broken_decoder_is_told_its_fault(series, fault, monkeypatch):
    make, check, sentence = DECODER_FAULTS[fault]
    broken = make(series)
    monkeypatch.setitem(DECODERS, "series-curve", broken)
    torch.manual_seed(0)
    report = check_decoder(broken().eval().requires_grad_(False), "series", latents=torch.randn(2, 64))
    assert check in report.faults, report
    assert same(report.faults[check], sentence)


def test_a_decoder_that_still_learns_and_one_that_is_in_no_table(series, monkeypatch):
    torch.manual_seed(0)
    decoder = series.CurveDecoder()
    monkeypatch.delitem(DECODERS, "series-curve")
    faults = check_decoder(decoder.requires_grad_(False), "series").faults
    assert faults == {
        "frozen": "CurveDecoder: the module ['itself'] is in training mode; call eval().",
        "table": "CurveDecoder is in no row of DECODERS; add one: DECODERS['a-name'] = CurveDecoder.",
    }


def test_without_latents_training_through_it_is_not_tried(series):
    report = check_decoder(series.CurveDecoder().eval().requires_grad_(False), "series")
    assert report.passed
    assert {one.name for one in report.results if one.not_tried} == {"denoising loss", "meta"}


# ---- modalities


def test_a_modality_without_its_part(series, monkeypatch):
    monkeypatch.delitem(MEDIA_PARTS, "series")
    assert check_modality("series", series.curves).faults == {
        "tables": "MEDIA_PARTS has no row 'series'; add a subclass of MediaPart."
    }


MODALITY_FAULTS = {
    "one hash": (
        {"_array_sha256": lambda self: "0" * 64},
        "identity",
        "sha256() is the same for different media; hash all values, their shape and what else tells them apart.",
    ),
    "never checked": (
        {"check": lambda self: None},
        "damaged media",
        "Broken.check() of a damaged file is accepted; raise a MediaError with one sentence that says what to do.",
    ),
    "other suffix": (
        {"suffixes": (".txt",)},
        "tables",
        "Files of series end in .csv by its row, but Broken saves .txt by default; let them agree.",
    ),
}


@pytest.mark.parametrize("fault", MODALITY_FAULTS)
def test_a_broken_medium_is_told_its_fault(series, fault, monkeypatch):
    changes, check, sentence = MODALITY_FAULTS[fault]
    broken = type("Broken", (series.Series,), changes)
    monkeypatch.setitem(MODALITIES, "series", dataclasses.replace(MODALITIES["series"], media_type=broken))
    report = check_modality("series", [broken.from_array(one.array()) for one in series.curves])
    assert report.faults[check] == sentence, report


# ---- nextgpt's own


def own_media():
    noise = np.random.default_rng(0)
    return {
        "image": [Image.from_array(noise.integers(0, 256, (s, 40, 3), dtype=np.uint8)) for s in (30, 50)],
        "audio": [
            Audio.from_array((0.1 * noise.standard_normal(n)).astype(np.float32), 16000)
            for n in (9000, 30000)
        ],
        "video": [
            Video.from_array(noise.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8), 8.0) for n in (4, 6)
        ],
    }


SMALL = EfficientNetLiteConfig(width=0.35, depth=0.5, image_size=32, grid=1)
OWN_ENCODERS = {
    "image": SMALL,
    "video": dataclasses.replace(SMALL, num_frames=2),
    "audio": YamnetConfig(max_seconds=3.0),
}


@pytest.mark.parametrize("modality", OWN_ENCODERS)
def test_our_modalities_and_encoders_have_no_fault(modality):
    media, config = own_media()[modality], OWN_ENCODERS[modality]
    torch.manual_seed(0)
    encoder = ENCODERS[config.type](config).eval().requires_grad_(False)
    for report in (check_modality(modality, media), check_encoder(encoder, media)):
        assert report.passed, report


@pytest.mark.parametrize("modality", TINY)
def test_our_decoders_have_no_fault(modality, text_folder):  # noqa: F811
    config = TINY[modality]
    torch.manual_seed(0)
    decoder = untrained_decoder(config, lambda part: text_folder).eval().requires_grad_(False)
    prompts = (" ".join(WORDS[:3]), " ".join(WORDS[3:6]))
    latents = torch.randn(2, *config.decoder.latent_shape)
    report = check_decoder(decoder, modality, latents=latents, prompts=prompts)
    assert report.passed, report
    assert not [one for one in report.results if one.not_tried]


# ---- the report


def test_what_a_check_raises_is_a_fault_of_the_part():
    def breaks(subject):
        raise KeyError(subject)

    def skips(subject):
        raise NotTried("no such thing")

    def faulty(subject):
        raise Fault("It is wrong; mend it.")

    report = run_checks("x", "y", {"good": lambda subject: None, "odd": breaks, "none": skips, "bad": faulty})
    odd = report.faults.pop("odd")
    assert same(odd, "raised KeyError ('y') at test_conformance.py, line {number}; it should not raise here.")
    assert report.faults["bad"] == "It is wrong; mend it." and not report.passed
    assert str(report).splitlines()[:2] == ["x: 2 faults", "ok    good"]


def same(found, sentence):
    """{number} stands for a number, {words} for a library's own words."""
    pattern = re.escape(sentence).replace(r"\{number\}", r"[-\d.e+]+").replace(r"\{words\}", ".{3,200}?")
    assert re.fullmatch(pattern, found), f"\n{found}\nis not\n{sentence}"
    return True
