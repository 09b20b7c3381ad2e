"""Prompts -> tokens and signal states, for many rows at once.

    1  prefill     what the rows share (or what was kept from the last call) once, the rest left-padded
    2  choose      a token for each row: greedy, or drawn by the row's own generator
    3  step        one forward; a row that chose a modality token takes its K signal tokens with it, so the
                   others' columns of that step are padded
    4  repeat      until every row has ended; ended rows leave the batch

The cache has one column for each position of each row; padded columns are masked for ever after and do not
count as positions, which is why a row's result does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from nextgpt.batch import Row
from nextgpt.errors import MessageError
from nextgpt.generation.body import Body, make_body
from nextgpt.generation.prompts import Prompt, make_prompt
from nextgpt.generation.running import Kept, Machine, RowState, RunningBatch
from nextgpt.generation.steps import Decoding, Generation, Step

Cancel = Callable[[], bool]


class Engine:
    """model: AnyToAnyModel; processor: its Processor; modalities: those whose tokens are trained.

    The language model's weights are copied here: make a new engine after training them.
    """

    def __init__(
        self, model: Any, processor: Any, modalities: Sequence[str] = (), body: Body | None = None
    ) -> None:
        self.model, self.processor = model, processor
        language_model = model.language_model
        stops = _stop_ids(language_model, processor)
        self.machine = Machine(
            body=body or make_body(language_model),
            language_model=language_model,
            stop_ids=stops,
            never_ids=_never_ids(processor, stops, language_model.special.base_vocab_size),
            modalities=tuple(modalities),
        )
        self.max_length = getattr(language_model.base.config, "max_position_embeddings", 1 << 30)
        self._kept: Kept | None = None

    @torch.inference_mode()
    def prompts(self, rows: Sequence[Row], inputs: dict[str, Any]) -> list[Prompt]:
        """inputs: modality -> EncoderOutput or an encoder's inputs of the rows' media, in order."""
        queues = {name: iter(self.model.project(name, value)) for name, value in inputs.items()}
        return [
            make_prompt(self.model, row, [(object(), next(queues[name])) for name, _ in row.inputs])
            for row in rows
        ]

    def generate(
        self, prompts: Sequence[Prompt], how: Decoding | Sequence[Decoding], cancel: Cancel | None = None
    ) -> list[Generation]:
        """Continue all prompts to their end, as one batch."""
        results = [Generation(len(prompt)) for prompt in prompts]
        for step in self.stream(prompts, how, cancel):
            results[step.row].take(step)
        return results

    def stream(
        self, prompts: Sequence[Prompt], how: Decoding | Sequence[Decoding], cancel: Cancel | None = None
    ) -> Iterator[Step]:
        """The same, step by step. cancel is asked before every step; True ends all rows."""
        settings = [how] * len(prompts) if isinstance(how, Decoding) else list(how)
        if len(prompts) > 1 and self._slides(prompts, settings):
            for index, one in enumerate(zip(prompts, settings, strict=True)):
                yield from (replace(step, row=index) for step in self.stream([one[0]], one[1], cancel))
            return
        rows = [
            RowState(index, one, left=one.max_new_tokens, room=self.room(len(prompt)))
            for index, (prompt, one) in enumerate(zip(prompts, settings, strict=True))
        ]
        kept, self._kept = self._kept, None
        batch = RunningBatch(self.machine, rows, prompts, kept)
        try:
            yield from _run(batch, cancel or (lambda: False))
        finally:
            self._kept = batch.kept

    def _slides(self, prompts: Sequence[Prompt], settings: Sequence[Decoding]) -> bool:
        """Whether a sliding window might leave columns behind: then rows run one by one, without padding."""
        window = self.machine.body.window
        signals = max(self.machine.special.num_signals.values(), default=0)
        longest = max(
            len(prompt) + how.max_new_tokens + how.max_media * signals
            for prompt, how in zip(prompts, settings)
        )
        return window is not None and longest > window

    def room(self, num_prompt_tokens: int) -> int:
        """Positions that are left behind a prompt. MessageError when there is none."""
        if num_prompt_tokens >= self.max_length:
            raise MessageError(
                f"The conversation has {num_prompt_tokens:,} tokens, but the model takes fewer than "
                f"{self.max_length:,}; shorten it or start a new one."
            )
        return self.max_length - num_prompt_tokens

    def text(self, ids: Sequence[int]) -> str:
        """Text of generated ids; modality tokens have none."""
        size = self.machine.special.base_vocab_size
        return self.processor.tokenizer.decode([i for i in ids if i < size], skip_special_tokens=True)


def _run(batch: RunningBatch, cancel: Cancel) -> Iterator[Step]:
    """A consumer's code runs between steps, so inference mode is entered for each."""
    with torch.inference_mode():
        batch.prefill()
    while True:
        stopped = cancel()
        with torch.inference_mode():
            steps = batch.cancel() if stopped else batch.choose()
        yield from steps
        if not batch.goes_on or stopped:
            return
        with torch.inference_mode():
            steps = batch.step()
        yield from steps
        if not batch.goes_on:
            return


def _stop_ids(language_model: Any, processor: Any) -> tuple[int, ...]:
    eos = getattr(language_model.base.generation_config, "eos_token_id", None)
    found = {processor.end_of_turn, *(eos if isinstance(eos, list) else [eos])} - {None}
    return tuple(sorted(one for one in found if one < language_model.special.base_vocab_size))


def _never_ids(processor: Any, stop_ids: Sequence[int], vocab_size: int) -> tuple[int, ...]:
    """The base tokenizer's own special tokens (<|im_start|> ...), which have no text."""
    special = processor.tokenizer.all_special_ids
    return tuple(one for one in special if one not in stop_ids and one < vocab_size)
