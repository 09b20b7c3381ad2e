"""How each small decoder is trained: a row a modality, a table a preset. Sizes: minutes on one core."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from nextgpt.errors import ConfigError
from nextgpt.nn.decoders.config import ArchitectureConfig, nano_audio, nano_image, nano_video
from nextgpt.training.step_runner import PhaseConfig

FEWEST = 64  # items of a scaled recipe: a batch


@dataclass(frozen=True)
class DecoderRecipe:
    """`autoencoder` None: it is another decoder's. Of such components, `shared` ones stay there, and those that
    `starts` names teach this decoder's own what fits (component -> a folder relative to the decoder's).
    `crowded`: share of the rows of detail and finish that hold more than one thing; 0 takes them as they come.
    The flow's seed also seeds the weights. `drop_prompt` is the flow's share of rows without a condition."""

    architecture: ArchitectureConfig
    num_items: int
    draft: PhaseConfig
    flow: PhaseConfig
    reading: PhaseConfig | None = None
    autoencoder: PhaseConfig | None = None
    vocoder: PhaseConfig | None = None
    num_waves: int = 0
    playing: PhaseConfig | None = None
    num_phrases: int = 0
    detail: PhaseConfig | None = None
    finish: PhaseConfig | None = None
    voice: PhaseConfig | None = None
    perceptual_weight: float = 0.0
    crowded: float = 0.0
    shared: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    draft_weight: float = 0.1
    drop_prompt: float = 0.1
    latent_noise: float = 0.1
    latent_penalty: float = 1e-3


RECIPES: dict[str, dict[str, DecoderRecipe]] = {
    "nano": {
        "image": DecoderRecipe(
            nano_image(),
            num_items=24_000,
            reading=PhaseConfig(steps=3_000, batch_size=64, learning_rate=3e-3),
            autoencoder=PhaseConfig(steps=4_500, batch_size=16),
            draft=PhaseConfig(steps=1_600, batch_size=64, learning_rate=2e-3),
            flow=PhaseConfig(steps=400, batch_size=32),
            detail=PhaseConfig(steps=3_000, batch_size=16, learning_rate=2e-4),
            finish=PhaseConfig(steps=3_000, batch_size=16, learning_rate=3e-4),
            perceptual_weight=1.0,
            crowded=0.6,
        ),
        "video": DecoderRecipe(
            nano_video(),
            num_items=6_000,
            reading=PhaseConfig(steps=1_600, batch_size=64, learning_rate=3e-3),
            draft=PhaseConfig(steps=600, batch_size=16, learning_rate=1e-3),
            flow=PhaseConfig(steps=300, batch_size=32),
            detail=PhaseConfig(steps=600, batch_size=8, learning_rate=2e-4),
            finish=PhaseConfig(steps=1_200, batch_size=8, learning_rate=3e-4),
            perceptual_weight=1.0,
            shared={"vae": "../image/vae"},
            starts={"reader": "../image/reader"},
        ),
        "audio": DecoderRecipe(
            nano_audio(),
            num_items=8_000,
            autoencoder=PhaseConfig(steps=2_400, batch_size=16),
            vocoder=PhaseConfig(steps=3_000, batch_size=16, learning_rate=2e-3),
            num_waves=2_400,
            draft=PhaseConfig(steps=3_000, batch_size=64, learning_rate=2e-3),
            flow=PhaseConfig(steps=300, batch_size=32),
            detail=PhaseConfig(steps=1_000, batch_size=16, learning_rate=2e-4),
            playing=PhaseConfig(steps=6_000, batch_size=32, learning_rate=2e-3),
            num_phrases=16_000,
            finish=PhaseConfig(steps=1_000, batch_size=16, learning_rate=5e-4),
            perceptual_weight=1.0,
            voice=PhaseConfig(steps=1_000, batch_size=16, learning_rate=5e-4),
            latent_noise=0.03,
        ),
    }
}


def recipe_of(preset: str, modality: str) -> DecoderRecipe:
    if preset not in RECIPES:
        raise ConfigError(f"There is no decoder preset {preset!r}; choose one of {', '.join(RECIPES)}.")
    if modality not in RECIPES[preset]:
        raise ConfigError(f"There is no {modality!r} decoder; choose one of {', '.join(RECIPES[preset])}.")
    return RECIPES[preset][modality]


def scaled(recipe: DecoderRecipe, factor: float) -> DecoderRecipe:
    """The same recipe with items and steps times `factor`, a batch and a step at least of what it has."""
    found: dict[str, Any] = {}
    for name in (one.name for one in fields(recipe)):
        value = getattr(recipe, name)
        if isinstance(value, PhaseConfig):
            found[name] = replace(value, steps=max(1, round(value.steps * factor)))
        elif name.startswith("num_") and value:
            found[name] = max(FEWEST, round(value * factor))
    return replace(recipe, **found)
