"""Slots: one way to say a picture, and what each embedding of a projector should say of it."""

import pytest
import torch

from nextgpt.batch import IGNORE
from nextgpt.data.slots import SlotData
from nextgpt.nano.slots import NAMES, WORDS, canonical, concept_names
from nextgpt.nn.outputs import EncoderOutput
from nextgpt.testing.tiny import tiny_model

PAIR = {"count": "", "relation": "left", "place": "", "colour": "red", "name_a": "fox", "name_b": "car"}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, {}),
        ({"relation": "above"}, {"relation": "above"}),
        ({"relation": "right"}, {"relation": "left", "name_a": "car", "name_b": "fox"}),
        ({"relation": "below"}, {"relation": "above", "name_a": "car", "name_b": "fox"}),
        ({"relation": "", "name_b": ""}, {"relation": "", "name_b": ""}),
    ],
)
def test_the_left_or_upper_thing_comes_first(change, wanted):
    found = canonical(PAIR | change)
    assert found == PAIR | wanted
    assert canonical(found) == found


def test_slots_without_a_relation_stay():
    assert canonical({"first": "bell", "second": "dog"}) == {"first": "bell", "second": "dog"}


def test_concepts_are_the_names_of_training_items_sorted_behind_the_empty_one():
    def item(modality, split, *names):
        return {"split": split, "slots": dict(zip(NAMES[modality], names))}

    items = {
        "image": [
            item("image", "train", "fox", ""),
            item("image", "train", "car", "fox"),
            item("image", "name", "yak", ""),
        ],
        "audio": [item("audio", "train", "bell", "dog")],
        "video": [item("video", "style", "kite")],
    }
    assert concept_names(items) == {"image": ["", "car", "fox"], "audio": ["", "bell", "dog"], "video": [""]}


class Outputs:
    """Batches' side of SlotData: the tiny tokenizer, and an output that says which item it is of."""

    processor = tiny_model()[1]

    def output(self, part):
        number = float(part.item.removeprefix("image-"))
        return EncoderOutput(torch.full((1, 2, 3), number), torch.ones(1, 2, dtype=torch.bool))


def test_slots_become_first_tokens_of_words_and_classes_of_names():
    items = [
        {"id": "image-1", "slots": PAIR},
        {"id": "image-2", "slots": PAIR | {"colour": "", "name_b": "yak", "count": "two"}},
    ]
    data = SlotData(Outputs(), "image", items, WORDS["image"], NAMES["image"], ("", "car", "fox"))
    batch = data.batch(items)
    encode = Outputs.processor.encode_text
    left, red, two = (encode(f" {word}")[0] for word in ("left", "red", "two"))
    assert batch.words_BN.tolist() == [[IGNORE, left, IGNORE, red], [two, left, IGNORE, IGNORE]]
    assert batch.names_BQ.tolist() == [[2, 1], [2, IGNORE]], "a name that is no class is left out"
    assert batch.vocabulary_V.tolist() == sorted({left, red, two})
    assert batch.output.features_BNE[:, 0, 0].tolist() == [1, 2] and batch.modality == "image"


@pytest.mark.parametrize("modality", NAMES)
def test_the_preset_has_a_query_for_each_name_and_room_for_each_word(modality):
    from nextgpt.presets import preset

    branches = {branch.type: branch for branch in preset("nano").inputs[modality].projector.branches}
    assert branches["concepts"].num_queries == len(NAMES[modality])
    assert branches["resampler"].num_tokens >= len(WORDS[modality])
    assert branches["concepts"].names[0] == "" and len(set(branches["concepts"].names)) == len(
        branches["concepts"].names
    )
