"""What a task is: rows that become messages, replies that become answers, answers that become scores."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.scoring import Score
from nextgpt.evaluation.tasks.span import Frames, Span
from nextgpt.media import Medium
from nextgpt.messages import Message

Part = str | Medium | Span | Frames
ANSWER, IMAGE, AUDIO, VIDEO = ("text",), ("image",), ("audio",), ("video",)


@dataclass(frozen=True)
class Row:
    """One question. parts: the user's message in order; expected: right answers, for people to read;
    group: the kind of question; record: what the result file and the metric need beside the answer;
    compared: media that the model does not see and the metric does; unit: rows of one unit are never torn apart
    by --limit (MMBench's rotations of a question)."""

    id: str
    parts: tuple[Part, ...]
    expected: tuple[str, ...] = ()
    group: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    compared: tuple[Medium, ...] = ()
    unit: str = ""

    def message(self) -> Message:
        return Message.user(
            *(part.load() if isinstance(part, Span | Frames) else part for part in self.parts)
        )

    @property
    def media(self) -> tuple[Medium, ...]:
        """All that must be readable for this row."""
        found: list[Medium] = list(self.compared)
        for part in self.parts:
            if not isinstance(part, str):
                found += (part,) if isinstance(part, Medium) else part.media
        return tuple(found)

    @property
    def text(self) -> str:
        return " ".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True)
class Answered:
    """A row with what the model said. answer: after the task's parsing; media: files below the run's folder."""

    row: Row
    answer: str
    reply: str = ""
    media: tuple[Path, ...] = ()
    error: str = ""


Rows = Callable[[Folder, str], Iterable[Row]]
Files = Callable[[Sequence[Answered]], Mapping[str, Any]]


@dataclass(frozen=True)
class Task:
    """layout: path below the data folder -> what it is. prompt: a template whose fields are the task's.

    rows(data, prompt) reads the official files. files(answered): file name -> content, the benchmark's own result
    file and, for the rows that were asked, its own annotations; score(folder, measure) reads these, as
    `nextgpt score` would.
    reply: which modalities may come back.
    """

    name: str
    title: str
    source: str
    layout: Mapping[str, str]
    prompt: str
    rows: Rows
    files: Files
    score: Score
    parse: Callable[[str, Row], str] = lambda reply, row: reply.strip()
    reply: tuple[str, ...] = ANSWER
    max_new_tokens: int = 16

    @property
    def makes_media(self) -> bool:
        return self.reply != ANSWER
