"""The batch law, the loop over modality tokens, and what the engine promises about stopping and reuse."""

import itertools
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nextgpt.batch import Row
from nextgpt.errors import MessageError
from nextgpt.generation.body import HuggingFaceBody
from nextgpt.generation.engine import Engine
from nextgpt.generation.llama_body import LlamaBody, fits
from nextgpt.generation.prompts import common_prefix
from nextgpt.generation.sampling import Sampling, choose, nucleus, sample
from nextgpt.generation.steps import Decoding, End, Signals, Token
from nextgpt.generation.text_stream import TextStream
from nextgpt.messages import Message
from nextgpt.testing.tiny import favour, tiny_base, tiny_model, tiny_tokenizer

TEXTS = ("What is in this picture?", "Draw a fox.", "The sound is a bell, then a dog. Which came first?", "x")
ALL = ("image", "audio", "video")


def engine_for(body: str = "lean", modalities=ALL, bias=0.0):
    model, processor = tiny_model()
    favour(model, image=bias, audio=bias, video=bias)
    chosen = HuggingFaceBody(model.language_model) if body == "plain" else None
    return Engine(model, processor, modalities, chosen)


def prompts_of(engine, texts=TEXTS):
    rows = [engine.processor.row([Message.user(text)], generate=True) for text in texts]
    return engine.prompts(rows, {})


def unrelated(engine, lengths=(3, 19, 8, 1)):
    """Prompts that share nothing, of very different lengths."""
    generator = torch.Generator().manual_seed(5)
    ids = [torch.randint(3, 300, (n,), generator=generator).tolist() for n in lengths]
    return engine.prompts([Row(tuple(one), tuple(one), ()) for one in ids], {})


HOW = Decoding(max_new_tokens=24, modalities=ALL, max_media=3)


@pytest.mark.parametrize("body", ["lean", "plain"])
@pytest.mark.parametrize("make", [prompts_of, unrelated])
def test_a_row_is_the_same_whatever_its_neighbours(body, make):
    engine = engine_for(body, bias=1.5)  # about every second row opens a medium
    prompts = make(engine)
    alone = [engine.generate([prompt], HOW)[0] for prompt in prompts]
    for order in ([0, 1, 2, 3], [3, 1], [2, 0, 2, 1, 3, 3]):
        together = engine.generate([prompts[i] for i in order], HOW)
        for i, result in zip(order, together, strict=True):
            assert result.ids == alone[i].ids
            assert result.finish_reason == alone[i].finish_reason
            assert [m.modality for m in result.media] == [m.modality for m in alone[i].media]
            for one, other in zip(result.media, alone[i].media, strict=True):
                torch.testing.assert_close(one.states_KD, other.states_KD, atol=1e-4, rtol=0)
    assert any(result.media for result in alone), "the prompts must make some row emit a modality token"


@pytest.mark.parametrize("body", ["lean", "plain"])
def test_cached_states_are_those_of_one_pass_without_a_cache(body):
    """The whole reply, signal tokens included, run through the model at once gives the engine's choices."""
    engine = engine_for(body)
    prompts = prompts_of(engine)
    for prompt, result in zip(prompts, engine.generate(prompts, HOW), strict=True):
        ids, choices = full_ids(engine, prompt, result.ids)
        with torch.inference_mode():
            states = engine.machine.language_model(
                engine.machine.language_model.embed(ids)
            ).last_hidden_state[0]
            logits = engine.machine.language_model.logits(states)
        for place, chosen in choices:
            allowed = logits[place, : engine.machine.special.base_vocab_size + 3].clone()
            assert allowed[chosen] >= allowed[torch.isfinite(allowed)].max() - 1e-4 or chosen < 320
        spans = [place for place, chosen in choices if engine.machine.special.modality_of(chosen)]
        for place, signals in zip(spans, result.media, strict=True):
            torch.testing.assert_close(states[place + 2 : place + 5], signals.states_KD, atol=1e-4, rtol=0)


def full_ids(engine, prompt, generated):
    ids, choices = list(prompt.keys), []
    for token in generated:
        choices.append((len(ids) - 1, token))
        ids.append(token)
        name = engine.machine.special.modality_of(token)
        ids += engine.machine.special[name].signals if name else ()
    return torch.tensor([ids]), choices


# ---- bodies


def llama_states(base, ids, **masks):
    with torch.inference_mode():
        return base.model(input_ids=ids, **masks).last_hidden_state


