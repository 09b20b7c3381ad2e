"""What a caller may ask of one reply. No torch: requests are checked before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from nextgpt.errors import MessageError
from nextgpt.modalities import MODALITIES, Modality

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class GenerationOptions:
    """seed None: a fresh one. temperature 0: greedy. modalities None: all that are trained; text is always
    allowed. steps and guidance None: the decoder's own. MessageError for a value out of range."""

    seed: int | None = None
    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    modalities: tuple[str, ...] | None = None
    max_media: int = 4
    steps: int | None = None
    guidance: float | None = None

    def __post_init__(self) -> None:
        for name, (kind, low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None or name in REQUIRED:
                object.__setattr__(self, name, _number(name, value, kind, low, high))
        if self.modalities is not None:
            object.__setattr__(self, "modalities", _modalities(self.modalities))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GenerationOptions:
        """JSON's side: null is unset, an unknown key is an error."""
        if not isinstance(values, Mapping):
            raise MessageError(f"options are of type {type(values).__name__}; give a JSON object.")
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise MessageError(
                    f"options have the unknown key {key!r:.50}; they may have {', '.join(known)}."
                )
        return cls(**{key: value for key, value in values.items() if value is not None})

    @property
    def media_modalities(self) -> tuple[str, ...] | None:
        """Without text."""
        if self.modalities is None:
            return None
        return tuple(name for name in self.modalities if name != Modality.TEXT)


Kind = Callable[[Any], Any]
RANGES: dict[str, tuple[Kind, float, float]] = {
    "seed": (int, 0, MAX_SEED),
    "max_new_tokens": (int, 1, 1_000_000),
    "temperature": (float, 0, 100),
    "top_p": (float, 0, 1),
    "max_media": (int, 0, 1000),
    "steps": (int, 1, 1000),
    "guidance": (float, 0, 100),
}
REQUIRED = ("max_new_tokens", "temperature", "top_p", "max_media")


def _number(name: str, value: Any, kind: Kind, low: float, high: float) -> Any:
    whole = kind is int
    accepted = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted) or not low <= value <= high:
        word = "a whole number" if whole else "a number"
        raise MessageError(f"{name} must be {word} from {low} to {high}, not {value!r:.50}.")
    return kind(value)


def _modalities(value: Any) -> tuple[str, ...]:
    known = (str(Modality.TEXT), *map(str, MODALITIES))
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise MessageError(
            f"modalities are of type {type(value).__name__}; give a list of {', '.join(known)}."
        )
    for name in names:
        if name not in known:
            raise MessageError(f"The modality {name!r:.50} is unknown; choose of {', '.join(known)}.")
    return tuple(str(name) for name in dict.fromkeys(names))
