"""Dialogues -> batches: labels filled from posteriors, features from caches, rows cut behind their last label."""

from dataclasses import replace

import pytest
import torch
from worlds import CLASSES, cached_batches, dialogue

from nextgpt.batch import IGNORE
from nextgpt.data.batches import stack_padded, with_article
from nextgpt.data.manifest import Dialogue, ItemPart, Text, Turn
from nextgpt.data.posteriors import sigmoid_posterior, softmax_posterior
from nextgpt.data.signal_states import SignalStates, captions_of
from nextgpt.errors import DataError
from nextgpt.nn.outputs import Conditioning, EncoderOutput
from nextgpt.testing.tiny import LENGTH, WIDTH, tiny_model

MODEL, PROCESSOR = tiny_model()


@pytest.fixture
def batches(tmp_path):
    return cached_batches(tmp_path, PROCESSOR)


@pytest.mark.parametrize(
    ("part", "sentence", "name"),
    [
        (ItemPart("image", "image-0"), "an Egyptian cat", "Egyptian cat"),
        (ItemPart("image", "image-1"), "a tench", "tench"),
        (ItemPart("image", "image-1", {"class": 2, "seed": 4}), "an ice cream", "ice cream"),
        (ItemPart("audio", "audio-0"), "speech", "Speech"),
        (ItemPart("audio", "audio-0", {"class": 1, "seed": 4}), "dog", "Dog"),
        (ItemPart("video", "video-1"), "an owl", "owl"),
    ],
)
def test_labels_are_filled_from_the_encoders_class_or_the_synthetic_one(batches, part, sentence, name):
    one = dialogue((part, Text("What?")), "I see {label}.", expected="{label}")
    assert batches.fill(one)[1].content == (Text(f"I see {sentence}."),)
    assert batches.fill_text(one, "{label}") == name and batches.fill_text(one, "two") == "two"


def test_a_label_is_of_the_last_medium_before_it_and_only_in_answers(batches):
    one = dialogue(
        (ItemPart("image", "image-0"), Text("{label}?")),
        "It is {label}.",
        (ItemPart("audio", "audio-1"),),
        "{label}",
    )
    texts = [part.text for turn in batches.fill(one) for part in turn.content if isinstance(part, Text)]
    assert texts == ["{label}?", "It is an Egyptian cat.", "dog"]


@pytest.mark.parametrize(
    ("modality", "make", "classes"), [("image", softmax_posterior, 3), ("audio", sigmoid_posterior, 2)]
)
def test_a_synthetic_posterior_takes_the_place_of_the_scores_alone(batches, modality, make, classes):
    real = batches.output(ItemPart(modality, f"{modality}-1"))
    made = batches.output(ItemPart(modality, f"{modality}-1", {"class": 0, "seed": 7}))
    assert torch.equal(made.scores_BP, make(0, classes, 7)[None]) and int(real.scores_BP.argmax()) == 1
    assert torch.equal(made.features_BNE, real.features_BNE) and torch.equal(made.mask_BN, real.mask_BN)
    assert real.mask_BN.tolist() == [[True, True]]
    assert batches.output(ItemPart(modality, f"{modality}-0")).mask_BN.tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("name", "sentence"), [("owl", "an owl"), ("Egyptian cat", "an Egyptian cat"), ("kite", "a kite")]
)
def test_articles(name, sentence):
    assert with_article(name) == sentence


TALK = dialogue(
    (Text("Look"), ItemPart("image", "image-1"), ItemPart("audio", "audio-0")),
    (
        Text("So:"),
        ItemPart("image", "image-0", caption="a fox"),
        ItemPart("video", "video-1", caption="a kite"),
    ),
    (ItemPart("image", "image-0"), Text("And?")),
    (ItemPart("image", "image-1", caption="a cat"), Text("That.")),
)


def target(captions):
    values = torch.stack([torch.full((LENGTH, WIDTH), float(len(caption))) for caption in captions])
    return Conditioning(values, torch.ones(values.shape[:2], dtype=torch.bool))


def test_a_batch_holds_media_row_by_row_and_targets_by_caption(batches):
    batches.targets = dict.fromkeys(CLASSES, target)
    batch = batches.batch([TALK, dialogue((ItemPart("image", "image-1"), Text("?")), "Yes.")])
    # the reply's own media are inputs behind it, but the last turn's are behind the last label
    assert batch.inputs["image"].features_BNE[:, 0, 0].tolist() == [2, 1, 1, 2]
    assert batch.inputs["audio"].features_BNE[:, 0, 0].tolist() == [1]
    assert batch.inputs["video"].features_BNE[:, 0, 0].tolist() == [2]
    assert batch.targets["image"].sequence_BQC[:, 0, 0].tolist() == [5, 5]
    assert batch.targets["video"].sequence_BQC[:, 0, 0].tolist() == [6]
    assert set(MODEL(batch).losses) == {"language", "restating", "conditioning/image", "conditioning/video"}


