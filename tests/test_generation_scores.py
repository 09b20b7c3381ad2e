"""`nextgpt eval nano-generation` with a world of plain colours: made once, judged, resumed, refused. No parts."""

import json
import random
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from nextgpt.cli import run
from nextgpt.cli.generation_media import item_seed, load_array, save_array
from nextgpt.cli.generation_scores import rows_of
from nextgpt.media import Image
from nextgpt.nano.media_judges import showing, suites
from nextgpt.nano.rows import Item
from nextgpt.nano.sources import COLOURS


def painted(colour):
    return np.full((16, 16, 3), COLOURS[colour], np.uint8)


def items(split, seed):
    rng = random.Random(f"{split}{seed}")
    for number in count():
        colour = rng.choice(list(COLOURS))
        kind = "plain" if number % 2 else "deep"
        slots = {"colour": colour, "kind": kind, "name_a": colour}
        yield Item(f"image-{split}-{number}", split, (), colour, f"a {kind} {colour}", slots)


def read(arrays, kinds):
    names, table = list(COLOURS), np.array(list(COLOURS.values()), float)
    return [names[int(((table - array.mean((0, 1))) ** 2).sum(1).argmin())] for array in arrays]


def judge(reading, slots, kind, true):
    judged = {"image-colour": reading == slots["colour"], "seen": reading}
    return judged | ({"image-deep": bool(reading == slots["colour"])} if kind == "deep" else {})


SUITE = suites.Suite(
    ("plain", "deep"), items, lambda item: item.slots["kind"], painted, read, judge, {"image-colour": 0.97},
    compared=True,
)  # fmt: skip


class Painter:
    """Draws what it is asked for, but never purple. Its autoencoder loses everything pink."""

    def __init__(self):
        self.seeds = []

    def encode_prompt(self, texts):
        return texts

    def decode(self, texts, *, seeds, steps, guidance):
        self.seeds += seeds
        words = [text.split()[-1] for text in texts]
        return [Image.from_array(painted("white" if word == "purple" else word)) for word in words]

    def encode_media(self, arrays):
        return arrays

    def decode_latents(self, latents):
        return latents

    def to_media(self, arrays):
        pink = COLOURS["pink"]
        return [Image.from_array(painted("white") if tuple(one[0, 0]) == pink else one) for one in arrays]


class Colours:
    """A gallery whose features are the mean colour."""

    def features(self, pictures):
        return torch.tensor(np.array([picture.mean((0, 1)) for picture in pictures])).float() / 255


@pytest.fixture
def painter(monkeypatch):
    painter = Painter()
    monkeypatch.setitem(suites.SUITES, "image", SUITE)
    monkeypatch.setattr("nextgpt.nn.decoders.load_decoder", lambda config, fetch: painter)
    monkeypatch.setattr(suites, "picture_gallery", Colours)
    monkeypatch.setattr(
        showing, "nearest_training", lambda suite, shown: [(a, 1.0, "near") for _, a in shown]
    )
    return painter


def evaluate(out, *more):
    sizes = ["--limit", "60", "--control", "40", "--names", "10", "--distances", "50"]
    return run(["eval", "nano-generation", "--modality", "image", *sizes, "--out", str(out), *more])


def test_scores_stand_beside_ceiling_reconstructions_and_chance(tmp_path, painter, capsys):
    assert evaluate(tmp_path) == 0
    record = json.loads((tmp_path / "scores.json").read_text())["image"]
    rows = {row["task"]: row for row in record["rows"]}
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    purple = sum(line["caption"].endswith("purple") for line in answers)
    colour = rows["image-colour"]
    assert purple and colour["n"] == len(answers) == 120
    assert (
        colour["score"] == pytest.approx(1 - purple / 120)
        and colour["low"] < colour["score"] < colour["high"]
    )
    assert (
        colour["bar"] == 0.97 and colour["ceiling"] == 1 and colour["rebuilt"] < 1 and colour["chance"] < 0.4
    )
    assert colour["n_ceiling"] == 80 and colour["n_name"] == 20
    assert rows["image-deep"]["n"] == 60 and rows["image-deep"]["bar"] is None
    assert set(record["distances"]) == {"n", "samples", "rebuilt", "true"}
    table = (tmp_path / "table.md").read_text()
    assert "| image-colour | 120 |" in table and "KD-EffNetLite0, 50 pictures" in table
    assert (tmp_path / "sheet-image.png").exists() and "media/image-combination/" in (
        tmp_path / "index.html"
    ).read_text()


