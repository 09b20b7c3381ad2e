"""The split's rules against parts.md: golden hashes, so that no edit can move the line unseen."""

from hashlib import sha256

import pytest

from nextgpt.nano import split


def test_bucket_is_the_written_hash() -> None:
    number = int(sha256(b"nextgpt-split-1:1f34e").hexdigest(), 16)
    assert split.bucket("1f34e") == number % 100
    assert split.bucket("1f34e", 10) == number % 10


@pytest.mark.parametrize(
    ("codepoints", "key"),
    [
        ("1f34e", "1f34e"),
        ("2764-fe0f", "2764"),
        ("1f44b-1f3fd", "1f44b"),
        ("1f468-1f3fb-200d-1f680", "1f9d1-200d-1f680"),
        ("1f469-200d-1f680", "1f9d1-200d-1f680"),
        ("1f3c3-200d-2640-fe0f", "1f3c3"),
        ("1F3C3-1F3FE-200D-2642-FE0F", "1f3c3"),
    ],
)
def test_concept_key(codepoints: str, key: str) -> None:
    assert split.concept_key(codepoints) == key


@pytest.mark.parametrize(
    ("key", "held_out"),
    [("1f514", True), ("1f941", True), ("cowbell", True), ("1f3b8", False), ("piano", False)],
)
def test_held_out_names(key: str, held_out: bool) -> None:
    assert split.is_held_out_name(key) is held_out


def test_pair_has_no_order_and_one_is_no_combination() -> None:
    pairs = [(f"thing {n}", split.attribute_key("colour", "blue")) for n in range(2000)]
    held_out = [split.is_held_out_pair(*pair) for pair in pairs]
    assert held_out == [split.is_held_out_pair(second, first) for first, second in pairs]
    assert 0.08 < sum(held_out) / len(held_out) < 0.12
    assert not any(split.is_held_out_pair(f"thing {n}", "count:1") for n in range(2000))


def test_shares() -> None:
    texts = [f"text {n}" for n in range(5000)]
    assert 0.04 < sum(map(split.is_held_out_name, texts)) / 5000 < 0.06
    assert 0.08 < sum(map(split.is_held_out_phrasing, texts)) / 5000 < 0.12


def test_sources_are_apart() -> None:
    assert not split.TRAINING_SOURCES & split.EVALUATION_SOURCES
    assert split.HELD_OUT_STYLE not in split.TRAIN_STYLES
    assert split.HELD_OUT_FONT not in split.TRAIN_FONTS
