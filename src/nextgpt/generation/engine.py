"""Prompts -> tokens and signal states, for many rows at once.

    1  prefill     what the rows share (or what was kept from the last call) once, the rest left-padded
    2  choose      a token for each row: greedy, or drawn by the row's own generator
    3  step        one forward; a row that chose a modality token takes its K signal tokens with it, so the
                   others' columns of that step are padded
    4  repeat      until every row has ended; ended rows leave the batch

The cache holds one column for each position of each row; padded columns are masked for ever after and don't
count as positions, which is why a row's result does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.batch import Row
from nextgpt.errors import MessageError
from nextgpt.generation.body import make_body
from nextgpt.generation.prompts import Prompt, common_prefix, make_prompt
from nextgpt.generation.sampling import Sampling, choose

MIN_SHARED = 8  # positions that rows must share before computing them once pays
Cancel = Callable[[], bool]


@dataclass(frozen=True)
class Decoding:
    """How one row is continued. modalities: which modality tokens it may choose, at most max_media of them."""

    max_new_tokens: int = 256
    sampling: Sampling = Sampling()
    seed: int = 0
    modalities: tuple[str, ...] = ()
    max_media: int = 4


@dataclass(frozen=True, eq=False)
class Token:
    """The row chose this id: a token of text, or a modality token."""

    row: int
    id: int


@dataclass(frozen=True, eq=False)
class Signals:
    """Signal states (K, D) of the modality token that the row chose last."""

    row: int
    modality: str
    states_KD: Tensor


@dataclass(frozen=True)
class End:
    """reason: stop (end of turn), length (max_new_tokens or the context is full) or cancelled."""

    row: int
    reason: str


Step = Token | Signals | End


@dataclass(eq=False)
class Generation:
    """What a row became: ids without the end of turn, signal states in the order of its modality tokens."""

    num_prompt_tokens: int
    ids: list[int] = field(default_factory=list)
    media: list[Signals] = field(default_factory=list)
    finish_reason: str = ""


@dataclass(eq=False)
class _RowState:
    index: int
    how: Decoding
    generator: torch.Generator
    left: int  # tokens that it may still choose
    num_media: int = 0
    pending: list[int] = field(default_factory=list)  # ids that the next step takes
    media: str | None = None  # the modality whose signal tokens are pending
    reason: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it needs another step."""
        return self.reason is None or self.media is not None


class Engine:
    """model: AnyToAnyModel; processor: its Processor; modalities: those whose tokens are trained.

    Copies of the language model's weights are made at the first decode: after training, make a new engine.
    """

    def __init__(self, model: Any, processor: Any, modalities: Sequence[str] = (), body: Any = None) -> None:
        self.model, self.processor = model, processor
        self.language_model, self.special = model.language_model, model.special
        self.modalities = tuple(modalities)
        self.body = body or make_body(model.language_model)
        self.stop_ids = _stop_ids(model.language_model.base, processor)
        self.never = _never_ids(processor, self.stop_ids, model.special.base_vocab_size)
        self.max_length = getattr(model.language_model.base.config, "max_position_embeddings", 1 << 30)
        self._kept: tuple[list[Hashable], Any] | None = None  # keys and cache of one row

    # ---- prompts

    @torch.inference_mode()
    def prompts(self, rows: Sequence[Row], inputs: dict[str, Any]) -> list[Prompt]:
        """inputs: modality -> EncoderOutput or encoder inputs of all media of the rows in order (batch.Batch)."""
        queues = {name: list(self.model.project(name, value)) for name, value in inputs.items()}
        return [make_prompt(self.model, row, self._take(row, queues)) for row in rows]

    @staticmethod
    def _take(row: Row, queues: dict[str, list[Tensor]]) -> list[tuple[Hashable, Tensor]]:
        return [(object(), queues[modality].pop(0)) for modality, _ in row.inputs]

    # ---- generation

    def generate(
        self, prompts: Sequence[Prompt], how: Decoding | Sequence[Decoding], cancel: Cancel | None = None
    ) -> list[Generation]:
        """Continue all prompts to their end, as one batch."""
        results = [Generation(len(prompt)) for prompt in prompts]
        for step in self.stream(prompts, how, cancel):
            match step:
                case Token():
                    results[step.row].ids.append(step.id)
                case Signals():
                    results[step.row].media.append(step)
                case End():
                    results[step.row].finish_reason = step.reason
        return results

    def stream(
        self, prompts: Sequence[Prompt], how: Decoding | Sequence[Decoding], cancel: Cancel | None = None
    ) -> Iterator[Step]:
        """The same, step by step. cancel is asked before every step; True ends all rows."""
        settings = [how] * len(prompts) if isinstance(how, Decoding) else list(how)
        rows = [self._row_state(*one) for one in zip(range(len(prompts)), prompts, settings, strict=True)]
        batch = _Running(self, rows, prompts)
        try:
            yield from self._run(batch, cancel or (lambda: False))
        finally:
            self._kept = batch.kept()

    def _row_state(self, index: int, prompt: Prompt, how: Decoding) -> _RowState:
        room = self.max_length - len(prompt)
        if room < 1:
            raise MessageError(
                f"The conversation has {len(prompt):,} tokens, but the model takes {self.max_length:,} at most; "
                "shorten it or start a new one."
            )
        generator = torch.Generator().manual_seed(how.seed)
        return _RowState(index, how, generator, left=min(how.max_new_tokens, room))

    def _run(self, batch: _Running, cancel: Cancel) -> Iterator[Step]:
        with torch.inference_mode():
            batch.prefill()
        while True:
            stopped = cancel()
            with torch.inference_mode():
                steps = batch.end() if stopped else batch.choose()
            yield from steps
            if stopped or not any(row.waits for row in batch.rows):
                return
            with torch.inference_mode():
                steps = batch.step()
            yield from steps

    def logits(self, states_BD: Tensor) -> Tensor:
        """(B, V + M): the base head's logits, then the modality tokens'."""
        base_BV = self.body.logits(states_BD)
        head = self.language_model.modality_head
        modality_BM = F.linear(states_BD.float(), head.weight.float(), head.bias.float())
        return torch.cat([base_BV, modality_BM.to(base_BV.dtype)], -1)

    def allowed(self, row: _RowState) -> tuple[str, ...]:
        """Modality tokens that the row may choose now."""
        if row.num_media >= row.how.max_media:
            return ()
        return tuple(name for name in row.how.modalities if name in self.modalities)


