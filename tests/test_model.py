"""The alignment law and the batch law of AnyToAnyModel.forward, at random tiny weights in fp32."""

import json

import pytest
import torch
import torch.nn.functional as F

from nextgpt.batch import IGNORE, collate_rows, media_in_order
from nextgpt.config import (
    AnyToAnyConfig,
    ConceptBranchConfig,
    EfficientNetLiteConfig,
    InputConfig,
    InputProjectorConfig,
    PosteriorBranchConfig,
)
from nextgpt.media import Audio, Image, Video
from nextgpt.messages import Message
from nextgpt.model import build_model, conditioning_loss
from nextgpt.nn.outputs import Conditioning
from nextgpt.testing.tiny import LENGTH, WIDTH, tiny_model, tiny_tokenizer

MODEL, PROCESSOR = tiny_model()


def medium(modality, number):
    values = torch.full((4, 8, 8, 3), number, dtype=torch.uint8).numpy()
    if modality == "audio":
        return Audio.from_array(values[0, 0, :, 0].astype("float32") / 300, 16000)
    return Image.from_array(values[0]) if modality == "image" else Video.from_array(values, 8.0)


IMAGES, SOUNDS, CLIPS = ([medium(name, n) for n in range(1, 6)] for name in ("image", "audio", "video"))
TALKS = [
    [
        Message.user("Look", IMAGES[0], SOUNDS[0], IMAGES[1]),
        Message.assistant("Two:", IMAGES[2], SOUNDS[1], "and", IMAGES[3]),
        Message.user("More", CLIPS[0]),
        Message.assistant(SOUNDS[2], "ok"),
    ],
    [Message.user("Hi"), Message.assistant("Hello, how are you today?")],
    [Message.user(SOUNDS[3], "what is it? " * 9), Message.assistant(CLIPS[1])],
    [Message.user("Draw"), Message.assistant(IMAGES[4], IMAGES[0])],
]


def batch_of(talks, side="right", max_length=None):
    """The batch, its rows, and random targets for its output media, each medium's own wherever it stands."""
    rows = [PROCESSOR.row(talk, max_length=max_length) for talk in talks]
    batch = collate_rows(rows, side=side)
    for name, parts in media_in_order(rows, "inputs").items():
        encoder = MODEL.encoders[name]
        batch.inputs[name] = encoder.collate([encoder.preprocess(part.media) for part in parts])
    for name, parts in media_in_order(rows, "outputs").items():
        seeds = [int(part.media.sha256()[:8], 16) for part in parts]
        values = [torch.randn(LENGTH, WIDTH, generator=torch.Generator().manual_seed(s)) for s in seeds]
        batch.targets[name] = Conditioning(
            torch.stack(values), torch.ones(len(seeds), LENGTH, dtype=torch.bool)
        )
    return batch, rows


def spans(row, modality):
    """Places of each output medium's signal tokens, read from the ids one by one."""
    one = PROCESSOR.special[modality]
    starts = [place for place, token in enumerate(row.ids) if token == one.modality]
    return [list(range(start + 1, start + 1 + len(one.signals))) for start in starts]


@torch.no_grad()
def alone(talk, max_length=None):
    """(row, states (T, D), conditioning) of one conversation by itself, without padding."""
    batch, rows = batch_of([talk], max_length=max_length)
    output = MODEL(batch)
    return rows[0], output.states_BTD[0], output.conditioning


