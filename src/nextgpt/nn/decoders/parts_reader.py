"""What readers share that take a sentence apart: which of the things in their memory it names, and a summary of how.

    conditioning --look--> weights of L + 2 pools --> a query a layer --memory's keys--> scores
                                                  \\-> hidden

Axis letters: L layers (things that one medium can hold), M things.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextgpt.nn.decoders.reader import Reader

DECISION = 8.0  # the memory's probabilities to this power, once trained
GAIN = 4.0  # the memory's values are kept small, so that one learning rate serves them and the rest
HIDDEN = 256


class PartsReader(Reader):
    """num_things: M, slots of the memory; num_layers: L. Other sizes as in PromptReader."""

    def __init__(
        self,
        plan_channels: int,
        latent_shape: tuple[int, int, int],
        width: int,
        length: int,
        num_things: int,
        num_layers: int,
        look_width: int,
        key_width: int,
    ) -> None:
        super().__init__(plan_channels, latent_shape)
        self.layers = num_layers
        self.norm = nn.LayerNorm(width)
        self.look_in = nn.Linear(width, look_width)
        self.place = nn.Parameter(0.02 * torch.randn(length, look_width))
        self.look = nn.ModuleList(look_block(look_width) for _ in range(2))
        self.attend = nn.Linear(look_width, num_layers + 2)
        self.query = nn.Linear(width, key_width)
        self.thing_keys = nn.Parameter(torch.randn(num_things, key_width))
        self.sharpness = nn.Parameter(torch.tensor(16.0))
        self.pose_in = nn.Linear((num_layers + 2) * look_width, HIDDEN)

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


def look_block(width: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def choice_loss(made: Tensor, wanted: Tensor, shown: Tensor) -> Tensor:
    """Scalar: cross-entropy of logits (B, L, N) against probabilities, where `shown` (B, L) holds."""
    error = -(wanted * made.float().log_softmax(-1)).sum(-1)
    return (error * shown).sum() / shown.sum().clamp_min(1)
