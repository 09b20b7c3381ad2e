"""How alike two pictures look: a loss for pictures and, as gray ones, for mel pictures of sounds."""

import torch

from nextgpt.config import EfficientNetLiteConfig
from nextgpt.nn.encoders.efficientnet_lite import EfficientNetLite
from nextgpt.training.perceptual import PerceptualLoss


def test_one_channel_is_looked_at_as_gray_and_gradients_reach_what_was_made() -> None:
    torch.manual_seed(0)
    looks = PerceptualLoss(EfficientNetLite(EfficientNetLiteConfig()))
    true, made = torch.rand(2, 1, 40, 64) * 2 - 1, (torch.rand(2, 1, 40, 64) * 2 - 1).requires_grad_()
    off = looks(made, true)
    torch.testing.assert_close(off, looks(made.expand(-1, 3, -1, -1), true.expand(-1, 3, -1, -1)))
    off.backward()
    assert made.grad is not None and made.grad.shape == made.shape and made.grad.abs().max() > 0
    assert looks(true, true) == 0 < off
    assert all(parameter.grad is None for parameter in looks.parameters())