LIMITS = {
    None: 103,
    90: 90,
    51: 48,
    44: 42,
}  # max_length -> length of the first row; 51 and 44 leave out a span


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("limit", LIMITS)
@torch.no_grad()
def test_a_row_is_the_same_whatever_its_neighbours_and_padding(side, limit):
    """Batch law: states and logits within 1e-4 of the row alone; conditioning in span order, row by row."""
    batch, rows = batch_of(TALKS, side, limit)
    output = MODEL(batch)
    wanted = {"image": [], "audio": [], "video": []}
    for index, talk in enumerate(TALKS):
        row, states, conditioning = alone(talk, limit)
        assert row.ids == rows[index].ids
        found = output.states_BTD[index][batch.mask_BT[index]]
        torch.testing.assert_close(found, states, atol=1e-4, rtol=0)
        logits = [MODEL.language_model.logits(one) for one in (found, states)]
        torch.testing.assert_close(*logits, atol=1e-4, rtol=0)
        assert torch.equal(*(one.argmax(-1) for one in logits))
        for name, one in conditioning.items():
            wanted[name].append(one.sequence_BQC)
    assert {name for name, values in wanted.items() if values} == set(output.conditioning)
    for name, one in output.conditioning.items():
        torch.testing.assert_close(one.sequence_BQC, torch.cat(wanted[name]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("limit", LIMITS)
def test_each_signal_state_comes_from_its_own_position(side, limit):
    """Alignment law: states that carry their row and place come back from the places of the signal tokens."""
    batch, rows = batch_of(TALKS, side, limit)
    count, length = batch.ids_BT.shape
    place = torch.stack(torch.meshgrid(torch.arange(count), torch.arange(length), indexing="ij"), -1)
    for name in PROCESSOR.special.modalities:
        wanted = []
        for index, row in enumerate(rows):
            shift = length - len(row.ids) if side == "left" else 0
            wanted += [[[index, shift + t] for t in span] for span in spans(row, name)]
        assert len(wanted) == sum(modality == name for row in rows for modality, _ in row.outputs)
        if wanted:
            assert MODEL.signal_states(batch.ids_BT, place, name).tolist() == wanted


@pytest.mark.parametrize("side", ["right", "left"])
@torch.no_grad()
def test_each_medium_lands_on_its_own_placeholders(side):
    batch, rows = batch_of(TALKS, side)
    projected = {name: MODEL.project(name, inputs) for name, inputs in batch.inputs.items()}
    embeddings = MODEL.embed(batch.ids_BT, projected)
    seen = dict.fromkeys(projected, 0)
    for index, row in enumerate(rows):
        shift = batch.ids_BT.shape[1] - len(row.ids) if side == "left" else 0
        opens = {PROCESSOR.special[name].open: name for name in PROCESSOR.special.modalities}
        found = [(place, opens[token]) for place, token in enumerate(row.ids, shift + 1) if token in opens]
        assert [name for _, name in found] == [name for name, _ in row.inputs]
        for (place, name), (_, part) in zip(found, row.inputs, strict=True):
            encoder = MODEL.encoders[name]
            own = MODEL.project(name, encoder.collate([encoder.preprocess(part.media)]))[0]
            torch.testing.assert_close(embeddings[index, place : place + len(own)], own, atol=1e-5, rtol=0)
            seen[name] += 1
    assert seen == {"image": 6, "audio": 4, "video": 2}


@torch.no_grad()
def test_the_language_loss_is_the_mean_cross_entropy_of_the_labels():
    batch, _ = batch_of(TALKS)
    output = MODEL(batch)
    logits = MODEL.language_model.logits(output.states_BTD)
    wanted = F.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch.labels_BT[:, 1:].flatten(), ignore_index=IGNORE
    )
    torch.testing.assert_close(output.losses["language"], wanted)
    assert set(output.losses) == {
        "language",
        "conditioning/image",
        "conditioning/audio",
        "conditioning/video",
    }


def test_signal_states_are_taught_to_restate_and_nothing_else_is():
    batch, _ = batch_of(TALKS)
    assert "restating" not in MODEL(batch).losses  # none of these media has a caption
    batch.restated_BT[0, 5:9] = torch.tensor([3, 4, 5, 6])
    output = MODEL(batch)
    logits = MODEL.language_model.logits(output.states_BTD[0, 5:9])
    torch.testing.assert_close(
        output.losses["restating"], F.cross_entropy(logits, torch.tensor([3, 4, 5, 6]))
    )


@torch.no_grad()
def test_long_rows_pass_the_head_in_pieces(monkeypatch):
    batch, _ = batch_of(TALKS)
    whole = MODEL(batch).losses["language"]
    monkeypatch.setattr("nextgpt.model.LOGITS_CHUNK", 7)
    torch.testing.assert_close(MODEL(batch).losses["language"], whole)


def test_signal_tokens_learn_from_text_behind_them_and_from_their_target():
    batch, _ = batch_of(TALKS[-1:])
    for name in ("language", "conditioning/image"):
        MODEL.zero_grad()
        MODEL(batch).losses[name].backward()
        touched = MODEL.language_model.signal_embeddings.grad.abs().sum(1) > 0
        assert touched.tolist() == [True] * 3 + [False] * 6, name


@torch.no_grad()
def test_denoising_gets_each_modalitys_latents_and_conditioning():
    batch, _ = batch_of(TALKS)
    batch.latents = {name: torch.full((len(one.sequence_BQC),), 2.0) for name, one in batch.targets.items()}
    batch.targets = {}
    seen = {}

    def denoising(name, latents, conditioning):
        seen[name] = conditioning.batch_size
        return latents.sum()

    losses = MODEL(batch, denoising).losses
    assert seen == {"image": 4, "audio": 2, "video": 1}
    assert {name: float(loss) for name, loss in losses.items() if name != "language"} == {
        "denoising/image": 8.0, "denoising/audio": 4.0, "denoising/video": 2.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda inputs: inputs["image"]["values"].resize_(5, 1, 8), "12 image placeholders .* 5 media"),
        (lambda inputs: inputs.pop("audio"), "8 audio placeholders .* 0 media"),
    ],
)
def test_media_that_do_not_fit_the_placeholders_are_refused(change, says):
    batch, _ = batch_of(TALKS)
    change(batch.inputs)
    with pytest.raises(ValueError, match=says):
        MODEL(batch)


