"""Conversations of one to seven turns: each next turn goes on with what is there, or shows something new.

The last turn is planned (SPLITS), so that every cell comes in the place that an evaluation
asks for.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from nextgpt.data.mosit import VERSION
from nextgpt.nano import phrasings
from nextgpt.nano.mosit.cells import (
    CELLS,
    DRILLED,
    EVEN,
    LOOKING_BACK,
    MANY_OUT,
    NAMES,
    OWN_SOUND,
    PLANS,
    SEVERAL,
    WISHES,
)
from nextgpt.nano.mosit.split_rules import allowed
from nextgpt.nano.mosit.talk import Maker, Step, Talk
from nextgpt.nano.mosit.world import World
from nextgpt.nano.nouns import indefinite
from nextgpt.nano.rows import Item, text

TURNS = {1: 30, 2: 22, 3: 18, 4: 12, 5: 8, 6: 6, 7: 4}
GOES_ON, MANY, BACK, CHAT, WRONG_FIRST = 0.5, 0.12, 0.1, 0.07, 0.12
_MAX_TRIES = 120  # a held-out pair comes in about one of ten tries


@dataclass(frozen=True)
class Plan:
    """Of a split. lasts: what last turns are, in turn; drilled: the share of the others that is; held_out: the share of
    conversations in held-out words; new: what its rule is asked of (a sound by itself is no combination, so where
    sounds are asked for, what is shown must be one); names: for each conversation, how many short ones about names come
    behind all."""

    lasts: tuple[tuple[Maker, ...], ...] = EVEN
    drilled: float = 0.0
    held_out: float = 1.0
    new: Callable[[Step], tuple[Item, ...]] = lambda step: step.about
    names: float = 0.0


SPLITS = {
    "train": Plan(PLANS, drilled=0.35, held_out=0.0, names=1.5),
    "combination": Plan(),
    "name": Plan(held_out=0.5),
    "sound": Plan(OWN_SOUND, new=lambda step: step.asked),
    "wish": Plan(WISHES, new=lambda step: tuple(one for one in step.made if one.modality != "audio")),
}

Conversation = tuple[dict[str, Any], tuple[Item, ...]]


def conversations(
    split_name: str, number: int, seed: int, chat: Sequence[tuple[str, str]] = ()
) -> Iterator[Conversation]:
    """(row, its media). chat: (prompt, the base model's answer) pairs that may stand between."""
    rng = random.Random(f"{seed}:mosit:{split_name}")
    world = World(split_name, rng)
    plan = SPLITS[split_name]
    for index, makers in enumerate(islice(cycle(plan.lasts), number)):
        held_out = bool(plan.held_out) and (plan.held_out == 1 or rng.random() < plan.held_out)
        talk = _conversation(Talk(world, rng, held_out), makers, chat)
        if talk is not None:
            yield _row(f"mosit-{split_name}-{index:06d}", split_name, talk), _media(talk)
    for index in range(round(plan.names * number)):
        talk = _about_names(Talk(world, rng, held_out=False))
        row = _row(f"names-{split_name}-{index:06d}", split_name, talk) | {"task": "names"}
        yield row, _media(talk)


def _about_names(talk: Talk) -> Talk:
    """A turn or some in words alone, of what can be made and of what can not."""
    for _ in range(talk.rng.choice((1, 1, 1, 2, 3))):
        step = _turn(talk, NAMES)
        if step is not None:
            talk.add(step)
    return talk


def _conversation(talk: Talk, last: Sequence[Maker], chat: Sequence[tuple[str, str]]) -> Talk | None:
    """None where the split has nothing for the planned turn."""
    turns = talk.rng.choices(list(TURNS), list(TURNS.values()))[0]
    while len(talk.steps) < turns - 1:
        step = _chat(talk, chat) if chat and talk.rng.random() < CHAT else _turn(talk, _any_makers(talk))
        if step is None:
            break
        _add(talk, step)
    step = _turn(talk, last) or (_turn(talk, SEVERAL) if last is LOOKING_BACK else None)
    if step is None:
        return None
    talk.add(step)
    return talk


def _any_makers(talk: Talk) -> Sequence[Maker]:
    chance = talk.rng.random()
    if chance < MANY:
        return SEVERAL + MANY_OUT
    if chance < MANY + BACK and len(talk.steps) > 1:
        return LOOKING_BACK + talk.rng.choice(list(CELLS.values()))
    if talk.rng.random() < SPLITS[talk.world.split_name].drilled:
        return DRILLED
    return talk.rng.choice(list(CELLS.values()))


def _turn(talk: Talk, makers: Sequence[Maker]) -> Step | None:
    """A turn of one of the makers that the split allows: about what is there in half of the cases where it can be."""
    new = SPLITS[talk.world.split_name].new
    for attempt in range(_MAX_TRIES):
        talk.fresh = not (talk.history and attempt < 30 and talk.rng.random() < GOES_ON)
        step = talk.rng.choice(list(makers))(talk)
        if step is not None and allowed(talk.world.split_name, step.media, new(step)):
            return step
    return None


def _add(talk: Talk, step: Step) -> None:
    """A name is sometimes said wrongly first and then set right; nothing is learnt from the wrong reply."""
    named = step.task in ("image-name", "video-name", "audio-name")
    wrong = _wrong_names(step) if named else []
    if not (wrong and talk.rng.random() < WRONG_FIRST):
        talk.add(step)
        return
    said = talk.rng.choice(wrong)
    reply = tuple(text(part["text"].replace(step.expected, said)) for part in step.reply)
    topic = "listen-again" if step.task == "audio-name" else "look-again"
    talk.add(replace(step, reply=reply, language_loss=False))
    talk.add(replace(step, task=f"mosit-{topic}", user=(text(talk.ask(topic)),), shown=()))


def _wrong_names(step: Step) -> list[str]:
    """Of the choices those that can stand behind the same article."""
    article = indefinite(step.expected)
    return [name for name in step.choices if name != step.expected and indefinite(name) == article]


def _chat(talk: Talk, chat: Sequence[tuple[str, str]]) -> Step:
    prompt, answer = talk.rng.choice(list(chat))
    return Step("text->text", "chat", (text(prompt),), (text(answer),), "")


def _media(talk: Talk) -> tuple[Item, ...]:
    return tuple(item for step in talk.steps for item in (*step.shown, *step.made))


def _row(name: str, split_name: str, talk: Talk) -> dict[str, Any]:
    """JSON of a conversation, as docs/mosit.md describes it."""
    last = talk.steps[-1]
    messages: list[dict[str, Any]] = []
    for step in talk.steps:
        loss = {} if step.language_loss else {"language_loss": False}
        messages.append({"role": "user", "content": list(step.user)})
        messages.append({"role": "assistant", "content": list(step.reply)} | loss)
    return {
        "version": VERSION,
        "id": name,
        "task": "mosit",
        "tasks": [step.task for step in talk.steps],
        "split": split_name,
        "phrasing": "held-out" if talk.held_out else "train",
        "cell": last.cell,
        "turns": [_turn_record(step) for step in talk.steps],
        "messages": messages,
        "expected": last.expected,
    } | ({"choices": list(last.choices)} if last.choices else {})


def _turn_record(step: Step) -> dict[str, Any]:
    """What a judge of one reply needs."""
    made = [{"type": item.modality, "caption": item.plain_caption, "slots": item.slots} for item in step.made]
    record = {"cell": step.cell, "task": step.task, "needs_medium": step.needs_medium, "expected": step.expected,
              "media": [item.modality for item in step.made], "made": made}  # fmt: skip
    return record | ({"choices": list(step.choices)} if step.choices else {})


def num_phrasings() -> dict[str, int]:
    """How many ways of asking there are for the topics of this package, trained and held out."""
    from nextgpt.nano.mosit.words import MOSIT_QUESTIONS

    sides = {"train": False, "held-out": True}
    return {
        name: sum(len(phrasings.templates(topic, side)) for topic in MOSIT_QUESTIONS)
        for name, side in sides.items()
    }
