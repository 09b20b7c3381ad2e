"""What a stream tells while a reply is made, in this order: text and openings, then media, then the end."""

from __future__ import annotations

from dataclasses import dataclass

from nextgpt.messages import MediaPart, Message


@dataclass(frozen=True)
class TextDelta:
    """More text of the reply: whole characters only."""

    text: str


@dataclass(frozen=True)
class MediaOpened:
    """The model has decided that a medium stands here. number counts the reply's media from 1."""

    number: int
    modality: str


@dataclass(frozen=True)
class MediaProgress:
    """Denoising step `done` of `steps`. Media of one modality are made together and share their steps."""

    number: int
    modality: str
    done: int
    steps: int


@dataclass(frozen=True)
class MediaReady:
    number: int
    part: MediaPart


@dataclass(frozen=True)
class Usage:
    """Tokens of the prompt (media count as their placeholders) and tokens that the model chose."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Finished:
    """finish_reason: stop, length or cancelled. message None: cancelled before it had any content."""

    message: Message | None
    finish_reason: str
    usage: Usage
    seed: int


StreamEvent = TextDelta | MediaOpened | MediaProgress | MediaReady | Finished
