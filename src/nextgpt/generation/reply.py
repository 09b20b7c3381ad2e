"""Steps of one row -> events and, at the end, a message: runs of text with media between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nextgpt.generation.events import MediaOpened, TextDelta, Usage
from nextgpt.generation.steps import End, Signals, Step, Token
from nextgpt.generation.text_stream import TextStream
from nextgpt.messages import MediaPart, Message, TextPart


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a medium will stand: the number of the reply's media from 1, and its signal states."""

    number: int
    signals: Signals


class Reply:
    """Takes the engine's steps of one row; `slots` are the media to make."""

    def __init__(self, processor: Any, num_prompt_tokens: int) -> None:
        self.processor, self.special = processor, processor.special
        self.num_prompt_tokens, self.num_tokens = num_prompt_tokens, 0
        self.pieces: list[str | Slot] = [""]
        self.stream = TextStream(processor.tokenizer)
        self.finish_reason = ""

    @property
    def slots(self) -> list[Slot]:
        return [piece for piece in self.pieces if isinstance(piece, Slot)]

    @property
    def usage(self) -> Usage:
        return Usage(self.num_prompt_tokens, self.num_tokens)

    def take(self, step: Step) -> list[TextDelta | MediaOpened]:
        match step:
            case Token():
                return self._token(step.id)
            case Signals():
                self.pieces += [Slot(len(self.slots) + 1, step), ""]
                return []
            case End():
                self.finish_reason = step.reason
                return self._write(self.stream.end())

    def _token(self, token: int) -> list[TextDelta | MediaOpened]:
        self.num_tokens += 1
        modality = self.special.modality_of(token)
        if modality is None:
            return self._write(self.stream.push(token))
        events = self._write(self.stream.end())
        self.stream = TextStream(self.processor.tokenizer)
        return [*events, MediaOpened(len(self.slots) + 1, modality)]

    def _write(self, text: str) -> list[TextDelta | MediaOpened]:
        if not text:
            return []
        self.pieces[-1] = f"{self.pieces[-1]}{text}"
        return [TextDelta(text)]

    def message(self, media: Mapping[int, MediaPart]) -> Message | None:
        """media: slot number -> what was made. Blank text between media is dropped; None: nothing is left."""
        parts = [media.get(piece.number) if isinstance(piece, Slot) else piece for piece in self.pieces]
        kept = [part for part in parts if part and (not isinstance(part, str) or part.strip())]
        kept = kept or [part for part in parts if part]
        content = tuple(TextPart(part) if isinstance(part, str) else part for part in kept)
        return Message("assistant", content) if content else None