def test_the_conditioning_loss_counts_in_deviations_of_each_channel():
    torch.manual_seed(0)
    scales = torch.tensor([0.1, 1.0, 10.0])
    goal = torch.randn(5, 4, 3) * scales
    mask = torch.ones(5, 4, dtype=torch.bool)
    off = goal + 2 * goal.flatten(0, 1).std(0)
    assert float(conditioning_loss(Conditioning(goal, mask), Conditioning(goal, mask))) == 0.0
    torch.testing.assert_close(
        conditioning_loss(Conditioning(off, mask), Conditioning(goal, mask)), torch.tensor(4.0)
    )
    pooled = Conditioning(goal, mask, torch.zeros(5, 2)), Conditioning(goal, mask, torch.full((5, 2), 3.0))
    torch.testing.assert_close(conditioning_loss(*pooled), torch.tensor(9.0))


def test_frozen_modules_stay_in_eval_mode():
    model, _ = tiny_model()
    model.requires_grad_(False)
    model.input_projectors["audio"].requires_grad_(True)
    model.train()
    training = {name for name, module in model.named_modules() if module.training}
    assert training and all(name.startswith("input_projectors.audio") for name in training)
    assert not any(module.training for module in model.eval().modules())


def test_the_limits_of_these_tests_cut_text_and_leave_out_spans():
    assert {limit: len(PROCESSOR.row(TALKS[0], max_length=limit).ids) for limit in LIMITS} == LIMITS


def test_build_model_gives_class_branches_the_words_of_their_names(tmp_path):
    """With a base whose embeddings are scaled (Gemma), the words are those that its layers get."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps([["fox", "vulpes"], ["car"], ["a bell, then a dog"]]))
    sizes = dict(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, head_dim=8
    )
    base = Gemma2ForCausalLM(Gemma2Config(**sizes, num_attention_heads=2, num_key_value_heads=1))
    concepts = ConceptBranchConfig(("", "fox"), tokens_per_name=3, rank=4, cues=("car",), tokens_per_cue=1)
    branches = (PosteriorBranchConfig(1, 2), concepts)
    encoder = EfficientNetLiteConfig(num_scores=3, feature_dim=8, grid=1)
    config = AnyToAnyConfig(inputs={"image": InputConfig(encoder, InputProjectorConfig(branches))})
    model, processor = build_model(config, lambda name: tmp_path, base=base)
    assert processor.num_placeholders == {"image": 6}
    words = base.get_input_embeddings()
    tables = {name: branch.table for name, branch in model.input_projectors["image"].branches.items()}
    for table, row, name in [
        ("posterior", 0, "fox"),
        ("posterior", 2, "a bell, then a dog"),
        ("concepts", 1, "fox"),
    ]:
        found = tables[table][row]
        ids = tokenizer(" " + name)["input_ids"][: len(found)]
        assert torch.equal(found[: len(ids)], words(torch.tensor(ids)))
        assert not found[len(ids) :].any()
    assert not tables["concepts"][0].any(), "the empty name has no words"
    cues = model.input_projectors["image"].branches["concepts"].cues
    assert torch.equal(cues[0], words(torch.tensor(tokenizer("car")["input_ids"][:1])))
    assert "table" not in str(list(model.state_dict())), "tables are made, not stored"
