"""The reader that takes sentences apart: where sprites land, what it is told, and that what and where are apart."""

import numpy as np
import pytest
import torch
from torch import Tensor

from nextgpt.nano.clips import FRAMES
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.settled_layers import numbers, settled_layers
from nextgpt.nano.sources import COLOURS
from nextgpt.nn.decoders.layered_reader import MARGIN, LayeredReader, Reading, reading_loss


def reader(**changes: object) -> LayeredReader:
    torch.manual_seed(0)
    sizes = {"width": 16, "length": 4, "num_things": 4, "num_layers": 2, "canvas": 32, "sprite_side": 8,
             "sprite_channels": 4, "look_width": 16, "key_width": 8, "draw_width": 8, "plan_channels": 4,
             "latent_shape": (3, 8, 8)}  # fmt: skip
    return LayeredReader(**(sizes | changes))


def composed(poses: Tensor, background: float = 0.0) -> Tensor:
    """A white, opaque thing on each layer -> the canvas (3, 32, 32)."""
    sprites = torch.full((1, 2, 4, 8, 8), 1.0)
    sprites[:, :, 0] = 20.0
    reading = Reading(torch.zeros(1, 2, 4), poses, torch.full((1, 3), background))
    return reader().compose(sprites, reading)[0]


def pose(x: float, y: float, size: float, opacity: float = 1.0, angle: float = 0.0) -> list[float]:
    turn = np.radians(angle)
    return [x, y, float(np.log2(size)), float(np.cos(turn)), float(np.sin(turn)), opacity]


def test_sprites_stand_at_their_poses_and_cover_what_lies_below() -> None:
    poses = torch.tensor([[[pose(0.25, 0.5, 0.25), pose(0.75, 0.25, 0.25, opacity=0.5)]]])
    canvas = composed(poses, background=-1.0)
    assert canvas[0, 16, 8] == pytest.approx(1, abs=1e-3) and canvas[0, 8, 24] == pytest.approx(0, abs=1e-3)
    assert canvas[0, 28, 28] == -1.0
    white = (canvas[0] > 0.5).float()
    wide = 32 * 0.25 * MARGIN
    assert (wide - 1.5) ** 2 <= white.sum() <= (wide + 1.5) ** 2
    rows, columns = torch.nonzero(white, as_tuple=True)
    assert (columns.float().mean() + 0.5) / 32 == pytest.approx(0.25, abs=0.01)
    assert (rows.float().mean() + 0.5) / 32 == pytest.approx(0.5, abs=0.01)


def test_angles_turn_clockwise() -> None:
    sprites = torch.zeros(1, 2, 4, 8, 8)
    sprites[:, :, 0] = -20.0
    sprites[:, 0, 0, :2], sprites[:, 0, 1:] = 20.0, 1.0  # opaque at the top alone
    poses = torch.tensor([[[pose(0.5, 0.5, 0.8, angle=90), pose(0.5, 0.5, 0.5, 0.0)]]])
    reading = Reading(torch.zeros(1, 2, 4), poses, torch.zeros(1, 3))
    canvas = reader().compose(sprites, reading)[0, 0]
    assert canvas[:, 18:].sum() > 20 * canvas[:, :14].sum().clamp_min(0.1)  # what was on top is on the right


def test_a_reader_of_clips_drafts_each_frame_as_the_reader_of_pictures_that_it_started_as() -> None:
    single, clip = reader(), reader(num_frames=4, group=2, num_layers=1, latent_shape=(6, 16, 8))
    unread = clip.pose_out.weight.clone()
    clip.start_as(single)
    assert torch.equal(clip.memory.weight, single.memory.weight) and torch.equal(clip.pose_out.weight, unread)
    scores = torch.tensor([[[0.0, 9.0, 0.0, 0.0]]])
    sprites = single.sprites(Reading(scores, torch.zeros(0), torch.zeros(0)))
    poses = torch.tensor([[[pose(0.2 + 0.2 * frame, 0.5, 0.5)] for frame in range(4)]])
    background = torch.full((1, 3), -0.5)
    drafts = clip.draft_head(clip.plan_of(Reading(scores, poses, background)))  # (1, 2 * 3, 2 * 8, 8)
    for frame in range(4):
        canvas = frame_of(single, sprites, poses[:, frame], background)
        group, place = divmod(frame, 2)
        mine = drafts[:, 3 * place : 3 * place + 3, 8 * group : 8 * group + 8]
        torch.testing.assert_close(mine, single.draft_head(single.draw(canvas)), rtol=0, atol=1e-5)


