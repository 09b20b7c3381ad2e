"""Counts of word n-grams, as BLEU and CIDEr use them."""

from collections import Counter
from collections.abc import Sequence

MOST = 4
Ngram = tuple[str, ...]


def ngram_counts(words: Sequence[str], most: int = MOST) -> Counter[Ngram]:
    """Every n-gram of 1 to `most` words, in the order of length and then of place."""
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, most + 1)
        for start in range(len(words) - length + 1)
    )
