"""What a decoder makes of its conditioning, once a prompt: a plan of the medium, and from it a first draft.

    conditioning (B, Q, C) --pools--> (B, K C) --wide layer--> plan (B, P, h, w) --1 x 1--> draft (B, channels, h, w)

The plan lies beside the noisy latents, position by position, and the draft is what the transformer's output is
added to, so a transformer of few layers refines a first guess. The wide layer is where names are remembered: a
two-layer perceptron is a key-value memory (arXiv 2012.14913), and as it runs once a prompt, not once a position
and step, its millions of weights cost a sixteenth of the transformer's time (docs/LOG.md).
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from nextgpt.nn.outputs import Conditioning


class Reader(ModelMixin, ConfigMixin):
    """A component of a decoder's folder in diffusers' own format: conditioning -> plan -> draft.

    plan_channels: P; latent_shape: (channels, h, w).
    """

    config_name = "config.json"  # type: ignore[assignment]

    def __init__(self, plan_channels: int, latent_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, columns = latent_shape
        self.plan_shape = (plan_channels, height, columns)
        self.draft_head = nn.Conv2d(plan_channels, channels, 1)

    def plan_and_loss(self, sequence_BQC: Tensor, layers: Tensor | None) -> tuple[Tensor, Tensor]:
        """The plan, and a loss of what was read on the way where `layers` tell the truth about it."""
        return self(sequence_BQC), torch.zeros(())

    def drawing(self) -> dict[str, nn.Module]:
        """What makes the draft from what was read, by name: it can go on learning while reading stays as it is."""
        return {"draft_head": self.draft_head}

    def distance(self, made_BQC: Tensor, true_BQC: Tensor) -> Tensor:
        """Scalar: how differently two conditionings are read; gradients reach the first. An output projector that
        is near in every channel may still be read wrongly: the reader looks at few of them."""
        with torch.no_grad():
            wanted = self.draft_head(self(true_BQC))
        return (self.draft_head(self(made_BQC)).float() - wanted.float()).square().mean()

    def read(self, conditioning: Conditioning) -> Conditioning:
        """The conditioning with its plan, flat, as the pooled vector."""
        plan = self(conditioning.sequence_BQC)
        return Conditioning(conditioning.sequence_BQC, conditioning.mask_BQ, plan.flatten(1))

    def plan_and_draft(self, read: Conditioning) -> tuple[Tensor, Tensor]:
        """What `read` gave -> plan (B, P, h, w) and draft (B, channels, h, w)."""
        pooled: Any = read.pooled_BP
        plan = pooled.unflatten(1, self.plan_shape)
        return plan, self.draft_head(plan)


class PromptReader(Reader):
    """width: C; length: Q, which it does not need; num_pools: K, weighted means over the Q positions."""

    @register_to_config
    def __init__(
        self,
        width: int = 384,
        length: int = 32,
        num_pools: int = 6,
        memory_width: int = 1536,
        plan_channels: int = 32,
        latent_shape: tuple[int, int, int] = (32, 8, 8),
    ) -> None:
        super().__init__(plan_channels, latent_shape)
        height, columns = latent_shape[1:]
        self.norm = nn.LayerNorm(width)
        self.pool = nn.Linear(width, num_pools)
        self.memory_keys = nn.Linear(num_pools * width, memory_width)
        self.memory_values = nn.Linear(memory_width, plan_channels * height * columns)

    def forward(self, sequence_BQC: Tensor) -> Tensor:
        """Conditioning (B, Q, C) -> plan (B, P, h, w)."""
        normed_BQC = self.norm(sequence_BQC)
        weights_BQK = self.pool(normed_BQC).softmax(1)
        pooled_BKC = weights_BQK.transpose(1, 2) @ normed_BQC
        memory = F.gelu(self.memory_keys(pooled_BKC.flatten(1)), approximate="tanh")
        return self.memory_values(memory).unflatten(1, self.plan_shape)

    def pack(self) -> "PromptReader":
        """The memory as float8 (E4M3), for its file: with random weights that moves the plan by six percent."""
        for part in (self.memory_keys, self.memory_values):
            part.to(torch.float8_e4m3fn)
        return self
