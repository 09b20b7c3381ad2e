"""Signal states of the language model -> the conditioning that a frozen decoder takes.

A small transformer: learned queries attend to the projected signal states (as in NExT-GPT's output projection
and GILL, arXiv 2305.17216), one query a position of the decoder's conditioning, and a linear map of low rank adds
what can be read off the states at once. The linear map can be fitted in closed form.
"""

import torch
import torch.nn.functional as F
from einops import repeat
from torch import Tensor, nn

from nextgpt.config import OutputProjectorConfig
from nextgpt.nn.outputs import Conditioning, ConditioningSpec


class OutputProjector(nn.Module):
    """(B, K, D) -> Conditioning of the decoder's ConditioningSpec; the mask is all ones (decision 4)."""

    def __init__(
        self, config: OutputProjectorConfig, num_signals: int, embedding_dim: int, spec: ConditioningSpec
    ) -> None:
        super().__init__()
        self.config, self.spec = config, spec
        width = config.width
        self.norm = nn.LayerNorm(embedding_dim)
        self.centre = nn.Parameter(torch.zeros(num_signals, embedding_dim))
        self.spread = nn.Parameter(torch.ones(num_signals, embedding_dim))
        self.gather = nn.Linear(num_signals * embedding_dim, config.rank)
        self.spell = nn.Linear(config.rank, spec.length * spec.width)
        self.signal_in = nn.Linear(embedding_dim, width)
        self.positions = nn.Parameter(0.02 * torch.randn(num_signals, width))
        self.queries = nn.Parameter(0.5 * torch.randn(spec.length, width))
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(
                width,
                config.num_heads,
                2 * width,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.num_layers)
        )
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, spec.width)
        self.scale = nn.Parameter(torch.ones(spec.width))
        self.shift = nn.Parameter(torch.zeros(spec.width))
        self.pooled = nn.Linear(width, spec.pooled_dim) if spec.pooled_dim else None

    def forward(self, states_BKD: Tensor) -> Conditioning:
        seen = (self.norm(states_BKD.to(self.signal_in.weight.dtype)) - self.centre) / self.spread
        straight = self.spell(self.gather(seen.flatten(1))).unflatten(1, (self.spec.length, self.spec.width))
        states = self.signal_in(seen) + self.positions
        x = repeat(self.queries, "q w -> b q w", b=len(states))
        for layer in self.layers:
            x = layer(x, states)
        x = self.out_norm(x)
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        pooled = self.pooled(x.mean(1)) if self.pooled is not None else None
        return Conditioning((straight + self.out(x)) * self.scale + self.shift, mask, pooled)

    @torch.no_grad()
    def start_from(self, target: Conditioning) -> None:
        """Begin at the mean and spread of each channel of some condition targets.

        A text encoder's channels lie far from zero and differ a hundredfold, which small steps would not reach.
        """
        channels = target.sequence_BQC.float().flatten(0, 1)
        self.shift.copy_(channels.mean(0))
        self.scale.copy_(channels.std(0).clamp(min=1e-3))

    @torch.no_grad()
    def fit(self, states_MKD: Tensor, target: Conditioning, ridge: float = 0.05) -> None:
        """The linear map alone, in closed form: ridge regression of the targets' principal components on the states,
        each brought to zero mean and unit spread. The states of two replies differ little (cosine 0.85 to 0.97 in the
        nano model), and what they differ in is all that tells. The rest adds nothing yet."""
        self.start_from(target)
        normed = self.norm(states_MKD.to(self.signal_in.weight.dtype))
        self.centre.copy_(normed.mean(0))
        self.spread.copy_(normed.std(0).clamp(min=1e-3))
        seen_MX = ((normed - self.centre) / self.spread).flatten(1)
        wanted_MW = ((target.sequence_BQC.float() - self.shift) / self.scale).flatten(1)
        self.spell.bias.copy_(wanted_MW.mean(0))
        rank = min(self.config.rank, *wanted_MW.shape)
        _, _, components_WR = torch.svd_lowrank(wanted_MW - self.spell.bias, q=rank, niter=2)
        components_WR = F.pad(components_WR, (0, self.config.rank - rank))
        kernel_XX = seen_MX.T @ seen_MX + ridge * len(seen_MX) * torch.eye(
            seen_MX.shape[1], device=seen_MX.device
        )
        codes_MR = (wanted_MW - self.spell.bias) @ components_WR
        self.gather.weight.copy_(torch.linalg.solve(kernel_XX, seen_MX.T @ codes_MR).T)
        self.gather.bias.zero_()
        self.spell.weight.copy_(components_WR)
        for part in (self.out.weight, self.out.bias):
            part.zero_()
