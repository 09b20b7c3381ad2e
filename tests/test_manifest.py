"""Manifests: lines -> items and conversations, with sentences for lines that are neither."""

import json

import pytest

from nextgpt.data.manifest import Dialogue, ItemPart, Items, Text, Turn, read_dialogues, read_lines
from nextgpt.errors import DataError

RECORD = {
    "id": "row-1",
    "task": "photo",
    "messages": [
        {"role": "user", "content": [
            {"type": "image", "item": "image-1", "posterior": {"class": 3, "seed": 5}},
            {"type": "text", "text": "What?"},
        ]},
        {"role": "assistant", "content": "I see {label}."},
        {"role": "user", "content": "Draw it."},
        {"role": "assistant", "content": [{"type": "image", "item": "image-2", "caption": "a fox"}]},
    ],
}  # fmt: skip


def write(path, *values):
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values) + "\n")
    return path


def test_a_row_becomes_turns(tmp_path):
    assert read_dialogues(write(tmp_path / "d.jsonl", RECORD)) == [
        Dialogue(
            "row-1",
            "photo",
            (
                Turn("user", (ItemPart("image", "image-1", {"class": 3, "seed": 5}), Text("What?"))),
                Turn("assistant", (Text("I see {label}."),)),
                Turn("user", (Text("Draw it."),)),
                Turn("assistant", (ItemPart("image", "image-2", None, "a fox"),)),
            ),
            RECORD,
        )
    ]


def test_a_medium_counts_as_a_hundred_characters(tmp_path):
    (dialogue,) = read_dialogues(write(tmp_path / "d.jsonl", RECORD))
    assert dialogue.length == 100 + 6 + 15 + 9 + 100


def test_empty_lines_and_empty_files_hold_nothing(tmp_path):
    assert list(read_lines(write(tmp_path / "a.jsonl", {"a": 1}, "", "  ", {"b": 2}))) == [{"a": 1}, {"b": 2}]
    assert read_dialogues(write(tmp_path / "b.jsonl")) == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([RECORD, "{'b': 2}"], r"line 2 is no JSON"),
        (["5"], r"line 1 is no JSON object but 5"),
        (['["id"]'], r"line 1 is no JSON object"),
        (["\udcff"], r"line 1 is no JSON"),
        (['{"a": ' * 50_000], r"line 1 is no JSON"),
        ([{"id": "r7", "task": "t"}], r"row r7 is no conversation \(KeyError\('messages'\)\)"),
        ([{**RECORD, "messages": 5}], r"row row-1 is no conversation"),
        ([{**RECORD, "messages": [{"role": "user", "content": [{"type": "image"}]}]}], r"KeyError\('item'\)"),
    ],
)
def test_lines_that_are_no_rows_are_named(tmp_path, lines, says):
    text = "\n".join(v if isinstance(v, str) else json.dumps(v) for v in lines)
    (tmp_path / "d.jsonl").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=says):
        read_dialogues(tmp_path / "d.jsonl")


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(DataError, match=r"No such file.*nextgpt data build"):
        read_dialogues(tmp_path / "d.jsonl")


def test_items_are_found_by_id_and_cached_by_scene(tmp_path):
    rows = [{"id": "image-1", "scene": {"seed": 1}}, {"id": "image-2", "scene": {"seed": 1}}]
    write(tmp_path / "image.jsonl", *rows)
    write(tmp_path / "audio.jsonl", {"id": "audio-1", "scene": {"seed": 2}})
    items = Items(tmp_path, ("image", "audio", "video"))
    assert items["image-2"] == rows[1]
    assert {name: len(found) for name, found in items.by_modality.items()} == {
        "image": 2,
        "audio": 1,
        "video": 0,
    }
    assert items.key("image-1") == items.key("image-2") != items.key("audio-1")
    with pytest.raises(DataError, match=r"'image-9' is in no manifest"):
        items["image-9"]
