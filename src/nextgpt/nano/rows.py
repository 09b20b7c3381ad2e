"""What is written to disk: items (a medium with its exact words) and dialogue rows."""

import random
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_PREFIX = re.compile("^(a drawing|a picture|a clip|an animation) of ")


@dataclass(frozen=True)
class Item:
    """A medium that can be rendered from its scene."""

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
        return self.id.split("-")[0]


@dataclass(frozen=True)
class Turn:
    """A question about media that the user has shown, its answer and the words that a judge looks for."""

    task: str
    question: str
    answer: str
    expected: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A conversation. `expected` and `choices` belong to its last answer; `tasks` names each answer's task."""

    id: str
    task: str
    split: str
    phrasing: str
    messages: list[dict[str, Any]]
    expected: str
    choices: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value or key not in ("choices", "tasks")}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def medium(item: Item) -> dict[str, Any]:
    return {"type": item.modality, "item": item.id}


def drawn_reply(item: Item) -> dict[str, Any]:
    """A medium in an assistant turn: its caption says what to make."""
    return {"type": item.modality, "caption": item.caption, "item": item.id}


def message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(parts)}


def conversation(
    row_id: str, split: str, held_out: bool, media: Sequence[Item], turns: Sequence[Turn], rng: random.Random
) -> Row:
    """The first user turn holds the media, before or after its question."""
    shown = [medium(item) for item in media]
    question = text(turns[0].question)
    first = [*shown, question] if rng.random() < 0.7 else [question, *shown]
    messages = [message("user", *first), message("assistant", text(turns[0].answer))]
    for turn in turns[1:]:
        messages += [message("user", text(turn.question)), message("assistant", text(turn.answer))]
    phrasing = "held-out" if held_out else "train"
    last = turns[-1]
    tasks = [turn.task for turn in turns]
    return Row(row_id, tasks[0], split, phrasing, messages, last.expected, list(last.choices), tasks)
