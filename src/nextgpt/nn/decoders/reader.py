"""What a decoder makes of its conditioning, once a prompt: a plan of the medium, and from it a first draft.

    conditioning (B, Q, C) --look--> weights of L + 2 pools --> a query a layer --memory's keys--> scores (B, L, M)
                                                            \\-> a summary, from which the rest is read
    what was read --drawing half--> plan (B, P, h, w) --1 x 1--> draft (B, channels, h, w)

The plan lies beside the noisy latents, position by position, and the draft is what the transformer's output is
added to, so a transformer of few layers refines a first guess. Names are remembered in a memory that runs once a
prompt, not once a position and step (attention over learned keys, arXiv 1503.08895). Axis letters: L layers (things
that one medium can hold), M things of the memory.
"""

from abc import abstractmethod
from typing import Any, Self

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from nextgpt.nn.outputs import Conditioning

DECISION = 8.0  # the memory's probabilities to this power, once trained
GAIN = 4.0  # the memory's values are kept small, so that one learning rate serves them and the rest
HIDDEN = 256


class Reader(ModelMixin, ConfigMixin):
    """A component of a decoder's folder in diffusers' own format: conditioning -> plan -> draft.

    width: C; length: Q; num_things: M; num_layers: L; plan_channels: P; latent_shape: (channels, h, w).
    """

    config_name = "config.json"  # type: ignore[assignment]
    memory: nn.Linear

    def __init__(
        self,
        width: int,
        length: int,
        num_things: int,
        num_layers: int,
        look_width: int,
        key_width: int,
        plan_channels: int,
        latent_shape: tuple[int, int, int],
    ) -> None:
        super().__init__()
        channels, height, columns = latent_shape
        self.layers = num_layers
        self.plan_shape = (plan_channels, height, columns)
        self.draft_head = nn.Conv2d(plan_channels, channels, 1)
        self.norm = nn.LayerNorm(width)
        self.look_in = nn.Linear(width, look_width)
        self.place = nn.Parameter(0.02 * torch.randn(length, look_width))
        self.look = nn.ModuleList(look_block(look_width) for _ in range(2))
        self.attend = nn.Linear(look_width, num_layers + 2)
        self.query = nn.Linear(width, key_width)
        self.thing_keys = nn.Parameter(torch.randn(num_things, key_width))
        self.sharpness = nn.Parameter(torch.tensor(16.0))
        self.pose_in = nn.Linear((num_layers + 2) * look_width, HIDDEN)

    @abstractmethod
    def forward(self, sequence_BQC: Tensor) -> Tensor:
        """Conditioning (B, Q, C) -> plan (B, P, h, w). Outside training it decides: the mean of several likely things
        is a blur, the likeliest is a drawing."""

    @abstractmethod
    def plan_and_loss(self, sequence_BQC: Tensor, layers: Tensor) -> tuple[Tensor, Tensor]:
        """The plan, and a loss of what was read on the way; `layers` tell the truth about it (SETTLED's)."""

    @abstractmethod
    def distance(self, made_BQC: Tensor, true_BQC: Tensor) -> Tensor:
        """Scalar: how differently two conditionings are read; gradients reach the first. An output projector that
        is near in every channel may still be read wrongly: the reader looks at few of them."""

    def drawing(self) -> dict[str, nn.Module]:
        """What makes the draft from what was read, by name: it can go on learning while reading stays as it is."""
        return {"draft_head": self.draft_head, "memory": self.memory}

    def look_at(self, sequence_BQC: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, L, M) before their softmax, and a summary (B, HIDDEN). Where to look is read from the whole
        sentence, what stands there from its words alone."""
        normed = self.norm(sequence_BQC)
        seen = self.look_in(normed) + self.place
        for block in self.look:
            seen = block(seen)
        weights_BKQ = self.attend(seen).softmax(1).transpose(1, 2)
        queries = self.query(weights_BKQ[:, : self.layers] @ normed)
        scores = self.sharpness * F.normalize(queries, dim=-1) @ F.normalize(self.thing_keys, dim=-1).T
        hidden = F.gelu(self.pose_in((weights_BKQ @ seen).flatten(1)), approximate="tanh")
        return scores, hidden

    def read(self, conditioning: Conditioning) -> Conditioning:
        """The conditioning with its plan, flat, as the pooled vector."""
        plan = self(conditioning.sequence_BQC)
        return Conditioning(conditioning.sequence_BQC, conditioning.mask_BQ, plan.flatten(1))

    def plan_and_draft(self, read: Conditioning) -> tuple[Tensor, Tensor]:
        """What `read` gave -> plan (B, P, h, w) and draft (B, channels, h, w)."""
        pooled: Any = read.pooled_BP
        plan = pooled.unflatten(1, self.plan_shape)
        return plan, self.draft_head(plan)

    def pack(self) -> Self:
        """For its file: what bears eight bits gets them. Here nothing does."""
        return self


def look_block(width: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def choice_loss(made: Tensor, wanted: Tensor, shown: Tensor) -> Tensor:
    """Scalar: cross-entropy of logits (B, L, N) against probabilities, where `shown` (B, L) holds."""
    error = -(wanted * made.float().log_softmax(-1)).sum(-1)
    return (error * shown).sum() / shown.sum().clamp_min(1)
