"""Metrics of questions: equal to what the official scripts give, on fixtures and on cases worked out by hand."""

import json
from pathlib import Path

import pytest

from nextgpt.evaluation.metrics.exact_match import (
    Judged,
    question_word,
    score_activitynet,
    score_kinds,
    score_next,
)
from nextgpt.evaluation.metrics.gqa import score_gqa
from nextgpt.evaluation.metrics.gqa_grounding import grounding
from nextgpt.evaluation.metrics.multiple_choice import (
    ROTATION,
    ChoiceItem,
    letter_of,
    score_choices,
    score_circular,
)
from nextgpt.evaluation.metrics.mvbench import MvbenchItem, is_right, score_mvbench
from nextgpt.evaluation.metrics.tally import Tally
from nextgpt.evaluation.metrics.vqa import VqaItem, score_vqa, vqa_accuracy
from nextgpt.evaluation.metrics.vqa_text import CONTRACTIONS, normalise, strip_punctuation

FIXTURE = json.loads((Path(__file__).parent / "fixtures" / "vqa_fixture.json").read_text())


# ---- VQA


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=lambda case: f"{case['pred']}-{case['acc']}")
def test_vqa_accuracy_of_every_case(case):
    assert round(100 * vqa_accuracy(case["pred"], case["answers"]), 2) == case["acc"]


def test_vqa_overall_and_by_answer_type():
    items = (
        VqaItem(str(n), one["pred"], one["answers"], one["answer_type"])
        for n, one in enumerate(FIXTURE["cases"])
    )
    found = score_vqa(items)
    assert round(found.value, 2) == FIXTURE["overall"] == 82.22
    by_type = {name.removeprefix("perAnswerType: "): round(v, 2) for name, v in found.breakdown.items()}
    assert by_type == FIXTURE["perAnswerType"]
    assert found.n == len(found.per_item) == 18
    assert "cost 1 answers" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A Red, Ball", "red ball"),
        ("black/white", "black white"),
        ("a / b", "b"),  # a space beside it: deleted
        ("1,000/2", "10002"),  # a comma between digits: everything is deleted
        ("end. 3.5", "end 3.5"),
        ("v1.5.", "v1.5"),
        ("Couldnt", "couldn't"),
        ("dont", "don't"),
        ("none", "0"),
        ("ten the", "10"),
        ("tab\there\n", "tab here"),
    ],
)
def test_vqa_normalisation(text, wanted):
    assert normalise(text) == wanted


def test_vqa_strips_only_the_first_periods():
    assert strip_punctuation("." * 40) == "." * 8


def test_vqa_contractions_are_whole():
    assert len(CONTRACTIONS) == 114 and "" not in CONTRACTIONS
    assert all("'" in to or to == "somebodyd" for to in CONTRACTIONS.values())


def test_vqa_people_of_one_answer_each_stand_for_themselves():
    """VizWiz' answers carry no id; the same answer twice is still two people."""
    assert vqa_accuracy("basil", ["basil"] * 10) == 1.0
    assert vqa_accuracy("basil", ["basil"] * 3 + ["herb"] * 7) == pytest.approx(0.9)


# ---- MVBench


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("(A) yes", True),
        ("(A)", True),
        ("A", True),
        ("A.", True),
        ("(a).", True),
        ("(B)", False),
        ("yes", False),
        ("", False),
        ("  ", False),
        (".", False),
        ("(A)yes", True),
    ],
)
def test_mvbench_answers(said, right):
    assert is_right(said, "(A) yes.") == right


def test_mvbench_is_the_mean_of_tasks_and_tells_of_empty_answers():
    rows = [("x", "(A)"), ("x", "(B)"), ("x", ""), ("x", "(B)"), ("y", "(A)")]
    found = score_mvbench(MvbenchItem(str(n), task, said, "(A) it") for n, (task, said) in enumerate(rows))
    assert found.value == pytest.approx((25 + 100) / 2)
    assert found.breakdown["Avg over items"] == pytest.approx(40)
    assert found.breakdown["empty answers dropped"] == pytest.approx((100 / 3 + 100) / 2)
    assert found.breakdown["empty answers right, as in the script"] == pytest.approx((50 + 100) / 2)
    assert "1 answers are empty" in found.notes[0] and "2 of the 20 tasks" in found.notes[1]


# ---- ActivityNet-QA, MSVD-QA, NExT-QA


def test_activitynet_by_type_with_the_free_figure_of_the_script():
    first = [("a", 0, 1.0), ("b", 1, 0.0), ("c", 2, 1.0), ("d", 3, 1.0), ("e", 4, 0.0), ("f", 4, 1.0)]
    found = score_activitynet(first)
    assert found.value == pytest.approx(4 / 6) and found.n == 6
    assert found.breakdown["motion"] == 1 and found.breakdown["color"] == 0.5
    assert found.breakdown["free"] == found.breakdown["free (types 3 to 8)"] == pytest.approx(2 / 3)
    assert not found.notes
    found = score_activitynet(
        reversed(first)
    )  # types come as 4, 3, 2, 1, 0: the script divides by those of 1 and 0
    assert found.breakdown["free"] == pytest.approx(2 / 2)
    assert found.breakdown["free (types 3 to 8)"] == pytest.approx(2 / 3)
    assert "comes fourth" in found.notes[0] or "come fourth" in found.notes[0]


