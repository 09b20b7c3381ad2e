"""The batch law, the loop over modality tokens, and what the engine promises about stopping and reuse."""

import pytest
import torch

from nextgpt.batch import Row
from nextgpt.generation.body import HuggingFaceBody
from nextgpt.generation.engine import Engine
from nextgpt.generation.steps import Decoding
from nextgpt.messages import Message
from nextgpt.testing.tiny import favour, tiny_model

TEXTS = ("What is in this picture?", "Draw a fox.", "The sound is a bell, then a dog. Which came first?", "x")
ALL = ("image", "audio", "video")


def engine_for(body: str = "lean", modalities=ALL):
    model, processor = tiny_model()
    favour(model, image=0.0, audio=0.0, video=0.0)
    chosen = HuggingFaceBody(model.language_model) if body == "plain" else None
    return Engine(model, processor, modalities, chosen)


def prompts_of(engine, texts=TEXTS):
    rows = [engine.processor.row([Message.user(text)], generate=True) for text in texts]
    return engine.prompts(rows, {})


def unrelated(engine, lengths=(3, 19, 8, 1)):
    """Prompts that share nothing, of very different lengths."""
    generator = torch.Generator().manual_seed(5)
    ids = [torch.randint(3, 300, (n,), generator=generator).tolist() for n in lengths]
    return engine.prompts([Row(tuple(one), tuple(one)) for one in ids], {})


HOW = Decoding(max_new_tokens=24, modalities=ALL, max_media=3)


@pytest.mark.parametrize("body", ["lean", "plain"])
@pytest.mark.parametrize("make", [prompts_of, unrelated])
def test_a_row_is_the_same_whatever_its_neighbours(body, make):
    engine = engine_for(body)
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
