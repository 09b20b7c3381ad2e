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
    LanguageModelConfig,
    LoraConfig,
    OutputConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
    YamnetConfig,
)
from nextgpt.errors import ConfigError


def _nano_input(
    encoder: EncoderConfig, names: list[str], drawn: tuple[str, ...], real: str, width: int, frames: int = 0
) -> InputConfig:
    """drawn, real: what stands before each name of a thing of the small world, and before a class of the encoder."""
    branches = (
        ResamplerBranchConfig(num_tokens=8, width=width, frames=frames),
        ConceptBranchConfig(tuple(names), len(drawn), tokens_per_name=6, cues=drawn, tokens_per_cue=3),
        PosteriorBranchConfig(top_k=1, tokens_per_class=10, cue=real),
    )
    return InputConfig(encoder, InputProjectorConfig(branches, branch_dropout=0.05))


# Names that dialogues teach (what has no sound, which motion is the opposite) go into the perceptrons.
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def nano() -> AnyToAnyConfig:
    """The embedded default: parts that packages carry, for 2 CPU cores."""
    concepts = json.loads(files("nextgpt").joinpath("concepts.json").read_text())
    clip = EfficientNetLiteConfig(image_size=192, grid=3, num_frames=8)
    return AnyToAnyConfig(
        language_model=LanguageModelConfig(lora=LoraConfig(rank=16, alpha=32, target_modules=LINEAR)),
        inputs={
            "image": _nano_input(
                EfficientNetLiteConfig(),
                concepts["image"],
                (" first drawing:", " second drawing:"),
                " photo:",
                192,
            ),
            "audio": _nano_input(
                YamnetConfig(), concepts["audio"], (" first sound:", " second sound:"), " recording:", 128
            ),
            "video": _nano_input(clip, concepts["video"], (" animation:",), " film:", 160, clip.num_frames),
        },
        outputs={
            name: OutputConfig(
                DecoderConfig(f"nano-{name}", f"weights:nano/decoders/{name}"),
                num_signal_tokens=NUM_SIGNALS,
            )
            for name in ("image", "audio", "video")
        },
    )


# One for each token of the longest captions, which they restate, and one for how the reply goes on
# (docs/decisions/008-restating.md).
NUM_SIGNALS = 21

PRESETS: dict[str, Callable[[], AnyToAnyConfig]] = {"nano": nano}


def preset(name: str) -> AnyToAnyConfig:
    """The configuration of that name. Raises ConfigError that lists the names."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]()
