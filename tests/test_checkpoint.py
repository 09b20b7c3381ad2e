"""Checkpoints: everything learned, bit for bit; nothing silent; the old one stays until the new one is whole."""

import json
import os
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from nextgpt import checkpoint
from nextgpt.batch import collate_rows
from nextgpt.checkpoint import LORA, CheckpointInfo, check_parts, grow, load, read_info, save, shrink
from nextgpt.config import LanguageModelConfig, LoraConfig, to_dict
from nextgpt.errors import CheckpointError, NotTrainedError
from nextgpt.messages import Message
from nextgpt.testing.tiny import tiny_base, tiny_config, tiny_model, tiny_tokenizer

CONFIG = replace(tiny_config(), language_model=LanguageModelConfig("tiny", LoraConfig(rank=4)))
ALIGNED = (*(f"input_projectors.{name}" for name in CONFIG.inputs), "boundary_tokens")
ALL = (
    *ALIGNED,
    *(f"output_projectors.{n}" for n in CONFIG.outputs),
    "signal_tokens",
    "modality_tokens",
    LORA,
)
STAGES = ({"stage": "encoder-alignment", "seed": 3, "jobs": []},)


def learned_model(seed=0):
    """A tiny model whose learned tensors, LoRA included, are random."""
    model, _ = tiny_model(CONFIG)
    model.language_model.add_lora()
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if checkpoint.module_of(name):
            parameter.data.normal_(std=0.2)
    return model.eval()


def info_of(trained=ALL):
    return CheckpointInfo(
        CONFIG, {"tiny": {"address": "file:tiny", "sha256": "a" * 64}}, STAGES, tuple(trained)
    )


@torch.no_grad()
def outputs(model):
    """States of a text with special tokens, logits, and what the projectors make of fixed numbers."""
    special = model.special
    ids = [5, 6, special["image"].open, special["audio"].modality, *special["audio"].signals, 7]
    states = model.language_model(model.language_model.embed(torch.tensor([ids]))).last_hidden_state
    found = [states, model.language_model.logits(states)]
    for name, projector in model.output_projectors.items():
        found.append(projector(model.signal_states(torch.tensor([ids]), states, "audio")).sequence_BQC)
        encoder = model.encoders[name]
        values = torch.randn(2, *encoder.shape, generator=torch.Generator().manual_seed(1))
        found.append(model.project(name, {"values": values}))
    return found


def test_save_then_load_gives_the_same_outputs_bit_for_bit(tmp_path):
    model = learned_model()
    save(model, tmp_path / "c", info_of())
    info = read_info(tmp_path / "c")
    assert info == info_of()
    loaded, _ = tiny_model(info.config)
    load(loaded, tmp_path / "c", info)
    for one, other in zip(outputs(model), outputs(loaded.eval()), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_holds_only_what_was_learned(tmp_path):
    model = learned_model()
    save(model, tmp_path / "c", info_of(ALIGNED))
    found = load_file(tmp_path / "c" / "model.safetensors")
    assert found.keys() == {
        name
        for name, _ in model.named_parameters()
        if name.startswith("input_projectors") or "boundary" in name
    }
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["config.json", "model.safetensors"]
    assert "pickle" not in str(list(tmp_path.rglob("*")))


def test_loading_an_early_stage_leaves_later_modules_fresh(tmp_path):
    save(learned_model(), tmp_path / "c", info_of(ALIGNED))
    model, _ = tiny_model(CONFIG)
    fresh = {name: parameter.clone() for name, parameter in model.named_parameters()}
    load(model, tmp_path / "c", read_info(tmp_path / "c"))
    assert not model.language_model.has_lora
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, fresh[name]) == (checkpoint.module_of(name) not in ALIGNED), name


def test_using_what_no_stage_has_trained_names_the_stage():
    info = info_of(ALIGNED)
    info.require("input_projectors.image", "encoder-alignment")
    with pytest.raises(NotTrainedError, match=r"output_projectors\.image is untrained.*decoder-alignment"):
        info.require("output_projectors.image", "decoder-alignment")


@pytest.mark.parametrize(
    ("trained", "modalities"),
    [
        (ALL, ("image", "audio", "video")),
        (ALIGNED, ()),
        ([*ALIGNED, "output_projectors.image"], ()),
        ([*ALIGNED, "output_projectors.audio", "modality_tokens"], ("audio",)),
    ],
)
def test_a_modality_may_be_chosen_when_its_row_and_its_projector_are_trained(trained, modalities):
    assert info_of(trained).output_modalities == modalities


