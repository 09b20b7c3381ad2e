"""Data files of the original NExT-GPT project: every layout is read, and what is wrong is told by entry and field."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nextgpt.data.manifest import Items, read_dialogues
from nextgpt.data.mosit import read_mosit
from nextgpt.data.original import read_original
from nextgpt.errors import DataError


def human(value: str, **more: Any) -> dict[str, Any]:
    return {"from": "human", "value": value, **more}


def gpt(value: str, **more: Any) -> dict[str, Any]:
    return {"from": "gpt", "value": value, **more}


def read(tmp_path: Path, layout: str, *entries: Any, media: Path | None = None) -> Any:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(list(entries)))
    return read_original(path, layout, media)


def parts(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(role, type) of every part, in order."""
    return [(message["role"], part["type"]) for message in row["messages"] for part in message["content"]]


MOSIT = {
    "image_list": [{"image_name": "mosit_i_1.jpg", "caption": "a beach volleyball court"}],
    "video_list": [],
    "audio_list": [],
    "conversation": [
        human("I heard this. <Audio>thunder and pouring rain</Audio>"),
        gpt("Quite a spectacle. <Image>mosit_i_1.jpg</Image> Like it?"),
    ],
}


def test_mosit(tmp_path: Path) -> None:
    found = read(tmp_path, "mosit", MOSIT)
    (row,) = found.rows
    assert parts(row) == [("user", "text"), ("user", "audio"), ("assistant", "text"), ("assistant", "image"),
                          ("assistant", "text")]  # fmt: skip
    assert (
        row["cell"] == "audio->image" and row["turns"][0]["made"][0]["caption"] == "a beach volleyball court"
    )
    assert found.wanted == 1
    assert found.items["audio"][0]["scene"] == {"wanted": "thunder and pouring rain"}
    assert found.items["image"][0]["scene"] == {"file": "mosit_i_1.jpg"}


def test_t2m(tmp_path: Path) -> None:
    old = {
        "conversation": [
            human("A wolf, please.", input_modality="text"),
            gpt("Here it is.", caption="a gray wolf", output_modality="image"),
        ]
    }
    new = {
        "audio_captions": ["an engine"],
        "audio_caption_embeddings": ["34706.wav.npy"],
        "conversations": [human("An engine, please."), gpt("Sure. <audio>", caption="an engine")],
    }
    made = {
        "output_video": "7.mp4",
        "video_captions": "roses in a garden",
        "conversations": [human("Show roses."), gpt("Of course! <video>")],
    }
    found = read(tmp_path, "t2m", old, new, made)
    assert [row["cell"] for row in found.rows] == ["text->image", "text->audio", "text->video"]
    assert [row["expected"] for row in found.rows] == ["a gray wolf", "an engine", "roses in a garden"]
    assert found.items["video"][0]["scene"] == {"file": "7.mp4"} and found.wanted == 2


def test_comprehension(tmp_path: Path) -> None:
    alpaca = {"instruction": "Add.", "input": "1 and 2", "output": "3"}
    marked = {"input_audio": "1.wav", "conversations": [human("<audio>\nWhat is it?"), gpt("A train")]}
    llava = {
        "image": "2.jpg",
        "conversations": [human("What is it?\n<image>"), gpt("A cat"), human("Why?"), gpt("So.")],
    }
    older = {
        "image_name": "3.jpg",
        "output_modality": "text",
        "conversation": [
            human("Describe.", input_modality="image"),
            gpt("A dog", caption="", output_modality="text"),
        ],
    }
    video = {"video_name": "4.mp4", "conversation": [human("What moves?"), gpt("A car")]}
    text = older | {"image_name": "00000000000"}
    found = read(tmp_path, "comprehension", alpaca, marked, llava, older, video, text)
    assert [row["turns"][0]["cell"] for row in found.rows] == [
        "text->text", "audio->text", "image->text", "image->text", "video->text", "text->text"
    ]  # fmt: skip
    assert (
        parts(found.rows[2])[:2] == [("user", "text"), ("user", "image")] and found.rows[0]["expected"] == "3"
    )
    assert found.rows[0]["messages"][0]["content"][0]["text"] == "Add. 1 and 2"


