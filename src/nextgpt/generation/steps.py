"""What goes into the engine beside prompts, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from nextgpt.generation.sampling import Sampling

GREEDY = Sampling()


@dataclass(frozen=True)
class Decoding:
    """How one row is continued. modalities: whose tokens it may choose, at most max_media of them in all."""

    max_new_tokens: int = 256
    sampling: Sampling = GREEDY
    seed: int = 0
    modalities: tuple[str, ...] = ()
    max_media: int = 4


@dataclass(frozen=True)
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

    def take(self, step: Step) -> None:
        match step:
            case Token():
                self.ids.append(step.id)
            case Signals():
                self.media.append(step)
            case End():
                self.finish_reason = step.reason
