"""Messages in, an ordered message out.

    pipeline = AnyToAnyPipeline.from_pretrained("nano")
    reply = pipeline([Message.user("What is this?", Image.from_path("a.jpg"))])

Text comes first, by the engine; then the media that the model's own tokens ask for, by their decoders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nextgpt.errors import NextGPTError
from nextgpt.generation.background import Stopped, events_of
from nextgpt.generation.engine import Engine
from nextgpt.generation.events import Finished, MediaProgress, MediaReady, StreamEvent
from nextgpt.generation.input_media import InputMedia
from nextgpt.generation.options import GenerationOptions
from nextgpt.generation.output_media import Order, OutputMedia, item_seed
from nextgpt.generation.placement import resolve_device, resolve_dtype
from nextgpt.generation.prompts import Prompt, make_prompt
from nextgpt.generation.reply import Reply
from nextgpt.generation.requests import Conversation, Request, make_request
from nextgpt.messages import MediaPart, Message

DEFAULT_BATCH = 16
Cancel = Callable[[], bool] | threading.Event | None


class AnyToAnyPipeline:
    """model and processor as `checkpoint.load_pretrained` gives them; info: what is trained (None: all).

    decoders: modality -> decoder, for those that are not to be loaded from the config's address.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        info: Any = None,
        *,
        fetch: Callable[[str], Path] | None = None,
        decoders: dict[str, Any] | None = None,
    ) -> None:
        self.model, self.processor, self.info = model, processor, info
        trained = model.config.outputs if info is None else info.output_modalities
        self.modalities: tuple[str, ...] = tuple(trained)
        self.engine = Engine(model, processor, self.modalities)
        fetch = fetch or _fetch_part
        self.input_media = InputMedia(model, fetch)
        self.output_media = OutputMedia(model, fetch, decoders)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "nano",
        *,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        threads: int | None = None,
    ) -> AnyToAnyPipeline:
        """A checkpoint's folder, or the name of shipped weights. Parts are fetched once, then offline."""
        from nextgpt.checkpoint import load_pretrained

        if threads is not None:
            torch.set_num_threads(threads)
        where = resolve_device(device)
        model, processor, info = load_pretrained(
            str(name_or_path), device=where, dtype=resolve_dtype(dtype, where)
        )
        return cls(model, processor, info)

    def to(self, device: str | torch.device) -> AnyToAnyPipeline:
        """Move the model, and the encoders and decoders that are open. Returns itself."""
        self.model.to(resolve_device(device))
        for decoder in self.output_media.decoders.values():
            decoder.to(resolve_device(device))
        self.engine = Engine(self.model, self.processor, self.modalities)
        self.input_media.embeddings.clear()
        return self

    def __call__(self, messages: Conversation, **options: Any) -> Message:
        """The reply to a conversation: a Message, text, or a list of Messages. options: GenerationOptions."""
        return _message(self.replies([messages], [GenerationOptions(**options)])[0])

    def batch(
        self, conversations: Sequence[Conversation], *, batch_size: int = DEFAULT_BATCH, **options: Any
    ) -> list[Message]:
        """One reply for each conversation; the first error is raised."""
        found: list[Message] = []
        for start in range(0, len(conversations), batch_size):
            some = conversations[start : start + batch_size]
            found += map(_message, self.replies(some, [GenerationOptions(**options)] * len(some)))
        return found

    def replies(
        self, conversations: Sequence[Conversation], options: Sequence[GenerationOptions]
    ) -> list[Finished | NextGPTError]:
        """All conversations as one batch. A request at fault gives its error, while the others go on."""
        requests = [self._try_request(*one) for one in zip(conversations, options, strict=True)]
        good = [request for request in requests if isinstance(request, Request)]
        answers = iter(self._answer(good))
        return [next(answers) if isinstance(one, Request) else one for one in requests]

    def stream(
        self, messages: Conversation, *, cancel: Cancel = None, **options: Any
    ) -> Iterator[StreamEvent]:
        """The same reply as events. cancel is asked at every token and every denoising step."""
        stop = cancel.is_set if isinstance(cancel, threading.Event) else cancel or (lambda: False)
        request = self._request(messages, GenerationOptions(**options))
        (prompt,) = self._prompts([request])
        reply = Reply(self.processor, len(prompt))
        for step in self.engine.stream([prompt], request.how, stop):
            yield from reply.take(step)
        yield from self._stream_media(request, reply, stop)

    # ---- one request

    def _request(self, conversation: Conversation, options: GenerationOptions) -> Request:
        request = make_request(conversation, options, self.processor, self.info, self.modalities)
        return replace(request, media=self.input_media.add(request.row))

    def _try_request(self, conversation: Conversation, options: GenerationOptions) -> Request | NextGPTError:
        try:
            request = self._request(conversation, options)
            self.engine.room(len(request.row.ids))
            return request
        except NextGPTError as error:
            return error

    def _prompts(self, requests: Sequence[Request]) -> list[Prompt]:
        media = self.input_media.take([request.media for request in requests])
        with torch.inference_mode():
            return [make_prompt(self.model, one.row, found) for one, found in zip(requests, media)]

    # ---- replies

    def _answer(self, requests: Sequence[Request]) -> list[Finished]:
        if not requests:
            return []
        prompts = self._prompts(requests)
        replies = [Reply(self.processor, len(prompt)) for prompt in prompts]
        for step in self.engine.stream(prompts, [request.how for request in requests]):
            replies[step.row].take(step)
        orders = [
            o
            for row, (request, reply) in enumerate(zip(requests, replies))
            for o in _orders(row, request, reply)
        ]
        media: list[dict[int, MediaPart]] = [{} for _ in requests]
        for order, part in self.output_media.make(orders):
            media[order.row][order.slot.number] = part
        return [_finished(*one) for one in zip(requests, replies, media)]

    def _stream_media(
        self, request: Request, reply: Reply, stop: Callable[[], bool]
    ) -> Iterator[StreamEvent]:
        orders = [] if stop() else _orders(0, request, reply)
        media: dict[int, MediaPart] = {}

        def work(emit: Callable[[Any], None]) -> None:
            def report(order: Order, done: int, steps: int) -> None:
                if stop():
                    raise Stopped
                emit(MediaProgress(order.slot.number, order.modality, done, steps))

            for order, part in self.output_media.make(orders, report):
                media[order.slot.number] = part
                emit(MediaReady(order.slot.number, part))

        with suppress(Stopped):
            yield from events_of(work) if orders else ()
        if len(media) < len(reply.slots):
            reply.finish_reason = "cancelled"
        yield _finished(request, reply, media)


def _orders(row: int, request: Request, reply: Reply) -> list[Order]:
    seed = request.how.seed
    return [Order(row, slot, item_seed(seed, slot.number), request.options) for slot in reply.slots]


def _finished(request: Request, reply: Reply, media: dict[int, MediaPart]) -> Finished:
    return Finished(reply.message(media), reply.finish_reason, reply.usage, request.how.seed)


def _message(result: Finished | NextGPTError) -> Message:
    if isinstance(result, NextGPTError):
        raise result
    if result.message is None:
        raise NextGPTError("The model gave an empty reply; try another seed or a higher temperature.")
    return result.message


def _fetch_part(name: str) -> Path:
    from nextgpt.parts import fetch_part

    return fetch_part(name)
