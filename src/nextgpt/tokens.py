"""Ids of the tokens that nextgpt adds to a language model (docs/decisions/001-special-tokens.md).

They start at the base vocabulary's size and never enter the tokenizer, so nobody can type one. The order is
fixed: modality tokens first, because only they have output rows and so the joined logits are indexed by id.

    base_vocab_size + [ modality tokens M | boundaries <m> </m> 2M | signal tokens sum(K) | placeholders M ]
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModalityTokens:
    modality: int
    open: int
    close: int
    signals: tuple[int, ...]
    placeholder: int


@dataclass(frozen=True)
class SpecialTokens:
    """`num_signals`: modality -> K; a modality that only goes in has K = 0. Order of keys = order of ids."""

    base_vocab_size: int
    num_signals: Mapping[str, int]

    def __getitem__(self, modality: str) -> ModalityTokens:
        names = list(self.num_signals)
        row, count = names.index(modality), len(names)
        boundary = self.base_vocab_size + count + 2 * row
        signal = self.base_vocab_size + 3 * count + sum(self.num_signals[name] for name in names[:row])
        placeholder = self.base_vocab_size + 3 * count + self.num_signal_tokens + row
        return ModalityTokens(
            modality=self.base_vocab_size + row,
            open=boundary,
            close=boundary + 1,
            signals=tuple(range(signal, signal + self.num_signals[modality])),
            placeholder=placeholder,
        )

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.num_signals)

    @property
    def num_signal_tokens(self) -> int:
        return sum(self.num_signals.values())

    @property
    def num_embedded(self) -> int:
        """How many of the ids have an embedding row: all but the placeholders, which stand for features."""
        return 3 * len(self.num_signals) + self.num_signal_tokens

    def modality_of(self, token_id: int) -> str | None:
        """The modality that a modality token opens, None for any other id."""
        row = token_id - self.base_vocab_size
        return self.modalities[row] if 0 <= row < len(self.num_signals) else None
