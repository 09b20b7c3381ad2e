"""Sounds: float32 samples (S,) <-> latents of a log-mel picture; Griffin-Lim gives the phase back."""

import numpy as np
import torch
from torch import Tensor

from nextgpt.media import Audio
from nextgpt.nn.decoders import mel
from nextgpt.nn.decoders.config import AudioFacts
from nextgpt.nn.decoders.latent_decoder import LatentDecoder


class AudioDecoder(LatentDecoder[AudioFacts]):
    def prepare(self, array: np.ndarray) -> Tensor:
        """float32 (S,) at facts.rate, cut or padded with silence -> float16 (1, mels, frames), -1..1."""
        facts = self.facts
        samples = np.zeros(facts.num_samples, np.float32)
        samples[: len(array)] = array[: facts.num_samples]
        level = mel.log_mel(torch.from_numpy(samples), facts)
        unit = 2 * (level - facts.floor) / (facts.ceiling - facts.floor) - 1
        return unit.clamp(-1, 1)[None].half()

    def to_input(self, stored: Tensor) -> Tensor:
        return stored.float()

    def to_media(self, output: Tensor) -> list[Audio]:
        facts = self.facts
        level = (output[:, 0].clamp(-1, 1) + 1) / 2 * (facts.ceiling - facts.floor) + facts.floor
        sounds = mel.invert(level.float(), facts).cpu().numpy()
        return [Audio.from_array(np.clip(sound, -1, 1), rate=facts.rate) for sound in sounds]
