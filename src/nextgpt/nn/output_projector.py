"""Signal states of the language model -> the conditioning that a frozen decoder takes.

A small transformer: learned queries attend to the projected signal states (as in NExT-GPT's output projection
and GILL, arXiv 2305.17216), one query a position of the decoder's conditioning. What the queries have worked out
then points at signal states once more, by attention whose values have the decoder's full width: a signal state says
a word of the caption (docs/decisions/008-restating.md), and there is more to a word than the small transformer is wide.
"""

import torch
from einops import repeat
from torch import Tensor, nn

from nextgpt.config import OutputProjectorConfig
from nextgpt.errors import ConfigError
from nextgpt.nn.outputs import Conditioning, ConditioningSpec


class OutputProjector(nn.Module):
    """(B, K, D) -> Conditioning of the decoder's ConditioningSpec; the mask is all ones (decision 4).

    The last of the K states is not read: it says how the reply goes on behind the medium."""

    def __init__(
        self, config: OutputProjectorConfig, num_signals: int, embedding_dim: int, spec: ConditioningSpec
    ) -> None:
        super().__init__()
        self.config, self.spec = config, spec
        width = config.width
        if spec.width % config.num_heads or width % config.num_heads:
            raise ConfigError(
                f"An output projector of width {width} for a decoder of width {spec.width} can't have "
                f"{config.num_heads} heads: num_heads must divide both."
            )
        self.norm = nn.LayerNorm(embedding_dim)
        self.signal_in = nn.Linear(embedding_dim, width)
        self.positions = nn.Parameter(0.02 * torch.randn(num_signals - 1, width))
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
        self.point = nn.Linear(width, spec.width)
        self.words = nn.MultiheadAttention(
            spec.width, config.num_heads, kdim=width, vdim=embedding_dim, batch_first=True
        )
        self.out = nn.Linear(width, spec.width)
        self.scale = nn.Parameter(torch.ones(spec.width))
        self.shift = nn.Parameter(torch.zeros(spec.width))
        self.pooled = nn.Linear(width, spec.pooled_dim) if spec.pooled_dim else None

    def forward(self, states_BKD: Tensor) -> Conditioning:
        said = self.norm(states_BKD[:, :-1].to(self.signal_in.weight.dtype))
        states = self.signal_in(said) + self.positions
        x = repeat(self.queries, "q w -> b q w", b=len(states))
        for layer in self.layers:
            x = layer(x, states)
        x = self.out_norm(x)
        words = self.words(self.point(x), states, said, need_weights=False)[0]
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        pooled = self.pooled(x.mean(1)) if self.pooled is not None else None
        return Conditioning((words + self.out(x)) * self.scale + self.shift, mask, pooled)

    @torch.no_grad()
    def start_from(self, target: Conditioning) -> None:
        """Begin at the mean and spread of each channel of some condition targets.

        A text encoder's channels lie far from zero and differ a hundredfold, which small steps would not reach.
        """
        channels = target.sequence_BQC.float().flatten(0, 1)
        self.shift.copy_(channels.mean(0))
        self.scale.copy_(channels.std(0).clamp(min=1e-3))
