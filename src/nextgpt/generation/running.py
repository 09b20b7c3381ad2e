"""One batch on its way through the engine: its rows, their cache, their last states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.generation.body import Body
from nextgpt.generation.prompts import Prompt, common_prefix
from nextgpt.generation.sampling import choose
from nextgpt.generation.steps import Decoding, End, Signals, Step, Token

MIN_SHARED = 8  # positions that rows must share before computing them once pays
MAX_POSITIONS = 4096  # of all rows together, in one forward of a prefill
FULL_ENOUGH = 0.75  # below this share of running rows, the ended ones are taken out of the cache

Kept = tuple[list[Hashable], Any]  # identities of positions, and the cache of one row that holds them


@dataclass(frozen=True, eq=False)
class Machine:
    """The model as the loop sees it. stop_ids end a row, never_ids are not chosen, modalities are trained."""

    body: Body
    language_model: Any
    stop_ids: tuple[int, ...]
    never_ids: tuple[int, ...]
    modalities: tuple[str, ...]

    @property
    def special(self) -> Any:
        return self.language_model.special

    def embed(self, ids_BT: Tensor, special: bool) -> Tensor:
        """special: whether there may be ids outside the base vocabulary."""
        if special:
            return self.language_model.embed(ids_BT)
        return self.language_model.base.get_input_embeddings()(ids_BT)

    def logits(self, states_BD: Tensor) -> Tensor:
        """(B, V + M): the base head's logits, then the modality tokens'."""
        base_BV = self.body.logits(states_BD)
        head = self.language_model.modality_head
        modality_BM = F.linear(states_BD.float(), head.weight.float(), head.bias.float())
        return torch.cat([base_BV, modality_BM.to(base_BV.dtype)], -1)


@dataclass(eq=False)
class RowState:
    index: int
    how: Decoding
    left: int  # tokens that it may still choose
    room: int  # positions that the context still has
    generator: torch.Generator = field(init=False)
    num_media: int = 0
    pending: list[int] = field(default_factory=list)  # ids that the next step takes
    media: str | None = None  # the modality whose signal tokens are pending
    reason: str | None = None

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.how.seed)

    @property
    def waits(self) -> bool:
        """Whether it needs another step."""
        return self.reason is None or self.media is not None

    def allowed(self, num_signals: Mapping[str, int]) -> tuple[str, ...]:
        """Modalities whose tokens it may choose now. num_signals: of the trained ones; they must fit, too."""
        if self.num_media >= self.how.max_media:
            return ()
        return tuple(name for name in self.how.modalities if num_signals.get(name, self.room) < self.room)

    def close(self, reason: str) -> End:
        self.reason = reason
        return End(self.index, reason)


class RunningBatch:
    """prefill once, then choose and step in turn while `goes_on`; `kept` at any time."""

    def __init__(
        self, machine: Machine, rows: list[RowState], prompts: Sequence[Prompt], kept: Kept | None
    ) -> None:
        self.machine, self.rows, self.prompts, self.kept = machine, rows, prompts, kept
        self.mask_BS: Tensor | None = None  # None: no column is padded
        self.cache: Any = None
        self.states_BD: Tensor

    @property
    def goes_on(self) -> bool:
        return any(row.waits for row in self.rows)

    def prefill(self) -> None:
        """What all rows share once, the rest left-padded."""
        keys = [prompt.keys for prompt in self.prompts]
        shared = self._shared_cache(keys[0], min(common_prefix(keys), min(map(len, keys)) - 1))
        start, alone = shared.length, len(self.rows) == 1
        self.cache = shared
        if not alone:
            self.cache = shared.rows([0] * len(self.rows)) if start else self.machine.body.new_cache()
        self.kept = (list(keys[0]) if alone else list(keys[0][:start]), shared)
        lengths = [len(prompt) - start for prompt in self.prompts]
        x_BTD = torch.stack([_padded(p.embeddings_TD[start:], max(lengths)) for p in self.prompts])
        if min(lengths) != max(lengths):
            self.mask_BS = _left_mask(lengths, start, x_BTD.device)
        self.states_BD = self._forward_in_pieces(x_BTD)

    def _forward_in_pieces(self, x_BTD: Tensor) -> Tensor:
        """States (B, D) of the last column. In pieces, so that scores and biases of long prompts fit."""
        width = max(1, MAX_POSITIONS // len(x_BTD))
        for piece_BTD in x_BTD.split(width, 1):
            end = self.cache.length + piece_BTD.shape[1]
            mask_BS = None if self.mask_BS is None else self.mask_BS[:, :end]
            states_BTD = self.machine.body.forward(piece_BTD, mask_BS, self.cache)
        return states_BTD[:, -1]

    def _shared_cache(self, keys: Sequence[Hashable], shared: int) -> Any:
        """A cache of one row with the beginning of keys[:shared]: what was kept, and what pays to compute."""
        kept_keys, cache = self.kept or ([], self.machine.body.new_cache())
        self.kept = None
        reused = common_prefix([kept_keys[: cache.length], keys[:shared]])
        cache.crop(reused)
        if len(self.rows) > 1 and shared - reused >= MIN_SHARED:
            self.machine.body.forward(self.prompts[0].embeddings_TD[None, reused:shared], None, cache)
        return cache

    def choose(self) -> list[Step]:
        """Every row that goes on chooses a token."""
        rows = [(place, row) for place, row in enumerate(self.rows) if row.reason is None]
        places = [place for place, _ in rows]
        states = self.states_BD if len(places) == len(self.rows) else self.states_BD[places]
        logits = self.machine.logits(states)
        self._hide(logits, [row for _, row in rows])
        tokens = choose(logits, [row.how.sampling for _, row in rows], [row.generator for _, row in rows])
        return [step for (_, row), token in zip(rows, tokens) for step in self._accept(row, token)]

    def _hide(self, logits: Tensor, rows: Sequence[RowState]) -> None:
        """What must not be chosen: marks of the template, an empty reply, modalities that are not allowed."""
        logits[:, list(self.machine.never_ids)] = float("-inf")
        if any(not row.pending for row in rows):
            logits[:, list(self.machine.stop_ids)] = float("-inf")
        special = self.machine.special
        size, names = special.base_vocab_size, special.modalities
        num_signals = {name: special.num_signals[name] for name in self.machine.modalities}
        allowed = [row.allowed(num_signals) for row in rows]
        if not any(allowed):
            logits[:, size:] = float("-inf")
            return
        for place, some in enumerate(allowed):
            logits[place, [size + i for i, name in enumerate(names) if name not in some]] = float("-inf")

    def _accept(self, row: RowState, token: int) -> list[Step]:
        if token in self.machine.stop_ids:
            return [row.close("stop")]
        special = self.machine.special
        row.pending, row.left, row.media = [token], row.left - 1, special.modality_of(token)
        if row.media is not None:
            row.num_media += 1
            row.pending += special[row.media].signals
        row.room -= len(row.pending)
        if row.left > 0 and row.room > 0:
            return [Token(row.index, token)]
        end = row.close("length")
        return [Token(row.index, token)] if row.media else [Token(row.index, token), end]

    def cancel(self) -> list[Step]:
        return [row.close("cancelled") for row in self.rows if row.waits]

    def step(self) -> list[Step]:
        """One forward over what each row has pending, left-padded where another row has more."""
        self._drop_ended()
        for row in self.rows:
            row.pending = row.pending if row.waits else [0]
        width = max(len(row.pending) for row in self.rows)
        pending = [[0] * (width - len(row.pending)) + row.pending for row in self.rows]
        ids_BT = torch.tensor(pending, device=self.states_BD.device)
        self._extend_mask(width)
        if self.kept is not None and self.kept[1] is self.cache:
            self.kept[0].extend(self.rows[0].pending)
        x_BTD = self.machine.embed(ids_BT, any(row.media for row in self.rows))
        states_BTD = self.machine.body.forward(x_BTD, self.mask_BS, self.cache)
        self.states_BD = states_BTD[:, -1]
        return [step for place, row in enumerate(self.rows) for step in self._signals(row, states_BTD[place])]

    def _signals(self, row: RowState, states_TD: Tensor) -> list[Step]:
        if row.media is None:
            return []
        count = len(self.machine.special[row.media].signals)
        steps: list[Step] = [Signals(row.index, row.media, states_TD[-count:].clone())]
        row.media = None
        return [*steps, End(row.index, row.reason)] if row.reason else steps

    def _extend_mask(self, width: int) -> None:
        lengths, device = [len(row.pending) for row in self.rows], self.states_BD.device
        if self.mask_BS is None and min(lengths) == width:
            return
        if self.mask_BS is None:
            self.mask_BS = torch.ones(len(self.rows), self.cache.length, dtype=torch.bool, device=device)
        self.mask_BS = torch.cat([self.mask_BS, _left_mask(lengths, 0, device)], 1)

    def _drop_ended(self) -> None:
        places = [place for place, row in enumerate(self.rows) if row.waits]
        if len(places) > FULL_ENOUGH * len(self.rows):
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
