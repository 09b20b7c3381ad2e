"""Requests and replies whose media are settled: what output projectors learn the decoders' sentences from.

What is said varies; the sentence that the decoder is to be given is always the plainest of its scene, so that one
scene has one condition target.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nextgpt.data.manifest import Dialogue, ItemPart, Turn, dialogue_from
from nextgpt.nano.generation_rows import make_one
from nextgpt.nano.rows import Item, row
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.settled_captions import settled_image_caption, settled_video_caption
from nextgpt.nano.settled_sound_captions import settled_sound_caption


class First(random.Random):
    """Chooses the first of anything."""

    def choice(self, seq: Any) -> Any:
        return seq[0]


PLAINEST: dict[str, Callable[[Item], str]] = {
    "image": lambda item: settled_image_caption(item.scene, First(), item.slots["size"]),
    "video": lambda item: settled_video_caption(item.scene, First(), item.slots["speed"]),
    "audio": lambda item: settled_sound_caption(item.scene, First()),
}


def settled_replies(modality: str, number: int, seed: int = 0) -> list[Dialogue]:
    """`number` requests for one medium each, of the training split and training phrasings; other scenes than those
    that the decoders of the same seed were trained on."""
    rng = random.Random(f"{seed}:settled-replies:{modality}")
    items = SETTLED[modality].items("train", number, seed + 1)
    return [_reply(item, make_one(rng, item, False)) for item in items]


def _reply(item: Item, exchange: Any) -> Dialogue:
    dialogue = dialogue_from(row(f"settled-{item.id}", "train", False, [exchange]))
    plain = replace(item, caption=PLAINEST[item.modality](item)).plain_caption
    return replace(dialogue, turns=tuple(_told(turn, plain) for turn in dialogue.turns))


def _told(turn: Turn, caption: str) -> Turn:
    parts = (replace(part, caption=caption) if isinstance(part, ItemPart) else part for part in turn.content)
    return replace(turn, content=tuple(parts))