def variants():
    yield "llama", lambda: tiny_base(300)
    yield "tied", lambda: tiny_base(300, tie_word_embeddings=True)
    yield "biases", lambda: tiny_base(300, attention_bias=True, mlp_bias=True)
    yield "head_dim", lambda: tiny_base(300, head_dim=16)
    rope = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0}
    rope |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    yield "llama3", lambda: tiny_base(300, rope_parameters=rope)
    yield "qwen2", tiny_qwen


def tiny_qwen():
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(3)
    shape = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    config = Qwen2Config(vocab_size=300, num_key_value_heads=2, initializer_range=0.3, **shape)
    base = Qwen2ForCausalLM(config).eval()
    for name, parameter in base.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return base


@pytest.mark.parametrize(
    ("name", "make"), list(variants()), ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_lean_body_computes_what_transformers_computes(name, make, batch):
    base = make()
    assert fits(base)
    ids = torch.randint(0, 300, (batch, 70), generator=torch.Generator().manual_seed(1))
    wanted = llama_states(base, ids)
    body = LlamaBody(base)
    cache, words = body.new_cache(), base.get_input_embeddings()
    with torch.inference_mode():
        steps = [(0, 40), (40, 41), (41, 42), (42, 50), *((at, at + 1) for at in range(50, 70))]
        states = torch.cat([body.forward(words(ids[:, a:b]), None, cache) for a, b in steps], 1)
        torch.testing.assert_close(states, wanted, atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(
            body.logits(wanted[:, -1]), base.lm_head(wanted[:, -1]), atol=1e-4, rtol=1e-4
        )


def test_bodies_with_another_shape_of_attention_go_the_plain_way():
    assert not fits(
        tiny_base(300, rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4})
    )
    assert not fits(tiny_base(300, hidden_act="gelu"))


def test_lora_is_part_of_the_copied_weights():
    model, _ = tiny_model()
    model.language_model.add_lora()
    for name, parameter in model.language_model.base.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    ids = torch.arange(3, 30)[None]
    body = LlamaBody(model.language_model.base)
    with torch.inference_mode():
        words = model.language_model.embed(ids)
        wanted = model.language_model(words).last_hidden_state
        cache = body.new_cache()
        steps = [body.forward(words[:, at : at + 1], None, cache) for at in range(words.shape[1])]
        torch.testing.assert_close(torch.cat(steps, 1), wanted, atol=1e-4, rtol=1e-4)


def test_one_row_in_bfloat16_has_the_bits_of_transformers():
    base = tiny_base(300).to(torch.bfloat16)
    ids = torch.randint(0, 300, (1, 20), generator=torch.Generator().manual_seed(1))
    wanted = base.generate(
        ids,
        max_new_tokens=20,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
        eos_token_id=299,
    )
    body, words = LlamaBody(base), base.get_input_embeddings()
    cache, token = body.new_cache(), ids
    with torch.inference_mode():
        for logits in wanted.logits:
            own = body.logits(body.forward(words(token), None, cache)[:, -1])
            assert torch.equal(own.float(), logits.float())
            token = own.argmax(-1)[None]


def test_no_device_is_named():
    """Bodies run where their weights are."""
    base = tiny_base(300).to("meta")
    body = LlamaBody(base)
    states = body.forward(torch.empty(2, 7, 32, device="meta"), None, body.new_cache())
    assert states.shape == (2, 7, 32) and states.is_meta


# ---- the loop


def test_a_row_stops_at_the_end_of_turn_at_its_limit_and_when_the_context_is_full():
    engine = engine_for(modalities=())
    (prompt,) = prompts_of(engine, TEXTS[:1])
    whole = engine.generate([prompt], Decoding(max_new_tokens=30))[0]
    assert whole.finish_reason == "length" and len(whole.ids) == 30
    first = next(
        place for place, token in enumerate(whole.ids) if place > 3 and token not in whole.ids[:place]
    )
    stop = whole.ids[first]
    engine.machine = replace(engine.machine, stop_ids=(*engine.machine.stop_ids, stop))
    result = engine.generate([prompt], Decoding(max_new_tokens=30))[0]
    assert result.finish_reason == "stop" and result.ids == whole.ids[:first]

    engine.machine = replace(engine.machine, stop_ids=())
    engine.max_length = len(prompt) + 5
    result = engine.generate([prompt], Decoding(max_new_tokens=30))[0]
    assert result.finish_reason == "length" and len(result.ids) == 5
    engine.max_length = len(prompt)
    with pytest.raises(MessageError, match="tokens"):
        engine.generate([prompt], Decoding())


def test_signal_tokens_count_as_positions_of_the_context():
    engine = engine_for(modalities=("image", "audio"))
    favour(engine.model, image=30.0, audio=20.0)
    (prompt,) = prompts_of(engine, TEXTS[:1])
    how = Decoding(max_new_tokens=30, modalities=ALL, max_media=9)
    signals = engine.machine.special.num_signals["image"]
    for room, media, ids in ((2 * (1 + signals) + 2, 2, 4), (2 * (1 + signals), 2, 2), (signals, 0, signals)):
        engine.max_length = len(prompt) + room
        result = engine.generate([prompt], how)[0]
        assert (len(result.media), len(result.ids)) == (media, ids)
        assert result.finish_reason == "length"


def test_a_reply_is_never_empty():
    engine = engine_for(modalities=())
    (prompt,) = prompts_of(engine, TEXTS[:1])
    first = engine.generate([prompt], Decoding(max_new_tokens=1))[0].ids[0]
    engine.machine = replace(engine.machine, stop_ids=(first,))
    assert engine.generate([prompt], Decoding(max_new_tokens=3))[0].ids


def test_limits_and_permissions_are_each_rows_own():
    engine = engine_for(modalities=("image", "audio"))
    favour(engine.model, image=30.0, audio=20.0, video=40.0)
    prompts = prompts_of(engine)
    hows = [
        Decoding(max_new_tokens=6, modalities=ALL, max_media=9),
        Decoding(max_new_tokens=9, modalities=("audio",), max_media=2),
        Decoding(max_new_tokens=1, modalities=("image",)),
        Decoding(max_new_tokens=4, modalities=("video",)),
    ]
    results = engine.generate(prompts, hows)
    assert [[m.modality for m in one.media] for one in results] == [
        ["image"] * 6,
        ["audio"] * 2,
        ["image"],
        [],
    ]
    assert [len(one.ids) for one in results] == [6, 9, 1, 4]
    assert all(m.states_KD.shape == (3, 32) for one in results for m in one.media)


def test_a_medium_at_the_last_token_still_gets_its_signal_states():
    engine = engine_for()
    favour(engine.model, image=50.0)
    steps = list(engine.stream(prompts_of(engine, TEXTS[:1]), Decoding(max_new_tokens=1, modalities=ALL)))
    assert [type(step) for step in steps] == [Token, Signals, End]


def test_cancel_ends_every_row_and_says_so():
    engine = engine_for()
    asked = []

    def cancel():
        asked.append(1)
        return len(asked) > 3

    results = engine.generate(prompts_of(engine), Decoding(max_new_tokens=50), cancel)
    assert [one.finish_reason for one in results] == ["cancelled"] * 4
    assert all(len(one.ids) == 3 for one in results)


def test_no_marks_of_the_template_in_a_reply():
    engine = engine_for(modalities=())
    marks = set(engine.processor.tokenizer.all_special_ids)
    for seed in range(3):
        how = Decoding(max_new_tokens=60, sampling=Sampling(temperature=50.0), seed=seed)
        for result in engine.generate(prompts_of(engine), how):
            assert not marks & set(result.ids)


def test_samples_do_not_depend_on_the_batch():
    engine = engine_for()
    prompts = prompts_of(engine)
    hows = [replace(HOW, sampling=Sampling(0.8, 0.9), seed=seed) for seed in range(4)]
    together = engine.generate(prompts, hows)
    for prompt, how, one in zip(prompts, hows, together, strict=True):
        assert engine.generate([prompt], how)[0].ids == one.ids
    again = engine.generate(prompts, [replace(how, seed=how.seed + 9) for how in hows])
    assert [one.ids for one in again] != [one.ids for one in together]


def test_one_engine_serves_many_conversations_in_turn():
    """What is kept of one call never shows in the next."""
    engine = engine_for()
    prompts = [*prompts_of(engine), *unrelated(engine)]
    alone = [engine_for().generate([prompt], HOW)[0].ids for prompt in prompts]
    for index in (0, 1, 0, 5, 6, 0, 2):
        assert engine.generate([prompts[index]], HOW)[0].ids == alone[index]
        assert [one.ids for one in engine.generate(prompts[:3], HOW)] == alone[:3]


def test_two_streams_of_one_engine_do_not_mix():
    engine = engine_for()
    one, two = prompts_of(engine, TEXTS[:2])
    streams = [engine.stream([prompt], HOW) for prompt in (one, two)]
    found = [[], []]
    for steps in itertools.zip_longest(*streams):
        for ids, step in zip(found, steps):
            ids += [step.id] if isinstance(step, Token) else []
    assert found == [engine_for().generate([prompt], HOW)[0].ids for prompt in (one, two)]


# ---- sampling


def test_sampling_follows_the_distribution():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    counts = torch.bincount(torch.tensor([sample(logits, Sampling(1.0), generator) for _ in range(4000)]))
    torch.testing.assert_close(counts / 4000, logits.softmax(-1), atol=0.03, rtol=0)


def test_the_tail_is_cut():
    logits = torch.linspace(3, -3, 1000)
    generator = torch.Generator().manual_seed(0)
    assert all(sample(logits, Sampling(1.0, top_p=1e-6), generator) == 0 for _ in range(10))
    for top_p in (0.05, 0.5, 0.97, 0.9999):  # within the guess of 256 tokens, and beyond it
        kept, order = nucleus(logits.softmax(-1), top_p)
        assert kept.sum() >= top_p > kept[:-1].sum() and order.tolist() == list(range(len(kept)))


def test_hidden_tokens_are_never_drawn():
    logits = torch.full((50,), float("-inf"))
    logits[[7, 30]] = torch.tensor([0.0, -20.0])
    generator = torch.Generator().manual_seed(0)
    assert {sample(logits, Sampling(9.0, 0.99), generator) for _ in range(300)} <= {7, 30}
    assert choose(logits[None], [Sampling()], [generator]) == [7]


# ---- prompts and text


def test_common_prefix():
    assert common_prefix([[1, 2, 3], [1, 2, 4, 5]]) == 2
    assert common_prefix([[1, 2], [1, 2, 3]]) == 2
    assert common_prefix([[1], [2]]) == 0 and common_prefix([[], [1]]) == 0 and common_prefix([[5, 6]]) == 2


TOKENIZER = tiny_tokenizer()


@given(st.text(max_size=40))
def test_text_comes_in_whole_characters(text):
    stream = TextStream(TOKENIZER)
    pieces = [stream.push(token) for token in TOKENIZER(text, add_special_tokens=False)["input_ids"]]
    assert all("\ufffd" not in piece or "\ufffd" in text for piece in pieces)
    assert "".join([*pieces, stream.end()]) == text.replace("\0", "")


@given(st.lists(st.integers(0, 258), max_size=30))
def test_any_bytes_come_through_as_the_tokenizer_reads_them(ids):
    stream = TextStream(TOKENIZER)
    text = "".join([*map(stream.push, ids), stream.end()])
    assert text == TOKENIZER.decode(ids, skip_special_tokens=True).replace("\0", "")


def test_long_prompts_go_through_in_pieces(monkeypatch):
    engine = engine_for()
    prompts = unrelated(engine, (3, 90, 41, 90))
    whole = [one.ids for one in engine.generate(prompts, HOW)]
    monkeypatch.setattr("nextgpt.generation.running.MAX_POSITIONS", 37)
    engine._kept = None
    assert [one.ids for one in engine.generate(prompts, HOW)] == whole
    assert [engine.generate([prompt], HOW)[0].ids for prompt in prompts] == whole


def test_a_sliding_window_sees_no_padding():
    """Mistral's layers see the last 8 columns; padding between a row's own would hide some of them."""
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    shape = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    config = MistralConfig(
        vocab_size=len(TOKENIZER), num_key_value_heads=2, sliding_window=8, head_dim=8, **shape
    )
    model, processor = tiny_model(base=MistralForCausalLM(config).eval(), tokenizer=TOKENIZER)
    favour(model, image=0.0)
    engine = Engine(model, processor, ("image",))
    assert isinstance(engine.machine.body, HuggingFaceBody)
    prompts = unrelated(engine)
    how = Decoding(max_new_tokens=12, modalities=("image",))
    together = engine.generate(prompts, how)
    assert [one.ids for one in together] == [engine.generate([prompt], how)[0].ids for prompt in prompts]


def test_the_coldest_temperatures_are_greedy():
    logits = torch.tensor([1.0, 30.0, float("-inf"), 29.0])
    for temperature in (1e-3, 1e-30, 1e-44):
        assert sample(logits, Sampling(temperature), torch.Generator()) == 1