def test_pairs_teach_no_words(tmp_path: Path) -> None:
    entries = [{"caption": "roses", "id": 1, f"{name}_name": "1.bin"} for name in ("image", "audio", "video")]
    found = read(tmp_path, "pairs", *entries)
    assert [row["cell"] for row in found.rows] == ["text->image", "text->audio", "text->video"]
    assert all(row["messages"][1]["language_loss"] is False for row in found.rows)


WRONG = {
    "caption": ("pairs", {"image_name": "1.jpg"}),
    "image_name": ("pairs", {"caption": "roses"}),
    "conversation": ("mosit", {"conversation": []}),
    "conversation[0].from": ("mosit", {"conversation": [{"from": "robot", "value": "hi"}]}),
    "conversation[1].value": ("mosit", {"conversation": [human("hi"), {"from": "gpt"}]}),
    "image_list[0].caption": ("mosit", MOSIT | {"image_list": [{"image_name": "mosit_i_1.jpg"}]}),
    "conversations[1].value": ("t2m", {"image_captions": [], "conversations": [human("hi"), gpt("<image>")]}),
    "conversation[1].output_modality": (
        "t2m",
        {"conversation": [human("hi"), gpt("yes", output_modality="smell")]},
    ),
    "conversation[1].caption": ("t2m", {"conversation": [human("hi"), gpt("yes", output_modality="image")]}),
    "input": ("comprehension", {"instruction": "Add.", "output": "3"}),
    "input_image": ("comprehension", {"input_image": 7, "conversations": [human("<image>"), gpt("a cat")]}),
    "conversations": (
        "comprehension",
        {"input_image": ["1", "2"], "conversations": [human("<image>"), gpt("a cat")]},
    ),
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_entry_is_told_by_file_entry_and_field(tmp_path: Path, field: str) -> None:
    layout, entry = WRONG[field]
    good = {"mosit": MOSIT, "pairs": {"caption": "a", "image_name": "b"}}.get(layout)
    entries = [good, entry] if good else [entry]
    where = f"{tmp_path / 'data.json'}, entry {len(entries) - 1}, field {field}: expected"
    with pytest.raises(DataError, match=re.escape(where)):
        read(tmp_path, layout, *entries)


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="use one of mosit"):
        read(tmp_path, "coco", MOSIT)
    with pytest.raises(DataError, match="human first"):
        read(tmp_path, "mosit", {"conversation": [human("hi"), human("hello")]})
    path = tmp_path / "broken.json"
    for text, said in (("{", "is no JSON"), ("{}", "expected a JSON list"), ("[7]", "expected an object")):
        path.write_text(text)
        with pytest.raises(DataError, match=said):
            read_original(path, "mosit")
    with pytest.raises(DataError, match="can't be read"):
        read_original(tmp_path / "none.json", "mosit")


def test_files_must_be_there_when_a_folder_is_given(tmp_path: Path) -> None:
    media = tmp_path / "images"
    media.mkdir()
    entry = {"caption": "roses", "image_name": "1.jpg"}
    with pytest.raises(DataError, match=r"entry 0, field \(media\): expected the file 1.jpg"):
        read(tmp_path, "pairs", entry, media=media)
    (media / "1.jpg").write_bytes(b"")
    assert read(tmp_path, "pairs", entry, media=media).items["image"][0]["scene"] == {
        "file": str(media / "1.jpg")
    }


def test_the_command_writes_what_the_trainer_reads(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from nextgpt.cli.data import app

    path, out = tmp_path / "mosit.json", tmp_path / "out"
    path.write_text(json.dumps([MOSIT]))
    done = CliRunner().invoke(app, ["import", str(path), "--format", "mosit", "--out", str(out)])
    assert done.exit_code == 0 and "1 dialogues" in done.output and "1 media" in done.output, done.output
    (dialogue,) = read_dialogues(out / "dialogues-train.jsonl")
    assert [turn.role for turn in dialogue.turns] == ["user", "assistant"]
    assert read_mosit(out / "dialogues-train.jsonl") == [dialogue]
    assert (
        Items(out, ("image", "audio", "video"))["image-original-000000"]["caption"]
        == "a beach volleyball court"
    )
