"""Complete named configurations: functions that return an AnyToAnyConfig, and the table of their names."""

from collections.abc import Callable

from nextgpt.config import (
    AnyToAnyConfig,
    DecoderConfig,
    EfficientNetLiteConfig,
    InputConfig,
    InputProjectorConfig,
    OutputConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
    YamnetConfig,
)
from nextgpt.errors import ConfigError


def nano() -> AnyToAnyConfig:
    """The embedded default: parts that packages carry, for 2 CPU cores."""
    return AnyToAnyConfig(
        inputs={
            "image": InputConfig(
                EfficientNetLiteConfig(),
                InputProjectorConfig((ResamplerBranchConfig(), PosteriorBranchConfig()), branch_dropout=0.1),
            ),
            "audio": InputConfig(
                YamnetConfig(),
                InputProjectorConfig(
                    (ResamplerBranchConfig(width=160), PosteriorBranchConfig(top_k=2, tokens_per_class=6)),
                    branch_dropout=0.1,
                ),
            ),
            "video": InputConfig(
                EfficientNetLiteConfig(image_size=192, grid=3, num_frames=8),
                InputProjectorConfig((ResamplerBranchConfig(), PosteriorBranchConfig()), branch_dropout=0.1),
            ),
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
