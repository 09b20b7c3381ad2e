"""Metrics of made media: equal to torchmetrics with the same module, to formulas written out plainly, and streamed."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.cepstral import aligned, cepstra, distortion
from nextgpt.evaluation.metrics.class_scores import InceptionScore, PairedDivergence, score_inception, softmax
from nextgpt.evaluation.metrics.clip import clip_score, clip_similarity, directional_similarity, unit
from nextgpt.evaluation.metrics.frechet import frechet_distance, score_frechet
from nextgpt.evaluation.metrics.kernel_distance import (
    draws,
    kernel_distance,
    polynomial_mmd,
    score_cmmd,
    score_kernel,
)
from nextgpt.evaluation.metrics.moments import Moments
from nextgpt.evaluation.metrics.spool import Spool

WIDTH, CLASSES = 12, 7


class Features(nn.Module):
    """uint8 images to features, as torchmetrics takes a module of one's own; double, so that both sides are."""

    num_features = WIDTH

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.linear = nn.Linear(3 * 8 * 8, WIDTH).double()

    def forward(self, images):
        return self.linear(images.flatten(1).double() / 255)


def images(seed, n=40, low=0):
    return torch.randint(
        low, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


MODULE = Features().eval().requires_grad_(False)
REAL, MADE = images(1), images(2, low=90)


def collected(kind, pictures, sizes=(7, 20, 13)):
    """A Moments or Spool that was given the features in uneven batches."""
    found = kind()
    for batch in torch.split(MODULE(pictures), list(sizes)):
        found.add(batch.numpy())
    return found


def test_frechet_equals_torchmetrics():
    from torchmetrics.image.fid import FrechetInceptionDistance

    theirs = FrechetInceptionDistance(feature=MODULE)
    theirs.set_dtype(torch.float64)
    theirs.update(REAL, real=True)
    theirs.update(MADE, real=False)
    ours = frechet_distance(collected(Moments, REAL), collected(Moments, MADE))
    assert ours == pytest.approx(float(theirs.compute()), rel=1e-9)
    assert ours > 0.1


def test_kernel_distance_equals_torchmetrics_on_the_same_subsets():
    from torchmetrics.image.kid import KernelInceptionDistance

    theirs = KernelInceptionDistance(feature=MODULE, subsets=5, subset_size=16)
    theirs.update(REAL, real=True)
    theirs.update(MADE, real=False)
    torch.manual_seed(9)
    mean, deviation = map(float, theirs.compute())
    torch.manual_seed(9)
    drawn = [(torch.randperm(40)[:16].numpy(), torch.randperm(40)[:16].numpy()) for _ in range(5)]
    ours = kernel_distance(collected(Spool, REAL), collected(Spool, MADE), drawn)
    assert ours == pytest.approx((mean, deviation), rel=1e-5)  # the spool keeps float32


def test_inception_score_equals_torchmetrics_in_its_order():
    from torchmetrics.image.inception import InceptionScore as Theirs

    theirs = Theirs(feature=MODULE, splits=4)
    theirs.update(REAL)
    torch.manual_seed(5)
    wanted = [float(value) for value in theirs.compute()]
    torch.manual_seed(5)
    place = {int(item): n for n, item in enumerate(torch.randperm(40))}
    ours = InceptionScore(splits=4, split_of=lambda number: place[number] // 10)
    for batch in torch.split(MODULE(REAL), 11):
        ours.add(softmax(batch.numpy()))
    assert ours.value() == pytest.approx(wanted, rel=1e-9)


def test_moments_do_not_lose_digits_of_a_large_mean():
    rows = np.random.default_rng(0).normal(1e6, 1e-2, (500, 3))
    found = Moments()
    for batch in np.array_split(rows, 7):
        found.add(batch)
    assert found.covariance == pytest.approx(np.cov(rows.T), rel=1e-9)
    raw = (rows.T @ rows - 500 * np.outer(rows.mean(0), rows.mean(0))) / 499
    assert not np.allclose(raw, np.cov(rows.T), rtol=0.1)  # what sums of raw products make of it


def test_frechet_of_a_shift_is_its_square():
    rows = np.random.default_rng(1).normal(size=(300, 5))
    first, second = Moments(), Moments()
    first.add(rows)
    second.add(rows + 2)
    assert frechet_distance(first, second) == pytest.approx(5 * 4)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_few_items_are_told_of():
    few = Moments()
    few.add(np.random.default_rng(2).normal(size=(4, 6)))
    found = score_frechet(few, few, "X")
    assert found.metric == "FD-X" and "biased" in found.notes[0]
    one = Moments()
    one.add(np.zeros((1, 6)))
    with pytest.raises(DataError, match="at least two items; there are 1"):
        frechet_distance(few, one)


def test_features_that_cannot_be_are_refused():
    found = Moments()
    found.add(np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"\(B, 3\).*\(2, 4\)"):
        found.add(np.zeros((2, 4)))
    with pytest.raises(DataError, match="not finite"):
        found.add(np.full((2, 3), np.nan))
    spool = Spool()
    spool.add(np.zeros((2, 3)))
    with pytest.raises(DataError, match="must come as"):
        spool.add(np.zeros((2, 4)))


def test_a_spool_gives_back_what_went_in():
    rows = np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)
    spool = Spool()
    for batch in np.array_split(rows, 6):
        spool.add(batch)
    assert len(spool) == 50
    assert np.array_equal(spool.rows([49, 0, 7]), rows[[49, 0, 7]])
    assert np.array_equal(np.concatenate(list(spool.blocks(8))), rows)


def test_kernel_distance_written_out():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 6, 3))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    pairs = [(i, j) for i in range(6) for j in range(6)]
    within = sum(k(x[i], x[j]) + k(y[i], y[j]) for i, j in pairs if i != j) / 30
    across = sum(k(x[i], y[j]) for i, j in pairs) / 36
    assert polynomial_mmd(x, y) == pytest.approx(within - 2 * across)
    spools = collected(Spool, REAL), collected(Spool, MADE)
    found = score_kernel(*spools, "X", subsets=3)
    assert found.breakdown["subset_size"] == 40 and "no more" in found.notes[0]
    assert found == score_kernel(*spools, "X", subsets=3)
    drawn = next(draws(40, 40, 1, 10, 0))
    assert len(set(drawn[0])) == 10


