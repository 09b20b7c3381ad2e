"""Dialogue rows from items: conversations to train on, single exchanges to evaluate with."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import Any

from nextgpt.nano import audio_questions, generation_rows, image_questions, video_questions
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.image_questions import Ask
from nextgpt.nano.posterior_rows import posterior_exchanges
from nextgpt.nano.rows import Exchange, Item, exchange, row

ASKS: dict[str, Callable[[Item], dict[str, list[Ask]]]] = {
    "image": image_questions.image_asks,
    "video": video_questions.video_asks,
    "audio": audio_questions.audio_asks,
}


@dataclass(frozen=True)
class RowSizes:
    """Number of rows beside those that every item has. `generation` is for each modality."""

    which: int
    fit: int
    mixed: int
    generation: int
    two_media: int
    cross: int
    photo: int
    recording: int
    film: int


TRAIN_ROWS = RowSizes(4000, 3000, 1500, 1500, 700, 500, 2000, 1563, 1000)
EVALUATION_ROWS = RowSizes(250, 250, 250, 250, 100, 60, 125, 125, 125)

Conversation = tuple[bool, Sequence[Exchange]]


def make_rows(items: Sequence[Item], split_name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Every row of one split. Phrasings: train none held out, "combination" all, elsewhere half."""
    chosen = [item for item in items if item.split == split_name]
    training = split_name == "train"
    rng = random.Random(f"{seed}:dialogues:{split_name}")
    builder = _Builder(chosen, split_name, rng, TRAIN_ROWS if training else EVALUATION_ROWS)
    about_items = builder.training() if training else builder.evaluation()
    for number, (held_out, exchanges) in enumerate(chain(about_items, builder.shared())):
        yield row(f"{split_name}-{number:06d}", split_name, held_out, exchanges)


