"""Slots: one way to say a picture, and what each embedding of a projector should say of it."""

import pytest
import torch

from nextgpt.batch import IGNORE
from nextgpt.data.slots import SlotData
from nextgpt.nano.clips import MOTIONS
from nextgpt.nano.settled_sound_scenes import KINDS
from nextgpt.nano.settled_sounds import settled_sound_slots
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
    found = canonical("image", {"slots": PAIR | change})
    assert found == PAIR | wanted
    assert canonical("image", {"slots": found}) == found


@pytest.mark.parametrize(
    ("motion", "direction"),
    [("moving", "left"), ("rotating", "clockwise"), ("fading", "out"), ("growing", ""), ("still", "")],
)
def test_a_settled_motion_is_told_as_the_encoders_world_tells_it(motion, direction):
    def told(motion, **more):
        found = canonical("video", {"slots": {"name": "fox", "colour": "red", "motion": motion} | more})
        return found["motion"], found["direction"]

    (name,) = (name for name, words in MOTIONS.items() if words == (motion, direction))
    assert told(name) == told(motion, direction=direction) == (motion, direction)


def settled(kind, **words):
    scene = next(
        scene
        for scene in KINDS[kind]()
        if all(getattr(scene, field) == word for field, word in words.items())
    )
    return {"slots": settled_sound_slots(scene), "scene": scene.to_dict()}


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (settled("note", first="piano", pitch="C3"), {"kind": "note", "note": "C", "pitch": "low", "speed": ""}),
        (settled("note", first="piano", pitch="C4"), {"kind": "note", "note": "C", "pitch": ""}),
        (settled("scale", first="flute", speed=""), {"kind": "scale", "speed": "normal", "note": "", "pitch": ""}),
        (settled("scale", first="flute", speed="fast", direction="down"), {"speed": "fast", "direction": "down"}),
        (settled("chord", first="piano", pitch="A", chord="minor"), {"note": "A", "chord": "minor", "kind": "chord"}),
        (settled("rhythm", rhythm="waltz"), {"kind": "waltz", "count": "", "pitch": "", "speed": ""}),
        (settled("notes", first="snare drum", speed="slow"), {"kind": "notes", "speed": "slow", "pitch": ""}),
    ],
)  # fmt: skip
def test_a_settled_sound_is_told_with_its_kind_speed_and_pitch(item, wanted):
    found = canonical("audio", item)
    assert {field: found[field] for field in wanted} == wanted
    assert set(WORDS["audio"]) <= set(found)


def test_a_sound_of_the_encoders_world_has_no_word_for_what_it_does_not_tell():
    slots = {"first": "bell", "second": "dog", "count": "", "pitch": "", "direction": ""}
    found = canonical("audio", {"slots": slots, "scene": {"kind": "sequence"}})
    assert found == slots | {"kind": "sequence", "speed": "", "note": "", "chord": ""}


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
