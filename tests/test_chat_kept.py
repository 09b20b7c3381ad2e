"""Chat that is kept: the divergence from the base model, what trains it, and the command that measures it."""

import json
from collections import Counter

import pytest
import torch

from nextgpt.batch import Batch, collate_rows
from nextgpt.cli import chat_kept, run
from nextgpt.data.manifest import Text, Turn
from nextgpt.model import said
from nextgpt.testing.tiny import tiny_model


@pytest.fixture
def tuned():
    """A tiny model with LoRA that adds something, its processor, and a batch of two conversations."""
    torch.manual_seed(0)
    model, processor = tiny_model()
    model.language_model.add_lora()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    turns = [Turn("user", (Text("How are you?"),)), Turn("assistant", (Text("Well."),))]
    batch = collate_rows(
        [processor.row(turns), processor.row([*turns[:1], Turn("assistant", (Text("Fine, thanks."),))])]
    )
    return model, processor, batch


def states_of(model, batch: Batch):
    embeddings = model.embed(batch.ids_BT, {})
    return embeddings, model.language_model(embeddings, batch.mask_BT).last_hidden_state


def test_untuned_is_the_base_model_and_only_inside(tuned):
    model, _, batch = tuned
    plain, _ = tiny_model()
    _, base = states_of(plain, batch)
    trains = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    _, before = states_of(model, batch)
    with model.language_model.untuned():
        _, inside = states_of(model, batch)
    _, after = states_of(model, batch)
    assert torch.allclose(inside, base, atol=1e-5) and not torch.allclose(before, base, atol=1e-3)
    assert torch.equal(before, after)
    assert trains == [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def test_divergence_is_kullback_leibler_over_all_words_and_modality_tokens(tuned):
    model, _, batch = tuned
    torch.nn.init.constant_(model.language_model.modality_head.bias, 2.0)
    embeddings, states = states_of(model, batch)
    place = said(batch)
    found = model.divergence(states, embeddings, batch, place)
    with model.language_model.untuned():
        _, base = states_of(model, batch)
    wanted = model.language_model.base_logits(base[place]).log_softmax(-1)
    tuned_log = model.language_model.logits(states[place]).log_softmax(-1)[:, : wanted.shape[1]]
    expected = (wanted.exp() * (wanted - tuned_log)).sum(-1)
    assert torch.allclose(found, expected, atol=1e-4) and bool((found > 0).all())
    assert len(found) == int(place.sum()) == int((batch.labels_BT != -100).sum())


def test_rehearsal_is_of_rows_of_chat_alone_and_brings_the_model_back(tuned):
    model, _, batch = tuned
    assert "rehearsal" not in model(batch).losses
    batch.rehearsed_B = torch.tensor([False, True])
    half = model(batch).losses["rehearsal"]
    embeddings, states = states_of(model, batch)
    second = said(batch) & batch.rehearsed_B[:, None]
    assert torch.allclose(half, model.divergence(states, embeddings, batch, second).mean())
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(batch).losses["rehearsal"]
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.3 * float(half)


def test_the_command_says_how_far_chat_is_from_the_base(tuned, tmp_path, monkeypatch, capsys):
    model, processor, _ = tuned
    monkeypatch.setattr(
        "nextgpt.cli.base_replies.base_replies", lambda prompts, seed: ["Well."] * len(prompts)
    )
    monkeypatch.setattr("nextgpt.checkpoint.load_pretrained", lambda name, dtype: (model, processor, None))
    prompts = [{"split": "train", "text": "Hello."}, {"split": "held-out", "text": "How are you?"}]
    monkeypatch.setattr("nextgpt.nano.chat_prompts.chat_prompts", lambda: prompts)
    assert run(["eval", "nano-chat", "--out", str(tmp_path / "out"), "--threads", "1"]) == 0
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "out" / "replies.jsonl").read_text().splitlines()]
    assert scores["conversations"] == len(rows) == 3 and {row["prompt"] for row in rows} == {"How are you?"}
    assert scores["mean"] == pytest.approx(sum(r["nats"] for r in rows) / sum(r["tokens"] for r in rows))
    assert scores["low"] <= scores["mean"] <= scores["high"] and scores["mean"] > 0
    assert "nats a token" in capsys.readouterr().out