@dataclass(frozen=True)
class _Builder:
    """The conversations of one split."""

    items: Sequence[Item]
    split_name: str
    rng: random.Random
    sizes: RowSizes

    def training(self) -> Iterator[Conversation]:
        """Two to four different questions about every item, in one conversation."""
        for item in self.items:
            asks = ASKS[item.modality](item)
            tasks = self.rng.sample(sorted(asks), min(len(asks), self.rng.choice((2, 3, 3, 4))))
            turns = [self.rng.choice(asks[task])(self.rng, item, False) for task in self._in_order(tasks)]
            yield False, [exchange(turns[0], (item,), self.rng), *map(exchange, turns[1:])]

    def _in_order(self, tasks: list[str]) -> list[str]:
        """Questions whose answers give others away come last, those that others give away come first."""
        if self.rng.random() < 0.3:
            return tasks
        return sorted(tasks, key=lambda task: (not task.endswith("-name"), task.endswith("-describe")))

    def evaluation(self) -> Iterator[Conversation]:
        """One question a row, every task that an item allows."""
        for item in self.items:
            held_out = self._held_out()
            for task, asks in ASKS[item.modality](item).items():
                if task == "image-position" and item.slots["place"] == "centre" and self.rng.random() < 0.8:
                    continue  # most single things stand in the centre
                turn = self.rng.choice(asks)(self.rng, item, held_out)
                yield held_out, [exchange(turn, (item,), self.rng)]

    def _held_out(self) -> bool:
        """Whether the next phrasing is a held-out one."""
        return self.split_name == "combination" or (self.split_name != "train" and self.rng.random() < 0.5)

    def shared(self) -> Iterator[Conversation]:
        """Rows that are not about one item alone."""
        makers = {
            self.which: self.sizes.which,
            self.fit: self.sizes.fit,
            self.mixed: self.sizes.mixed,
            self.two_media: self.sizes.two_media,
        }
        for make, size in makers.items():
            yield from islice(make(), size)
        yield from self.generation()
        yield from self.cross()
        if self.split_name in ("train", "combination"):
            yield from self.posteriors()

    def which(self) -> Iterator[Conversation]:
        """Two pictures in one message."""
        clear = [item for item in self._by_modality["image"] if image_questions.is_clear(item)]
        for first in self._shuffled(clear):
            second, held_out = self.rng.choice(clear), self._held_out()
            if not set(first.name.split()) & set(second.name.split()):
                turn = image_questions.ask_which(self.rng, first, second, held_out)
                yield held_out, [exchange(turn, (first, second), self.rng)]

    def fit(self) -> Iterator[Conversation]:
        """A picture and a sound, every second pair not fitting."""
        for picture, sound in self._again(self._fitting):
            if self.rng.random() < 0.5:
                sound = self._unfitting(picture, sound)
            held_out = self._held_out()
            turn = audio_questions.ask_fit(self.rng, picture, sound, held_out)
            yield held_out, [exchange(turn, (picture, sound), self.rng)]

    def _unfitting(self, picture: Item, sound: Item) -> Item:
        """A sound that belongs to another thing; the same sound where there is no other."""
        for _attempt in range(20):
            other = self.rng.choice(self._fitting)[1]
            if other.name not in FITS[picture.name]:
                return other
        return sound

    def mixed(self) -> Iterator[Conversation]:
        """A picture and a sound in one message; one of them is asked about, in training then the other."""
        sounds = self._by_modality["audio"]
        for picture in self._shuffled(self._by_modality["image"]) if sounds else ():
            media = self.rng.sample((picture, self.rng.choice(sounds)), 2)
            held_out = self._held_out()
            turns = [replace(self._any_turn(item, held_out), task="mixed") for item in media]
            shown = self.rng.sample(media, 2)
            first = exchange(turns[0], shown, self.rng)
            yield held_out, [first, exchange(turns[1])] if self.split_name == "train" else [first]

    def _any_turn(self, item: Item, held_out: bool) -> Any:
        asks = ASKS[item.modality](item)
        return self.rng.choice(asks[self.rng.choice(sorted(asks))])(self.rng, item, held_out)

    def generation(self) -> Iterator[Conversation]:
        """One medium for a request; in training one in three is then asked about."""
        for modality in ASKS:
            for item in islice(self._again(self._by_modality[modality]), self.sizes.generation):
                held_out = self._held_out()
                exchanges = [generation_rows.make_one(self.rng, item, held_out)]
                if self.split_name == "train" and self.rng.random() < 0.3:
                    exchanges.append(exchange(self._any_turn(item, False)))
                yield held_out, exchanges

    def two_media(self) -> Iterator[Conversation]:
        for picture, sound in self._again(self._fitting):
            other = self.rng.choice(self._by_modality["video"] or [picture])
            first, second = self.rng.choice(
                ((picture, sound), (sound, picture), (picture, other), (other, sound))
            )
            held_out = self._held_out()
            if first is not second:
                yield (
                    held_out,
                    [generation_rows.make_several(self.rng, "gen-mixed", (first, second), held_out)],
                )

    def cross(self) -> Iterator[Conversation]:
        """A shown medium becomes another one; in training a question may come before."""
        fitting = self._fitting
        twins = list(generation_rows.twins(self.items))
        makers: dict[
            Callable[[random.Random, Item, Item, bool], Exchange], tuple[list[tuple[Item, Item]], int]
        ]
        makers = {
            generation_rows.picture_to_sound: (fitting, 0),
            generation_rows.sound_to_picture: (fitting, 1),
            generation_rows.clip_to_picture: (twins, 1),
            generation_rows.picture_to_clip: (twins, 0),
        }
        for make, (pairs, shown) in makers.items():
            for pair in islice(self._again(pairs), self.sizes.cross):
                held_out = self._held_out()
                wish = make(self.rng, pair[0], pair[1], held_out)
                if self.split_name == "train" and self.rng.random() < 0.4:
                    asked = exchange(self._any_turn(pair[shown], False), (pair[shown],), self.rng)
                    words_only = tuple(part for part in wish.user if part["type"] == "text")
                    yield held_out, [asked, replace(wish, user=words_only)]
                else:
                    yield held_out, [wish]

    def posteriors(self) -> Iterator[Conversation]:
        held_out = self.split_name != "train"
        for task in ("photo", "recording", "film"):
            size = getattr(self.sizes, task)
            for one in posterior_exchanges(self.items, task, size, held_out, self.rng):
                yield held_out, [one]

    @cached_property
    def _by_modality(self) -> dict[str, list[Item]]:
        return {modality: [item for item in self.items if item.modality == modality] for modality in ASKS}

    @cached_property
    def _fitting(self) -> list[tuple[Item, Item]]:
        return list(generation_rows.fitting_sounds(self.rng, self.items))

    def _shuffled(self, items: Sequence[Any]) -> list[Any]:
        return self.rng.sample(items, len(items))

    def _again(self, items: Sequence[Any]) -> Iterator[Any]:
        """All of them in a new order, again and again; nothing when there are none."""
        while items:
            yield from self._shuffled(items)
