"""Asking under conditions, shares with intervals, and the tables that the verb writes."""

import json

import numpy as np
import pytest
import torch
from worlds import CLASSES, cached_batches, dialogue

from nextgpt.cli.agreement import agreement_bands, label_questions, readable
from nextgpt.cli.eval import choose_rows, shares
from nextgpt.cli.scores import report, understanding_rows
from nextgpt.data.manifest import ItemPart, Text
from nextgpt.errors import DataError
from nextgpt.evaluation.asking import CONDITIONS, Answer, as_asked, ask, conditioned, question, without
from nextgpt.evaluation.intervals import wilson
from nextgpt.generation.engine import Engine
from nextgpt.media import Image
from nextgpt.testing.tiny import tiny_model

MODEL, PROCESSOR = tiny_model()


@pytest.fixture
def batches(tmp_path):
    return cached_batches(tmp_path, PROCESSOR)


def photo(number, posterior=None):
    part = ItemPart("image", f"image-{number}", posterior)
    return dialogue((part, Text("What is it?")), "I see {label}.", expected="{label}")


@pytest.mark.parametrize(
    ("condition", "posterior", "wanted"),
    [
        ("real", None, ItemPart("image", "image-0")),
        ("blind", None, None),
        ("shuffled", None, ItemPart("image", "image-1")),
        (
            "shuffled",
            {"class": 2, "seed": 1},
            ItemPart("image", "image-1"),
        ),  # else the posterior would give it away
        ("caption", None, Text("(image: image number 0) ")),
        ("caption", {"class": 2, "seed": 1}, Text("(image: an ice cream) ")),
    ],
)
def test_conditions(batches, condition, posterior, wanted):
    (turn,) = conditioned(question(photo(0, posterior)), condition, batches, 0)
    assert turn.content == ((wanted,) if wanted else ()) + (Text("What is it?"),)


def test_every_other_item_of_the_split_may_stand_in_and_never_the_item_itself(batches):
    rows = batches.items.by_modality["image"]
    rows += [{**rows[0], "id": f"image-{n}"} for n in (2, 3)] + [
        {**rows[0], "id": "image-4", "split": "name"}
    ]
    batches.items.by_id |= {row["id"]: row for row in rows}
    found = [conditioned(question(photo(2)), "shuffled", batches, n)[0].content[0].item for n in range(6)]
    assert found == ["image-3", "image-0", "image-1"] * 2
    with pytest.raises(DataError, match="split name has only one image"):
        conditioned(question(photo(4)), "shuffled", batches, 0)


def test_what_stands_in_is_told_before_it_is_asked(batches):
    """Else a run from an empty cache encodes the rows' own media and misses those that are shown instead."""
    (row,) = as_asked([photo(0)], "shuffled", batches)
    assert row.turns[-1].content[0] == ItemPart("image", "image-1")
    assert len(row.turns) == len(photo(0).turns) - 1


@pytest.mark.parametrize("condition", CONDITIONS)
def test_answers_do_not_depend_on_the_batch_and_expect_the_class(batches, condition):
    rows = [
        photo(0),
        photo(1),
        dialogue("Hello there", "Hi.", expected="two"),
        photo(0, {"class": 2, "seed": 3}),
    ]
    engine = Engine(MODEL, PROCESSOR)
    together = ask(engine, batches, rows, condition, max_new_tokens=6)
    assert (
        together == ask(engine, batches, rows, condition, batch_size=1, max_new_tokens=6)
        or condition == "shuffled"
    )
    assert [answer.expected for answer in together] == ["Egyptian cat", "tench", "two", "ice cream"]
    assert [answer.dialogue for answer in together] == rows
    assert {answer.condition for answer in together} == {condition}


def test_what_is_shown_reaches_the_model(batches):
    answers = {
        c: ask(Engine(MODEL, PROCESSOR), batches, [photo(0)], c, max_new_tokens=8)[0].text for c in CONDITIONS
    }
    assert len(set(answers.values())) > 1
    with torch.no_grad():
        shown = [MODEL.project("image", batches.output(ItemPart("image", f"image-{n}"))) for n in (0, 1)]
    assert not torch.allclose(*shown)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (8, 10, 0.49016, 0.94332),
        (450, 500, 0.87061, 0.92330),
    ],
)
def test_wilson_intervals(right, n, low, high):
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


def test_a_branch_is_removed_for_a_while_even_when_asking_fails():
    projectors = MODEL.input_projectors.values()
    with pytest.raises(KeyError), without(MODEL, "posterior"):
        assert all(projector.removed == {"posterior"} for projector in projectors)
        raise KeyError
    assert not any(projector.removed for projector in projectors)


