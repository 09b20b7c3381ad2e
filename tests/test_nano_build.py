"""The small world on disk: the split law over every manifest, determinism, and what rows promise."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nextgpt.nano import split
from nextgpt.nano.build import NanoSizes, build_nano
from nextgpt.nano.instruments import instruments
from nextgpt.nano.sources import STYLE_PARTS, find_thing, key_of_name, names
from nextgpt.parts import PARTS, is_complete

PARTS_NEEDED = (*STYLE_PARTS.values(), "unicode-emoji")
pytestmark = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in PARTS_NEEDED), reason="drawings are not in the cache"
)
SIZES = NanoSizes().scaled(0.12)
MODALITIES = ("image", "audio", "video")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nano") / "world"
    build_nano(folder, SIZES, seed=3, progress=False)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def items(world: Path) -> list[dict[str, Any]]:
    return [item for modality in MODALITIES for item in lines(world / f"{modality}.jsonl")]


def rows(world: Path, split_name: str) -> list[dict[str, Any]]:
    return lines(world / f"dialogues-{split_name}.jsonl")


def keys_and_attributes(item: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Keys of the things of an item, and of what it says of the first one."""
    scene, slots = item["scene"], item["slots"]
    if "strokes" in scene:
        things = [instruments()[name].key for name in (slots["first"], slots["second"]) if name]
        number = len(scene["strokes"]) if scene["kind"] == "notes" else 0
        attributes = [f"count:{number}"] * (number > 0)
        attributes += [f"direction:{slots['direction']}"] * bool(slots["direction"])
        return things, attributes
    sprites = scene.get("sprites") or scene["tracks"]
    things = list(dict.fromkeys(find_thing(scene["style"], sprite["code"]).key for sprite in sprites))
    attributes = [f"colour:{scene['colour']}"]
    attributes += [f"count:{len(sprites)}"] * (scene.get("kind") == "count")
    attributes += [f"motion:{sprite['motion']}" for sprite in sprites if "motion" in sprite]
    place = scene.get("place", "")
    attributes += [f"place:{place}"] * (place not in ("", "centre"))
    return things, attributes


def pairs(item: dict[str, Any]) -> list[tuple[str, str]]:
    things, attributes = keys_and_attributes(item)
    both = [(things[0], things[1])] if len(things) == 2 else []
    return both + [(thing, attribute) for thing in things for attribute in attributes]


def test_nothing_held_out_is_trained(world: Path) -> None:
    for item in items(world):
        if item["split"] == "train":
            things, _attributes = keys_and_attributes(item)
            assert not any(map(split.is_held_out_name, things)), item
            assert not any(split.is_held_out_pair(*pair) for pair in pairs(item)), item
            assert set(item["source"]) <= split.TRAINING_SOURCES, item


def test_combinations_are_new_and_their_parts_are_not(world: Path) -> None:
    for item in items(world):
        if item["split"] == "combination" and not item["id"].startswith("image"):
            assert any(split.is_held_out_pair(*pair) for pair in pairs(item)), item
        if item["split"] == "combination":
            things, _attributes = keys_and_attributes(item)
            assert not any(map(split.is_held_out_name, things)), item
            assert set(item["source"]) <= split.TRAINING_SOURCES
    pictures = [item for item in lines(world / "image.jsonl") if item["split"] == "combination"]
    old = [item for item in pictures if not any(split.is_held_out_pair(*pair) for pair in pairs(item))]
    assert len(old) <= SIZES.twin_combination  # twins of clips: there the motion is new


def test_other_splits(world: Path) -> None:
    for item in items(world):
        things, _attributes = keys_and_attributes(item)
        if item["split"] == "name":
            assert split.is_held_out_name(things[0]), item
        if item["split"] == "style":
            assert item["scene"]["style"] == split.HELD_OUT_STYLE
        if item["split"] == "timbre":
            assert item["source"] == ["timgm6mb-soundfont"]
        if item["split"] in ("style", "timbre"):
            assert not any(split.is_held_out_pair(*pair) for pair in pairs(item)), item