def test_cmmd_written_out():
    rng = np.random.default_rng(5)
    x, y = unit(rng.normal(size=(2, 2000, 4)))
    spools = []
    for rows in (x, y[:1500]):
        spools.append(Spool())
        spools[-1].add(rows)

    def mean(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / 200).mean()

    x, y = x.astype(np.float32).astype(float), y[:1500].astype(np.float32).astype(float)
    wanted = 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))
    found = score_cmmd(*spools, "tiny")
    assert found.value == pytest.approx(wanted, rel=1e-6) and found.metric == "CMMD (tiny)"


def test_inception_score_of_certain_and_of_equal_classes():
    certain = InceptionScore(splits=1)
    certain.add(np.eye(CLASSES))
    assert score_inception(certain, "X").value == pytest.approx(CLASSES)
    equal = InceptionScore(splits=2)
    equal.add(np.full((6, CLASSES), 1 / CLASSES))
    assert equal.value() == pytest.approx((1, 0))
    with pytest.raises(DataError, match="at least one"):
        InceptionScore().value()


def test_divergence_of_pairs():
    real, made = softmax(np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0]]))
    found = PairedDivergence("softmax")
    found.add("a", real, made)
    found.add("b", real, real)
    wanted = float((real * np.log(real / made)).sum())
    assert found.scores("X").per_item == pytest.approx({"a": wanted, "b": 0}, abs=1e-4)
    assert found.scores("X").value == pytest.approx(wanted / 2, abs=1e-4)
    sounds = PairedDivergence("sigmoid")
    sounds.add("a", np.array([0.9, 0.2]), np.array([0.5, 0.2]))
    both = sounds.scores("YAMNet")
    assert both.metric == "KL-YAMNet" and both.breakdown["sigmoid"] == pytest.approx(
        0.9 * math.log(1.8), abs=1e-5
    )
    odds = [
        np.array([9, 0.25]) / 9.25,
        np.array([1, 0.25]) / 1.25,
    ]  # softmax of logits is odds over their sum
    assert both.value == pytest.approx(float((odds[0] * np.log(odds[0] / odds[1])).sum()), abs=1e-5)


def test_clip_metrics_of_vectors():
    x, y = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    score = clip_score([("same", x, 3 * x), ("apart", x, y), ("against", x, -x)], "tiny")
    assert score.per_item == {"same": 100, "apart": 0, "against": 0}
    assert score.value == pytest.approx(100 / 3) and score.breakdown["w = 2.5"] == pytest.approx(2.5 / 3)
    clips = clip_similarity([("a", np.stack([x, y]), x)], "tiny")
    assert clips.value == pytest.approx(0.5)
    edits = directional_similarity([("a", np.stack([x, y]), np.stack([5 * x, y]))], "tiny")
    assert edits.value == pytest.approx(1) and edits.breakdown == {
        "image similarity": 0,
        "caption similarity": 1,
    }
    with pytest.raises(DataError, match="at least one"):
        clip_score([], "tiny")


def test_distortion_of_speech():
    time = np.arange(16_000) / 16_000
    tone, other = np.sin(2 * np.pi * 220 * time), np.sin(2 * np.pi * 880 * time)
    first = cepstra(tone)
    assert first.shape == (98, 13)
    assert distortion(first, first) == 0
    assert distortion(first, first + 1 / math.sqrt(26)) == pytest.approx(10 / math.log(10))
    slower = np.repeat(first, 2, axis=0)  # the same, at half the speed
    assert distortion(first, slower) == pytest.approx(0)
    assert distortion(first, cepstra(other)) > 1
    with pytest.raises(DataError, match="shorter than a frame"):
        cepstra(np.zeros(10))


def test_alignment_takes_the_cheapest_way():
    costs = np.array([[0.0, 5.0, 5.0], [5.0, 0.0, 0.0], [5.0, 5.0, 0.0]])
    path = aligned(costs)
    assert path[0] == (0, 0) and path[-1] == (2, 2) and sum(costs[place] for place in path) == 0
