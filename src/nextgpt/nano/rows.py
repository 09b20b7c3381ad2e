"""What is written to disk: items (a medium with its exact words) and dialogue rows."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PREFIX = re.compile("^(a drawing|a picture|a clip|an animation) of ")

Part = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """A medium that can be rendered from its scene. Its id begins with its modality."""

    id: str
    split: str
    source: tuple[str, ...]
    scene: Any
    caption: str
    slots: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "split": self.split,
            "source": list(self.source),
            "scene": self.scene.to_dict(),
            "caption": self.caption,
            "slots": self.slots,
        }

    @property
    def plain_caption(self) -> str:
        """The caption without a leading "a drawing of"."""
        return _PREFIX.sub("", self.caption)

    @property
    def modality(self) -> str:
        return self.id.partition("-")[0]

    @property
    def name(self) -> str:
        """The first thing that is seen or heard."""
        return self.slots.get("name_a") or self.slots.get("name") or self.slots["first"]


@dataclass(frozen=True)
class Turn:
    """A question, its answer and the words that a judge looks for."""

    task: str
    question: str
    answer: str
    expected: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """A user message and its reply, as content parts."""

    task: str
    user: tuple[Part, ...]
    reply: tuple[Part, ...]
    expected: str
    choices: tuple[str, ...] = ()


def text(words: str) -> Part:
    return {"type": "text", "text": words}


def medium(item: Item) -> Part:
    """A medium that the user shows."""
    return {"type": item.modality, "item": item.id}


def made(item: Item) -> Part:
    """A medium that the assistant makes: its caption says what."""
    return {"type": item.modality, "caption": item.plain_caption, "item": item.id}


def exchange(turn: Turn, media: Sequence[Item] = (), rng: random.Random | None = None) -> Exchange:
    """A turn with its media shown before (or, for one in three, after) the question."""
    shown, question = [medium(item) for item in media], text(turn.question)
    after = rng is not None and rng.random() < 0.3
    user = (question, *shown) if after else (*shown, question)
    return Exchange(turn.task, user, (text(turn.answer),), turn.expected, turn.choices)


def row(row_id: str, split: str, held_out: bool, exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """JSON of a conversation. `task` is its first exchange's, `tasks` all of them; `expected` and `choices`
    belong to its last reply, which an evaluation leaves out of the prompt.
    """
    messages = []
    for one in exchanges:
        messages.append({"role": "user", "content": list(one.user)})
        messages.append({"role": "assistant", "content": list(one.reply)})
    last = exchanges[-1]
    made_row = {
        "id": row_id,
        "task": exchanges[0].task,
        "tasks": [one.task for one in exchanges],
        "split": split,
        "phrasing": "held-out" if held_out else "train",
        "messages": messages,
        "expected": last.expected,
    }
    return made_row | ({"choices": list(last.choices)} if last.choices else {})