def test_a_small_checkpoint_is_half_as_large_and_close(tmp_path):
    model = learned_model()
    save(model, tmp_path / "whole", info_of())
    save(model, tmp_path / "small", info_of(), small=True)
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        whole, small = (load_file(tmp_path / kind / name) for kind in ("whole", "small"))
        assert {tensor.dtype for tensor in small.values()} == {torch.float16}
        assert sum(t.nbytes for t in small.values()) * 2 == sum(t.nbytes for t in whole.values())
    loaded, _ = tiny_model(CONFIG)
    load(loaded, tmp_path / "small", read_info(tmp_path / "small"))
    for one, other in zip(outputs(model), outputs(loaded.eval()), strict=True):
        torch.testing.assert_close(one, other, atol=0.02, rtol=0.02)


def test_large_matrices_shrink_to_a_byte_a_number():
    torch.manual_seed(0)
    tensors = {
        "large": torch.randn(500, 500) * torch.logspace(-3, 3, 500)[:, None],
        "small": torch.randn(40, 40),
    }
    small = shrink(tensors)
    assert {name: (t.dtype, tuple(t.shape)) for name, t in small.items()} == {
        "large": (torch.int8, (500, 500)), "large.scale": (torch.float32, (500,)), "small": (torch.float16, (40, 40)),
    }  # fmt: skip
    back = grow(small)
    assert back.keys() == tensors.keys()
    error = (back["large"] - tensors["large"]).abs().amax(1) / tensors["large"].abs().amax(1)
    assert error.max() <= 0.5 / 127 * 1.001, "half a step of each row's own scale"
    assert grow(tensors) == tensors, "a file that was not shrunk is left as it is"


def test_lora_matrices_stay_readable_for_peft_however_large(monkeypatch, tmp_path):
    monkeypatch.setattr(
        checkpoint, "shrink", lambda tensors: pytest.fail() if "lora" in str(tensors.keys()) else {}
    )
    save(learned_model(), tmp_path / "c", info_of(), small=True)


def test_the_adapters_modules_are_written_in_the_configs_order(tmp_path):
    info = info_of()
    save(learned_model(), tmp_path / "c", info)
    written = json.loads((tmp_path / "c" / "adapter" / "adapter_config.json").read_text())
    assert written["target_modules"] == list(info.config.language_model.lora.target_modules)


def test_the_adapter_opens_with_peft_and_gives_the_same_logits(tmp_path):
    import peft

    model = learned_model()
    save(model, tmp_path / "c", info_of())
    ids = torch.randint(3, 300, (2, 9), generator=torch.Generator().manual_seed(0))
    tuned = peft.PeftModel.from_pretrained(
        tiny_base(len(tiny_tokenizer())), tmp_path / "c" / "adapter"
    ).eval()
    with torch.no_grad():
        theirs = tuned(ids).logits
        states = model.language_model(model.language_model.embed(ids)).last_hidden_state
        ours = model.language_model.logits(states)[..., : theirs.shape[-1]]
        plain = tiny_base(len(tiny_tokenizer()))(ids).logits
    assert torch.equal(ours, theirs)
    assert not torch.allclose(ours, plain, atol=1e-2), "the adapter must do something"


def change_tensors(folder, name, change):
    tensors = load_file(folder / name)
    change(tensors)
    save_file(tensors, folder / name)


OWN, ADAPTER = "model.safetensors", "adapter/adapter_model.safetensors"
LORA_KEY = "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        (OWN, lambda t: t.pop("language_model.boundary_embeddings"), r"missing \['language_model.boundary_emb"),
        (OWN, lambda t: t.update(extra=torch.ones(1)), r"missing nothing, unexpected \['extra'\]"),
        (OWN, lambda t: t.update({"language_model.modality_head.bias": torch.ones(4)}), r"shapes \['language_model"),
        (ADAPTER, lambda t: t.pop(LORA_KEY), r"missing \['base_model.model.model.layers.1.self_attn.q_proj.lora_B"),
        (ADAPTER, lambda t: t.update({LORA_KEY: torch.ones(2, 2)}), r"other shapes \['base_model"),
    ],
)  # fmt: skip
def test_missing_unexpected_and_misshapen_keys_are_named_and_nothing_is_loaded(tmp_path, file, change, says):
    save(learned_model(), tmp_path / "c", info_of())
    change_tensors(tmp_path / "c", file, change)
    model = learned_model(seed=1)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    with pytest.raises(CheckpointError, match=says):
        load(model, tmp_path / "c", info_of())
    assert all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())


@pytest.mark.parametrize("file", [OWN, ADAPTER])
@pytest.mark.parametrize("content", [None, b"", b"\x80\x04pickle", b"\xff" * 64])
def test_files_that_hold_no_tensors_are_refused(tmp_path, file, content):
    save(learned_model(), tmp_path / "c", info_of())
    path = tmp_path / "c" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"can't be read as learned tensors"):
        load(learned_model(), tmp_path / "c", info_of())


