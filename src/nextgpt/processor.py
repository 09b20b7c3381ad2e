"""Messages -> rows of ids. One layout for training, generation and history (design.md, decision 2).

    input medium    <m> placeholder * N </m>            where the part stands
    output medium   modality token, K signal tokens     where the part stands in an assistant message; the signal
                    tokens' states restate the part's caption (docs/decisions/008-restating.md)
                    ... end of turn, then <m> placeholder * N </m> of the same medium as an input

The chat template is the base model's own. It is rendered with one private-use mark for each message and then
cut at the marks, so text of a user never passes through it; that text is encoded with
`split_special_tokens=True`, so nobody can type a special token.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from nextgpt.batch import IGNORE, Row
from nextgpt.errors import MessageError
from nextgpt.tokens import SpecialTokens

MARK_OPEN, MARK_CLOSE = "\ue000", "\ue001"


@dataclass(frozen=True)
class Segment:
    """Ids that must not be cut apart, whether the loss stands on each, the medium that they stand for, and what the
    states at the last of them should say."""

    ids: tuple[int, ...]
    targets: tuple[bool, ...]
    input: tuple[str, Any] | None = None
    output: tuple[str, Any] | None = None
    restated: tuple[int, ...] = ()


class Processor:
    """tokenizer: a Hugging Face tokenizer with a chat template; num_placeholders: modality -> N."""

    def __init__(self, tokenizer: Any, special: SpecialTokens, num_placeholders: dict[str, int]) -> None:
        self.tokenizer = tokenizer
        self.special = special
        self.num_placeholders = num_placeholders
        self._template_ids: dict[str, tuple[int, ...]] = {}
        self._lock = (
            Lock()
        )  # whether special tokens are split is a switch inside the tokenizer, not of one call

    @classmethod
    def from_folder(
        cls, folder: Path, special: SpecialTokens, num_placeholders: dict[str, int]
    ) -> "Processor":
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(tokenizer, special, num_placeholders)

    @property
    def end_of_turn(self) -> int:
        """The id that ends an assistant's turn: the first of what the template puts after its content."""
        return self._template_chunks([("user",), ("assistant",)], False)[-1][0]

    def encode_text(self, text: str) -> tuple[int, ...]:
        with self._lock:
            encoded = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return tuple(encoded["input_ids"])

    def _encode_template(self, chunk: str) -> tuple[int, ...]:
        if chunk not in self._template_ids:
            with self._lock:
                self._template_ids[chunk] = tuple(
                    self.tokenizer(chunk, add_special_tokens=False)["input_ids"]
                )
        return self._template_ids[chunk]

    def _template_chunks(self, roles: Sequence[Any], generate: bool) -> list[tuple[int, ...]]:
        """Ids of the template before the first message's content, between contents, and after the last."""
        from jinja2.exceptions import TemplateError

        marked = [{"role": role[0], "content": f"{MARK_OPEN}{i}{MARK_CLOSE}"} for i, role in enumerate(roles)]
        try:
            text = self.tokenizer.apply_chat_template(marked, tokenize=False, add_generation_prompt=generate)
        except TemplateError as error:
            raise MessageError(f"The base model's chat template refuses these messages: {error}") from error
        chunks = []
        for i in range(len(roles)):
            before, found, text = text.partition(f"{MARK_OPEN}{i}{MARK_CLOSE}")
            if not found:
                raise MessageError(
                    "The base model's chat template drops or reorders messages; use another model."
                )
            chunks.append(before)
        return [self._encode_template(chunk) for chunk in (*chunks, text)]

    def segments(self, messages: Sequence[Any], *, generate: bool = False) -> list[Segment]:
        """messages have .role and .content: parts with .text, or with .modality and a medium.

        generate: end with the template's prompt for the assistant's turn.
        """
        if not messages:
            raise MessageError("There is no message; give at least one.")
        chunks = self._template_chunks([(message.role,) for message in messages], generate)
        segments = [self._plain(chunks[0])]
        for message, after in zip(messages, chunks[1:]):
            answer = message.role == "assistant"
            parts = [self._part(part, answer) for part in message.content]
            close = self._close(message, after, answer)
            segments += parts + close if learns(message) else map(unlearnt, parts + close)
        return [segment for segment in segments if segment.ids]

    def _close(self, message: Any, after: tuple[int, ...], answer: bool) -> list[Segment]:
        """The template's end of turn, and behind it the reply's own media as inputs."""
        if not answer:
            return [self._plain(after)]
        media = [part for part in message.content if not hasattr(part, "text")]
        shown = [self._input(part) for part in media if part.modality in self.num_placeholders]
        turn_end, rest = after[: self._end_length(after)], after[self._end_length(after) :]
        targets = (True,) + (False,) * (len(turn_end) - 1)
        return [Segment(turn_end, targets), *shown, self._plain(rest)]

    def _end_length(self, after: tuple[int, ...]) -> int:
        """Tokens of the template that belong to the closed turn, not to the next one."""
        alone = self._template_chunks([("user",), ("assistant",)], False)[-1]
        return len(alone) if after[: len(alone)] == alone else 1

    def _part(self, part: Any, answer: bool) -> Segment:
        if hasattr(part, "text"):
            ids = self.encode_text(part.text)
            return Segment(ids, (answer and learns(part),) * len(ids))
        segment = self._output(part) if answer else self._input(part)
        return segment if learns(part) else unlearnt(segment)

    def _input(self, part: Any) -> Segment:
        if part.modality not in self.num_placeholders:
            known = ", ".join(self.num_placeholders)
            raise MessageError(f"This model takes no {part.modality} as input; it takes text, {known}.")
        tokens = self.special[part.modality]
        ids = (tokens.open, *(tokens.placeholder,) * self.num_placeholders[part.modality], tokens.close)
        return Segment(ids, (False,) * len(ids), input=(part.modality, part))

    def _output(self, part: Any) -> Segment:
        if not self.special.num_signals.get(part.modality):
            raise MessageError(
                f"This model gives no {part.modality}, so no reply in the history can hold one."
            )
        tokens = self.special[part.modality]
        targets = (True,) + (False,) * len(tokens.signals)
        restated = self.restated(getattr(part, "caption", ""), len(tokens.signals) - 1)
        return Segment((tokens.modality, *tokens.signals), targets, None, (part.modality, part), restated)

    def restated(self, caption: str, count: int) -> tuple[int, ...]:
        """What `count` signal tokens should say: ends of turn, then the caption's tokens as they stand in a sentence,
        so that each is as far from its word as the others. The last signal token says how the reply goes on. Empty
        without a caption."""
        ids = self.encode_text(f" {caption}") if caption else ()
        return (*((self.end_of_turn,) * count + ids)[-count:], IGNORE) if ids else ()

    @staticmethod
    def _plain(ids: Iterable[int]) -> Segment:
        ids = tuple(ids)
        return Segment(ids, (False,) * len(ids))

    def row(self, messages: Sequence[Any], *, generate: bool = False, max_length: int | None = None) -> Row:
        """Render one conversation. Longer than max_length: text is cut, a media span goes whole or not at all."""
        segments = self.segments(messages, generate=generate)
        if max_length is not None:
            segments = truncate(segments, max_length)
        ids = [i for segment in segments for i in segment.ids]
        targets = [t for segment in segments for t in segment.targets]
        return Row(
            ids=tuple(ids),
            labels=tuple(i if t else IGNORE for i, t in zip(ids, targets)),
            restated=tuple(i for segment in segments for i in restated_of(segment)),
            inputs=tuple(segment.input for segment in segments if segment.input),
            outputs=tuple(segment.output for segment in segments if segment.output),
        )


def learns(value: Any) -> bool:
    """Whether a message or a part is learnt from; a training row may say that it is not."""
    return getattr(value, "language_loss", True) is not False


def unlearnt(segment: Segment) -> Segment:
    return replace(segment, targets=(False,) * len(segment.ids), restated=())


def restated_of(segment: Segment) -> tuple[int, ...]:
    return (IGNORE,) * (len(segment.ids) - len(segment.restated)) + segment.restated


def truncate(segments: Sequence[Segment], max_length: int) -> list[Segment]:
    """The longest beginning of at most max_length ids that cuts no media span."""
    kept: list[Segment] = []
    left = max_length
    for segment in segments:
        if len(segment.ids) <= left:
            kept.append(segment)
            left -= len(segment.ids)
            continue
        if not (segment.input or segment.output) and left:
            kept.append(Segment(segment.ids[:left], segment.targets[:left]))
        break
    return kept