def test_questions_of_videos_are_split_by_their_first_word():
    assert [question_word(text) for text in ("What is it?", "who", " how many", "Is it?")] == [
        "what",
        "who",
        "how",
        "other",
    ]
    found = score_kinds(
        [Judged("1", 1.0, "what"), Judged("2", 0.0, "what"), Judged("3", 1.0, "who")], "exact match"
    )
    assert found.value == pytest.approx(2 / 3) and found.breakdown == {"what": 0.5, "who": 1.0}


def test_next_qa_counts_before_and_after_as_one():
    rows = [("TP", 1.0), ("TN", 0.0), ("CW", 1.0), ("DO", 1.0)]
    found = score_next(Judged(str(n), share, kind) for n, (kind, share) in enumerate(rows))
    assert found.value == 75
    assert found.breakdown == {
        "Why": 100,
        "Bef&Aft": 50,
        "Other": 100,
        "Acc_C": 100,
        "Acc_T": 50,
        "Acc_D": 100,
    }


# ---- several choices


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        ("(B) a dog", "B"),
        ("The answer is B.", "B"),
        ("a dog", "B"),
        ("it is a DOG", "B"),
        ("A or B", ""),
        ("neither", ""),
        ("", ""),
        ("B is what comes out of a long thought about it", ""),
        ("", ""),
    ],
)
def test_letters_of_answers(answer, letter):
    assert letter_of(answer, {"A": "a cat", "B": "a dog"}) == letter


def test_circular_needs_every_rotation():
    groups = {"category": "x"}
    rows = [(1, "A", "A"), (1 + ROTATION, "B", "B"), (2, "A", "A"), (2 + ROTATION, "", "C")]
    found = score_circular(ChoiceItem(str(id), said, right, groups) for id, said, right in rows)
    assert found.value == 50 and found.n == 2
    assert found.breakdown == {"category: x": 50, "vanilla": 100}
    assert "1 answers name no single option" in found.notes[0]
    plain = score_choices([ChoiceItem("1", "A", "A", {"dimension": "d"}), ChoiceItem("2", "B", "A")])
    assert plain.value == 50 and plain.breakdown == {"dimension: d": 100}


# ---- GQA


def question(answer, **facts):
    return {
        "question": "Is it red or not?",
        "answer": answer,
        "isBalanced": True,
        "imageId": "7",
        "types": {"structural": "verify", "semantic": "attr", "detailed": "verifyAttr"},
        "groups": {"global": "color"},
        "semantic": [{"operation": "select", "argument": "x"}, {"operation": "exist", "argument": "?"}],
        "entailed": [],
        "annotations": {"question": {"2": "o"}, "fullAnswer": {}, "answer": {}},
        **facts,
    }


def test_gqa_has_the_official_figures():
    kinds = {"structural": "query", "semantic": "global", "detailed": "Common"}
    questions = {
        "1": question("yes", entailed=["1", "2", "3"]),
        "2": question("no"),
        "3": question("shape", types=kinds, isBalanced=False),
        "4": question("material", types=kinds, groups={"global": None}),
    }
    said = {"1": "yes", "2": "yes", "3": "shape", "4": "color"}
    choices = {id: {"valid": ["yes", "no"], "plausible": ["no"]} for id in questions}
    found = score_gqa(questions, said, choices, with_consistency=True)
    assert found.value == pytest.approx(100 / 3) and found.n == 3
    wanted = {
        "Binary": 50, "Open": 0, "Accuracy": 100 / 3,
        "Consistency": 50,  # of what "1" entails, "2" is wrong and "3" right
        "Validity": 100, "Plausibility": 100 / 3,  # "color" is plausible, since the question is about what is common
        "Distribution": ((2 - 1) ** 2 / 1 + (0 - 1) ** 2 / 1) / 100,
        "structural type: query": 0, "structural type: verify": 50,
        "semantic type: Attribute": 50, "semantic type: Scene": 0,
        "steps number: 1": 100 / 3, "words number: 5": 100 / 3,
    }  # fmt: skip
    assert found.breakdown == pytest.approx(wanted)
    assert list(found.breakdown) == list(wanted)


def test_gqa_grounding_is_attention_on_the_regions():
    scenes = {"7": {"width": 100, "height": 50, "objects": {"o": {"x": 0, "y": 0, "w": 50, "h": 50}}}}
    attentions = {"1": [[0.5, 0.25], [0.25, 0.0]]}  # rows along x: the left half has 0.75
    of = grounding(scenes, attentions)
    assert of("1", question("yes")) == pytest.approx(0.75)
    whole = question("yes", semantic=[{"operation": "select", "argument": "scene"}])
    assert of("1", whole) == pytest.approx(
        0.75
    )  # as the script has it, only a step *named* scene adds the picture
    boxes = grounding(scenes, {"1": [[0.25, 0.0, 0.75, 1.0, 0.8]]}, by_objects=True)
    assert boxes("1", question("yes")) == pytest.approx(0.4)
    found = score_gqa({"1": question("yes")}, {"1": "yes"}, grounding=of)
    assert found.breakdown["Grounding"] == pytest.approx(75)


def test_a_tally_keeps_order_and_gives_zero_for_nothing():
    tally = Tally()
    for name, value in (("b", 1), ("a", 2), ("b", 3)):
        tally.add(name, value)
    assert list(tally.means()) == ["b", "a"] and tally.mean("b", 10) == 20 and tally.mean("none") == 0
