"""Text -> conditioning of a fixed length: a frozen encoder's token states, padded by a learned null vector.

The caption's length is unknown when an output projector makes the conditioning, so the decoders never see it:
always Q positions, all attended (design.md, decision 4). "No condition" is Q null vectors.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from nextgpt.errors import MessageError
from nextgpt.nn.outputs import Conditioning, ConditioningSpec


class TextEncoder(nn.Module):
    """A frozen transformers encoder (all-MiniLM-L6-v2) and its tokenizer; `length` is Q."""

    def __init__(self, model: Any, tokenizer: Any, length: int) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.length = length

    @classmethod
    def from_folder(cls, folder: Path, length: int) -> "TextEncoder":
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        model = AutoModel.from_pretrained(folder, local_files_only=True)
        return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), length)

    @torch.no_grad()
    def forward(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Texts -> states (B, Q, C), zero behind a text's end, and token counts (B,). Longer text is cut."""
        for text in texts:
            if not text.strip():
                raise MessageError("A prompt is empty; write what the medium should show.")
        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.length, return_tensors="pt"
        ).to(self.model.device)
        states = self.model(**tokens).last_hidden_state * tokens.attention_mask[..., None]
        return F.pad(states, (0, 0, 0, self.length - states.shape[1])), tokens.attention_mask.sum(1)


@cache
def shared_text_encoder(folder: Path, length: int) -> TextEncoder:
    """One text encoder a process for all decoders that use it."""
    return TextEncoder.from_folder(folder, length)


class NullPrompt(ModelMixin, ConfigMixin):
    """The learned null vector, a component of a decoder's folder in diffusers' own format."""

    config_name = "config.json"  # type: ignore[assignment]

    @register_to_config
    def __init__(self, length: int = 32, width: int = 384) -> None:
        super().__init__()
        self.spec = ConditioningSpec(length, width)
        self.null = nn.Parameter(0.02 * torch.randn(width))

    def forward(self, states_BQC: Tensor, lengths_B: Tensor) -> Conditioning:
        """Text states and token counts -> conditioning: positions behind the text become the null vector."""
        position_Q = torch.arange(self.spec.length, device=states_BQC.device)
        inside_BQ = position_Q < lengths_B.to(states_BQC.device)[:, None]
        sequence = torch.where(inside_BQ[..., None], states_BQC.to(self.null.dtype), self.null)
        return Conditioning(sequence, torch.ones_like(inside_BQ))

    def unconditional(self, batch_size: int) -> Conditioning:
        sequence = self.null.expand(batch_size, self.spec.length, self.spec.width)
        mask = torch.ones(batch_size, self.spec.length, dtype=torch.bool, device=self.null.device)
        return Conditioning(sequence, mask)
