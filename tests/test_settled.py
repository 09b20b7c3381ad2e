"""Settled pictures and clips: the split holds, a sentence decides its drawing, every kind has its turn."""

from itertools import combinations

import numpy as np
import pytest

from nextgpt.data.manifest import ItemPart, Text
from nextgpt.nano import split
from nextgpt.nano.clips import ClipScene
from nextgpt.nano.rows import Item
from nextgpt.nano.settled import SETTLED, render_settled
from nextgpt.nano.settled_clips import MOTIONS, TwoMotions, settled_video_items
from nextgpt.nano.settled_pictures import IMAGE_SHARES, JITTER, settled_image_items
from nextgpt.nano.settled_rows import First, behind, settled_replies
from nextgpt.nano.sources import COLOURS, STYLE_PARTS, find_thing
from nextgpt.parts import PARTS, is_complete

pytestmark = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in (STYLE_PARTS["fluent-3d"], "unicode-emoji")),
    reason="drawings are not in the cache",
)
N = 3000


def picture_pairs(item: Item) -> set[tuple[str, str]]:
    """Every pair of keys that a picture puts together."""
    scene = item.scene
    keys = [find_thing(scene.style, sprite.code).key for sprite in scene.sprites]
    pairs = {(key, f"colour:{scene.colour}") for key in keys}
    if scene.kind == "count":
        return pairs | {(keys[0], f"count:{len(keys)}")}
    place = {(keys[0], f"place:{scene.place}")} if scene.place not in ("", "centre") else set()
    return pairs | place | set(combinations(keys, 2))


def clip_pairs(item: Item) -> set[tuple[str, str]]:
    scene = item.scene
    clips: list[ClipScene] = [scene.first, scene.second] if isinstance(scene, TwoMotions) else [scene]
    tracks = [track for clip in clips for track in clip.tracks]
    keys = [find_thing(scene.style, track.code).key for track in tracks]
    pairs = {(key, f"colour:{scene.colour}") for key in keys}
    pairs |= {(key, f"motion:{track.motion}") for key, track in zip(keys, tracks)}
    return pairs | {pair for pair in combinations(keys, 2) if pair[0] != pair[1]}


PAIRS = {"image": picture_pairs, "video": clip_pairs}
pictures_and_clips = pytest.mark.parametrize("modality", list(PAIRS))


@pictures_and_clips
def test_training_holds_no_held_out_name_or_pair(modality: str) -> None:
    for item in SETTLED[modality].items("train", N):
        pairs = PAIRS[modality](item)
        assert not [pair for pair in pairs if split.is_held_out_pair(*pair)], item.caption
        assert not any(split.is_held_out_name(pair[0]) for pair in pairs), item.caption
        assert set(item.source) <= split.TRAINING_SOURCES


@pictures_and_clips
def test_combinations_hold_a_new_pair_of_trained_things(modality: str) -> None:
    for item in SETTLED[modality].items("combination", 500):
        pairs = PAIRS[modality](item)
        assert any(split.is_held_out_pair(*pair) for pair in pairs), item.caption
        assert not any(split.is_held_out_name(pair[0]) for pair in pairs), item.caption


@pictures_and_clips
def test_held_out_names_are_new(modality: str) -> None:
    field = {"image": "name_a", "video": "name"}[modality]
    seen = {item.slots[field] for item in SETTLED[modality].items("train", N)}
    assert not seen & {item.slots[field] for item in SETTLED[modality].items("name", 100)}


def test_the_same_sentence_is_the_same_drawing_up_to_jitter() -> None:
    by_caption: dict[str, list[Item]] = {}
    for item in settled_image_items("train", N):
        by_caption.setdefault(item.caption, []).append(item)
    again = [items for items in by_caption.values() if len(items) > 1]
    assert again
    for items in again:
        first, second = items[0].scene, items[1].scene
        assert [s.code for s in first.sprites] == [s.code for s in second.sprites]
        for one, other in zip(first.sprites, second.sprites):
            assert one.size == other.size and abs(one.x - other.x) <= 2 * JITTER + 1e-6


def test_every_kind_and_motion_has_its_turn() -> None:
    pictures, clips = list(settled_image_items("train", 600)), list(settled_video_items("train", 600))
    assert {item.scene.kind for item in pictures} == {"single", "count", "pair", "between"}
    assert {item.slots["size"] for item in pictures} == {"", "small", "large"}
    assert sum(IMAGE_SHARES.values()) == 100
    assert {item.slots["motion"] for item in clips} == set(MOTIONS)
    assert {item.slots["kind"] for item in clips} == {"one", "crossing", "then"}


def test_the_seed_decides_everything() -> None:
    first, again, other = ([i.caption for i in settled_image_items("train", 50, s)] for s in (0, 0, 1))
    assert first == again != other


@pictures_and_clips
def test_media_have_the_decoders_shape_and_background(modality: str) -> None:
    shape = {"image": (128, 128, 3), "video": (16, 128, 128, 3)}[modality]
    for item in SETTLED[modality].items("train", 20):
        array = SETTLED[modality].render(item.scene)
        assert array.shape == shape and array.dtype == np.uint8
        assert np.abs(array[..., 0, 0, :].astype(int) - COLOURS[item.scene.colour]).max() <= 2, item.caption


def test_two_motions_take_half_of_the_frames_each() -> None:
    item = next(i for i in settled_video_items("train", N) if i.slots["kind"] == "then")
    whole, first = render_settled(item.scene, 32), render_settled(item.scene.first, 32)
    assert np.array_equal(whole[0], first[0]) and TwoMotions.from_dict(item.scene.to_dict()) == item.scene
    assert item.slots["second"] == item.scene.second.motion != item.slots["motion"]


@pytest.mark.parametrize("modality", ["image", "audio", "video"])
def test_every_settled_scene_has_a_request_and_a_reply_that_says_what_it_makes(modality: str) -> None:
    rows = settled_replies(modality, 7, seed=3)
    assert len({row.id for row in rows}) == 7
    for row in rows:
        said, made = row.turns[1].content[:2]
        assert isinstance(made, ItemPart) and isinstance(said, Text) and row.id == f"settled-{made.item}"
        assert made.caption in said.text


def test_replies_stand_at_the_end_of_dialogues():
    dialogues, replies = settled_replies("image", 2), settled_replies("audio", 3)
    rows = behind(dialogues, replies)
    assert [row.turns for row in rows] == [one.turns + other.turns for one, other in zip(dialogues, replies)]
    assert [row.id for row in rows] == [row.id for row in replies[:2]]


def test_the_plainest_words_are_the_same_in_every_run():
    """`rng.random() < share` is how captions vary; unseeded, each process said something else."""
    assert not any(First().random() < 0.99 for _ in range(50))
    assert First().choice(("one", "two")) == "one"
