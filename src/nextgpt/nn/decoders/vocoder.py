"""Log-mel pictures -> sound: ConvNeXt blocks over mel frames and an inverse STFT head, after Vocos (arXiv
2306.00814), with one difference: phases are integrated.

Vocos' head gives each frame's phases outright. A convolution gives equal frames for equal inputs, so a steady
tone would come out periodic in the hop (multiples of 62.5 Hz); a GAN on speech hides it, an organ does not. Here
the network gives what a frame can know: magnitudes, and by how much each bin's phase moves from the frame before,
with its uncertainty. Phases are summed over time; bins around a spectral peak move with it (Laroche and Dolson
1999, "rigid phase locking"), sloped so that a frame's energy lies where its growth says: an attack, late. What still
sounds before it is gated (envelope.py). Where the network is uncertain, noise is drawn.

Shapes: B batch, F = window // 2 + 1 bins, T frames.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from nextgpt.nn.decoders import mel
from nextgpt.nn.decoders.config import AudioFacts, MediaFacts, VocoderConfig
from nextgpt.nn.decoders.envelope import energy_of, envelope, gated

FIT_ROUNDS, POLISH_ROUNDS = 2, 2
# Of a Hann window as a Gaussian: its variance over its squared length.
WINDOW_SPREAD = 0.25645 / (2 * math.pi)
MAX_DELAY = 0.45  # windows
MIN_SPREAD, MAX_SPREAD = 0.004, 1.0  # of a frequency, in bins


class Spectrum(NamedTuple):
    """float32 (B, F, T) each. `level`: natural log of the magnitude; `offset`: the bin's frequency minus its
    centre, in bins; `spread`: the scale of the offset's Laplace distribution, in bins."""

    level: Tensor
    offset: Tensor
    spread: Tensor