class _Running:
    """The rows of one call, their cache and their last states."""

    def __init__(self, engine: Engine, rows: list[_RowState], prompts: Sequence[Prompt]) -> None:
        self.engine, self.rows, self.prompts = engine, rows, prompts
        self.mask_BS: Tensor | None = None  # None: no column is padded
        self.keys: list[Hashable] | None = list(prompts[0].keys) if len(prompts) == 1 else None
        self.cache: Any = None
        self.states_BD: Tensor

    # ---- prefill

    def prefill(self) -> None:
        keys = [prompt.keys for prompt in self.prompts]
        shared = min(common_prefix(keys), min(map(len, keys)) - 1)
        self.cache = self._shared_cache(keys[0], shared)
        start = self.cache.length
        if len(self.rows) > 1:
            self.shared = self.cache
            self.cache = self.cache.rows([0] * len(self.rows)) if start else self.engine.body.new_cache()
        lengths = [len(prompt) - start for prompt in self.prompts]
        x_BTD = torch.stack([_padded(p.embeddings_TD[start:], max(lengths)) for p in self.prompts])
        if min(lengths) != max(lengths):
            self.mask_BS = _left_mask(lengths, start, x_BTD.device)
        self.states_BD = self.engine.body.forward(x_BTD, self.mask_BS, self.cache)[:, -1]

    def _shared_cache(self, keys: Sequence[Hashable], shared: int) -> Any:
        """A cache of one row that holds as much as it pays of keys[:shared]."""
        kept_keys, cache = self.engine._kept or ([], None)
        self.engine._kept = None
        reused = common_prefix([kept_keys, keys[:shared]]) if cache is not None else 0
        if cache is None or not reused:
            cache, reused = self.engine.body.new_cache(), 0
        cache.crop(reused) if reused else None
        if len(self.rows) > 1 and shared - reused >= MIN_SHARED:
            self.engine.body.forward(self.prompts[0].embeddings_TD[None, reused:shared], None, cache)
        self.shared_keys = list(keys[: cache.length])
        return cache

    def kept(self) -> tuple[list[Hashable], Any] | None:
        """What the next call may start from: the whole row, or what several rows shared."""
        if self.cache is None:
            return None
        if self.keys is None:
            return self.shared_keys, self.shared
        return self.keys[: self.cache.length], self.cache

    # ---- decoding

    def choose(self) -> list[Step]:
        """Every row that goes on chooses a token."""
        rows = [(place, row) for place, row in enumerate(self.rows) if row.reason is None]
        places = [place for place, _ in rows]
        states = self.states_BD if len(places) == len(self.rows) else self.states_BD[places]
        logits = self.engine.logits(states)
        self._hide(logits, [row for _, row in rows])
        tokens = choose(logits, [row.how.sampling for _, row in rows], [row.generator for _, row in rows])
        return [step for (_, row), token in zip(rows, tokens) for step in self._accept(row, token)]

    def _hide(self, logits: Tensor, rows: Sequence[_RowState]) -> None:
        """What must not be chosen: marks of the template, an empty reply, modalities that are not allowed."""
        logits[:, self.engine.never] = float("-inf")
        if any(not row.pending for row in rows):
            logits[:, list(self.engine.stop_ids)] = float("-inf")
        size, names = self.engine.special.base_vocab_size, self.engine.special.modalities
        allowed = [self.engine.allowed(row) for row in rows]
        if not any(allowed):
            logits[:, size:] = float("-inf")
            return
        for place, some in enumerate(allowed):
            logits[place, [size + i for i, name in enumerate(names) if name not in some]] = float("-inf")

    def _accept(self, row: _RowState, token: int) -> list[Step]:
        if token in self.engine.stop_ids:
            return [self._close(row, "stop")]
        row.pending, row.left = [token], row.left - 1
        row.media = self.engine.special.modality_of(token)
        if row.media is not None:
            row.num_media += 1
            row.pending += self.engine.special[row.media].signals
        steps: list[Step] = [Token(row.index, token)]
        if row.left <= 0:
            row.reason = "length"
            steps += [] if row.media else [End(row.index, "length")]
        return steps

    @staticmethod
    def _close(row: _RowState, reason: str) -> End:
        row.reason = reason
        return End(row.index, reason)

    def end(self) -> list[Step]:
        """Cancelled: every row that is still running ends."""
        return [self._close(row, "cancelled") for row in self.rows if row.waits]

    def step(self) -> list[Step]:
        """One forward over what each row has pending."""
        self._drop_ended()
        for row in self.rows:
            row.pending = row.pending if row.waits else [0]
        width = max(len(row.pending) for row in self.rows)
        pending = [[0] * (width - len(row.pending)) + row.pending for row in self.rows]
        ids_BT = torch.tensor(pending, device=self.states_BD.device)
        self._extend_mask(width, ids_BT.device)
        if self.keys is not None:
            self.keys += self.rows[0].pending
        states_BTD = self.engine.body.forward(self._embed(ids_BT), self.mask_BS, self.cache)
        self.states_BD = states_BTD[:, -1]
        return [step for place, row in enumerate(self.rows) for step in self._signals(row, states_BTD[place])]

    def _embed(self, ids_BT: Tensor) -> Tensor:
        if any(row.media for row in self.rows):
            return self.engine.language_model.embed(ids_BT)
        return self.engine.language_model.base.get_input_embeddings()(ids_BT)

    def _signals(self, row: _RowState, states_TD: Tensor) -> list[Step]:
        if row.media is None:
            return []
        count = len(self.engine.special[row.media].signals)
        steps: list[Step] = [Signals(row.index, row.media, states_TD[-count:].clone())]
        row.media = None
        return [*steps, End(row.index, row.reason)] if row.reason else steps

    def _extend_mask(self, width: int, device: torch.device) -> None:
        lengths = [len(row.pending) for row in self.rows]
        if self.mask_BS is None and min(lengths) == width:
            return
        if self.mask_BS is None:
            self.mask_BS = torch.ones(len(self.rows), self.cache.length, dtype=torch.bool, device=device)
        self.mask_BS = torch.cat([self.mask_BS, _left_mask(lengths, 0, device)], 1)

    def _drop_ended(self) -> None:
        """Ended rows leave when they are a quarter of the batch; till then they go along."""
        places = [place for place, row in enumerate(self.rows) if row.waits]
        if len(places) > 0.75 * len(self.rows):
            return
        self.rows = [self.rows[place] for place in places]
        self.cache = self.cache.rows(places)
        if self.mask_BS is not None:
            self.mask_BS = self.mask_BS[places]


def _padded(x_TD: Tensor, length: int) -> Tensor:
    return F.pad(x_TD, (0, 0, length - len(x_TD), 0))


def _left_mask(lengths: Sequence[int], start: int, device: torch.device) -> Tensor:
    """(B, start + longest): True but at the padding between `start` and each row's own columns."""
    width = max(lengths)
    columns = torch.arange(width, device=device)[None]
    own = columns >= width - torch.tensor(lengths, device=device)[:, None]
    return torch.cat([own.new_ones(len(lengths), start), own], 1)


def _stop_ids(base: Any, processor: Any) -> frozenset[int]:
    eos = getattr(base.generation_config, "eos_token_id", None)
    return frozenset({processor.end_of_turn, *(eos if isinstance(eos, list) else [eos])} - {None})


def _never_ids(processor: Any, stop_ids: frozenset[int], vocab_size: int) -> list[int]:
    """The base tokenizer's own special tokens (<|im_start|> ...), which have no text."""
    return [one for one in processor.tokenizer.all_special_ids if one not in stop_ids and one < vocab_size]
