"""Requests and replies whose media are settled: what output projectors learn the decoders' sentences from."""

import random

from nextgpt.data.manifest import Dialogue, dialogue_from
from nextgpt.nano.generation_rows import make_one
from nextgpt.nano.rows import row
from nextgpt.nano.settled import SETTLED


def settled_replies(modality: str, number: int, seed: int = 0) -> list[Dialogue]:
    """`number` requests for one medium each, of the training split and training phrasings; other scenes than those
    that the decoders of the same seed were trained on."""
    rng = random.Random(f"{seed}:settled-replies:{modality}")
    items = SETTLED[modality].items("train", number, seed + 1)
    rows = (row(f"settled-{item.id}", "train", False, [make_one(rng, item, False)]) for item in items)
    return [dialogue_from(one) for one in rows]
