"""Numbers of the small latent decoders: what a medium is, how its autoencoder and its transformer are built.

`LatentDecoderConfig` is what a decoder's folder keeps beside diffusers' own component configs (its index);
`ArchitectureConfig` adds the shapes that are needed once, to make untrained components.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class ImageFacts:
    """`patch` x `patch` pixels are one position of the autoencoder's input: nothing runs at full resolution."""

    type: ClassVar[str] = "image"
    size: int = 128
    patch: int = 4


@dataclass(frozen=True)
class VideoFacts:
    """`group` frames share one column of latent channels; groups lie below each other like a film strip."""

    type: ClassVar[str] = "video"
    size: int = 128
    patch: int = 4
    num_frames: int = 16
    fps: int = 8
    group: int = 4


@dataclass(frozen=True)
class AudioFacts:
    """Log-mel picture (num_mels, num_frames) of mono sound; levels in natural log of mel power
    (-6 to 10 is a range of 70 dB). `patch` x `patch` of them are one position of the autoencoder's input."""

    type: ClassVar[str] = "audio"
    rate: int = 16_000
    window: int = 1024
    hop: int = 256
    num_mels: int = 80
    num_frames: int = 256
    patch: int = 1
    floor: float = -6.0
    ceiling: float = 10.0
    phase_steps: int = 48

    @property
    def num_samples(self) -> int:
        return self.hop * self.num_frames


MediaFacts = ImageFacts | VideoFacts | AudioFacts


@dataclass(frozen=True)
class LatentDecoderConfig:
    """`type` is the row of DECODERS; steps and guidance are the defaults of `decode`. `predicts` is what the
    transformer's output means, together with the reader's draft where there is one: the flow's "velocity", or the
    clean "sample", which a transformer narrower than its tokens can still express (arXiv 2511.13720)."""

    type: str
    facts: MediaFacts
    latent_shape: tuple[int, int, int]
    steps: int = 2
    guidance: float = 1.0
    predicts: str = "sample"
    text_part: str = "minilm-l6"


@dataclass(frozen=True)
class AutoencoderConfig:
    """diffusers' AutoencoderDC. A first stage without layers is a pixel unshuffle; every later stage halves the
    sides again."""

    in_channels: int = 3
    latent_channels: int = 12
    channels: tuple[int, ...] = (24, 24, 48, 96)
    encoder_layers: tuple[int, ...] = (0, 1, 1, 1)
    decoder_layers: tuple[int, ...] = (0, 1, 2, 2)


@dataclass(frozen=True)
class LayeredReaderConfig:
    """LayeredReader: `num_things` slots of its memory, up to `num_layers` things in one medium."""

    num_things: int = 1313
    num_layers: int = 4
    num_frames: int = 1
    group: int = 1
    canvas: int = 64
    sprite_side: int = 32
    sprite_channels: int = 6
    draw_width: int = 128
    plan_channels: int = 32

    @property
    def plan_depth(self) -> int:
        return self.plan_channels * self.group

    def arguments(self, facts: MediaFacts) -> dict[str, Any]:
        """What LayeredReader takes of this and of its media."""
        return asdict(self)


@dataclass(frozen=True)
class ScoreReaderConfig:
    """ScoreReader: `num_things` voices of its memory, up to `num_layers` of them at once; `lowest`: MIDI of note 0."""

    num_things: int = 79
    num_layers: int = 2
    num_notes: int = 48
    num_steps: int = 8
    lowest: int = 40
    voice_width: int = 512
    frames: int = 8

    @property
    def plan_depth(self) -> int:
        return self.frames**2

    def arguments(self, facts: MediaFacts) -> dict[str, Any]:
        """What ScoreReader takes of this and of its media: its mel pictures are theirs."""
        assert isinstance(facts, AudioFacts)
        return asdict(self) | {name: getattr(facts, name) for name in ("rate", "window", "floor", "ceiling")}


@dataclass(frozen=True)
class TransformerConfig:
    """diffusers' PixArtTransformer2DModel."""

    width: int = 256
    num_heads: int = 4
    num_layers: int = 4
    patch_size: int = 1


@dataclass(frozen=True)
class VocoderConfig:
    """Width, hidden width in widths, and number of the ConvNeXt blocks."""

    width: int = 192
    expansion: int = 2
    num_layers: int = 4


@dataclass(frozen=True)
class ArchitectureConfig:
    """`noise_shift` above 1 spends more of training and sampling at high noise, where a sentence is all that is
    known (arXiv 2403.03206, section 5.3.2)."""

    decoder: LatentDecoderConfig
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    reader: LayeredReaderConfig | ScoreReaderConfig | None = None
    noise_shift: float = 3.0
    vocoder: VocoderConfig | None = None
    prompt_length: int = 32
    prompt_width: int = 384


PIXELS = AutoencoderConfig(48, 16, (64, 128), (1, 2), (1, 3))


def nano_image() -> ArchitectureConfig:
    """128 x 128 pictures: 64 tokens of 16 x 16 pixels."""
    return ArchitectureConfig(
        LatentDecoderConfig("nano-image", ImageFacts(), (16, 16, 16), steps=1),
        PIXELS,
        transformer=TransformerConfig(patch_size=2),
        reader=LayeredReaderConfig(),
    )


def nano_video() -> ArchitectureConfig:
    """16 frames of 128 x 128 at 8 a second, each a picture to the image autoencoder and to the reader's drawing half:
    64 tokens of 4 frames x 32 x 32 pixels."""
    return ArchitectureConfig(
        LatentDecoderConfig("nano-video", VideoFacts(), (64, 64, 16), steps=1),
        PIXELS,
        transformer=TransformerConfig(patch_size=4),
        reader=LayeredReaderConfig(num_layers=2, num_frames=16, group=4),
    )


def nano_audio() -> ArchitectureConfig:
    """4.1 s of 16 kHz sound: 80 tokens of 16 mel bands x 0.26 s; a latent column is 8 frames, a cell of the score."""
    return ArchitectureConfig(
        LatentDecoderConfig("nano-audio", AudioFacts(patch=4), (64, 10, 32), steps=1),
        autoencoder=AutoencoderConfig(16, 64, (64, 128), (1, 2), (1, 3)),
        transformer=TransformerConfig(width=192, num_heads=3, patch_size=2),
        reader=ScoreReaderConfig(),
        vocoder=VocoderConfig(),
    )
