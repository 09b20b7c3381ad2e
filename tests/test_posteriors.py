"""Synthetic posteriors: the label is first, and the rest is what a classifier might say."""

import pytest
import torch

from nextgpt.data.posteriors import POSTERIORS, sigmoid_posterior, softmax_posterior

CASES = [(kind, count) for kind in POSTERIORS for count in (2, 10, 521, 1000)]


@pytest.mark.parametrize(("kind", "count"), CASES)
def test_the_label_is_first_and_scores_are_shares(kind, count):
    for seed in range(60):
        label = seed % count
        scores = POSTERIORS[kind](label, count, seed)
        assert (scores.shape, scores.dtype) == ((count,), torch.float32)
        assert int(scores.argmax()) == label and scores[label] > scores.topk(2).values[1]
        assert (scores >= 0).all() and (scores <= 1).all() and torch.isfinite(scores).all()
        if kind == "softmax":
            torch.testing.assert_close(scores.sum(), torch.tensor(1.0))


def test_a_seed_is_a_posterior():
    for make in POSTERIORS.values():
        assert torch.equal(make(3, 50, 7), make(3, 50, 7))
        assert not torch.equal(make(3, 50, 7), make(3, 50, 8))


def test_softmax_posteriors_are_sure_and_unsure_with_a_few_confusions():
    made = torch.stack([softmax_posterior(5, 1000, seed) for seed in range(300)])
    tops = made[:, 5]
    assert tops.min() < 0.2 and tops.max() > 0.95 and 0.4 < tops.median() < 0.8
    confused = made.topk(4).values[:, 1:].sum(1) / (1 - tops).clamp(min=1e-6)
    assert 0.05 < confused.median() < 0.6, "neither one rival takes all nor is the tail flat"


def test_sigmoid_posteriors_have_few_classes_above_noise():
    made = torch.stack([sigmoid_posterior(5, 521, seed) for seed in range(300)])
    assert (made > 0.02).sum(1).float().mean() < 6
    assert made[:, 5].min() >= 0.1
