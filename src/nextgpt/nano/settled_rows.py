"""Requests and replies whose media are settled: what output projectors learn the decoders' sentences from.

What is said varies; the sentence that the decoder is to be given is always the plainest of its scene, so that one
scene has one condition target.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from nextgpt.data.manifest import Dialogue, dialogue_from
from nextgpt.nano.generation_rows import make_one
from nextgpt.nano.rows import Item, row
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.settled_captions import settled_image_caption, settled_video_caption
from nextgpt.nano.settled_sound_captions import settled_sound_caption


class First(random.Random):
    """Chooses the first of anything, and never what happens only now and then: every run says the same."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def random(self) -> float:
        return 1 - 2**-53


PLAINEST: dict[str, Callable[[Item], str]] = {
    "image": lambda item: settled_image_caption(item.scene, First(), item.slots["size"]),
    "video": lambda item: settled_video_caption(item.scene, First(), item.slots["speed"]),
    "audio": lambda item: settled_sound_caption(item.scene, First()),
}


def plainest(item: Item) -> Item:
    """The same settled medium with the plainest sentence of its scene: what a reply says that it makes."""
    return replace(item, caption=PLAINEST[item.modality](item))


def settled_replies(modality: str, number: int, seed: int = 0) -> list[Dialogue]:
    """`number` requests for one medium each, of the training split and training phrasings; other scenes than those
    that the decoders of the same seed were trained on."""
    rng = random.Random(f"{seed}:settled-replies:{modality}")
    return [
        dialogue_from(row(f"settled-{item.id}", "train", False, [make_one(rng, item, False, plainest(item))]))
        for item in SETTLED[modality].items("train", number, seed + 1)
    ]


def behind(dialogues: Iterable[Dialogue], replies: Iterable[Dialogue]) -> list[Dialogue]:
    """Each request and its reply at the end of a dialogue."""
    return [
        dialogue_from({**reply.record, "messages": dialogue.record["messages"] + reply.record["messages"]})
        for dialogue, reply in zip(dialogues, replies)
    ]
