"""Mixtures are functions of the step: the right shares, every row once an epoch, nothing to remember."""

from collections import Counter
from itertools import chain, pairwise

import pytest

from nextgpt.data.mixture import LengthGrouped, Mixture
from nextgpt.errors import DataError

SOURCES = {"a": [f"a{i}" for i in range(7)], "b": [f"b{i}" for i in range(20)], "c": ["c0"]}
WEIGHTS = {"a": 3.0, "b": 6.0, "c": 1.0}


def mixture(seed=0, batch_size=4, weights=WEIGHTS):
    return Mixture(SOURCES, weights, batch_size, seed)


def rows(mixed, steps):
    return [row for step in range(steps) for row in mixed.rows(step)]


@pytest.mark.parametrize("weights", [WEIGHTS, {"a": 1.0, "b": 1.0}, {"b": 0.9, "c": 0.1}, {"c": 5.0}])
def test_each_source_has_its_share_of_every_stretch(weights):
    found = rows(mixture(weights=weights), 50)
    total = sum(weights.values())
    for length in (10, 50, 200):
        counts = Counter(row[0] for row in found[:length])
        assert all(abs(counts[name] - length * weight / total) <= 1 for name, weight in weights.items())
        assert set(counts) <= set(weights)


@pytest.mark.parametrize("name", ["a", "b"])
def test_every_row_comes_once_an_epoch_in_an_order_of_its_own(name):
    found = [row for row in rows(mixture(), 100) if row[0] == name]
    size = len(SOURCES[name])
    epochs = [found[start : start + size] for start in range(0, len(found) - size + 1, size)]
    assert len(epochs) > 5 and all(sorted(epoch) == sorted(SOURCES[name]) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 5


@pytest.mark.parametrize("make", [mixture, lambda seed=0: LengthGrouped(mixture(seed), len)])
def test_a_step_gives_the_same_rows_whatever_was_asked_before(make):
    straight = [make().rows(step) for step in range(60)]
    one = make()
    assert [one.rows(step) for step in (59, 3, 40, 3, 17)] == [straight[step] for step in (59, 3, 40, 3, 17)]
    assert [make(1).rows(step) for step in range(60)] != straight


def test_sources_without_rows_are_named():
    with pytest.raises(DataError, match=r"without rows: b, d"):
        Mixture({"a": [1], "b": []}, {"a": 1, "b": 1, "d": 1}, 4, 0)


def test_lengths_are_grouped_within_a_pool_of_steps():
    lengths = {name: (i * 37) % 101 for i, name in enumerate(chain(*SOURCES.values()))}
    plain, grouped = mixture(), LengthGrouped(mixture(), lengths.__getitem__, pool=5)
    for pool in range(4):
        steps = range(5 * pool, 5 * pool + 5)
        made = [grouped.rows(step) for step in steps]
        assert Counter(chain(*made)) == Counter(row for step in steps for row in plain.rows(step))
        spans = sorted(
            (min(found), max(found)) for found in ([lengths[row] for row in step] for step in made)
        )
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert {len(grouped.rows(step)) for step in range(20)} == {4}
