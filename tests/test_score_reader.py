"""The reader that takes sentences about sounds apart: who plays, when, how high, for how long."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nextgpt.nano import split
from nextgpt.nano.instruments import instruments
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.settled_scores import CELLS, numbers, settled_score
from nextgpt.nano.settled_sound_scenes import CELL
from nextgpt.nano.settled_sounds import settled_scenes
from nextgpt.nn.decoders.config import nano_audio
from nextgpt.nn.decoders.score_reader import Score, ScoreReader, lower_toeplitz, score_loss, shifted

SHAPE: Any = nano_audio().reader
KINDS = ("note", "notes", "scale", "chord", "rhythm", "effect", "sequence")


def reader(**changes: object) -> ScoreReader:
    torch.manual_seed(0)
    sizes = {"width": 16, "length": 4, "num_things": 5, "num_layers": 2, "num_notes": 12, "num_steps": 3,
             "look_width": 16, "key_width": 8, "voice_width": 16, "frames": 4,
             "latent_shape": (3, 2, 16)}  # fmt: skip
    return ScoreReader(**(sizes | changes))


def layers_of(voice: int, base: int, held: float, strokes: dict[tuple[int, int], float]) -> Tensor:
    """One voice of two: (1, 2, 3 + 16 * 3)."""
    loud = torch.zeros(16, 3)
    for place, loudness in strokes.items():
        loud[place] = loudness
    row = torch.cat([torch.tensor([voice, base, held]), loud.flatten()])
    return torch.stack([row, torch.cat([torch.tensor([-1.0]), torch.zeros(2 + 48)])])[None]


@torch.no_grad()
def played(one: ScoreReader, layers: Tensor) -> Tensor:
    """The plan's columns (P h, T) of a true score."""
    return one.plan_of(one.true_score(layers))[0].flatten(0, 1)


def test_weights_by_age_and_rolls_are_those_of_a_loop() -> None:
    base, weight, steps = torch.rand(5), torch.rand(6), torch.rand(6, 3)
    for cell in range(6):
        for age in range(6):
            assert lower_toeplitz(weight)[cell, age] == (weight[cell - age] if age <= cell else 0)
    roll = steps @ shifted(base, 3)
    wanted = torch.zeros(6, 5)
    for step in range(3):
        wanted[:, step:] += steps[:, step : step + 1] * base[: 5 - step]
    torch.testing.assert_close(roll, wanted)


def test_a_stroke_sounds_alike_wherever_it_begins() -> None:
    one = reader()
    early = played(one, layers_of(3, 4, 2.0, {(3, 0): 1.0}))
    late = played(one, layers_of(3, 4, 2.0, {(8, 0): 1.0}))
    assert (early[:, 2:9] - late[:, 7:14]).abs().max() < 3e-3 < (early[:, 2:9] - late[:, 2:9]).abs().max()


@pytest.mark.parametrize(
    "other",
    [(2, 4, 2.0, {(1, 0): 1.0}), (3, 5, 2.0, {(1, 0): 1.0}), (3, 4, 5.0, {(1, 0): 1.0}), (3, 4, 2.0, {(1, 2): 1.0}),
     (3, 4, 2.0, {(1, 0): 0.4}), (3, 4, 2.0, {(1, 0): 1.0, (5, 0): 1.0})],
)  # fmt: skip
def test_voice_note_length_step_loudness_and_number_are_heard(other: tuple) -> None:
    one = reader()
    usual = played(one, layers_of(3, 4, 2.0, {(1, 0): 1.0}))
    assert (played(one, layers_of(*other)) - usual).abs().max() > 1e-3


def test_the_second_voice_is_heard_and_a_voice_that_is_not_used_is_silent() -> None:
    one = reader()
    first = layers_of(3, 4, 2.0, {(1, 0): 1.0})
    silent = first.clone()
    silent[0, 1, :3] = torch.tensor([2.0, 7.0, 9.0])  # a voice without a stroke
    torch.testing.assert_close(played(one, silent), played(one, first), rtol=1e-3, atol=1e-4)
    both = silent.clone()
    both[0, 1, 3 + 9 * 3] = 1.0
    changed = (played(one, both) - played(one, first)).abs().amax(0)
    assert changed[:7].max() < 1e-3 < changed[9]


