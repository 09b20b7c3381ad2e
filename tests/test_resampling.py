"""Intervals and paired tests against closed forms."""

from math import comb

import numpy as np
import pytest

from nextgpt.evaluation.resampling import compare_paired, interval, mcnemar, sign_flips


def items(values):
    return {str(number): float(value) for number, value in enumerate(values)}


def test_the_interval_of_a_share_is_near_the_normal_one():
    values = [1.0] * 300 + [0.0] * 100
    low, high = interval(0.75, items(values), {})
    half = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert (low, high) == (pytest.approx(0.75 - half, abs=0.006), pytest.approx(0.75 + half, abs=0.006))


def test_the_same_seed_gives_the_same_interval():
    values = items(np.random.default_rng(0).random(50))
    mean = float(np.mean(list(values.values())))
    assert interval(mean, values, {}) == interval(mean, values, {})
    assert interval(mean, values, {}, seed=1) != interval(mean, values, {})


def test_a_mean_over_groups_is_resampled_within_groups():
    values = items([1, 1, 1, 0, 0, 1])
    groups = {str(n): "a" if n < 4 else "b" for n in range(6)}
    low, high = interval((0.75 + 0.5) / 2, values, groups)
    assert low < 0.625 < high


def test_a_figure_that_is_no_mean_has_no_interval():
    assert interval(0.3, items([1, 0, 1]), {}) is None
    assert interval(0.3, {}, {}) is None
    assert interval(0.0, items([0, 0, 0]), {}) is None  # three wrong answers are no certainty of 0


def test_mcnemar_is_the_binomial_tail():
    for won, lost in ((8, 2), (5, 5), (0, 6), (40, 61)):
        n, few = won + lost, min(won, lost)
        exact = min(1.0, 2 * sum(comb(n, k) for k in range(few + 1)) / 2**n)
        assert mcnemar(won, lost) == pytest.approx(exact)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(40_000, 41_000) < 0.001  # no overflow


def test_signs_find_a_difference_and_no_difference():
    rng = np.random.default_rng(3)
    assert sign_flips(rng.normal(0.5, 1, 200), 0) < 0.001
    assert sign_flips(rng.normal(0.0, 1, 200), 0) > 0.01
    assert sign_flips(np.zeros(5), 0) == 1.0


def test_signs_are_exact_in_a_case_that_can_be_counted():
    assert sign_flips(np.array([1.0, 1.0, 1.0, 1.0]), 0) == pytest.approx(2 / 16, abs=0.01)


def test_the_test_is_chosen_by_the_marks():
    right_or_wrong = compare_paired([0, 100, 0, 0], [100, 100, 100, 0])
    assert right_or_wrong.test == "McNemar, exact" and right_or_wrong.p == 0.5
    assert (right_or_wrong.first, right_or_wrong.second, right_or_wrong.value) == (25, 75, 50)
    assert "signs" in compare_paired([0.3, 0.9], [0.6, 1.0]).test


def test_the_difference_is_paired():
    """Items that differ a lot between themselves, and a small gain on each: only pairing sees it."""
    rng = np.random.default_rng(0)
    first = rng.normal(50, 30, 200)
    found = compare_paired(first, first + rng.normal(1, 0.5, 200))
    assert found.low > 0.85 and found.high < 1.15 and found.p < 0.001
