"""Notes whose partials move along the axis of pitch."""

import numpy as np
import torch
from torch import Tensor

from nextgpt.nn.decoders.config import AudioFacts
from nextgpt.nn.decoders.mel import log_mel
from nextgpt.nn.decoders.player import INTERVALS, Player, partial_filters

FACTS = AudioFacts(patch=4)
LOWEST = 40


def player() -> Player:
    torch.manual_seed(0)
    return Player(num_voices=3, num_notes=24, lowest=LOWEST, cells=6, frames=4, width=16, facts=FACTS)


def of(voice: int, note: int) -> tuple[Tensor, Tensor]:
    return torch.eye(3)[[voice]], torch.eye(24)[[note]]


def test_a_partial_lies_in_the_mel_bands_of_its_tone() -> None:
    filters = partial_filters(24, LOWEST, FACTS)
    times = np.arange(FACTS.num_samples) / FACTS.rate
    for note, interval in ((5, 0.0), (20, 12.0), (9, 28.0), (0, 60.0)):
        hertz = 440 * 2 ** ((LOWEST + note + interval - 69) / 12)
        tone = torch.from_numpy(np.sin(2 * np.pi * hertz * times).astype(np.float32))
        heard = log_mel(tone, FACTS)[:, 100].exp()
        told = filters[note, :, INTERVALS.index(interval)]
        assert torch.nn.functional.cosine_similarity(heard, told, dim=0) > 0.98


def test_partials_above_half_the_rate_are_not_heard() -> None:
    assert partial_filters(48, LOWEST, FACTS)[47, :, -1].abs().max() == 0


@torch.no_grad()
def test_a_note_that_was_never_played_is_its_neighbours_moved() -> None:
    """Trained on every second note of a voice with three partials, it knows the notes between."""
    one = player()
    filters = partial_filters(24, LOWEST, FACTS)
    partials = torch.zeros(len(INTERVALS))
    partials[[INTERVALS.index(step) for step in (0.0, 12.0, 19.0)]] = torch.tensor([1.0, 0.5, 0.2])
    wanted = torch.log(filters @ (100 * partials) + 0.01)
    notes, held = torch.eye(24), torch.full((24,), 2.0)

    def levels() -> Tensor:
        made = one(torch.eye(3)[[0]].expand(24, -1), notes, held)
        return torch.log(made.unflatten(2, (4, -1))[:, 0, 0] + 0.01)

    optimizer = torch.optim.AdamW(one.parameters(), lr=1e-2)
    for _step in range(300):
        with torch.enable_grad():
            loss = (levels() - wanted)[::2].abs().mean()
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
    off = (levels() - wanted)[1:-1:2].abs().mean()
    unmoved = (wanted[:-2:2] - wanted[1:-1:2]).abs().mean()
    assert off < 0.3 * unmoved


@torch.no_grad()
def test_voice_note_and_length_are_heard_and_an_age_is_told_from_another() -> None:
    one = player()
    usual = one(*of(0, 4), torch.tensor([2.0]))
    for voices, notes, held in ((*of(1, 4), 2.0), (*of(0, 5), 2.0), (*of(0, 4), 4.0)):
        assert (one(voices, notes, torch.tensor([held])) - usual).abs().max() > 1e-4
    assert (usual[0, 1] - usual[0, 4]).abs().max() > 1e-4


def test_a_stroke_half_as_loud_has_less_than_half_the_power() -> None:
    one = player()
    gain = one.gain(torch.tensor([0.0, 0.5, 1.0]))
    assert gain[0] == 0 and 0 < gain[1] < 0.1 and gain[2] == 1