def test_held_out_names_are_not_asked_in_training(world: Path) -> None:
    """Not as answers, nor as the wrong thing of a yes-or-no question."""
    held_out = {name for name in (*(name for name, _group in names().values()), *instruments())}
    held_out = {name for name in held_out if split.is_held_out_name(key_of_name(name))}
    trained = {
        item["slots"].get(slot, "")
        for item in items(world)
        if item["split"] == "train"
        for slot in item["slots"]
    }
    assert not trained & held_out
    for row in rows(world, "train"):
        assert not held_out & {row["expected"], *row.get("choices", ())}, row
        for text in texts(row):
            asked = re.match(r"^Is (?:this|it|that) an? (.*)\?$", text)
            assert asked is None or asked[1] not in held_out, row


def texts(row: dict[str, Any]) -> list[str]:
    return [
        part["text"] for message in row["messages"] for part in message["content"] if part["type"] == "text"
    ]


def test_every_training_item_is_spoken_about(world: Path) -> None:
    used = {
        part["item"]
        for row in rows(world, "train")
        for m in row["messages"]
        for part in m["content"]
        if "item" in part
    }
    assert {item["id"] for item in items(world) if item["split"] == "train"} <= used


@pytest.mark.parametrize("split_name", split.SPLITS)
def test_rows_have_their_form(world: Path, split_name: str) -> None:
    by_id = {item["id"]: item for item in items(world)}
    for row in rows(world, split_name):
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"] * (
            len(row["messages"]) // 2
        )
        assert row["split"] == split_name and row["task"] == row["tasks"][0]
        assert len(row["tasks"]) == len(row["messages"]) // 2
        assert split_name == "train" or len(row["messages"]) == 2
        assert "choices" not in row or row["expected"] in row["choices"], row
        for message in row["messages"]:
            for part in message["content"]:
                assert part["type"] in ("text", *MODALITIES)
                if part["type"] != "text":
                    assert by_id[part["item"]]["split"] == split_name
                    assert part["item"].startswith(part["type"])
                    assert (message["role"] == "assistant") == ("caption" in part)
        for text in texts(row):
            wrong = r"[{}]|  |\ba (?!euro|ewe|one)[aeio][a-z]|\ban [^aeiouhx]"
            assert not re.search(wrong, text.replace("{label}", "")), text


def test_phrasings_of_splits(world: Path) -> None:
    assert {row["phrasing"] for row in rows(world, "train")} == {"train"}
    assert {row["phrasing"] for row in rows(world, "combination")} == {"held-out"}


def test_reserved_words_stand_in_their_tasks_alone(world: Path) -> None:
    for row in rows(world, "train"):
        for message, task in zip(row["messages"][::2], row["tasks"]):
            said = " ".join(part["text"] for part in message["content"] if part["type"] == "text").lower()
            assert task == "photo" or not re.search(r"\b(photo\w*|snapshot|shot)\b", said), said
            assert task == "recording" or not re.search(r"\brecord(ing|ed)\b", said), said


def test_posteriors_cover_all_classes_evenly(world: Path) -> None:
    for task, num_classes in (("photo", 1000), ("recording", 521), ("film", 1000)):
        shown = [row["messages"][0]["content"] for row in rows(world, "train") if row["task"] == task]
        posteriors = [part["posterior"] for content in shown for part in content if part["type"] != "text"]
        classes = Counter(posterior["class"] for posterior in posteriors if posterior)
        assert set(classes) == set(range(num_classes))
        assert max(classes.values()) - min(classes.values()) <= 1
        assert sum(posterior is None for posterior in posteriors) == len(posteriors) // 2


@pytest.mark.parametrize("task", ["image-yesno", "audio-yesno", "video-yesno", "fit"])
def test_yes_and_no_are_balanced(world: Path, task: str) -> None:
    answers = Counter(row["expected"] for row in rows(world, "combination") if row["task"] == task)
    assert 0.35 < answers["yes"] / sum(answers.values()) < 0.65


def test_same_seed_same_bytes(world: Path, tmp_path: Path) -> None:
    again = build_nano(tmp_path / "again", SIZES, seed=3, progress=False)
    first = json.loads((world / "manifest.json").read_text())
    assert first["files"] == again["files"]
    small = NanoSizes().scaled(0.01)
    assert build_nano(tmp_path / "other", small, seed=4, progress=False)["files"] != again["files"]
    (tmp_path / "other" / "chat-train.jsonl").write_text("{}\n")  # what `nextgpt data replay` has made
    build_nano(tmp_path / "other", small, seed=4, progress=False)
    assert (tmp_path / "other" / "chat-train.jsonl").read_text() == "{}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "other"]