def test_a_summary_weighs_conversations_by_their_tokens():
    found = chat_kept.summary([(1.0, 10, 0.0), (0.0, 30, 0.4)], seed=0)
    assert found["mean"] == pytest.approx(1 / 40) and found["modality"] == pytest.approx(0.01)
    assert (found["low"], found["high"]) == (0.0, pytest.approx(0.1))


def test_replay_asks_prompts_of_training_several_times_and_held_out_ones_once():
    from nextgpt.cli.data import sampled
    from nextgpt.nano.chat_prompts import chat_prompts

    rows = sampled(chat_prompts(), 3)
    assert len({row["id"] for row in rows}) == len(rows)
    asked = Counter((row["split"], row["text"]) for row in rows)
    assert {(split, times) for (split, _text), times in asked.items()} == {("train", 3), ("held-out", 1)}


def test_questions_are_the_same_200_and_none_is_trained():
    from nextgpt.nano.chat_prompts import chat_prompts
    from nextgpt.nano.chat_questions import chat_questions

    questions = chat_questions()
    assert questions == chat_questions() and len({one.text for one in questions}) == len(questions) == 200
    assert not {one.text for one in questions} & {row["text"] for row in chat_prompts()}
    assert len(Counter(one.kind for one in questions)) == 8


@pytest.mark.parametrize(
    ("kind", "answer", "wrong", "reply", "right"),
    [
        ("sum", "12", (), "8 plus 4 is 12.", True),
        ("sum", "12", (), "8 plus 4 is 112.", False),
        ("opposite", "cold", (), "The opposite is Cold.", True),
        ("kind", "animal", ("plant",), "A dog is an animal, no plant.", True),
        ("kind", "animal", ("plant",), "A dog is a plant or an animal.", False),
        ("first letter", "F", (), 'It is "F".', True),
        ("first letter", "F", (), "It is f as in fish.", False),
    ],
)
def test_an_answer_is_right_if_it_says_the_word_first(kind, answer, wrong, reply, right):
    from nextgpt.nano.chat_questions import Question, is_right

    assert is_right(Question(kind, "?", answer, wrong), reply) is right


def test_both_models_answers_are_counted_side_by_side(tmp_path, monkeypatch, capsys):
    from nextgpt.nano.chat_questions import chat_questions

    answers = {one.text: one.answer for one in chat_questions()}
    knows = {"the model's answers": 150, "the base model's answers": 120}

    def replies_of(model, processor, prompts, told):
        return [answers[one] if place < knows[told] else "No idea." for place, one in enumerate(prompts)]

    monkeypatch.setattr("nextgpt.checkpoint.load_pretrained", lambda *_, **__: (None, None, None))
    monkeypatch.setattr("nextgpt.cli.base_replies.base_model", lambda: (None, None))
    monkeypatch.setattr("nextgpt.cli.base_replies.replies_of", replies_of)
    assert run(["eval", "nano-answers", "--threads", "1", "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "scores.json").read_text())
    whole, difference = found["rows"][-1], found["difference"]
    assert (whole["task"], whole["n"], whole["score"], whole["base"]) == ("all", 200, 0.75, 0.6)
    assert (difference["first"], difference["second"]) == (0.6, 0.75) and difference["p"] == pytest.approx(
        2 * 0.5**30
    )
    assert 0 < difference["low"] < 0.15 < difference["high"]
    said = capsys.readouterr().out
    assert (
        "| all | 200 | 75.0 (" in said and "| sum | 80 |" in said and "Difference to the base +15.0" in said
    )