GOOD = {"format": 1, "config": to_dict(CONFIG), "parts": {}, "stages": [], "trained": []}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (None, "No such file"),
        ("", "Expecting value"),
        ("[" * 100_000, "recursion"),
        ("\xff", "can't be read"),
        ([], "no checkpoint of format 1"),
        ({**GOOD, "format": 2}, "no checkpoint of format 1"),
        ({"model_type": "llama"}, "no checkpoint of format 1"),
        ({"format": 1}, r"config\.config is missing"),
        ({**GOOD, "config": []}, r"config\.config must be an object"),
        (
            {**GOOD, "config": {"inputs": {"image": {"encoder": {"type": "os.system"}, "projector": {}}}}},
            "'os.system' is unknown",
        ),
        ({**GOOD, "parts": []}, r"config\.parts must be an object"),
        ({**GOOD, "parts": {"x": {"address": "file:x"}}}, r"config\.parts\.x lacks"),
        ({**GOOD, "parts": {"x": "y"}}, r"config\.parts\.x must be an object"),
        ({**GOOD, "stages": {}}, r"config\.stages must be a list"),
        ({**GOOD, "trained": "lora"}, r"config\.trained must be a list"),
        ({**GOOD, "trained": [1]}, r"config\.trained\[0\] must be of type str"),
        ({**GOOD, "hook": "rm -rf"}, r"config\.hook is no setting of CheckpointInfo"),
    ],
)  # fmt: skip
def test_a_hostile_config_is_answered_with_a_sentence(tmp_path, values, says):
    if values is not None:
        text = values if isinstance(values, str) else json.dumps(values)
        (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CheckpointError, match=says):
        read_info(tmp_path)


def test_other_parts_than_those_of_the_training_are_refused():
    info = info_of()
    check_parts(info, lambda name: info.parts[name])
    with pytest.raises(
        CheckpointError, match=r"trained on tiny file:tiny \(sha256 aaaaaaaaaaaa\).*hf:other/tiny"
    ):
        check_parts(info, lambda name: {"address": "hf:other/tiny", "sha256": "b" * 64})


@pytest.mark.parametrize("broken", ["first file", "adapter", "config", "swap"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_save_leaves_the_old_checkpoint_alone(tmp_path, monkeypatch, broken, error):
    folder = tmp_path / "c"
    save(learned_model(), folder, info_of(ALIGNED))
    (folder / "README.md").write_text("card")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*args, **kwargs):
        raise error

    def swap(source, target, replace=os.replace):
        fail() if str(source).endswith(".old") is False and target == folder else replace(source, target)

    places = {
        "first file": ("safetensors.torch.save_file", fail),
        "adapter": ("nextgpt.checkpoint._save_adapter_config", fail),
        "config": ("nextgpt.checkpoint.to_dict", fail),
        "swap": ("os.replace", swap),
    }
    monkeypatch.setattr(*places[broken])
    with pytest.raises(type(error)):
        save(learned_model(seed=1), folder, info_of())
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["c"], "no litter"


def test_a_new_checkpoint_replaces_the_old_one_and_keeps_its_card_and_decoders(tmp_path):
    folder = tmp_path / "c"
    save(learned_model(), folder, info_of())
    (folder / "README.md").write_text("card")
    (folder / "decoders" / "image").mkdir(parents=True)
    (folder / "decoders" / "image" / "config.json").write_text("{}")
    save(learned_model(seed=1), folder, info_of(ALIGNED))
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "README.md", "config.json", "decoders/image/config.json", "model.safetensors",
    ]  # fmt: skip
    load(learned_model(), folder, read_info(folder))
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_names_are_resolved_to_shipped_weights_or_folders(tmp_path):
    save(learned_model(), tmp_path / "c", info_of())
    assert checkpoint.resolve(str(tmp_path / "c")) == tmp_path / "c"
    with pytest.raises(CheckpointError, match=r"no checkpoint 'absent'"):
        checkpoint.resolve("absent")


def test_load_pretrained_joins_parts_and_learned_tensors(tmp_path):
    """A real folder of a base model, a checkpoint, and the model comes back frozen with the same outputs."""
    tokenizer = tiny_tokenizer()
    tiny_base(len(tokenizer)).save_pretrained(tmp_path / "part")
    tokenizer.save_pretrained(tmp_path / "part")
    model = learned_model()
    save(model, tmp_path / "c", replace(info_of(), parts={}))
    loaded, processor, info = checkpoint.load_pretrained(
        str(tmp_path / "c"), fetch=lambda name: tmp_path / "part"
    )
    assert info.trained == ALL and processor.num_placeholders == {"image": 2, "audio": 2, "video": 2}
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())
    batch = collate_rows([processor.row([Message.user("A red fox."), Message.assistant("Yes.")])])
    with torch.no_grad():
        assert torch.equal(loaded(batch).states_BTD, model(batch).states_BTD)
