"""Which turns of modality-switching dialogues are asked, and in which group of the table they count.

A group is a cell ("image->audio", sixteen of them) or one of EXTRA. A turn is asked with everything that stands before
it; it may count in several groups and is asked once.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from nextgpt.data.manifest import Dialogue
from nextgpt.nano import phrasings
from nextgpt.nano.chat_prompts import chat_prompts
from nextgpt.nano.matrix.words import has_judge

MODALITIES = ("text", "image", "audio", "video")
CELLS = tuple(f"{one}->{other}" for one, other in product(MODALITIES, MODALITIES))


@dataclass(frozen=True)
class MatrixRow:
    """messages: the conversation as JSON, its last one the user's; reply: the exact answer's parts.

    expected, choices: for judges of words; media: modalities that the reply should have, in order.
    """

    id: str
    cell: str
    task: str
    messages: tuple[dict[str, Any], ...]
    reply: tuple[dict[str, Any], ...]
    expected: str = ""
    choices: tuple[str, ...] = ()
    needs_medium: bool = False
    split: str = "combination"

    @property
    def made(self) -> tuple[dict[str, Any], ...]:
        """The media that are asked for, as parts that name their items."""
        return tuple(part for part in self.reply if part["type"] != "text")

    @property
    def media(self) -> tuple[str, ...]:
        return tuple(part["type"] for part in self.made)

    @property
    def reply_text(self) -> str:
        return " ".join(part["text"] for part in self.reply if part["type"] == "text")

    @property
    def shown(self) -> tuple[dict[str, Any], ...]:
        """Media of the last message."""
        return tuple(part for part in self.messages[-1]["content"] if part["type"] != "text")

    @property
    def record(self) -> dict[str, Any]:
        """What a judge of words gets: of the conversation, the question alone."""
        choices = {"choices": list(self.choices)} if self.choices else {}
        return {"expected": self.expected, "messages": [self.messages[-1], None], **choices}


# Groups with a split of their own; the dialogues of split "combination" are asked for all others.
SPLIT_OF = {"own sound": "sound", "wishes": "wish"}
OWN_SOUND = ("mosit-sound-of", "mosit-no-sound")
WISHES = ("mosit-wish-image", "mosit-wish-audio", "mosit-wish-video", "mosit-refuse-wish")
EXTRA: dict[str, Callable[[MatrixRow], bool]] = {
    "several in": lambda row: "+" in row.cell.partition("->")[0] and len(row.made) < 2,
    "two media": lambda row: len(row.made) == 2,
    "three media": lambda row: len(row.made) == 3,
    "references": lambda row: not row.shown and not row.cell.startswith("text") and len(row.made) < 2,
    "chat": lambda row: row.task == "chat",
    "own sound": lambda row: row.task in OWN_SOUND,
    "wishes": lambda row: row.task in WISHES,
}
GROUPS = (*CELLS, *EXTRA)


def belongs(row: MatrixRow, group: str) -> bool:
    """Each split is asked for its own groups alone, so that a new one leaves the others their rows."""
    if row.split != SPLIT_OF.get(group, "combination"):
        return False
    return EXTRA[group](row) if group in EXTRA else row.cell == group and row.task != "chat"


def turns_of(dialogue: Dialogue) -> Iterator[MatrixRow]:
    """Its turns that can be judged. A reply that is wrong on purpose (and then set right) is none."""
    messages = [plain(message) for message in dialogue.record["messages"]]
    for index, turn in enumerate(dialogue.record["turns"]):
        reply = messages[2 * index + 1]
        row = MatrixRow(
            f"{dialogue.id}.{index + 1}",
            turn["cell"],
            turn["task"],
            tuple(messages[: 2 * index + 1]),
            tuple(reply["content"]),
            turn["expected"],
            tuple(turn.get("choices", ())),
            turn["needs_medium"],
            str(dialogue.record["split"]),
        )
        learnt = dialogue.record["messages"][2 * index + 1].get("language_loss", True)
        if learnt and row.task != "chat" and (row.made or has_judge(row.task)):
            yield row


def plain(message: dict[str, Any]) -> dict[str, Any]:
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"role": message["role"], "content": parts}


def chat_rows() -> list[MatrixRow]:
    """Plain prompts that were never trained: no media are wanted."""
    return [
        MatrixRow(row["id"], "text->text", "chat", (user(row["text"]),), ())
        for row in chat_prompts()
        if row["split"] != "train"
    ]


def user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": words}]}


def apart(row: MatrixRow) -> tuple[MatrixRow, ...]:
    """The media of a reply of several, each asked for by itself in held-out words; none where there is but one."""
    rng = random.Random(row.id)
    parts = row.made if len(row.made) > 1 else ()
    asked = [phrasings.ask(rng, f"gen-{part['type']}", True, caption=part["caption"]) for part in parts]
    return tuple(
        MatrixRow(
            part_id(row, place), f"text->{part['type']}", f"gen-{part['type']}", (user(words),), (part,)
        )
        for place, (part, words) in enumerate(zip(parts, asked))
    )


def part_id(row: MatrixRow, place: int) -> str:
    return f"{row.id}.{place + 1}"


def groups_of(
    dialogues: Sequence[Dialogue], limit: int, wanted: Sequence[str] = ()
) -> dict[str, list[MatrixRow]]:
    """group -> at most `limit` rows. Turns that end a conversation come first: they were planned, a cell each.

    wanted: groups; all where empty. Groups without rows are left out.
    """
    rows = [row for dialogue in dialogues for row in turns_of(dialogue)]
    ends = {f"{one.id}.{len(one.record['turns'])}" for one in dialogues}
    rows.sort(key=lambda row: row.id not in ends)  # keeps the order otherwise
    rows += chat_rows()
    found = {name: [row for row in rows if belongs(row, name)][:limit] for name in wanted or GROUPS}
    return {name: some for name, some in found.items() if some}
