"""Metrics of class scores: Inception Score, and the divergence between paired sounds.

Inception Score: exp of the mean over items of KL(p(class | item) || p(class)), mean over splits (Salimans et al.,
arXiv 1606.03498). Of another classifier than Inception it is named by it: IS-EffNetLite2.
Divergence: KL(real || made) of the class scores of paired items (Kreuk et al., arXiv 2209.15352), by softmax over
logits and by sigmoids, as github.com/haoheliu/audioldm_eval has them.
"""

from collections.abc import Callable

import numpy as np

from nextgpt.errors import DataError
from nextgpt.evaluation.scores import Scores

EPSILON = 1e-6
SPLITS = 10


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


class InceptionScore:
    """add(scores) as batches (B, P) of probabilities come; splits take items in turn unless split_of says otherwise.

    split_of: number of an item -> its split. Memory is splits x P.
    """

    def __init__(self, splits: int = SPLITS, split_of: Callable[[int], int] | None = None) -> None:
        self.splits, self.split_of = splits, split_of or (lambda number: number % splits)
        self.n = 0
        self.counts = np.zeros(splits)
        self.negative_entropy = np.zeros(splits)
        self.sums = np.zeros((splits, 0))

    def add(self, probabilities: np.ndarray) -> None:
        rows = np.asarray(probabilities, dtype=np.float64)
        if not self.n:
            self.sums = np.zeros((self.splits, rows.shape[1]))
        which = np.array([self.split_of(self.n + row) for row in range(len(rows))], dtype=int)
        logs = np.log(np.clip(rows, np.finfo(np.float64).tiny, None))
        np.add.at(self.counts, which, 1)
        np.add.at(self.negative_entropy, which, (rows * logs).sum(1))
        np.add.at(self.sums, which, rows)
        self.n += len(rows)

    def value(self) -> tuple[float, float]:
        """(mean, standard deviation over the splits, 0 for a single one)."""
        full = self.counts > 0
        if not full.any():
            raise DataError("An Inception Score needs at least one item.")
        counts, sums = self.counts[full], self.sums[full]
        mean = sums / counts[:, None]
        cross = (mean * np.log(np.clip(mean, np.finfo(np.float64).tiny, None))).sum(1)
        scores = np.exp(self.negative_entropy[full] / counts - cross)
        return float(scores.mean()), float(scores.std(ddof=1)) if len(scores) > 1 else 0.0


def score_inception(score: InceptionScore, classifier: str) -> Scores:
    mean, deviation = score.value()
    return Scores(f"IS-{classifier}", mean, score.n, {"std": deviation, "splits": float(score.splits)})


class PairedDivergence:
    """add(id, real, made) for each pair of score vectors (P,); kind: how the classifier ends, softmax or sigmoid."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.softmax: dict[str, float] = {}
        self.sigmoid: dict[str, float] = {}

    def add(self, id: str, real: np.ndarray, made: np.ndarray) -> None:
        wanted, got = (np.clip(np.asarray(x, np.float64), 0.0, 1.0) for x in (real, made))
        if self.kind == "sigmoid":
            self.sigmoid[id] = _divergence(wanted, got)
            wanted, got = softmax(_logits(wanted)), softmax(_logits(got))
        self.softmax[id] = _divergence(wanted, got)

    def scores(self, classifier: str) -> Scores:
        """The value is the divergence by softmax, the one that text-to-audio papers print."""
        if not self.softmax:
            raise DataError("A divergence needs pairs: made and real files of the same name.")
        breakdown = {"softmax": _mean(self.softmax)}
        if self.sigmoid:
            breakdown["sigmoid"] = _mean(self.sigmoid)
        n = len(self.softmax)
        return Scores(f"KL-{classifier}", breakdown["softmax"], n, breakdown, self.softmax)


def _divergence(wanted: np.ndarray, got: np.ndarray) -> float:
    return float((wanted * (np.log(wanted + EPSILON) - np.log(got + EPSILON))).sum())


def _logits(probabilities: np.ndarray) -> np.ndarray:
    inside = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.log(inside) - np.log1p(-inside)


def _mean(values: dict[str, float]) -> float:
    return sum(values.values()) / len(values)
