"""Dialogue rows from items: conversations to train on, single questions to evaluate with."""

import random
from collections.abc import Iterator, Sequence

from nextgpt.nano import audio_questions, image_questions, video_questions
from nextgpt.nano.rows import Item, Row, Turn, conversation

ASKS = {
    "image": image_questions.image_asks,
    "video": video_questions.video_asks,
    "audio": audio_questions.audio_asks,
}


def make_rows(items: Sequence[Item], split_name: str, seed: int) -> Iterator[Row]:
    """Every row of one split."""
    chosen = [item for item in items if item.split == split_name]
    rng = random.Random(f"{seed}:dialogues:{split_name}")
    makers = (_training_rows, _which_rows) if split_name == "train" else (_evaluation_rows, _which_rows)
    number = 0
    for make in makers:
        for held_out, media, turns in make(chosen, split_name, rng):
            yield conversation(f"{split_name}-{number:06d}", split_name, held_out, media, turns, rng)
            number += 1


Plan = tuple[bool, Sequence[Item], Sequence[Turn]]


def _training_rows(items: Sequence[Item], _split: str, rng: random.Random) -> Iterator[Plan]:
    """One conversation of two to four different questions about every item."""
    for item in items:
        asks = ASKS[item.modality](item)
        tasks = _in_order(rng, rng.sample(sorted(asks), min(len(asks), rng.choice((2, 3, 3, 4)))))
        yield False, (item,), [rng.choice(asks[task])(rng, item, False) for task in tasks]


def _in_order(rng: random.Random, tasks: list[str]) -> list[str]:
    """Questions whose answers give others away come last, questions that others give away come first."""
    if rng.random() < 0.3:
        return tasks
    return sorted(tasks, key=lambda task: (not task.endswith("-name"), task.endswith("-describe")))


def _evaluation_rows(items: Sequence[Item], split_name: str, rng: random.Random) -> Iterator[Plan]:
    """One question a row, every task that the item allows; in split "combination" all phrasings are held out."""
    for index, item in enumerate(items):
        held_out = split_name == "combination" or index % 2 == 0
        for task, asks in ASKS[item.modality](item).items():
            if task == "image-position" and item.slots["place"] == "centre" and rng.random() < 0.8:
                continue  # most single things stand in the centre
            yield held_out, (item,), [rng.choice(asks)(rng, item, held_out)]


def _which_rows(items: Sequence[Item], split_name: str, rng: random.Random) -> Iterator[Plan]:
    """Two pictures in one message."""
    clear = [item for item in items if item.modality == "image" and image_questions.is_clear(item)]
    for first in clear if split_name != "train" else clear[::4]:
        second = rng.choice(clear)
        if not set(first.slots["name_a"].split()) & set(second.slots["name_a"].split()):
            held_out = split_name == "combination"
            yield held_out, (first, second), [image_questions.ask_which(rng, first, second, held_out)]
