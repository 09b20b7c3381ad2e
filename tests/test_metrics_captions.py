"""Caption metrics: the fixtures hold, tokens are like PTBTokenizer's, and where Java is missing it is said."""

import csv
import gzip
import io
import json
import random
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from nextgpt.evaluation.metrics import java_captions
from nextgpt.evaluation.metrics.bleu import bleu
from nextgpt.evaluation.metrics.caption_tokens import penn, words_only
from nextgpt.evaluation.metrics.captions import references_by_id, score_captions, score_tokens, tokenised
from nextgpt.evaluation.metrics.cider import cider_d
from nextgpt.evaluation.metrics.rouge import common_length, rouge, rouge_l

FIXTURES = Path(__file__).parent / "fixtures"
WANTED = json.loads((FIXTURES / "caption_fixture_scores.json").read_text())
needs_java = pytest.mark.skipif(bool(java_captions.missing_java()), reason="no Java or no pycocoevalcap")
needs_library = pytest.mark.skipif(not find_spec("pycocoevalcap"), reason="pycocoevalcap is an extra")


@cache
def example(number):
    """(captions, references) as text."""
    text = gzip.decompress((FIXTURES / f"aac_example_{number}.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    captions = {str(n): row["caption_predicted"] for n, row in enumerate(rows)}
    references = {
        str(n): [row[f"caption_{k}"] for k in range(1, 6) if row[f"caption_{k}"]]
        for n, row in enumerate(rows)
    }
    return captions, references


def tokenise_words(texts):
    return [words_only(text) for text in texts]


@pytest.mark.parametrize("number", [1, 2])
def test_the_fixtures_hold_with_their_tokens(number):
    said, others = tokenised(*example(number), tokenise_words)
    found = score_tokens(said, others, java=False)
    wanted = WANTED[f"aac_example_{number}"]
    assert found.n == wanted["n"]
    for name in ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr"):
        assert found.breakdown[name] == pytest.approx(wanted[name], abs=1e-9), name
    assert found.value == found.breakdown["CIDEr"]


@pytest.mark.parametrize("number", [1, 2])
def test_the_fixtures_of_ptb_hold_with_our_tokens(number):
    """Our tokens are PTBTokenizer's on these captions, so the figures are too."""
    captions, references = example(number)
    said = {id: penn(text) for id, text in captions.items()}
    others = {id: [penn(text) for text in texts] for id, texts in references.items()}
    found = score_tokens(said, others, java=False)
    wanted = WANTED[f"PTB_aac_example_{number}"]
    for name in ("Bleu_1", "Bleu_4", "ROUGE_L", "CIDEr"):
        assert found.breakdown[name] == pytest.approx(wanted[name], abs=1e-9), name


@needs_java
def test_ptb_and_meteor_by_java():
    found = score_captions(*example(1))
    wanted = WANTED["PTB_aac_example_1"]
    for name in ("Bleu_4", "ROUGE_L", "CIDEr", "METEOR"):
        assert found.breakdown[name] == pytest.approx(wanted[name], abs=1e-9), name
    assert not any("PTBTokenizer" in note for note in found.notes)


CAPTIONS = [
    ("A man's dog doesn't bark, and it can't.", "a man 's dog does n't bark and it ca n't"),
    ("two t-shirts (red) and black/white", "two t-shirts -lrb- red -rrb- and black/white"),
    ('He said "hello there" to them.', "he said hello there to them"),
    ("I cannot go; gonna wanna", "i can not go gon na wan na"),
    ("at 5:30 p.m. the u.s. team", "at 5:30 p.m. the u.s. team"),
    ("Mr. Smith with 1,000 dogs and $5 for 50%", "mr. smith with 1,000 dogs and $ 5 for 50 %"),
    ("a 10-year-old boy...", "a 10-year-old boy"),
    ("a 1980's car, 80s '90s", "a 1980 's car 80s '90s"),
    ("[brackets] {braces} <tag>", "-lsb- brackets -rsb- -lcb- braces -rcb- <tag>"),
    ("don’t “smart” ‘quotes’ – dash…", "do n't smart quotes dash"),
    ("100,000 people €5", "100,000 people $ 5"),
    ("'single' it ; is : a ! test ?", "single it is a test"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "wanted"), CAPTIONS)
def test_tokens_like_those_of_ptb(text, wanted):
    assert penn(text) == wanted


@needs_java
def test_those_tokens_are_what_java_gives():
    assert java_captions.tokenise_by_java([text for text, _ in CAPTIONS]) == [
        wanted for _, wanted in CAPTIONS
    ]


@needs_library
def test_random_captions_score_as_in_pycocoevalcap():
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    rng = random.Random(0)

    def sentence():
        return " ".join(rng.choices(["a", "b", "c", "d", "e", "f", "g"], k=rng.randint(0, 12)))

    said = {str(n): sentence() for n in range(40)}
    others = {id: [sentence() or "a" for _ in range(rng.randint(1, 5))] for id in said}
    listed = {id: [text] for id, text in said.items()}
    assert bleu(said, others) == pytest.approx(Bleu(4).compute_score(others, listed, verbose=0)[0], abs=1e-12)
    ours, theirs = rouge(said, others), Rouge().compute_score(others, listed)[1]
    assert list(ours.values()) == pytest.approx(list(theirs), abs=1e-12)
    ours, theirs = cider_d(said, others), Cider().compute_score(others, listed)[1]
    assert list(ours.values()) == pytest.approx(list(theirs), abs=1e-9)


def test_common_subsequences():
    assert common_length(["a", "b", "c", "d"], ["b", "d", "a"]) == 2
    assert rouge_l("", ["a b"]) == 0 and rouge_l("a b", ["a b", "c"]) == pytest.approx(1)


def test_a_single_caption_is_told_to_have_no_cider():
    found = score_tokens({"1": "a dog"}, {"1": ["a dog"]}, java=False)
    assert found.value == 0 and "single item" in found.notes[0]
    assert found.breakdown["Bleu_1"] == pytest.approx(1)


def test_without_java_figures_say_what_is_missing(monkeypatch):
    monkeypatch.setattr(java_captions.shutil, "which", lambda name: None)
    captions, references = example(1)
    some = {id: captions[id] for id in list(captions)[:20]}
    found = score_captions(some, references)
    assert "METEOR" not in found.breakdown and "SPIDEr" not in found.breakdown
    assert "METEOR: not available" in found.unavailable and "apt install default-jre" in found.unavailable
    assert "SPICE and SPIDEr: not available" in found.unavailable
    assert "near copy of PTBTokenizer" in found.notes[0]


def test_java_that_fails_is_no_zero(monkeypatch):
    monkeypatch.setattr(java_captions, "missing_java", lambda: "")
    monkeypatch.setattr(java_captions, "missing_spice", lambda: "models are missing")

    def fail(*_):
        raise java_captions.JavaError("METEOR failed: broken pipe")

    monkeypatch.setattr(java_captions, "meteor", fail)
    monkeypatch.setattr(java_captions, "tokenise_by_java", fail)
    found = score_captions({"1": "a dog", "2": "a cat"}, {"1": ["a dog"], "2": ["a cow"]})
    assert "METEOR" not in found.breakdown and "broken pipe" in found.unavailable
    assert "near copy" in found.notes[0]


def test_references_keep_their_order():
    assert references_by_id([("1", "b"), ("2", "c"), ("1", "a")]) == {"1": ["b", "a"], "2": ["c"]}
