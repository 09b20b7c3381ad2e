"""Text passes through the base model untouched, whichever causal LM it is, and special tokens stay apart."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from nextgpt.config import LanguageModelConfig, LoraConfig
from nextgpt.errors import ConfigError
from nextgpt.nn.language_model import INITIAL_BIAS, PROVEN, LanguageModel
from nextgpt.tokens import SpecialTokens

V, D = 96, 32
SIZES = dict(
    vocab_size=V, hidden_size=D, n_embd=D, word_embed_proj_dim=D, intermediate_size=48, ffn_dim=48, num_hidden_layers=2,
    n_layer=2, num_attention_heads=4, n_head=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
    n_positions=64, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
CHANGES = {
    "granite": dict(logits_scaling=3.0, embedding_multiplier=2.0),
    "gemma3_text": dict(sliding_window=4),
}


def tiny(kind: str, device: str = "cpu") -> LanguageModel:
    known = AutoConfig.for_model(kind).to_dict()
    settings = {name: value for name, value in SIZES.items() if name in known}
    torch.manual_seed(0)
    with torch.device(device):
        base = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(kind, **settings | CHANGES.get(kind, {}))
        )
    config = LanguageModelConfig(lora=LoraConfig(rank=2))
    return LanguageModel(config, base.eval(), SpecialTokens(V, {"image": 3, "audio": 0, "video": 2}))


def ids(*shape: int) -> torch.Tensor:
    return torch.randint(3, V, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", PROVEN)
@torch.no_grad()
def test_text_logits_are_the_base_models_bit_for_bit(kind):
    model, text = tiny(kind), ids(2, 9)
    wanted = model.base(text).logits
    for mask in (None, torch.ones_like(text, dtype=torch.bool)):
        logits = model.logits(model(model.embed(text), mask).last_hidden_state)
        assert torch.equal(logits[..., :V], wanted)
        assert torch.equal(logits[..., V:], torch.full((2, 9, 3), INITIAL_BIAS))
        assert (logits.argmax(-1) < V).all(), "a modality token was chosen before any training"


@pytest.mark.parametrize("kind", PROVEN)
@torch.no_grad()
def test_padding_on_either_side_does_not_move_states(kind):
    model, text = tiny(kind), ids(1, 7)
    alone = model(model.embed(text)).last_hidden_state
    for span in (slice(0, 7), slice(4, 11)):
        padded = torch.zeros(2, 11, dtype=torch.long)
        mask = torch.zeros(2, 11, dtype=torch.bool)
        padded[0, span], mask[0, span] = text, True
        padded[1], mask[1] = ids(11), True
        states = model(model.embed(padded), mask).last_hidden_state
        torch.testing.assert_close(states[:1, span], alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", PROVEN)
@torch.no_grad()
def test_embeddings_of_words_are_the_bases_and_special_ones_are_of_their_size(kind):
    model = tiny(kind)
    every = torch.arange(V)[None]
    assert torch.equal(model.embed(every), model.base.get_input_embeddings()(every))
    special = model.embed(torch.arange(V, V + model.special.num_embedded)[None])
    assert 0.3 < special.norm(dim=-1).mean() / model.words(every).norm(dim=-1).mean() < 1.0
    assert torch.equal(
        model.embed(torch.tensor([[model.special["audio"].placeholder]])), torch.zeros(1, 1, D)
    )


@pytest.mark.parametrize(
    ("name", "token", "table", "row"),
    [
        ("image", "modality", "modality_embeddings", 0),
        ("video", "modality", "modality_embeddings", 2),
        ("image", "open", "boundary_embeddings", 0),
        ("video", "close", "boundary_embeddings", 5),
    ],
)
def test_each_special_token_has_its_own_row(name, token, table, row):
    model = tiny("llama")
    found = model.embed(torch.tensor([[getattr(model.special[name], token)]]))[0, 0]
    assert torch.equal(found, getattr(model, table)[row])


def test_signal_tokens_have_rows_in_the_order_of_their_ids():
    model = tiny("llama")
    ids = torch.tensor([[*model.special["image"].signals, *model.special["video"].signals]])
    assert torch.equal(model.embed(ids)[0], model.signal_embeddings)


def test_only_the_small_tables_learn_and_gradients_reach_them():
    model = tiny("llama")
    special = model.special
    row = torch.tensor([[5, special["image"].modality, *special["image"].signals, special["image"].open, 7]])
    model.logits(model(model.embed(row)).last_hidden_state).square().sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learned == {
        "modality_embeddings", "boundary_embeddings", "signal_embeddings", "modality_head.weight", "modality_head.bias",
    }  # fmt: skip
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None and parameter.grad.any()) == (name in learned), name


@torch.no_grad()
def test_fresh_lora_changes_nothing_and_alone_becomes_trainable():
    model, text = tiny("llama"), ids(2, 9)
    before = model(model.embed(text)).last_hidden_state
    model.add_lora()
    assert model.has_lora
    assert torch.equal(model(model.embed(text)).last_hidden_state, before)
    assert all(p.requires_grad == ("lora_" in name) for name, p in model.base.named_parameters())


def test_lora_on_layers_that_the_model_does_not_have_names_those_it_has():
    with pytest.raises(ConfigError, match=r"q_proj, v_proj.*gpt2.*c_attn"):
        tiny("gpt2").add_lora()


@pytest.mark.parametrize("kind", ["mistral", "stablelm"])
def test_a_type_that_is_not_listed_is_tried(kind):
    tiny(kind).check_base()


@pytest.mark.parametrize("kind", ["bert", "rwkv"])
def test_a_type_whose_logits_would_change_is_refused(kind):
    with pytest.raises(ConfigError, match=f"type {kind} "):
        tiny(kind).check_base()


def test_forward_on_meta():
    model = tiny("llama", "meta")
    mask = torch.ones(2, 5, dtype=torch.bool, device="meta")  # without one transformers looks for packed rows
    model.base.set_attn_implementation("eager")  # its mask for sdpa looks at values
    states = model(model.embed(ids(2, 5).to("meta")), mask).last_hidden_state
    assert (states.device.type, states.shape) == ("meta", (2, 5, D))
    assert model.logits(states).shape == (2, 5, V + 3)