def answer(task, text, expected, modality="image", number=0, **record):
    one = dialogue((ItemPart(modality, f"{modality}-{number}"), Text("What?")), "x", **record)
    return Answer(
        type(one)("id", task, one.turns, {**one.record, "expected": expected}), "real", text, expected
    )


def test_shares_count_what_has_a_judge():
    answers = [
        answer("image-name", "a fox", "fox"), answer("image-name", "a bell", "fox"), answer("gen-image", "Here.", "x"),
        answer("photo", "a tiger cat", "tiger"), answer("photo", "a tiger", "tiger"),
        answer("image-colour", "red", "red", choices=["red", "blue"]),
    ]  # fmt: skip
    found = shares(answers, ("fox", "bell"), ("tiger", "tiger cat"))
    assert found == {"image-name": (1, 2), "photo": (1, 2), "image-colour": (1, 1)}


def test_tables_hold_controls_beside_scores():
    table = {"real": {"photo": (1, 4), "image-name": (9, 10)}, "blind": {"image-name": (1, 10)}, "name": {}}
    first, second = understanding_rows(table)
    assert (first["task"], first["score"], first["blind"], first["bar"], first["n"]) == (
        "image-name",
        0.9,
        0.1,
        0.85,
        10,
    )
    assert (first["low"], first["high"]) == wilson(9, 10)
    assert second["task"] == "photo" and "blind" not in second and second["bar"] is None


def test_agreement_is_counted_by_bands_of_the_encoders_confidence(batches):
    answers = [
        answer("image-label", "an Egyptian cat", "Egyptian cat"),
        answer("image-label", "a cat", "tench", number=1),
    ]
    found = agreement_bands("image", batches, answers)
    assert found == {"image-label, all": (1, 2), "image-label, score 60% to 101%": (1, 2)}


def test_questions_about_labels_take_held_out_items_first(batches):
    batches.items.by_modality["image"].append({"id": "image-7", "split": "name"})
    rows = label_questions(batches.items, "image", "What is it?", 2, seed=0)
    assert len(rows) == 2 and rows[0].turns[0].content[0] == ItemPart("image", "image-7")
    number = int(rows[1].turns[0].content[0].item[-1])
    assert batches.fill(rows[1])[1].content == (Text(("an Egyptian cat", "a tench")[number]),)


def test_files_that_cannot_be_read_are_left_out(tmp_path):
    for number in range(4):
        Image.from_array(np.full((4, 4, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "notes.txt").write_text("no picture")
    names = [path.name for path, _ in readable("image", tmp_path, 9, seed=0)]
    assert sorted(names) == ["0.png", "1.png", "2.png", "3.png"]
    assert [path.name for path, _ in readable("image", tmp_path, 2, seed=0)] == names[:2]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no image that can be read below"):
        list(readable("image", tmp_path / "none", 9, seed=0))


def test_rows_are_drawn_by_the_seed_from_tasks_with_a_judge(tmp_path):
    lines = [
        json.dumps(
            {
                "id": f"{task}-{n}",
                "task": task,
                "messages": [{"role": "user", "content": "?"}],
                "expected": "x",
            }
        )
        for task in ("image-name", "gen-image", "fit")
        for n in range(9)
    ]
    (tmp_path / "dialogues-name.jsonl").write_text("\n".join(lines))
    rows = choose_rows(tmp_path, "name", 4, seed=1)
    assert [row.task for row in rows] == ["fit"] * 4 + ["image-name"] * 4
    assert rows == choose_rows(tmp_path, "name", 4, seed=1) != choose_rows(tmp_path, "name", 4, seed=2)
    assert choose_rows(tmp_path, "style", 4, seed=1) == []


def test_a_report_is_a_table_scores_and_answers(tmp_path, capsys):
    report(
        {"real": {"image-name": (9, 10)}},
        tmp_path / "out",
        [{"id": 1}],
        {"model": "tiny"},
        {"image-name": 0.1},
    )
    assert "image-name" in capsys.readouterr().out
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert (
        scores["model"] == "tiny" and scores["rows"][0]["score"] == 0.9 and scores["rows"][0]["chance"] == 0.1
    )
    assert json.loads((tmp_path / "out" / "answers.jsonl").read_text()) == {"id": 1}
    assert "image-name" in (tmp_path / "out" / "table.md").read_text()


def test_the_worlds_classes_are_those_of_its_caches(batches):
    assert {name: data.class_names for name, data in batches.modalities.items()} == CLASSES