def test_the_loss_asks_for_voices_notes_strokes_and_lengths() -> None:
    one = reader()
    layers = layers_of(3, 4, 2.0, {(1, 0): 1.0, (5, 1): 0.4})
    true, shown = one.true_score(layers), layers[..., 0] >= 0
    rows = vars(true)
    assert score_loss(true, true, shown) < 0.4  # the entropy of a loudness of 0.4 is left
    for name, wrong in {
        "voices": true.voices.roll(1, 2), "bases": true.bases.roll(1, 2),
        "strokes": true.strokes.roll(1, 2), "held": true.held + 1,
    }.items():  # fmt: skip
        assert score_loss(Score(**(rows | {name: wrong})), true, shown) > score_loss(true, true, shown) + 0.5


def test_distance_is_least_at_the_true_sentence_and_moves_only_what_was_made() -> None:
    one, true = reader(), torch.randn(2, 4, 16)
    made = (true + 0.5 * torch.randn_like(true)).requires_grad_()
    true.requires_grad_()
    far = one.distance(made, true)
    far.backward()
    assert made.grad is not None and made.grad.abs().max() > 0 and true.grad is None
    assert one.distance(true, true) < far


def test_players_are_known_in_counts_in_which_they_were_never_heard() -> None:
    """Words are random vectors. Of 12 voices with 1 to 3 strokes a third of the pairs is left out of training."""
    one, words = reader(num_things=12, key_width=16), torch.randn(16, 16)

    def rows(kept: bool) -> tuple[Tensor, Tensor]:
        some = [(v, n) for v in range(12) for n in range(3) if ((v + n) % 3 > 0) == kept]
        told = torch.stack([torch.stack([words[v], words[12 + n], words[15], words[15]]) for v, n in some])
        truth = [
            layers_of(v, v % 6, 2.0, {(1 + 4 * n, 0): 1.0 for n in range(count + 1)}) for v, count in some
        ]
        return told, torch.cat(truth)

    optimizer = torch.optim.AdamW(one.parameters(), lr=5e-3)
    seen, truth = rows(True)
    for _step in range(400):
        loss = one.plan_and_loss(seen, truth)[1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    told, wanted = rows(False)
    score = one.take_apart(told)
    assert (score.voices[:, 0].argmax(-1) == wanted[:, 0, 0]).float().mean() >= 0.75
    strokes = (score.strokes[:, 0].flatten(1) > 0).float()
    assert (strokes == wanted[:, 0, 3:]).float().mean() > 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_true_scores_hold_the_strokes_of_their_scenes(kind: str) -> None:
    for scene in settled_scenes(kind, "train")[::29]:
        heard = set()
        for row in settled_score(scene, SHAPE):
            if row[0] >= 0:
                cells, steps = row[3:].reshape(CELLS, SHAPE.num_steps).nonzero()
                heard |= {(cell, int(row[1]) + SHAPE.lowest + step) for cell, step in zip(cells, steps)}
        assert heard == {(round(stroke.start / CELL), stroke.note) for stroke in scene.strokes}


def test_the_memory_has_a_place_for_each_trained_voice_and_for_no_other() -> None:
    assert len(numbers()) == SHAPE.num_things
    assert not any(split.is_held_out_name(instruments()[name].key) for name in numbers())


def test_scores_of_training_items_fit_the_recipes_reader() -> None:
    for item, _ in zip(SETTLED["audio"].items("train", 60, 5), range(60)):
        score = SETTLED["audio"].truth(item.scene, SHAPE)
        assert score.shape == (SHAPE.num_layers, 3 + CELLS * SHAPE.num_steps)
        assert 0 <= score[0, 0] < SHAPE.num_things
