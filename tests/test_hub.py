"""Benchmarks from the Hub: rows of its data sets become the official folder, once, whole or not at all."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.data_place import data_folder
from nextgpt.evaluation.runner import Settings, answer, prepare
from nextgpt.evaluation.tasks import TASKS
from nextgpt.evaluation.tasks.hub import HUBS, from_hub
from nextgpt.evaluation.tasks.scoring import Measure
from nextgpt.testing.speakers import Speaker


def picture(number=0):
    from PIL import Image

    return Image.fromarray(np.full((20, 30, 3), 40 * number, np.uint8))


def vqa_rows(bare=False):
    answers = ["yes"] * 10 if bare else [{"answer": "yes", "answer_id": n} for n in range(10)]
    common = {"answers": answers, "answer_type": "yes/no", "question_type": "is"}
    return [
        {
            **common,
            "question_id": 458752000 + n,
            "image_id": 458752 + n,
            "question": f"Is it {n}?",
            "image": picture(n),
        }
        for n in range(2)
    ]


def vizwiz_rows():
    rows = vqa_rows(bare=True)
    return [
        {**row, "question_id": f"VizWiz_val_0000000{n}", "category": "other"} for n, row in enumerate(rows)
    ]


def mmbench_rows():
    common = {
        "question": "Which?",
        "A": "a cat",
        "B": "a dog",
        "C": None,
        "D": None,
        "answer": "A",
        "hint": None,
    }
    return [{**common, "index": n, "category": "c", "L2-category": "f", "image": picture(n)} for n in (3, 4)]


ROWS = {"vqav2": vqa_rows(), "okvqa": vqa_rows(bare=True), "vizwiz": vizwiz_rows(), "mmbench": mmbench_rows()}


@pytest.fixture
def hub(monkeypatch):
    """The library `datasets`, with these data sets on its Hub; asked: what was opened."""
    asked = []

    def load_dataset(name, split, streaming):
        asked.append((name, split))
        for task, one in HUBS.items():
            if (one.name, one.split) == (name, split):
                return iter(ROWS[task])
        raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub\nand more")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return asked


@pytest.mark.parametrize("task", HUBS)
def test_a_data_set_becomes_the_official_folder(task, hub, tmp_path):
    folder = from_hub("hf:", task, tmp_path)
    prepared = prepare(TASKS[task], folder, tmp_path / "out", Settings())
    answered = answer(prepared, lambda: Speaker(lambda text: "yes"), identity="m")
    from nextgpt.evaluation.record import score

    (found,) = score(prepared, answered, Measure())
    assert found.n == 2 and found.value == (0 if task == "mmbench" else 100)
    assert answered[0].row.message().media_parts[0].media.array().shape == (20, 30, 3)


def test_it_is_written_once(hub, tmp_path):
    assert from_hub("hf:", "vqav2", tmp_path) == from_hub("hf:lmms-lab/VQAv2@validation", "vqav2", tmp_path)
    assert hub == [("lmms-lab/VQAv2", "validation")]


def test_a_half_written_folder_is_not_taken(hub, tmp_path, monkeypatch):
    def torn():
        yield ROWS["vqav2"][0]
        raise KeyboardInterrupt

    monkeypatch.setattr("nextgpt.evaluation.tasks.hub.opened", lambda name, split: torn())
    with pytest.raises(KeyboardInterrupt):
        from_hub("hf:", "vqav2", tmp_path)
    monkeypatch.undo()
    assert not list((tmp_path / "benchmarks" / "vqav2").iterdir())


def test_another_data_set_and_faults(hub, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"'org/none' \(test\) can't be had from the Hub: Dataset 'org/none'"):
        from_hub("hf:org/none@test", "vqav2", tmp_path)
    with pytest.raises(ConfigError, match="gqa is not taken from the Hub, only vqav2"):
        from_hub("hf:", "gqa", tmp_path)
    monkeypatch.setitem(ROWS, "vqav2", [{"question_id": 1, "question": "?"}])
    with pytest.raises(DataError, match="Row 1 of the data set 'lmms-lab/VQAv2' lacks answers, image"):
        from_hub("hf:", "vqav2", tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"pip install 'nextgpt\[hub\]'"):
        from_hub("hf:", "okvqa", tmp_path)


def test_the_address_is_what_data_say(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("nextgpt.evaluation.data_place.cache_root", lambda: tmp_path)
    assert data_folder("hf:", "vizwiz").parent == tmp_path / "benchmarks" / "vizwiz"
