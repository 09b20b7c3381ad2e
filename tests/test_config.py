"""Configurations go through JSON and come back; what does not belong is named in one sentence."""

import json
from dataclasses import FrozenInstanceError

import pytest

from nextgpt.config import (
    AnyToAnyConfig,
    DecoderConfig,
    InputProjectorConfig,
    LinearBranchConfig,
    MlpBranchConfig,
    OutputConfig,
    YamnetConfig,
    from_dict,
    to_dict,
)
from nextgpt.errors import ConfigError
from nextgpt.presets import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_from_json(name):
    config = preset(name)
    assert from_dict(AnyToAnyConfig, json.loads(json.dumps(to_dict(config)))) == config


def test_an_unknown_preset_is_answered_with_the_names_of_those_there_are():
    with pytest.raises(ConfigError, match=r"'mega'.*nano"):
        preset("mega")


def changed(path: str, value: object) -> dict:
    """The nano preset's JSON with one place changed; None takes the key away."""
    values = json.loads(json.dumps(to_dict(preset("nano"))))
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place = values
    for key in keys:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("colour", 1, r"config\.colour is no setting of AnyToAnyConfig; it has language_model, inputs"),
        ("language_model.lora.ranks", 1, r"config\.language_model\.lora\.ranks is no setting of LoraConfig"),
        ("language_model.lora.rank", "8", r"config\.language_model\.lora\.rank must be of type int, got '8'"),
        ("language_model.lora.rank", True, r"lora\.rank must be of type int, got True"),
        ("language_model.lora.target_modules", "q_proj", r"lora\.target_modules must be a list, got 'q_proj'"),
        ("language_model.lora.target_modules", ["q", 5], r"lora\.target_modules\[1\] must be of type str, got 5"),
        ("inputs", [], r"config\.inputs must be an object, got \[\]"),
        ("inputs.image", 3, r"config\.inputs\.image must be an object with the keys of InputConfig"),
        ("inputs.image.encoder.type", "vgg", r"inputs\.image\.encoder: type 'vgg' is unknown; .*yamnet"),
        ("inputs.image.encoder.type", ["vgg"], r"encoder: type \['vgg'\] is unknown"),
        ("inputs.image.encoder", [], r"inputs\.image\.encoder must be an object with a type"),
        ("inputs.image.encoder.type", None, r"encoder: type None is unknown"),
        ("inputs.image.projector", None, r"inputs\.image\.projector is missing; InputConfig has no default"),
        ("inputs.image.projector.branches.0.heads", 4, r"branches\[0\]\.heads is no setting of Resampler"),
        ("outputs.image.decoder.type", None, r"outputs\.image\.decoder\.type is missing"),
        ("inputs.image.projector.branches.1.type", "resampler", r"names is no setting of ResamplerBranch"),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_named_in_one_sentence(path, value, says):
    with pytest.raises(ConfigError, match=says) as caught:
        from_dict(AnyToAnyConfig, changed(path, value))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_long_wrong_values_are_cut():
    with pytest.raises(ConfigError) as caught:
        from_dict(AnyToAnyConfig, {"language_model": "x" * 10_000})
    assert len(str(caught.value)) < 300


def test_a_whole_number_may_stand_for_a_float():
    assert from_dict(YamnetConfig, {"max_seconds": 10}).max_seconds == 10.0


def test_two_branches_of_one_type_are_refused_because_their_type_is_their_name():
    with pytest.raises(ConfigError, match="mlp, linear, mlp"):
        InputProjectorConfig((MlpBranchConfig(), LinearBranchConfig(), MlpBranchConfig(2)))


def test_configs_are_frozen():
    with pytest.raises(FrozenInstanceError):
        preset("nano").language_model.part = "other"


def test_signals_are_counted_inputs_first():
    image = preset("nano").inputs["image"]
    outputs = {
        name: OutputConfig(DecoderConfig("echo", ""), num_signal_tokens=4) for name in ("audio", "image")
    }
    config = AnyToAnyConfig(inputs={"video": image, "image": image}, outputs=outputs)
    assert list(config.num_signals.items()) == [("video", 0), ("image", 4), ("audio", 4)]


@pytest.mark.parametrize(("seconds", "windows"), [(0.975, 1), (1.4, 1), (1.456, 2), (30.0, 61)])
def test_windows_of_a_sound(seconds, windows):
    assert YamnetConfig(max_seconds=seconds).num_positions == windows


@pytest.mark.parametrize("name", PRESETS)
def test_embeddings_of_a_medium_are_the_sum_of_its_branches(name):
    for one in preset(name).inputs.values():
        assert one.projector.num_tokens == sum(branch.num_tokens for branch in one.projector.branches) > 0