class Vocoder(ModelMixin, ConfigMixin):
    """Under a million parameters. `num_mels`, `window`, `hop` and so on are the AudioFacts it was trained for."""

    config_name = "config.json"  # type: ignore[assignment]

    @register_to_config
    def __init__(
        self,
        num_mels: int = 80,
        rate: int = 16_000,
        window: int = 1024,
        hop: int = 256,
        floor: float = -6.0,
        ceiling: float = 10.0,
        width: int = 192,
        expansion: int = 2,
        num_layers: int = 4,
    ) -> None:
        super().__init__()
        self.facts = AudioFacts(rate, window, hop, num_mels, floor=floor, ceiling=ceiling)
        self.num_bins = window // 2 + 1
        self.embed = nn.Conv1d(num_mels, width, 5, padding=2)
        self.blocks = nn.Sequential(*(Block(width, expansion) for _ in range(num_layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3 * self.num_bins)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, unit: Tensor) -> Spectrum:
        """Log-mel levels (B, num_mels, T) scaled to -1..1 -> what the sound's STFT is like."""
        states = self.blocks(self.embed(unit.to(self.dtype)))
        change, offset, doubt = self.head(self.norm(states.mT)).float().mT.chunk(3, dim=1)
        low, high = math.log(MIN_SPREAD), math.log(MAX_SPREAD)
        spread = torch.exp(low + (high - low) * torch.sigmoid(doubt))
        return Spectrum(self.rough_level(unit.float()) + change, 2 * torch.tanh(offset), spread)

    def rough_level(self, unit: Tensor) -> Tensor:
        """Half the log of the power that the mel filters' transpose spreads: the network corrects this."""
        facts = self.facts
        filters = mel.mel_filters(facts, unit.device)
        level = mel.from_unit(unit, facts)
        power = (filters / filters.sum(1, keepdim=True)).T @ level.exp()
        return 0.5 * torch.log(power + 1e-4 * math.exp(facts.floor))

    @torch.no_grad()
    def synthesize(self, unit: Tensor, seed: int = 0) -> Tensor:
        """Log-mel levels (B, num_mels, T) -> samples (B, hop * T). The noise is the same for every row, so a row is
        the same in any batch."""
        spectrum = fit_to_mel(self(unit), mel.from_unit(unit.float(), self.facts), self.facts)
        return synthesize(spectrum, self.facts, seed, POLISH_ROUNDS)


def make_vocoder(facts: MediaFacts, config: VocoderConfig) -> Vocoder:
    assert isinstance(facts, AudioFacts)
    return Vocoder(
        facts.num_mels,
        facts.rate,
        facts.window,
        facts.hop,
        facts.floor,
        facts.ceiling,
        config.width,
        config.expansion,
        config.num_layers,
    )


class Block(nn.Module):
    """ConvNeXt over time (arXiv 2201.03545): (B, C, T) -> (B, C, T)."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, expansion * width)
        self.down = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.25))

    def forward(self, states: Tensor) -> Tensor:
        change = self.down(F.gelu(self.up(self.norm(self.mix(states).mT))))
        return states + (self.scale * change).mT


# --- phases ---


def synthesize(spectrum: Spectrum, facts: AudioFacts, seed: int = 0, polish_rounds: int = 0) -> Tensor:
    """Spectrum (B, F, T) -> samples (B, hop * T)."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(3, *spectrum.level.shape[1:], generator=generator).to(spectrum.level.device)
    magnitude = roughened(spectrum, draws[0])
    advance = phase_advance(spectrum, facts, draws[1])
    start = 2 * math.pi * draws[2, :, 0]
    phase = locked_phases(advance, peaks_of(magnitude), energy_delay(spectrum.level, facts), start)
    sound = mel.istft(torch.polar(magnitude, phase), facts, facts.hop * magnitude.shape[-1])
    return polish(sound, magnitude, facts, polish_rounds)


def fit_to_mel(spectrum: Spectrum, level: Tensor, facts: AudioFacts, rounds: int = FIT_ROUNDS) -> Spectrum:
    """Correct magnitudes towards the mel levels (B, num_mels, T) that they must have."""
    filters = mel.mel_filters(facts, level.device)
    reach = filters.sum(0)[:, None].clamp(min=1e-3)
    power = torch.exp(2 * spectrum.level)
    for _ in range(rounds):
        ratio = level.exp() / (filters @ power + math.exp(facts.floor))
        power = power * (filters.T @ ratio / reach).clamp(0.01, 100)
    return spectrum._replace(level=0.5 * torch.log(power + 1e-12))


def polish(sound: Tensor, magnitude: Tensor, facts: AudioFacts, rounds: int) -> Tensor:
    """A few of Griffin and Lim's projections, from phases that are nearly right, in turn with gates: noise keeps its
    level by the one, an attack its edge by the other."""
    wanted = envelope(energy_of(magnitude, facts), facts)
    for _ in range(rounds):
        stft = mel.stft(gated(sound, wanted, facts), facts)[..., : magnitude.shape[-1]]
        sound = mel.istft(magnitude * stft / stft.abs().clamp(min=1e-9), facts, sound.shape[-1])
    return gated(sound, wanted, facts)


def roughened(spectrum: Spectrum, uniform: Tensor) -> Tensor:
    """Magnitudes, Rayleigh-distributed about their median where the phase is uncertain, as those of noise are."""
    rayleigh = torch.sqrt(torch.log(1 - uniform.clamp(max=0.999)) / math.log(0.5))
    doubt = (spectrum.spread / (0.5 * MAX_SPREAD)).clamp(max=1) ** 2
    return spectrum.level.exp() * (1 - doubt + doubt * rayleigh)


def phase_advance(spectrum: Spectrum, facts: AudioFacts, uniform: Tensor) -> Tensor:
    """(B, F, T) radians from the frame before, drawn from each bin's distribution, modulo 2 pi."""
    centred = uniform - 0.5
    laplace = -centred.sign() * torch.log1p(-2 * centred.abs().clamp(max=0.4999))
    noise = torch.where(spectrum.spread > 0.15, spectrum.spread * laplace, 0.0)
    share = facts.hop / facts.window  # of a turn, for each bin
    bins = torch.arange(spectrum.level.shape[1], device=laplace.device)[:, None]
    return 2 * math.pi * torch.remainder(bins * share + (spectrum.offset + noise) * share, 1.0)


def peaks_of(magnitude: Tensor, rounds: int = 4) -> Tensor:
    """(B, F, T) -> the bin of the spectral peak that each bin leads up to, by climbing 2 ** rounds steps."""
    padded = F.pad(magnitude, (0, 0, 1, 1))
    below, above = padded[:, :-2], padded[:, 2:]
    step = torch.where(above > below, 1, -1) * (torch.maximum(below, above) > magnitude)
    place = torch.arange(magnitude.shape[1], device=magnitude.device)[:, None] + step
    for _ in range(rounds):
        place = place.gather(1, place)
    return place


def energy_delay(level: Tensor, facts: AudioFacts) -> Tensor:
    """(B, F, T) -> by how many windows the energy of each bin lies behind the frame's middle. With a Gaussian window
    that is its variance times the growth of the log magnitude (Prusa, Balazs and Sondergaard 2017, "A noniterative
    method for reconstruction of phase from STFT magnitude", whose Gaussian for a Hann window is taken)."""
    heard = F.pad(torch.log(level.exp() + 1e-3), (1, 1), mode="replicate")
    growth = (heard[..., 2:] - heard[..., :-2]) / (2 * facts.hop) * facts.window
    return (WINDOW_SPREAD * growth).clamp(-MAX_DELAY, MAX_DELAY)


def locked_phases(advance: Tensor, peak: Tensor, delay: Tensor, start: Tensor) -> Tensor:
    """Sum advances over frames. Each bin takes its peak's phase; a Hann window's lobe alternates in sign when its
    energy lies in the middle of the window, and the phase falls faster from bin to bin the later it lies."""
    bins = torch.arange(advance.shape[1], device=advance.device)[:, None]
    flip = -math.pi * (1 + 2 * delay.gather(1, peak)) * (bins - peak)
    moved = (advance.gather(1, peak) + flip).unbind(-1)
    phase, phases = start.expand(advance.shape[:2]), []
    for change, peaks in zip(moved, peak.unbind(-1), strict=True):
        phase = phase.gather(1, peaks) + change
        phases.append(phase)
    return torch.stack(phases, -1)
