"""Encoder features -> embeddings in the language model's space.

An InputProjector is a row of branches; each gives a fixed number of embeddings and they are joined in order.
PROJECTORS is the visible table of branch types. A branch whose input is absent (no features, no scores, or
dropped in training) gives its learned `absent` embeddings, so every branch is optional at any time.
"""

from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from nextgpt.config import (
    ConceptBranchConfig,
    EncoderConfig,
    InputProjectorConfig,
    LinearBranchConfig,
    MlpBranchConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
)
from nextgpt.nn.outputs import EncoderOutput


def masked_pool(features_BNE: Tensor, mask_BN: Tensor, num_tokens: int) -> Tensor:
    """Means over num_tokens equal stretches of the kept positions: (B, num_tokens, E)."""
    counts = mask_BN.sum(1, keepdim=True).clamp(min=1)
    order = mask_BN.long().cumsum(1) - 1
    bucket = (order * num_tokens) // counts
    weights = F.one_hot(bucket.clamp(0, num_tokens - 1), num_tokens).to(features_BNE.dtype)
    weights = weights * mask_BN[..., None].to(features_BNE.dtype)
    sums = torch.einsum("bnk,bne->bke", weights, features_BNE)
    return sums / weights.sum(1).clamp(min=1)[..., None]


class LinearBranch(nn.Module):
    """One linear map of pooled features, as in LLaVA-1 (arXiv 2304.08485)."""

    def __init__(self, config: LinearBranchConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__()
        self.num_tokens = config.num_tokens
        self.norm = nn.LayerNorm(encoder.feature_dim)
        self.project = nn.Linear(encoder.feature_dim, embedding_dim)

    def forward(self, output: EncoderOutput) -> Tensor:
        assert output.features_BNE is not None
        return self.project(self.norm(masked_pool(output.features_BNE, output.mask_BN, self.num_tokens)))


class MlpBranch(LinearBranch):
    """Two layers with GELU over pooled features, as in LLaVA-1.5 (arXiv 2310.03744)."""

    def __init__(self, config: MlpBranchConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__(LinearBranchConfig(config.num_tokens), encoder, embedding_dim)
        self.project = nn.Sequential(  # type: ignore[assignment]
            nn.Linear(encoder.feature_dim, config.hidden_dim),
            nn.GELU(),
            nn.Linear(config.hidden_dim, embedding_dim),
        )


class ResamplerLayer(nn.Module):
    """Queries attend to the features, then to each other, then a two-layer perceptron; pre-norm residuals."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.cross_norm, self.self_norm, self.mlp_norm = (nn.LayerNorm(width) for _ in range(3))
        self.cross_q, self.cross_kv = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.self_qkv = nn.Linear(width, 3 * width)
        self.cross_out, self.self_out = nn.Linear(width, width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """Written out: at these lengths SDPA's backward on a CPU is three times slower (docs/LOG.md)."""
        q, k, v = (rearrange(x, "b n (h d) -> b h n d", h=self.num_heads) for x in (q, k, v))
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        return rearrange(scores.softmax(-1).to(v.dtype) @ v, "b h n d -> b n (h d)")

    def forward(self, x_BKW: Tensor, features_BNW: Tensor, mask_BN: Tensor) -> Tensor:
        keys, values = self.cross_kv(features_BNW).chunk(2, -1)
        attended = self._attend(self.cross_q(self.cross_norm(x_BKW)), keys, values, mask_BN[:, None, None])
        x = x_BKW + self.cross_out(attended)
        queries, keys, values = self.self_qkv(self.self_norm(x)).chunk(3, -1)
        x = x + self.self_out(self._attend(queries, keys, values, None))
        return x + self.mlp(self.mlp_norm(x))


def frame_matches(features_BNE: Tensor, frames: int) -> Tensor:
    """Cosine of each cell of a frame with each of the next frame's: (B, frames - 1, cells * cells).

    The cost volume of optical flow (PWC-Net, arXiv 1709.02371), over the whole frame, less the frame's mean.
    """
    cells = rearrange(features_BNE.float(), "b (f c) e -> b f c e", f=frames)
    cells = F.normalize(cells - cells.mean(2, keepdim=True), dim=-1)
    return torch.einsum("bfie,bfje->bfij", cells[:, :-1], cells[:, 1:]).flatten(2)


class ResamplerBranch(nn.Module):
    """Learned queries over features with learned positions: (B, N, E) -> (B, num_tokens, D)."""

    def __init__(self, config: ResamplerBranchConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__()
        self.num_tokens = config.num_tokens
        self.feature_in = nn.Linear(encoder.feature_dim, config.width)
        self.feature_norm = nn.LayerNorm(config.width)
        self.positions = nn.Parameter(0.02 * torch.randn(encoder.num_positions, config.width))
        self.frames = config.frames
        if self.frames:
            pairs = (encoder.num_positions // self.frames) ** 2
            self.matches_in = nn.Sequential(nn.LayerNorm(pairs), nn.Linear(pairs, config.width))
            self.match_positions = nn.Parameter(0.02 * torch.randn(self.frames - 1, config.width))
        self.queries = nn.Parameter(0.5 * torch.randn(config.num_tokens, config.width))
        self.layers = nn.ModuleList(
            ResamplerLayer(config.width, config.num_heads) for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, embedding_dim)

    def forward(self, output: EncoderOutput) -> Tensor:
        features_BNE = output.features_BNE
        assert features_BNE is not None
        count = features_BNE.shape[1]
        features, mask = (
            self.feature_norm(self.feature_in(features_BNE)) + self.positions[:count],
            output.mask_BN,
        )
        if self.frames:
            matches = self.matches_in(frame_matches(features_BNE, self.frames).to(features_BNE.dtype))
            features = torch.cat([features, self.feature_norm(matches) + self.match_positions], 1)
            mask = torch.cat([mask, mask[:, -1:].expand(-1, self.frames - 1)], 1)
        x = repeat(self.queries, "k w -> b k w", b=len(features)).to(features.dtype)
        for layer in self.layers:
            x = layer(x, features, mask)
        return self.out(self.norm(x))


class PosteriorBranch(nn.Module):
    """The names of the encoder's top classes, as the language model's own embeddings of their tokens.

    `table` (P, L, D) holds the embeddings of the class names and is made from the language model when the model
    is built, so it is neither trained nor stored. Learned: a gain and an offset for each position and a map
    of the class's log-probability. docs/decisions/002-posterior.md says why rows are picked, not averaged.
    """

    table: Tensor

    def __init__(self, config: PosteriorBranchConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__()
        self.config = config
        self.num_tokens = config.num_tokens
        table = torch.zeros(encoder.num_scores, config.tokens_per_class, embedding_dim)
        self.register_buffer("table", table, persistent=False)
        self.gain = nn.Parameter(torch.ones(config.num_tokens, embedding_dim))
        self.offset = nn.Parameter(torch.zeros(config.num_tokens, embedding_dim))
        self.score = nn.Linear(1, embedding_dim)
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, output: EncoderOutput) -> Tensor:
        assert output.scores_BP is not None
        top = output.scores_BP.float().topk(self.config.top_k, -1)
        rows = rearrange(self.table[top.indices], "b k l d -> b (k l) d")
        confidence = self.score(top.values.clamp(min=1e-4).log()[..., None].to(self.score.weight.dtype))
        confidence = repeat(confidence, "b k d -> b (k l) d", l=self.config.tokens_per_class)
        return rows * self.gain + self.offset + confidence


class ConceptBranch(nn.Module):
    """Features -> attention pools -> class of each -> the class name's embeddings, (B, queries * L, D).

    The classifier is learned (losses.slot_losses starts it); the names' embeddings are the language model's, as
    in PosteriorBranch. The forward pass picks the first class, the backward pass sees the softmax
    (straight-through, arXiv 1308.3432), since a mixture of several names reads as none of them. The cue of a
    query stands before its name, but not before the empty one.
    """

    table: Tensor
    cues: Tensor

    def __init__(self, config: ConceptBranchConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__()
        self.config = config
        self.num_tokens = config.num_tokens
        classes = len(config.names)
        table = torch.zeros(classes, config.tokens_per_name, embedding_dim)
        self.register_buffer("table", table, persistent=False)
        cues = torch.zeros(config.num_queries, config.tokens_per_cue, embedding_dim)
        self.register_buffer("cues", cues, persistent=False)
        self.down = nn.Linear(encoder.feature_dim, config.rank)
        self.norm = nn.LayerNorm(config.rank)
        self.positions = nn.Parameter(0.02 * torch.randn(encoder.num_positions, config.rank))
        self.attention = nn.Linear(config.rank, config.num_queries)
        self.pool_norm = nn.LayerNorm(2 * config.rank)
        self.classifier = nn.Linear(2 * config.rank, classes)
        self.gain = nn.Parameter(torch.ones(config.num_tokens, embedding_dim))
        self.offset = nn.Parameter(torch.zeros(config.num_tokens, embedding_dim))

    @torch.no_grad()
    def start_from(self, other: "ConceptBranch") -> None:
        """Take what carries over from the concepts of another modality with the same encoder: all but positions."""
        for name in ("down", "norm", "pool_norm"):
            getattr(self, name).load_state_dict(getattr(other, name).state_dict())
        queries = min(self.config.num_queries, other.config.num_queries)
        row_of = {name: row for row, name in enumerate(other.config.names)}
        shared = [(row, row_of[name]) for row, name in enumerate(self.config.names) if name in row_of]
        mine, theirs = (list(rows) for rows in zip(*shared))
        for part in ("weight", "bias"):
            getattr(self.attention, part)[:queries] = getattr(other.attention, part)[:queries]
            getattr(self.classifier, part)[mine] = getattr(other.classifier, part)[theirs]

    def logits(self, output: EncoderOutput) -> Tensor:
        """(B, queries, classes)."""
        features_BNE = output.features_BNE
        assert features_BNE is not None
        hidden_BNR = self.norm(self.down(features_BNE)) + self.positions[: features_BNE.shape[1]]
        hidden_BNR = F.gelu(hidden_BNR)
        blocked_BN1 = ~output.mask_BN[..., None]
        weights_BNQ = self.attention(hidden_BNR).float().masked_fill(blocked_BN1, -1e4).softmax(1)
        pooled_BQR = weights_BNQ.transpose(1, 2).to(hidden_BNR.dtype) @ hidden_BNR
        peak_BR = hidden_BNR.masked_fill(blocked_BN1, -1e4).amax(1)
        peak_BQR = repeat(peak_BR, "b r -> b q r", q=self.config.num_queries)
        return self.classifier(self.pool_norm(torch.cat([pooled_BQR, peak_BQR.to(pooled_BQR.dtype)], -1)))

    def forward(self, output: EncoderOutput) -> Tensor:
        soft_BQP = self.logits(output).float().softmax(-1)
        hard_BQP = F.one_hot(soft_BQP.argmax(-1), soft_BQP.shape[-1]).to(soft_BQP.dtype)
        weights_BQP = hard_BQP + (soft_BQP - soft_BQP.detach())  # the difference is exactly zero
        names = torch.einsum("bqp,pld->bqld", weights_BQP.to(self.table.dtype), self.table)
        cues = (1 - weights_BQP[..., :1, None].to(self.cues.dtype)) * self.cues
        return rearrange(torch.cat([cues, names], 2), "b q l d -> b (q l) d") * self.gain + self.offset


PROJECTORS: dict[str, Any] = {
    "linear": LinearBranch,
    "mlp": MlpBranch,
    "resampler": ResamplerBranch,
    "concepts": ConceptBranch,
    "posterior": PosteriorBranch,
}


class InputProjector(nn.Module):
    """EncoderOutput of B media -> embeddings (B, num_tokens, D). Branches in `removed` are absent (ablation)."""

    def __init__(self, config: InputProjectorConfig, encoder: EncoderConfig, embedding_dim: int) -> None:
        super().__init__()
        self.config = config
        self.removed: frozenset[str] = frozenset()
        self.branches = nn.ModuleDict(
            {c.type: PROJECTORS[c.type](c, encoder, embedding_dim) for c in config.branches}
        )
        self.absent = nn.ParameterDict(
            {c.type: nn.Parameter(torch.zeros(c.num_tokens, embedding_dim)) for c in config.branches}
        )

    def forward(self, output: EncoderOutput) -> Tensor:
        return torch.cat([self._branch(name, output) for name in self.branches], 1)

    def _branch(self, name: str, output: EncoderOutput) -> Tensor:
        absent_LD = self.absent[name]
        given = output.scores_BP if name == "posterior" else output.features_BNE
        if given is None or name in self.removed:
            return absent_LD.expand(output.mask_BN.shape[0], -1, -1)
        tokens_BLD = self.branches[name](output)
        present_B = self._present(given, name, output)
        return torch.where(present_B[:, None, None], tokens_BLD, absent_LD.to(tokens_BLD.dtype))

    def _present(self, given: Tensor, name: str, output: EncoderOutput) -> Tensor:
        """Which rows have this branch's input; in training some lose it at random (branch_dropout)."""
        present_B = given.flatten(1).any(1) if name == "posterior" else output.mask_BN.any(1)
        if self.training and self.config.branch_dropout:
            kept_B = torch.rand(len(present_B), device=present_B.device) >= self.config.branch_dropout
            present_B = present_B & kept_B
        return present_B