def frame_of(single: LayeredReader, sprites: Tensor, poses: Tensor, background: Tensor) -> Tensor:
    """One layer, joined by a reader of pictures whose second layer is not used."""
    two = torch.cat([sprites, sprites], 1)
    hidden = torch.tensor([[pose(0.5, 0.5, 0.5, opacity=0.0)]])
    return single.compose(
        two, Reading(torch.zeros(0), torch.cat([poses[:, None], hidden[:, None]], 2), background)
    )


def test_the_loss_asks_for_things_and_poses_of_used_layers_alone() -> None:
    layers = torch.tensor([[[2.0, *pose(0.3, 0.5, 0.5)], [-1.0, *pose(0.9, 0.9, 0.1, opacity=0.0)]]])
    scores = torch.full((1, 2, 4), -20.0)
    scores[0, 0, 2] = 20.0
    poses = torch.tensor([[[pose(0.3, 0.5, 0.5), pose(0.1, 0.1, 0.9, opacity=0.0)]]])
    right = Reading(scores, poses, torch.zeros(1, 3))
    assert reading_loss(right, layers) < 1e-5
    assert reading_loss(Reading(scores.roll(1, 2), poses, torch.zeros(1, 3)), layers) > 10
    assert reading_loss(Reading(scores, poses + 0.2, torch.zeros(1, 3)), layers) > 0.05


def test_things_are_known_in_places_where_they_were_never_seen() -> None:
    """Words are random vectors. Of 12 things in 4 places a quarter of the pairs is left out of training."""
    one, words = reader(num_things=12, key_width=16), torch.randn(17, 16)

    def rows(kept: bool) -> tuple[Tensor, Tensor]:
        some = [(t, p) for t in range(12) for p in range(4) if ((t + p) % 4 > 0) == kept]
        told = torch.stack([torch.stack([words[t], words[12 + p], words[16], words[16]]) for t, p in some])
        hidden = [-1.0, *pose(0.5, 0.5, 0.5, 0.0)]
        return told, torch.tensor([[[float(t), *pose(0.2 + 0.2 * p, 0.5, 0.4)], hidden] for t, p in some])

    optimizer = torch.optim.AdamW(one.parameters(), lr=5e-3)
    seen, truth = rows(True)
    for _step in range(400):
        loss = one.plan_and_loss(seen, truth)[1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    told, wanted = rows(False)
    reading = one.take_apart(told)
    assert (reading.scores_BLM[:, 0].argmax(-1) == wanted[:, 0, 0]).float().mean() >= 0.75
    assert (reading.poses[:, 0, 0, 0] - wanted[:, 0, 1]).abs().mean() < 0.08


@pytest.mark.parametrize("modality", ["image", "video"])
def test_true_layers_say_where_things_are_drawn(modality: str) -> None:
    """The centre of what differs from the background is where the only layer says."""
    frames = {"image": 1, "video": FRAMES}[modality]
    found = 0
    for item in SETTLED[modality].items("train", 40, 3):
        layers = settled_layers(item.scene, 4, frames)
        used = layers[layers[:, 0] >= 0]
        assert all(0 <= row[0] < len(numbers()) for row in used) and len(used) >= 1
        if len(used) != 1:
            continue
        media = SETTLED[modality].render(item.scene)
        media = media if media.ndim == 4 else media[None]
        poses = used[0, 1:].reshape(frames, 6)
        for frame, one in zip(media, poses):
            differs = (np.abs(frame.astype(int) - np.array(COLOURS[item.scene.colour])) > 12).any(-1)
            if one[5] < 0.4 or differs.sum() < 30:
                continue
            rows, columns = np.nonzero(differs)
            middle = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
            assert np.abs(np.array(middle) / len(frame) - one[:2]).max() < 0.16
            found += 1
    assert found > 15
