"""The vocoder: its phases give back what a spectrum says, a row is the same in any batch, and it learns."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from nextgpt.config import DecoderConfig
from nextgpt.nn.decoders import load_decoder, mel, untrained_decoder, vocoder
from nextgpt.nn.decoders.config import AudioFacts, VocoderConfig, nano_audio
from nextgpt.nn.decoders.envelope import BLOCKS, energy_of, envelope, gated
from nextgpt.nn.decoders.folder import write_folder
from nextgpt.nn.decoders.vocoder import Spectrum, Vocoder, make_vocoder, peaks_of, polish, synthesize
from nextgpt.training.decoder_recipes import recipe_of
from nextgpt.training.vocoder_loss import crop_spectra, random_firsts, to_int16, true_offset, vocoder_loss

FACTS = AudioFacts(num_frames=64)
SMALL = VocoderConfig(width=16, expansion=2, num_layers=1)


def tone(hertz: float, facts: AudioFacts = FACTS) -> Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz * torch.arange(facts.num_samples) / facts.rate)


def true_spectrum(sound: Tensor, facts: AudioFacts = FACTS) -> Spectrum:
    """What a perfect vocoder says of a sound."""
    stft = mel.stft(sound, facts)[None, :, : facts.num_frames]
    offset = true_offset(torch.cat([stft[..., :1], stft], -1), facts)
    return Spectrum(torch.log(stft.abs() + 1e-5), offset, torch.full_like(offset, 0.01))


def strongest(sound: Tensor, facts: AudioFacts = FACTS) -> float:
    middle = sound[4096:-4096]
    spectrum = torch.fft.rfft(middle * torch.hann_window(len(middle)), 1 << 17).abs()
    return float(spectrum.argmax()) * facts.rate / (1 << 17)


@pytest.mark.parametrize("hertz", [131.0, 261.6, 440.0, 1046.5, 3001.0])
def test_a_steady_tone_keeps_its_frequency_and_level(hertz: float) -> None:
    """No multiple of 62.5 Hz, which is all that equal frames could give."""
    sound = synthesize(true_spectrum(tone(hertz)), FACTS)[0]
    assert abs(12 * math.log2(strongest(sound) / hertz)) < 0.05
    assert 0.4 < float(sound[4096:-4096].abs().max()) < 0.6


def test_a_chord_of_tones_comes_back() -> None:
    chord = (tone(261.6) + tone(329.6) + tone(392.0)) / 3
    copy = synthesize(true_spectrum(chord), FACTS)[0]
    error = (mel.log_mel(copy, FACTS) - mel.log_mel(chord, FACTS))[:, 4:-4].abs().mean()
    assert float(error) < 0.15


def test_uncertain_bins_are_noise() -> None:
    flat = torch.full((1, FACTS.window // 2 + 1, FACTS.num_frames), 2.0)
    spectrum = Spectrum(flat, torch.zeros_like(flat), torch.ones_like(flat))
    sound = synthesize(spectrum, FACTS)[0]
    power = torch.fft.rfft(sound).abs().square()
    flatness = power[100:-100].log().mean().exp() / power[100:-100].mean()
    assert float(flatness) > 0.3  # white noise has 0.56, a buzz at the hop's rate nearly none
    assert torch.equal(sound, synthesize(spectrum, FACTS)[0])
    assert not torch.equal(sound, synthesize(spectrum, FACTS, seed=1)[0])


def test_polishing_leaves_noise_rough() -> None:
    """By how much magnitudes vary, as a share of their mean: polished towards flat ones they hardly would."""
    flat = torch.zeros(1, FACTS.window // 2 + 1, FACTS.num_frames)
    spectrum = Spectrum(flat, flat, torch.ones_like(flat))
    sounds = (
        synthesize(spectrum, FACTS, polish_rounds=4),
        polish(synthesize(spectrum, FACTS), flat.exp(), FACTS, 4),
    )
    kept, flattened = (mel.stft(sound, FACTS)[0, 20:-20, 4:-4].abs() for sound in sounds)
    assert flattened.std() / flattened.mean() < 0.3 < 0.35 < kept.std() / kept.mean() < 0.6


def test_an_attack_stays_sharp(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sounds before a tone begins, as a share of its energy; without the slope of phases several times as much."""
    begin = FACTS.num_samples // 2
    spectrum = true_spectrum(struck(begin))

    def early() -> float:
        power = synthesize(spectrum, FACTS)[0].square()
        return float(power[: begin - 64].sum() / power.sum())

    sloped = early()
    monkeypatch.setattr(vocoder, "energy_delay", lambda level, facts: torch.zeros_like(level))
    assert sloped < 0.5 * early()


