"""Rows whose answer is a class name: tasks "photo" and "film" (1000 ImageNet classes), task "recording" (521
AudioSet classes).

There are no photos here: training code replaces the encoder's class scores of a drawing by a synthetic
posterior of the class ("posterior": {"class", "seed"}), or keeps the encoder's own ("posterior": null). The
answer keeps the literal field {label}, which the loader fills with the class name (images with an article,
sounds without, lower case).
"""

import random
from collections.abc import Iterator, Sequence

from nextgpt.nano import phrasings
from nextgpt.nano.rows import Exchange, Item, Part, medium, text

NUM_CLASSES = {"photo": 1000, "recording": 521, "film": 1000}
MODALITY_OF = {"photo": "image", "recording": "audio", "film": "video"}


def posterior_exchanges(
    items: Sequence[Item], task: str, num_each: int, held_out: bool, rng: random.Random
) -> Iterator[Exchange]:
    """`num_each` exchanges with a synthetic posterior, evenly over the classes, and as many with none."""
    chosen = [item for item in items if item.modality == MODALITY_OF[task]]
    if not chosen:
        return
    classes = [number % NUM_CLASSES[task] for number in range(num_each)]
    rng.shuffle(classes)
    for number in classes:
        yield _exchange(
            task, rng.choice(chosen), {"class": number, "seed": rng.randrange(1 << 31)}, held_out, rng
        )
        yield _exchange(task, rng.choice(chosen), None, held_out, rng)


def _exchange(
    task: str, item: Item, posterior: dict[str, int] | None, held_out: bool, rng: random.Random
) -> Exchange:
    shown: Part = medium(item) | {"posterior": posterior}
    question = text(phrasings.ask(rng, task, held_out))
    user = (shown, question) if rng.random() < 0.7 else (question, shown)
    return Exchange(task, user, (text(phrasings.answer(rng, task)),), "{label}")
