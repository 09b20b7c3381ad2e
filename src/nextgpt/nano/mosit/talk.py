"""What a maker of turns works with: the conversation so far, and the turn that it makes."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from nextgpt.nano import generation_rows, phrasings
from nextgpt.nano.mosit.world import World
from nextgpt.nano.rows import Item, Part, medium, text
from nextgpt.nano.settled_rows import plainest


@dataclass(frozen=True)
class Step:
    """A user message and its reply. cell: "image+audio->text"; needs_medium: whether only media that were shown tell
    what is right; shown, made: their media in order; expected: the words of a text answer."""

    cell: str
    task: str
    user: tuple[Part, ...]
    reply: tuple[Part, ...]
    expected: str
    needs_medium: bool = False
    shown: tuple[Item, ...] = ()
    made: tuple[Item, ...] = ()
    choices: tuple[str, ...] = ()
    language_loss: bool = True
    asked: tuple[Item, ...] = ()

    @property
    def about(self) -> tuple[Item, ...]:
        """What a judge looks at: media that are made, else those that are asked about."""
        return self.made or self.asked

    @property
    def media(self) -> tuple[Item, ...]:
        return self.shown + self.made + self.asked


@dataclass
class Seen:
    """A medium of the conversation. named: some text has told what it is."""

    item: Item
    by_user: bool
    named: bool


@dataclass(frozen=True)
class Subject:
    """What a request is about. shown: whether it stands in the request's own message."""

    item: Item
    shown: bool
    needed: bool


@dataclass
class Talk:
    """fresh: the next turn shows new media; otherwise it speaks of what was shown or made before."""

    world: World
    rng: random.Random
    held_out: bool
    fresh: bool = True
    history: list[Seen] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def subject(
        self, modality: str, show: Callable[[], Item | None], fits: Callable[[Item], bool] = bool
    ) -> Subject | None:
        """A new medium, or the last one of the conversation where that is of the modality and fits."""
        if self.fresh:
            item = show()
            return Subject(item, True, True) if item is not None and fits(item) else None
        last = self.history[-1] if self.history else None
        if last is None or last.item.modality != modality or not fits(last.item):
            return None
        return Subject(last.item, False, last.by_user and not last.named)

    def ask(self, topic: str, **fields: str) -> str:
        return phrasings.ask(self.rng, topic, self.held_out, **fields)

    def make(self, topic: str, subjects: tuple[Subject, ...], made: tuple[Item, ...], **fields: str) -> Step:
        """A request about subjects, whose reply makes media."""
        task = f"mosit-{topic}"
        made = tuple(map(plainest, made))
        reply = generation_rows.reply(self.rng, made)
        expected = generation_rows.captions_of(made)
        cell = cell_name([one.item for one in subjects], made)
        words = self.ask(topic, **fields)
        needed = any(one.needed for one in subjects)
        shown = tuple(one.item for one in subjects if one.shown)
        return Step(cell, task, self.message(shown, words), reply, expected, needed, shown, made,
                    asked=tuple(one.item for one in subjects))  # fmt: skip

    def message(self, shown: tuple[Item, ...], words: str) -> tuple[Part, ...]:
        """Media before the words, or for three in ten behind them."""
        media = tuple(medium(item) for item in shown)
        return (text(words), *media) if media and self.rng.random() < 0.3 else (*media, text(words))

    def add(self, step: Step) -> None:
        """Once a text has named what a medium shows, later turns may know it from there."""
        said = " ".join(part["text"] for part in (*step.user, *step.reply) if part["type"] == "text").lower()
        self.history += [Seen(item, True, False) for item in step.shown]
        self.history += [Seen(item, False, True) for item in step.made]
        for seen in self.history:
            seen.named = seen.named or seen.item.name in said
        self.steps.append(step)

    def users(self, modality: str) -> Iterator[Seen]:
        """Media of that modality that the user has shown."""
        return (seen for seen in self.history if seen.by_user and seen.item.modality == modality)


def read_first(words: str, step: Step) -> Step:
    """The reply says what it was shown before it makes something of it. What is read and what becomes of it are then
    decided one behind the other, the second by words (decision 7)."""
    said, *more = step.reply
    return replace(step, reply=(text(f"{words} {said['text']}"), *more))


Maker = Callable[[Talk], Step | None]
ORDER = ("image", "audio", "video")


def cell_name(shown: Any, made: Any) -> str:
    """ "image+audio->text": modalities of what a turn is about, and of what its reply is made of."""
    return "->".join("+".join(one.modality for one in media) or "text" for media in (shown, made))