def struck(begin: int) -> torch.Tensor:
    return tone(440.0) * (torch.arange(FACTS.num_samples) >= begin)


@pytest.mark.parametrize("late", [0, 50, 128, 200])  # samples behind a frame's middle
def test_an_envelope_knows_an_attack_to_a_quarter_of_its_window(late: int) -> None:
    begin = FACTS.num_samples // 2 + late
    energy = energy_of(mel.stft(struck(begin), FACTS)[None, :, :-1].abs(), FACTS)
    power = envelope(energy, FACTS)[0, 0]
    block = FACTS.hop // BLOCKS
    assert power.shape == (FACTS.num_samples // block,) and power.min() >= 0
    early, before = (begin - FACTS.window // 4) // block, (begin - FACTS.window // 2) // block
    assert power[:early].max() < 0.02 * power[begin // block + 2 :].mean() and power[:before].max() < 1e-4


def test_a_gate_takes_the_echo_before_an_attack_and_nothing_else() -> None:
    begin = FACTS.num_samples // 2
    true = struck(begin)[None]
    wanted = envelope(energy_of(mel.stft(true, FACTS)[..., :-1].abs(), FACTS), FACTS)
    echo = true + 0.3 * tone(440.0) * (torch.arange(FACTS.num_samples) >= begin - FACTS.window // 2)
    early = slice(begin - FACTS.window // 2, begin - FACTS.window // 4)
    made = gated(echo, wanted, FACTS)[0]
    assert made[early].square().sum() < 0.02 * echo[0, early].square().sum()
    torch.testing.assert_close(gated(true, wanted, FACTS), true, rtol=0, atol=1e-4)


def test_each_bin_finds_its_peak() -> None:
    heights = torch.tensor([1.0, 2.0, 5.0, 3.0, 1.0, 2.0, 4.0, 0.5])[None, :, None]
    assert peaks_of(heights)[0, :, 0].tolist() == [2, 2, 2, 2, 2, 6, 6, 6]


def test_a_row_is_the_same_in_any_batch() -> None:
    torch.manual_seed(0)
    vocoder = make_vocoder(FACTS, SMALL).eval()
    rows = torch.rand(3, FACTS.num_mels, 20) * 2 - 1
    together = vocoder.synthesize(rows)
    assert together.shape == (3, 20 * FACTS.hop)
    assert (together[1] - vocoder.synthesize(rows[1:2])[0]).abs().max() < 1e-3


def test_shapes_and_size_of_the_recipe() -> None:
    vocoder = untrained_decoder(nano_audio()).vocoder
    assert sum(parameter.numel() for parameter in vocoder.parameters()) <= 1_000_000
    spectrum = vocoder(torch.zeros(2, 80, 7))
    assert {part.shape for part in spectrum} == {(2, 513, 7)} and spectrum.level.dtype == torch.float32
    assert spectrum.offset.abs().max() <= 2 and spectrum.spread.min() > 0
    assert recipe_of("nano", "audio").vocoder is not None


def test_it_runs_in_the_dtype_of_its_weights() -> None:
    vocoder = make_vocoder(FACTS, SMALL).to(torch.bfloat16)
    sound = vocoder.synthesize(torch.zeros(1, FACTS.num_mels, 8))
    assert sound.dtype == torch.float32 and bool(sound.isfinite().all())


def test_crops_are_the_frames_of_the_whole() -> None:
    wave = tone(440) * torch.linspace(0, 1, FACTS.num_samples)
    whole = mel.stft(to_int16(wave).float() / 32_767, FACTS)
    for seed in range(5):
        stored = to_int16(wave)[None]
        firsts = random_firsts(stored, FACTS, 62, torch.Generator().manual_seed(seed))
        crop = crop_spectra(stored, FACTS, 62, firsts)[0]
        first = next(n for n in range(3) if torch.allclose(whole[:, n : n + 63], crop, atol=1e-3))
        assert first in (0, 1)


def test_the_true_offset_is_the_frequency() -> None:
    stft = mel.stft(tone(440), FACTS)[None, :, :40]
    offset = true_offset(stft, FACTS)[0, :, 20]
    place = 440 * FACTS.window / FACTS.rate  # 28.16
    assert float(offset[28]) == pytest.approx(place - 28, abs=0.01)
    assert float(offset[29]) == pytest.approx(place - 29, abs=0.01)


def test_training_lowers_the_loss_and_is_a_function_of_the_generator() -> None:
    torch.manual_seed(0)
    vocoder = make_vocoder(FACTS, SMALL)
    waves = torch.stack([to_int16(tone(hertz)) for hertz in (220.0, 330.0, 523.0)])
    optimizer = torch.optim.AdamW(vocoder.parameters(), lr=3e-3)

    def loss(seed: int) -> Tensor:
        return vocoder_loss(vocoder, waves, torch.Generator().manual_seed(seed), frames=24)

    first = loss(99)
    assert torch.equal(first, loss(99)) and not torch.equal(first, loss(98))
    for step in range(40):
        optimizer.zero_grad()
        loss(step).backward()
        optimizer.step()
    assert loss(99) < 0.7 * first
    assert all(parameter.grad is not None for parameter in vocoder.parameters())


def test_a_folder_with_and_without_a_vocoder(tmp_path: Path) -> None:
    """Without one, as older folders are, Griffin-Lim takes its place."""
    torch.manual_seed(0)
    decoder = untrained_decoder(nano_audio()).eval()
    unit = torch.zeros(1, 80, 256)
    write_folder(decoder, tmp_path / "with")
    config = DecoderConfig("nano-audio", str(tmp_path / "with"))
    opened = load_decoder(config)
    assert isinstance(opened.vocoder, Vocoder)
    assert replace(opened.vocoder.facts, patch=opened.facts.patch) == opened.facts
    assert torch.equal(opened.to_samples(unit), decoder.to_samples(unit))
    decoder.vocoder = None
    write_folder(decoder, tmp_path / "without")
    bare = load_decoder(replace(config, address=str(tmp_path / "without")))
    assert bare.vocoder is None and not (tmp_path / "without" / "vocoder").exists()
    [sound] = bare.to_media(bare.to_input(unit[:, None]))
    assert len(np.asarray(sound.samples(16_000))) == 65_536


def test_a_vocoder_reads_what_was_dreamt_of_its_waves_at_the_right_place() -> None:
    """A dreamt picture that is the true one gives the loss of the true one; one that is shifted does not."""
    torch.manual_seed(0)
    vocoder = make_vocoder(FACTS, SMALL).eval()
    beats = torch.sin(6 * math.pi * torch.arange(FACTS.num_samples) / FACTS.rate) > 0
    waves = to_int16(tone(300.0) * beats)[None]
    picture = mel.to_unit(mel.log_mel(waves.float() / 32_767, FACTS), FACTS)

    def loss(dreamt: Tensor | None) -> float:
        generator = torch.Generator().manual_seed(3)
        found = vocoder_loss(vocoder, waves, generator, frames=24, noise=0.0, dreamt=dreamt)
        return float(found.detach())

    assert loss(picture) == pytest.approx(loss(None), rel=1e-3)
    assert abs(loss(picture.roll(9, -1)) - loss(None)) > 1e-2 * loss(None)
