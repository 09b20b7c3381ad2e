"""ROUGE-L as coco-caption computes it: best precision and best recall over the references, beta 1.2 (Lin 2004).

Tokens are split at single spaces, so that an empty caption is one empty token, as there.
"""

from collections.abc import Mapping, Sequence

BETA = 1.2


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for place, other in enumerate(second, 1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def rouge_l(caption: str, references: Sequence[str]) -> float:
    """Of one tokenised caption, in 0..1."""
    words, others = caption.split(" "), [reference.split(" ") for reference in references]
    common = [common_length(words, other) for other in others]
    precision = max(common) / len(words)
    recall = max(length / len(other) for length, other in zip(common, others))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def rouge(captions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """id -> ROUGE-L of tokenised captions."""
    return {id: rouge_l(caption, references[id]) for id, caption in captions.items()}
