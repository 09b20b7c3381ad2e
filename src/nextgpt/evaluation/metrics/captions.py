"""All caption metrics of one set: BLEU, ROUGE-L, CIDEr-D here; METEOR, SPICE, SPIDEr where Java has what they need.

As coco-caption prints them: in 0..1 (CIDEr-D from 0 to 10). SPIDEr is the mean of CIDEr-D and SPICE (arXiv 1612.00370).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from nextgpt.evaluation.metrics import java_captions
from nextgpt.evaluation.metrics.bleu import bleu
from nextgpt.evaluation.metrics.caption_tokens import Tokenise, tokenise_here
from nextgpt.evaluation.metrics.cider import cider_d
from nextgpt.evaluation.metrics.java_captions import JavaError
from nextgpt.evaluation.metrics.rouge import rouge
from nextgpt.evaluation.scores import Scores

logger = logging.getLogger(__name__)
ALONE = "CIDEr-D of a single item is always 0: its document frequencies come from the set that is scored."
NEAR_PTB = (
    "Tokens are this package's own near copy of PTBTokenizer's, since it is not available ({missing}); published "
    "scores use PTBTokenizer."
)

Captions = Mapping[str, str]
References = Mapping[str, Sequence[str]]


def choose_tokeniser() -> tuple[Tokenise, str]:
    """(tokeniser, note): PTBTokenizer where Java has it, else ours with a note that says so."""
    missing = java_captions.missing_java()
    return (
        (tokenise_here, NEAR_PTB.format(missing=missing)) if missing else (java_captions.tokenise_by_java, "")
    )


def tokenised(
    captions: Captions, references: References, tokenise: Tokenise
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Both, in one call of the tokeniser, in the order of the captions."""
    texts = [text for id in captions for text in (captions[id], *references[id])]
    tokens = iter(tokenise(texts))
    said, others = {}, {}
    for id in captions:
        said[id] = next(tokens)
        others[id] = [next(tokens) for _ in references[id]]
    return said, others


def score_captions(captions: Captions, references: References, tokenise: Tokenise | None = None) -> Scores:
    """One caption an id against its references, both as plain text. The value is CIDEr-D.

    tokenise: texts -> tokens joined by spaces; None takes PTBTokenizer where it is, else what comes near it.
    """
    note = ""
    if tokenise is None:
        tokenise, note = choose_tokeniser()
    try:
        said, others = tokenised(captions, references, tokenise)
    except JavaError as error:
        note = NEAR_PTB.format(missing=error)
        said, others = tokenised(captions, references, tokenise_here)
    return score_tokens(said, others, (note,) if note else ())


def score_tokens(
    said: Captions, others: References, notes: tuple[str, ...] = (), java: bool = True
) -> Scores:
    """The same for captions that are tokenised already."""
    breakdown = {f"Bleu_{order}": value for order, value in enumerate(bleu(said, others), 1)}
    breakdown["ROUGE_L"] = fmean(rouge(said, others).values())
    per_item = cider_d(said, others)
    breakdown["CIDEr"] = fmean(per_item.values())
    unavailable = _add_java(breakdown, said, others) if java else []
    notes += (ALONE,) if len(said) == 1 else ()
    return Scores(
        "CIDEr-D", breakdown["CIDEr"], len(said), breakdown, per_item, "; ".join(unavailable), notes
    )


def _add_java(breakdown: dict[str, float], said: Captions, others: References) -> list[str]:
    """Put METEOR, SPICE and SPIDEr into the breakdown; returns what is missing for those that are not."""
    unavailable = []
    try:
        if missing := java_captions.missing_java():
            raise JavaError(missing)
        breakdown["METEOR"] = java_captions.meteor(said, others)[0]
    except JavaError as error:
        unavailable.append(f"METEOR: not available: {error}")
    try:
        if missing := java_captions.missing_spice():
            raise JavaError(missing)
        breakdown["SPICE"] = fmean(java_captions.spice(said, others).values())
        breakdown["SPIDEr"] = (breakdown["CIDEr"] + breakdown["SPICE"]) / 2
    except JavaError as error:
        unavailable.append(f"SPICE and SPIDEr: not available: {error}")
    return unavailable


def references_by_id(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """(id, reference) -> id -> its references, in their order."""
    found: dict[str, list[str]] = {}
    for id, text in pairs:
        found.setdefault(id, []).append(text)
    return found
