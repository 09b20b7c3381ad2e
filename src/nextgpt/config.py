"""One frozen dataclass a module: numbers and names only, nothing is built here.

A config that has several kinds (encoders, projector branches, decoders) carries `type`, the row of the visible
table that builds it. ENCODER_CONFIGS and BRANCH_CONFIGS say which class a type is read as; a module of the user's own
puts its row in. `to_dict` and `from_dict` are JSON's side; an unknown key or type is a ConfigError.
"""

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from nextgpt.errors import ConfigError


@dataclass(frozen=True)
class EfficientNetLiteConfig:
    """Images, or `num_frames` frames of a clip; each gives grid x grid positions of 1280 features."""

    type: ClassVar[str] = "efficientnet-lite"
    part: str = "efficientnet-lite2"
    width: float = 1.1
    depth: float = 1.2
    image_size: int = 260
    grid: int = 5
    num_frames: int = 1
    num_scores: int = 1000
    feature_dim: int = 1280

    @property
    def num_positions(self) -> int:
        return self.num_frames * self.grid**2


@dataclass(frozen=True)
class YamnetConfig:
    """Mono sound at 16 kHz; a position is a window of 0.96 s every 0.48 s: 1024 features + its pooled log-mel."""

    type: ClassVar[str] = "yamnet"
    part: str = "yamnet"
    max_seconds: float = 30.0
    mel_steps: int = 8
    num_scores: int = 521

    @property
    def feature_dim(self) -> int:
        return 1024 + self.mel_steps * 64

    @property
    def num_positions(self) -> int:
        return int((self.max_seconds - 0.975) / 0.48) + 1


@dataclass(frozen=True)
class LinearBranchConfig:
    type: ClassVar[str] = "linear"
    num_tokens: int = 1


@dataclass(frozen=True)
class MlpBranchConfig:
    type: ClassVar[str] = "mlp"
    num_tokens: int = 1
    hidden_dim: int = 576


@dataclass(frozen=True)
class ResamplerBranchConfig:
    """Learned queries that cross-attend to the features (Perceiver resampler, arXiv 2204.14198, fig. 5).

    frames: of a clip's features; with it the queries also see how each frame's cells match the next one's.
    """

    type: ClassVar[str] = "resampler"
    num_tokens: int = 16
    width: int = 192
    num_layers: int = 2
    num_heads: int = 4
    frames: int = 0


@dataclass(frozen=True)
class PosteriorBranchConfig:
    """The encoder's `top_k` class names, `tokens_per_class` embeddings each (docs/decisions/002-posterior.md)."""

    type: ClassVar[str] = "posterior"
    top_k: int = 1
    tokens_per_class: int = 8
    cue: str = ""

    @property
    def num_tokens(self) -> int:
        return self.top_k * self.tokens_per_class


@dataclass(frozen=True)
class ConceptBranchConfig:
    """A learned classifier over `names`, given as PosteriorBranch gives an encoder's own classes.

    `num_queries` attention pools, one thing each; the first name is empty: "no such thing". `cues`, one a query,
    stand before its name, so that the language model can tell which name it is; none before the empty name.
    """

    type: ClassVar[str] = "concepts"
    names: tuple[str, ...] = ("",)
    num_queries: int = 1
    tokens_per_name: int = 5
    rank: int = 256
    cues: tuple[str, ...] = ()
    tokens_per_cue: int = 0

    @property
    def num_tokens(self) -> int:
        return self.num_queries * (self.tokens_per_cue + self.tokens_per_name)


@dataclass(frozen=True)
class InputProjectorConfig:
    branches: "tuple[BranchConfig, ...]" = ()
    branch_dropout: float = 0.0

    def __post_init__(self) -> None:
        types = [branch.type for branch in self.branches]
        if len(set(types)) < len(types):
            raise ConfigError(f"branches are named by their types, but two are the same: {', '.join(types)}.")

    @property
    def num_tokens(self) -> int:
        return sum(branch.num_tokens for branch in self.branches)


@dataclass(frozen=True)
class OutputProjectorConfig:
    """Signal states (B, K, D) -> conditioning (B, Q, C): learned queries over the projected states, then
    attention as wide as the decoder's conditioning, whose width the heads divide, too."""

    width: int = 128
    num_layers: int = 2
    num_heads: int = 4


@dataclass(frozen=True)
class LoraConfig:
    rank: int = 8
    alpha: int = 16
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass(frozen=True)
class LanguageModelConfig:
    part: str = "smollm2-135m-instruct"
    lora: LoraConfig = field(default_factory=LoraConfig)


@dataclass(frozen=True)
class DecoderConfig:
    """A decoder's folder in diffusers' format: a path, or `weights:` + a folder inside the package."""

    type: str
    address: str
    length: int = 32
    width: int = 384


@dataclass(frozen=True)
class InputConfig:
    encoder: "EncoderConfig"
    projector: InputProjectorConfig


