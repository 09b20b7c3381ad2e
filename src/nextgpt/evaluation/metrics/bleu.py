"""BLEU 1 to 4 of a corpus, as coco-caption computes it (Papineni et al., ACL 2002).

The length that a caption is compared with is its closest reference's, the shorter one of two as close. Where
nothing matches, coco-caption adds 1e-15 to matches and 1e-9 to counts; the same is done here.
"""

from collections.abc import Mapping, Sequence
from math import exp

from nextgpt.evaluation.metrics.ngrams import MOST, ngram_counts

TINY, SMALL = 1e-15, 1e-9


class Bleu:
    """add(words, references) for each caption; value() -> (BLEU-1, ..., BLEU-4) in 0..1."""

    def __init__(self) -> None:
        self.matched = [0] * MOST
        self.counted = [0] * MOST
        self.length = self.reference_length = 0

    def add(self, words: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        """One caption and its references, all as tokens."""
        most: dict[tuple[str, ...], int] = {}
        for reference in references:
            for ngram, count in ngram_counts(reference).items():
                most[ngram] = max(most.get(ngram, 0), count)
        for ngram, count in ngram_counts(words).items():
            self.matched[len(ngram) - 1] += min(count, most.get(ngram, 0))
        for order in range(MOST):
            self.counted[order] += max(0, len(words) - order)
        self.length += len(words)
        lengths = (len(reference) for reference in references)
        self.reference_length += min((abs(length - len(words)), length) for length in lengths)[1]

    def value(self) -> tuple[float, ...]:
        ratio = (self.length + TINY) / (self.reference_length + SMALL)
        penalty = exp(1 - 1 / ratio) if ratio < 1 else 1.0
        values, product = [], 1.0
        for order in range(MOST):
            product *= (self.matched[order] + TINY) / (self.counted[order] + SMALL)
            values.append(product ** (1 / (order + 1)) * penalty)
        return tuple(values)


def bleu(captions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> tuple[float, ...]:
    """BLEU-1 to BLEU-4 of tokenised captions by id."""
    score = Bleu()
    for id, caption in captions.items():
        score.add(caption.split(), [reference.split() for reference in references[id]])
    return score.value()