@pytest.mark.parametrize("limit", range(12, 112))
def test_rows_are_cut_behind_their_last_label_and_never_in_a_span(batches, limit):
    """At every length: media and spans agree, so that a forward pass fits, whatever was cut off."""
    batches.max_length, batches.targets = limit, dict.fromkeys(CLASSES, target)
    row, special = batches.row(TALK), PROCESSOR.special
    labelled = [i for i, label in enumerate(row.labels) if label != IGNORE]
    spans = [special[name] for name in special.modalities]
    assert sum(row.ids.count(one.open) for one in spans) == len(row.inputs)
    assert sum(row.ids.count(one.modality) for one in spans) == len(row.outputs)
    for one in spans:
        assert all(row.ids.count(signal) == row.ids.count(one.modality) for signal in one.signals)
    if labelled:
        behind = row.ids[labelled[-1] + 1 :]
        assert not behind or behind == special[special.modality_of(row.ids[labelled[-1]])].signals
        if row.outputs:
            batch = batches.batch([TALK])
            count = sum(len(target.sequence_BQC) for target in batch.targets.values())
            assert count == len(row.outputs)
            for name in batch.targets:
                states = torch.zeros(*batch.ids_BT.shape, 4)
                assert len(MODEL.signal_states(batch.ids_BT, states, name)) == len(
                    batch.targets[name].sequence_BQC
                )


def test_a_record_may_switch_its_language_loss_off(batches):
    spoken, silent = batches.row(TALK), batches.row(Dialogue("d", "t", TALK.turns, {"language_loss": False}))
    assert silent.ids == spoken.ids and silent.outputs == spoken.outputs
    assert set(silent.labels) == {IGNORE} != set(spoken.labels)


def test_a_turn_may_switch_its_language_loss_off(batches):
    """The last reply's media stay, so that signal tokens and captions still go together."""
    *before, last = TALK.turns
    silent = batches.row(Dialogue("d", "t", (*before, replace(last, language_loss=False)), {}))
    spoken = batches.row(TALK)
    assert silent.outputs == spoken.outputs and silent.ids == spoken.ids[: len(silent.ids)]
    learnt = [i for i, label in enumerate(spoken.labels) if label != IGNORE]
    assert [i for i, label in enumerate(silent.labels) if label != IGNORE] == learnt[
        : -_num_learnt(batches, last)
    ]


def test_a_part_may_switch_its_language_loss_off(batches):
    said = (Text("one", language_loss=False), Text("two"))
    row = batches.row(Dialogue("d", "t", (Turn("user", (Text("hi"),)), Turn("assistant", said)), {}))
    kept = [label for label in row.labels if label != IGNORE]
    assert kept[:-1] == list(batches.processor.encode_text("two"))


def _num_learnt(batches, turn):
    return sum(label != IGNORE for label in batches.processor.row([Turn("user", (Text("a"),)), turn]).labels)


def test_joined_features_drop_positions_that_no_row_uses():
    outputs = [
        EncoderOutput(torch.full((1, 4, 2), float(n)), torch.arange(4)[None] < n, None) for n in (1, 3)
    ]
    joined = stack_padded(outputs)
    assert joined.features_BNE.shape == (2, 3, 2)
    assert joined.mask_BN.tolist() == [[True, False, False], [True, True, True]]
    empty = stack_padded([EncoderOutput(None, torch.zeros(1, 4, dtype=torch.bool), torch.ones(1, 3))])
    assert empty.features_BNE is None and empty.mask_BN.shape == (1, 1)


def test_an_item_that_was_not_encoded_is_named(batches):
    with pytest.raises(DataError, match=r"image-9 is not in the cache"):
        batches.output(ItemPart("image", "image-9"))


def test_signal_states_computed_once_are_those_of_training(batches):
    """Whatever the batch, in the order of their targets, for the replies that hold that medium."""
    batches.targets = dict.fromkeys(CLASSES, target)
    other = dialogue("Draw", (ItemPart("image", "image-1", caption="an old owl"),))
    silent = dialogue((ItemPart("image", "image-1"), Text("?")), "Yes.")
    assert [bool(captions_of(one, "image")) for one in (TALK, other, silent)] == [True, True, False]
    made = SignalStates(MODEL, batches, [TALK, other, silent], "image", batch_size=2)
    assert made.states_MKD.shape == (3, 3, 32)
    assert made.target.sequence_BQC[:, 0, 0].tolist() == [10, 5, 5], "the shortest row comes first"
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        batch = batches.batch([other])
        states = MODEL(batch).states_BTD
    alone = MODEL.signal_states(batch.ids_BT, states, "image")
    torch.testing.assert_close(made.states_MKD[:1].float(), alone.float(), atol=0.05, rtol=0.05)
    chosen = made.batch([2, 0])
    assert torch.equal(chosen.states_BKD, made.states_MKD[[2, 0]].float())
    assert chosen.target.sequence_BQC[:, 0, 0].tolist() == [5, 10]
    told = [len(caption.split()) for caption in made.captions]
    assert len(told) == 3 and told[made.longest(0.3)[0]] == max(told) and len(made.longest(0.5)) == 2