@dataclass(frozen=True)
class OutputConfig:
    decoder: DecoderConfig
    projector: OutputProjectorConfig = field(default_factory=OutputProjectorConfig)
    num_signal_tokens: int = 8


@dataclass(frozen=True)
class AnyToAnyConfig:
    """The composite: which modalities go in and out, and by which modules. Keys are names of MODALITIES."""

    language_model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    inputs: dict[str, InputConfig] = field(default_factory=dict)
    outputs: dict[str, OutputConfig] = field(default_factory=dict)

    @property
    def num_signals(self) -> dict[str, int]:
        """Modality -> K, in a fixed order: inputs first, then what only goes out."""
        names = dict.fromkeys((*self.inputs, *self.outputs))
        return {name: self.outputs[name].num_signal_tokens if name in self.outputs else 0 for name in names}


class BranchConfig(Protocol):
    """What every branch's config says; its other fields are its own."""

    type: ClassVar[str]

    @property
    def num_tokens(self) -> int: ...


class EncoderConfig(Protocol):
    """What every encoder's config says; its other fields are its own."""

    type: ClassVar[str]

    @property
    def part(self) -> str:
        """The pretrained part that holds its weights."""

    @property
    def feature_dim(self) -> int:
        """E."""

    @property
    def num_positions(self) -> int:
        """N at most."""

    @property
    def num_scores(self) -> int:
        """P, 0 for an encoder without classes."""


ENCODER_CONFIGS: dict[str, Any] = {one.type: one for one in (EfficientNetLiteConfig, YamnetConfig)}
BRANCH_CONFIGS: dict[str, Any] = {
    LinearBranchConfig.type: LinearBranchConfig,
    MlpBranchConfig.type: MlpBranchConfig,
    ResamplerBranchConfig.type: ResamplerBranchConfig,
    ConceptBranchConfig.type: ConceptBranchConfig,
    PosteriorBranchConfig.type: PosteriorBranchConfig,
}
_OPEN: dict[Any, dict[str, Any]] = {EncoderConfig: ENCODER_CONFIGS, BranchConfig: BRANCH_CONFIGS}


def to_dict(config: Any) -> Any:
    """Dataclass -> JSON values; a config of a union carries its `type`."""
    if dataclasses.is_dataclass(config):
        values = {f.name: to_dict(getattr(config, f.name)) for f in dataclasses.fields(config)}
        kind = getattr(type(config), "type", None)
        return {"type": kind, **values} if isinstance(kind, str) else values
    if isinstance(config, dict):
        return {key: to_dict(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_dict(value) for value in config]
    return config


def from_dict(cls: Any, values: Any, where: str = "config") -> Any:
    """JSON values -> dataclass of type `cls` (may be a union, tuple or dict type); errors name the key."""
    origin = typing.get_origin(cls)
    if isinstance(cls, type) and cls in _OPEN:
        return _from_table(_OPEN[cls], values, where)
    if origin in (typing.Union, types.UnionType):
        return _from_table({choice.type: choice for choice in typing.get_args(cls)}, values, where)
    if origin is tuple:
        _check_kind(values, list | tuple, "a list", where)
        return tuple(
            from_dict(typing.get_args(cls)[0], value, f"{where}[{i}]") for i, value in enumerate(values)
        )
    if origin is dict:
        _check_kind(values, dict, "an object", where)
        return {
            key: from_dict(typing.get_args(cls)[1], value, f"{where}.{key}") for key, value in values.items()
        }
    if not dataclasses.is_dataclass(cls):
        return _scalar(cls, values, where)
    return _from_fields(cls, values, where)


def _scalar(cls: Any, value: Any, where: str) -> Any:
    if cls is float and type(value) is int:
        return float(value)
    if cls is not Any and type(value) is not cls:
        raise ConfigError(f"{where} must be of type {cls.__name__}, got {value!r:.80}.")
    return value


def _check_kind(values: Any, kind: Any, name: str, where: str) -> None:
    if not isinstance(values, kind):
        raise ConfigError(f"{where} must be {name}, got {values!r:.80}.")


def _from_table(table: dict[str, Any], values: Any, where: str) -> Any:
    _check_kind(values, dict, "an object with a type", where)
    kind = values.get("type")
    if not isinstance(kind, str) or kind not in table:
        raise ConfigError(f"{where}: type {kind!r:.80} is unknown; choose one of {', '.join(table)}.")
    return _from_fields(table[kind], {k: v for k, v in values.items() if k != "type"}, where)


def _from_fields(cls: Any, values: Any, where: str) -> Any:
    _check_kind(values, dict, f"an object with the keys of {cls.__name__}", where)
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for key in values:
        if key not in fields:
            raise ConfigError(f"{where}.{key} is no setting of {cls.__name__}; it has {', '.join(fields)}.")
    for name, one in fields.items():
        if name not in values and one.default is one.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{where}.{name} is missing; {cls.__name__} has no default for it.")
    return cls(**{key: from_dict(hints[key], value, f"{where}.{key}") for key, value in values.items()})
