"""Questions of the understanding world about any medium of a conversation, settled ones too."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nextgpt.nano import captions
from nextgpt.nano.dialogues import ASKS
from nextgpt.nano.mosit.talk import Step, Subject, Talk, cell_name
from nextgpt.nano.rows import Item, text
from nextgpt.nano.sound_scenes import SOUND_KINDS

SLOTS: dict[str, Callable[[Any], dict[str, str]]] = {
    "image": captions.image_slots,
    "video": captions.video_slots,
    "audio": captions.audio_slots,
}


ASKABLE: dict[str, Callable[[Any], bool]] = {
    "image": lambda scene: scene.kind != "between",
    "video": lambda scene: True,
    "audio": lambda scene: scene.kind in SOUND_KINDS,
}


def is_askable(item: Item) -> bool:
    """Whether the understanding world has such scenes: no chords, rhythms, or three things in a row."""
    return ASKABLE[item.modality](item.scene)


def ask_about(talk: Talk, subject: Subject) -> Step | None:
    item = subject.item
    if not is_askable(item):
        return None
    plain = replace(item, slots=SLOTS[item.modality](item.scene))
    asks = ASKS[item.modality](plain)
    turn = talk.rng.choice(asks[talk.rng.choice(sorted(asks))])(talk.rng, plain, talk.held_out)
    shown = (item,) if subject.shown else ()
    user = talk.message(shown, turn.question)
    return Step(cell_name([item], []), turn.task, user, (text(turn.answer),), turn.expected, subject.needed, shown,
                choices=turn.choices, asked=(item,))  # fmt: skip
