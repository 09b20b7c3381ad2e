"""`nextgpt decode`: prompts and files of captions in; media, an index and a sheet out."""

import json

import pytest
from PIL import Image

from nextgpt.cli import run
from nextgpt.testing.tiny import echo_decoders


@pytest.fixture(autouse=True)
def decoders(monkeypatch):
    made, seen = echo_decoders(), []

    def load(config, fetch, dtype):
        decoder = made[config.type.removeprefix("nano-")]
        seen.append(config)
        return decoder

    monkeypatch.setattr("nextgpt.nn.decoders.load_decoder", load)
    return seen


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path, *values):
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values), "utf-8")
    return str(path)


APPLE = {"id": "3", "caption": "a red apple on a blue background", "seed": 1}


@pytest.mark.parametrize(("modality", "suffix"), [("image", "png"), ("audio", "wav"), ("video", "mp4")])
def test_a_prompt_makes_files_with_seeds_counted_up_and_a_sheet(tmp_path, capsys, modality, suffix):
    assert run(["decode", "a fox", "--as", modality, "-n", "2", "--seed", "5", "-o", str(tmp_path)]) == 0
    names = [path.name for path in tmp_path.iterdir()]
    assert set(names) == {f"{modality}-5.{suffix}", f"{modality}-6.{suffix}", "sheet.png"}
    assert str(tmp_path / f"{modality}-6.{suffix}") in capsys.readouterr().out


def test_a_picture_carries_its_prompt_seed_and_model(tmp_path):
    assert run(["decode", "ein Apfel – rot", "-o", str(tmp_path)]) == 0
    assert not (tmp_path / "sheet.png").exists(), "one picture needs no sheet"
    text = " ".join(map(str, Image.open(tmp_path / "image-0.png").text.values()))
    assert "ein Apfel – rot" in text and "nano/image" in text and "0" in text


def test_a_file_of_captions_gives_an_index_and_goes_on_where_it_was(tmp_path, decoders, capsys):
    file = write(tmp_path / "c.jsonl", APPLE, {"id": "a/b", "caption": "zwei Äpfel"}, "")
    out = tmp_path / "out"
    assert run(["decode", "--batch", file, "--out", str(out)]) == 0
    first, second = lines(out / "index.jsonl")
    assert first == {**APPLE, "path": "3.png"}
    assert second["caption"] == "zwei Äpfel" and second["seed"] >= 0 and "/" not in second["path"]
    assert (out / second["path"]).exists()

    assert run(["decode", "--batch", file, "--out", str(out)]) == 0
    assert "0 made, 2 were there" in capsys.readouterr().out and len(decoders) == 1
    (out / "index.jsonl").write_text(json.dumps(first) + "\n" + '{"id": "a/')  # stopped while it wrote
    assert run(["decode", "--batch", file, "--out", str(out)]) == 0
    assert lines(out / "index.jsonl") == [first, second]


def test_ids_that_differ_in_case_alone_have_files_of_their_own(tmp_path):
    file = write(tmp_path / "c.jsonl", *({**APPLE, "id": one} for one in ("a", "A")))
    assert run(["decode", "--batch", file, "--out", str(tmp_path / "out")]) == 0
    assert len({line["path"].casefold() for line in lines(tmp_path / "out" / "index.jsonl")}) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2 is no JSON; a line holds one caption"),
        ("[]", "line 2 is no JSON object"),
        ({**APPLE, "id": 4}, 'line 2: "id" must be a text'),
        ({"id": "4"}, 'line 2: "caption" must be a text'),
        ({**APPLE, "id": "4", "seed": True}, 'line 2: "seed" must be a whole number'),
        ({**APPLE, "id": "4", "seed": -1}, "the seed -1"),
        ({**APPLE, "id": "4", "caption": " "}, "line 2: the caption is empty"),
        ({**APPLE, "id": "4", "caption": "word " * 10_000}, "50,000 characters; it may have 1,000"),
        ({**APPLE, "id": "4", "size": 3}, "unknown key 'size'"),
        (APPLE, "the id '3' stands in an earlier line"),
    ],
)
def test_a_line_at_fault_is_named_before_anything_is_made(tmp_path, capsys, decoders, line, says):
    file = write(tmp_path / "c.jsonl", APPLE, line)
    assert run(["decode", "--batch", file, "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err and not decoders and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "There is nothing to make"),
        ([""], "The prompt is empty"),
        (["a fox", "--as", "smell"], "There is no 'smell' decoder"),
        (["a fox", "-n", "0"], "-n must be at least 1"),
        (["a fox", "--seed", "-1"], "the seed -1"),
        (["word " * 10_000], "50,000 characters"),
        (["--batch", "absent.jsonl"], "can't be read"),
        (["a fox", "-o", "/dev/null/x"], "can't be a folder"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["decode", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_a_folder_of_other_captions_is_left_alone(tmp_path, capsys):
    out = str(tmp_path / "out")
    assert run(["decode", "--batch", write(tmp_path / "a.jsonl", APPLE), "--out", out]) == 0
    other = write(tmp_path / "b.jsonl", {**APPLE, "caption": "a fox"})
    assert run(["decode", "--batch", other, "--out", out]) == 2
    assert "lists other captions" in capsys.readouterr().err


@pytest.mark.parametrize(("modality", "suffix"), [("image", "webp"), ("audio", "flac"), ("video", "webp")])
def test_the_other_format_of_each_modality(tmp_path, modality, suffix):
    assert run(["decode", "a fox", "--as", modality, "--format", suffix, "-n", "2", "-o", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{modality}-0.{suffix}",
        f"{modality}-1.{suffix}",
        "sheet.png",
    }


def test_an_unknown_format_is_one_sentence(tmp_path, capsys):
    assert run(["decode", "a fox", "--format", "mp3", "-o", str(tmp_path)]) == 2
    assert "An image is saved as" in capsys.readouterr().err and not list(tmp_path.iterdir())
