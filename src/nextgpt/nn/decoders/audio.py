"""Sounds: float32 samples (S,) <-> latents of a log-mel picture; a vocoder gives the phases back."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.media import Audio
from nextgpt.nn.decoders import mel
from nextgpt.nn.decoders.config import AudioFacts, LatentDecoderConfig
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.nn.decoders.vocoder import Vocoder


class AudioDecoder(LatentDecoder[AudioFacts]):
    """Without a vocoder (older folders, or as a baseline) Griffin-Lim finds the phases."""

    def __init__(
        self, config: LatentDecoderConfig, *, vocoder: Vocoder | None = None, **components: Any
    ) -> None:
        super().__init__(config, **components)
        self.vocoder = vocoder

    def prepare(self, array: np.ndarray) -> Tensor:
        """float32 (S,) at facts.rate, cut or padded with silence -> float16 (1, mels, frames), -1..1."""
        level = mel.log_mel(self.fixed_length(array), self.facts)
        return mel.to_unit(level, self.facts)[None].half()

    def fixed_length(self, array: np.ndarray) -> Tensor:
        """float32 (facts.num_samples,): cut, or silence behind the end."""
        samples = np.zeros(self.facts.num_samples, np.float32)
        samples[: len(array)] = array[: self.facts.num_samples]
        return torch.from_numpy(samples)

    def to_input(self, stored: Tensor) -> Tensor:
        return F.pixel_unshuffle(stored.float(), self.facts.patch)

    def to_media(self, output: Tensor) -> list[Audio]:
        picture = F.pixel_shuffle(output.float(), self.facts.patch)[:, 0]
        sounds = self.to_samples(picture.clamp(-1, 1)).cpu().numpy()
        return [Audio.from_array(np.clip(sound, -1, 1), rate=self.facts.rate) for sound in sounds]

    def to_samples(self, unit: Tensor) -> Tensor:
        """Log-mel pictures (B, mels, frames) in -1..1 -> samples (B, S)."""
        if self.vocoder is None:
            return mel.invert(mel.from_unit(unit, self.facts), self.facts)
        return self.vocoder.synthesize(unit)