def test_every_sample_has_one_seed_of_its_own_and_is_made_once(tmp_path, painter):
    assert evaluate(tmp_path) == 0
    first = list(painter.seeds)
    assert len(first) == len(set(first)) == 140, "60 and 60 combinations, 10 and 10 names"
    scores = (tmp_path / "scores.json").read_text()
    (gone,) = list((tmp_path / "media" / "image-combination").glob("*-7.png"))
    gone.unlink()
    assert evaluate(tmp_path) == 0
    assert painter.seeds[len(first) :] == [item_seed(SimpleNamespace(id="image-combination-7"), 0)]
    assert (tmp_path / "scores.json").read_text() == scores


def test_media_of_other_settings_are_not_mixed_in(tmp_path, painter, capsys):
    assert evaluate(tmp_path) == 0
    made = len(painter.seeds)
    for more in (["--seed", "1"], ["--steps", "3"], ["--guidance", "2"]):
        assert evaluate(tmp_path, *more) == 2
        assert "made with other settings" in capsys.readouterr().err
    assert len(painter.seeds) == made


def test_a_file_by_hand_is_judged_as_what_it_shows(tmp_path, painter):
    """Nothing is taken from the caption: black pictures are wrong unless black was asked for."""
    assert evaluate(tmp_path) == 0
    for path in (tmp_path / "media" / "image-combination").glob("*.png"):
        Pillow.fromarray(painted("black")).save(path)
    assert evaluate(tmp_path) == 0
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert all(line["image-colour"] == line["caption"].endswith("black") for line in answers)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--modality", "smell"], "no modality 'smell'"),
        (["--decoder", "/nowhere"], "say which with --modality"),
        (["--modality", "image", "--limit", "1"], "at least two items"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(tmp_path, capsys, arguments, says):
    assert run(["eval", "nano-generation", "--out", str(tmp_path / "out"), *arguments]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("modality", ["image", "video", "audio"])
def test_media_on_disk_are_what_was_made(tmp_path, modality):
    rng = np.random.default_rng(0)
    array = {
        "image": rng.integers(0, 256, (16, 16, 3), np.uint8),
        "video": rng.integers(0, 256, (5, 16, 16, 3), np.uint8),
        "audio": rng.uniform(-1, 1, 800).astype(np.float32),
    }[modality]
    path = tmp_path / "one"
    save_array(modality, array, path)
    assert np.allclose(load_array(modality, path), array, atol=1e-4 if modality == "audio" else 0)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_items_are_chosen_by_kind_and_shuffled_within_it():
    chosen = suites.chosen_items(SUITE, "combination", 30, 0)
    assert [item.slots["kind"] for item in chosen].count("deep") == 30 and len(chosen) == 60
    other = suites.shuffled(SUITE, chosen, 0)
    assert sorted(item.id for item in other) == sorted(item.id for item in chosen)
    for item, another in zip(chosen, other):
        assert item.id != another.id and SUITE.kind(item) == SUITE.kind(another)


def test_an_empty_column_is_no_nought():
    (row,) = rows_of(
        {"real": {"t": (1, 2)}, "ceiling": {}, "rebuilt": {}, "chance": {"t": (0, 2)}, "name": {}}, {}
    )
    assert "ceiling" not in row and row["chance"] == 0
