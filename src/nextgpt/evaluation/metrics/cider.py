"""CIDEr-D as coco-caption computes it (Vedantam et al., arXiv 1411.5726): clipped tf-idf cosines of 1- to 4-grams.

    CIDEr-D = 10 / 4 * sum over n of mean over references of
              exp(-(l_c - l_r)^2 / (2 * 6^2)) * min(g_c, g_r) . g_r / (|g_c| |g_r|)

Document frequencies come from the references of the set that is scored. coco-caption takes the number of bigrams for
a caption's length l; the same is done here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, sqrt

from nextgpt.evaluation.metrics.ngrams import MOST, Ngram, ngram_counts

SIGMA = 6.0
Vector = tuple[dict[Ngram, float], list[float], int]  # weights, norms by length of n-gram, number of bigrams


def document_frequency(references: Iterable[Sequence[str]]) -> Counter[Ngram]:
    """In how many items' references an n-gram stands."""
    found: Counter[Ngram] = Counter()
    for texts in references:
        found.update({ngram for text in texts for ngram in ngram_counts(text.split())})
    return found


def weigh(counts: Mapping[Ngram, int], frequency: Mapping[Ngram, int], log_items: float) -> Vector:
    """Counts times (log of the items - log of the items that have the n-gram)."""
    weights = {n: count * (log_items - log(max(1.0, frequency.get(n, 0)))) for n, count in counts.items()}
    squares = [0.0] * MOST
    for ngram, weight in weights.items():
        squares[len(ngram) - 1] += weight**2
    bigrams = sum(count for ngram, count in counts.items() if len(ngram) == 2)
    return weights, [sqrt(square) for square in squares], bigrams


def similarity(caption: Vector, reference: Vector) -> float:
    """Sum over the four lengths of the clipped cosine, times the penalty for another length."""
    (weights, norms, length), (others, other_norms, other_length) = caption, reference
    products = [0.0] * MOST
    for ngram, weight in weights.items():
        if other := others.get(ngram, 0.0):
            products[len(ngram) - 1] += min(weight, other) * other
    cosines = (p / (a * b) if a and b else p for p, a, b in zip(products, norms, other_norms))
    return sum(cosines) * exp(-((length - other_length) ** 2) / (2 * SIGMA**2))


def cider_d(captions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """id -> CIDEr-D of tokenised captions; a single item has no document frequencies and scores 0."""
    frequency = document_frequency(references[id] for id in captions)
    log_items = log(len(captions)) if captions else 0.0
    scores = {}
    for id, caption in captions.items():
        said = weigh(ngram_counts(caption.split()), frequency, log_items)
        texts = references[id]
        against = (weigh(ngram_counts(text.split()), frequency, log_items) for text in texts)
        scores[id] = 10 * sum(similarity(said, other) for other in against) / MOST / len(texts)
    return scores
