"""One request of the pipeline: a conversation, rendered and checked against what the model has learned."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextgpt.batch import Row
from nextgpt.errors import MessageError
from nextgpt.generation.options import GenerationOptions
from nextgpt.generation.sampling import Sampling
from nextgpt.generation.steps import Decoding
from nextgpt.messages import Message

Conversation = str | Message | Sequence[Message]


@dataclass(frozen=True)
class Request:
    row: Row
    how: Decoding
    options: GenerationOptions
    media: tuple[Any, ...] = ()  # identities of its input media in order


def make_request(
    conversation: Conversation,
    options: GenerationOptions,
    processor: Any,
    info: Any,
    trained: Sequence[str],
) -> Request:
    """trained: modalities whose tokens may be chosen. info: a CheckpointInfo, None for a model without one.

    Raises MessageError for a conversation that can't be answered, NotTrainedError naming a missing stage.
    """
    row = processor.row(as_messages(conversation), generate=True)
    if info is not None:
        _check_trained(row, info)
    wanted = options.media_modalities
    for name in wanted or ():
        if name not in trained:
            _refuse_output(name, processor, info)
    how = Decoding(
        max_new_tokens=options.max_new_tokens,
        sampling=Sampling(options.temperature, options.top_p),
        seed=secrets.randbelow(2**31) if options.seed is None else options.seed,
        modalities=tuple(trained) if wanted is None else wanted,
        max_media=options.max_media,
    )
    return Request(row, how, options)


def as_messages(conversation: Conversation) -> list[Message]:
    """A text or one message stands for a conversation of that message. MessageError."""
    if isinstance(conversation, str):
        return [Message.user(conversation)]
    messages = [conversation] if isinstance(conversation, Message) else list(conversation)
    for message in messages:
        if not isinstance(message, Message):
            raise MessageError(f"A conversation has a {type(message).__name__}; give Messages.")
    if not messages or messages[-1].role != "user":
        raise MessageError(
            "The last message of a conversation must be the user's, since the reply follows it."
        )
    return messages


def _check_trained(row: Row, info: Any) -> None:
    for modality, _ in row.inputs:
        info.require(f"input_projectors.{modality}", "encoder-alignment")
    for modality, _ in row.outputs:
        info.require(f"output_projectors.{modality}", "decoder-alignment")


def _refuse_output(modality: str, processor: Any, info: Any) -> None:
    if not processor.special.num_signals.get(modality):
        raise MessageError(f"This model gives no {modality}; leave it out of modalities.")
    if info is not None:
        info.require(f"output_projectors.{modality}", "decoder-alignment")
        info.require("modality_tokens", "instruction-tuning")
    raise MessageError(f"This model was loaded without {modality} output; leave it out of modalities.")
