"""Ask a model the questions of a manifest, under conditions that show where an answer comes from.

real       the medium as it is
blind      no medium: what the question alone gives away
shuffled   another item's medium of the same modality
caption    the true caption in the medium's place: what the language model makes of perfect sight
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from nextgpt.batch import media_in_order
from nextgpt.data.batches import Batches, stack_padded
from nextgpt.data.manifest import Dialogue, ItemPart, Text, Turn
from nextgpt.errors import DataError
from nextgpt.generation.engine import Engine
from nextgpt.generation.steps import Decoding

CONDITIONS = ("real", "blind", "shuffled", "caption")


@dataclass(frozen=True)
class Answer:
    dialogue: Dialogue
    condition: str
    text: str
    expected: str


def question(dialogue: Dialogue) -> tuple[Turn, ...]:
    """The turns before the last answer."""
    return dialogue.turns[:-1]


def change_media(turns: Sequence[Turn], change: Callable[[ItemPart], Any]) -> tuple[Turn, ...]:
    """change(part) -> another part, or None to leave it out."""
    changed = []
    for turn in turns:
        parts = [change(part) if isinstance(part, ItemPart) else part for part in turn.content]
        changed.append(replace(turn, content=tuple(part for part in parts if part is not None)))
    return tuple(changed)


def conditioned(turns: Sequence[Turn], condition: str, batches: Batches, number: int) -> tuple[Turn, ...]:
    """The question as the condition has it; `number` picks the other item of `shuffled`."""

    def other(part: ItemPart) -> ItemPart:
        split = batches.items[part.item]["split"]
        same = [row["id"] for row in batches.items.by_modality[part.modality] if row["split"] == split]
        if len(same) < 2:
            raise DataError(
                f"The split {split} has only one {part.modality}, so there is none to take in its place."
            )
        found = same[(same.index(part.item) + 1 + number % (len(same) - 1)) % len(same)]
        return replace(part, item=found, posterior=None)

    def in_words(part: ItemPart) -> Text:
        known = part.posterior is not None
        caption = batches.label(part) if known else batches.items[part.item]["caption"]
        return Text(f"({part.modality}: {caption}) ")

    changes: dict[str, Callable[[ItemPart], Any]] = {
        "real": lambda part: part,
        "blind": lambda part: None,
        "shuffled": other,
        "caption": in_words,
    }
    return change_media(turns, changes[condition])


def as_asked(dialogues: Sequence[Dialogue], condition: str, batches: Batches) -> list[Dialogue]:
    """The questions as `ask` puts them: what is shown there must have been encoded, too."""
    return [
        replace(dialogue, turns=conditioned(question(dialogue), condition, batches, number))
        for number, dialogue in enumerate(dialogues)
    ]


@contextmanager
def without(model: Any, branch: str) -> Iterator[None]:
    """The model's input projectors with that branch absent; as they were when `branch` is empty."""
    projectors = model.input_projectors.values()
    for projector in projectors:
        projector.removed = frozenset({branch})
    try:
        yield
    finally:
        for projector in projectors:
            projector.removed = frozenset()


def ask(
    engine: Engine,
    batches: Batches,
    dialogues: Sequence[Dialogue],
    condition: str,
    *,
    batch_size: int = 32,
    max_new_tokens: int = 24,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[Answer]:
    """Greedy answers in the order of the dialogues."""
    answers, asked = [], as_asked(dialogues, condition, batches)
    for start in track(range(0, len(dialogues), batch_size)):
        chunk = dialogues[start : start + batch_size]
        some = asked[start : start + batch_size]
        rows = [batches.processor.row(one.turns, generate=True) for one in some]
        inputs = {
            modality: stack_padded([batches.output(part) for part in parts])
            for modality, parts in media_in_order(rows, "inputs").items()
        }
        made = engine.generate(engine.prompts(rows, inputs), Decoding(max_new_tokens))
        for dialogue, generation in zip(chunk, made):
            expected = batches.fill_text(dialogue, dialogue.record.get("expected", ""))
            answers.append(Answer(dialogue, condition, engine.text(generation.ids).strip(), expected))
    return answers
