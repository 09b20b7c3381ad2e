"""Complete named configurations: functions that return an AnyToAnyConfig, and the table of their names."""

import json
from collections.abc import Callable
from importlib.resources import files

from nextgpt.config import (
    AnyToAnyConfig,
    ConceptBranchConfig,
    DecoderConfig,
    EfficientNetLiteConfig,
    EncoderConfig,
    InputConfig,
    InputProjectorConfig,
    OutputConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
    YamnetConfig,
)
from nextgpt.errors import ConfigError


def _nano_input(
    encoder: EncoderConfig, names: list[str], queries: int, cues: tuple[str, str], width: int
) -> InputConfig:
    """cues: what stands before the name of a thing of the small world, and before a class of the encoder."""
    drawn, real = cues
    branches = (
        ResamplerBranchConfig(num_tokens=8, width=width),
        ConceptBranchConfig(tuple(names), queries, tokens_per_name=8, cue=drawn),
        PosteriorBranchConfig(top_k=1, tokens_per_class=10, cue=real),
    )
    return InputConfig(encoder, InputProjectorConfig(branches, branch_dropout=0.05))


def nano() -> AnyToAnyConfig:
    """The embedded default: parts that packages carry, for 2 CPU cores."""
    concepts = json.loads(files("nextgpt").joinpath("concepts.json").read_text())
    clip = EfficientNetLiteConfig(image_size=192, grid=3, num_frames=8)
    return AnyToAnyConfig(
        inputs={
            "image": _nano_input(
                EfficientNetLiteConfig(), concepts["image"], 2, (" drawing:", " photo:"), 192
            ),
            "audio": _nano_input(YamnetConfig(), concepts["audio"], 2, (" sound:", " recording:"), 128),
            "video": _nano_input(clip, concepts["video"], 1, (" animation:", " film:"), 160),
        },
        outputs={
            name: OutputConfig(DecoderConfig(f"nano-{name}", f"weights:nano/decoders/{name}"))
            for name in ("image", "audio", "video")
        },
    )


PRESETS: dict[str, Callable[[], AnyToAnyConfig]] = {"nano": nano}


def preset(name: str) -> AnyToAnyConfig:
    """The configuration of that name. Raises ConfigError that lists the names."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]()
