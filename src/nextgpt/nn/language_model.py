"""Hugging Face causal language models, with small tables of their own for the tokens that nextgpt adds.

The base model is untouched: its embedding and head stay frozen and as large as they came. Special tokens
(tokens.py) have three trainable tables, one for each kind that a stage trains by itself, and only modality
tokens have output rows, whose product is joined to the base logits (docs/decisions/001-special-tokens.md).

Which ones: those whose logits are the head's product of `base_model`'s last states, with at most a scale, a divisor
or a soft cap behind it, and whose layers see embeddings alone. The model types in PROVEN are tested; any other is
tried when it is loaded and refused where its text logits would change (encoders as decoders: BERT, RoBERTa, XLNet;
embedding multipliers outside the embedding: Falcon-H1; states that padding moves: RWKV).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextgpt.config import LanguageModelConfig
from nextgpt.errors import ConfigError
from nextgpt.tokens import SpecialTokens

INITIAL_BIAS = -20.0  # a modality token is never chosen before a stage has trained its row
PROVEN = (
    "cohere", "gemma", "gemma2", "gemma3_text", "gpt2", "granite", "llama", "mistral", "opt", "qwen2", "qwen3",
)  # fmt: skip


class LanguageModel(nn.Module):
    """token ids (B, T) -> embeddings (B, T, D) -> states (B, T, D) -> logits (B, T, V + M)."""

    def __init__(self, config: LanguageModelConfig, base: Any, special: SpecialTokens) -> None:
        super().__init__()
        self.config = config
        self.base = base.requires_grad_(False)
        self.special = special
        count, dim = len(special.modalities), self.embedding_dim
        weight = base.get_input_embeddings().weight
        self.modality_embeddings = nn.Parameter(torch.empty(count, dim, device=weight.device))
        self.boundary_embeddings = nn.Parameter(torch.empty(2 * count, dim, device=weight.device))
        self.signal_embeddings = nn.Parameter(
            torch.empty(special.num_signal_tokens, dim, device=weight.device)
        )
        self.modality_head = nn.Linear(dim, count, device=weight.device)
        self._reset_tables()

    @torch.no_grad()
    def _reset_tables(self) -> None:
        """Rows start as the mean word plus noise of half the words' spread; the generator is fixed."""
        if self.device.type == "meta":
            return
        generator = torch.Generator().manual_seed(0)
        count = min(4096, self.special.base_vocab_size)
        sample = self.words(torch.arange(count, device=self.device)).float()
        mean, spread = sample.mean(0), sample.std()
        for table in (self.modality_embeddings, self.boundary_embeddings, self.signal_embeddings):
            noise = torch.randn(table.shape, generator=generator).to(table.device)
            table.data.copy_(mean + 0.5 * spread * noise)
        nn.init.zeros_(self.modality_head.weight)
        nn.init.constant_(self.modality_head.bias, INITIAL_BIAS)

    @property
    def embedding_dim(self) -> int:
        """D."""
        return self.base.get_input_embeddings().weight.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        return self.base.get_input_embeddings().weight.dtype

    @property
    def device(self) -> torch.device:
        return self.base.get_input_embeddings().weight.device

    def words(self, ids: Tensor) -> Tensor:
        """Embeddings (..., D) of ids of the base vocabulary, as the layers get them (Gemma's are scaled)."""
        return self.base.get_input_embeddings()(ids)

    def embed(self, ids_BT: Tensor) -> Tensor:
        """Embeddings (B, T, D); placeholders get zeros, the caller puts projected features there."""
        size = self.special.base_vocab_size
        table = torch.cat([self.modality_embeddings, self.boundary_embeddings, self.signal_embeddings])
        table = torch.cat([table, table.new_zeros(len(self.special.modalities), table.shape[1])])
        words_BTD = self.words(ids_BT.clamp(max=size - 1))
        extra_BTD = table.to(words_BTD.dtype)[(ids_BT - size).clamp(min=0)]
        return torch.where((ids_BT < size)[..., None], words_BTD, extra_BTD)

    def forward(
        self,
        embeddings_BTD: Tensor,
        mask_BT: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool = False,
    ) -> Any:
        """The body. Returns the base model's output: last_hidden_state (the states that the head reads), cache.

        mask_BT covers cached and new positions; positions are counted over what it keeps, so that left and
        right padding give the same states.
        """
        positions = None
        if mask_BT is not None:
            positions = (mask_BT.long().cumsum(-1) - 1).clamp(min=0)[:, -embeddings_BTD.shape[1] :]
        return self.base.base_model(
            inputs_embeds=embeddings_BTD,
            attention_mask=mask_BT,
            position_ids=positions,
            past_key_values=past_key_values,
            use_cache=use_cache,
        )

    def logits(self, states_XD: Tensor) -> Tensor:
        """(..., D) -> (..., V + M): the base head's logits, then one for each modality token."""
        modality = F.linear(states_XD.float(), self.modality_head.weight, self.modality_head.bias)
        base = self.base_logits(states_XD)
        return torch.cat([base, modality.to(base.dtype)], -1)

    def base_logits(self, states_XD: Tensor) -> Tensor:
        """(..., D) -> (..., V): the base's head and what it does behind it."""
        logits = self.base.get_output_embeddings()(states_XD)
        if scale := getattr(self.base, "logit_scale", None):  # Cohere
            logits = logits * scale
        if divisor := getattr(self.base.config, "logits_scaling", None):  # Granite
            logits = logits / divisor
        if cap := getattr(self.base.config, "final_logit_softcapping", None):  # Gemma 2 and later
            logits = torch.tanh(logits / cap) * cap
        return logits

    def check_base(self) -> None:
        """Raise ConfigError where text logits would not be the base's own; types in PROVEN are not tried."""
        kind = self.base.config.model_type
        if kind not in PROVEN and self.device.type != "meta" and not self._agrees():
            raise ConfigError(
                f"Language models of the type {kind} compute their logits in a way that nextgpt does not know; use "
                f"one of another type, for instance {', '.join(PROVEN)}."
            )

    @torch.no_grad()
    def _agrees(self) -> bool:
        """Whether a few tokens get the base's own logits, though they stand behind padding here."""
        ids = torch.arange(2, 8, device=self.device)[None] % self.special.base_vocab_size
        padded, wanted = F.pad(ids, (3, 0)), self.base(ids).logits.float()
        try:
            found = self.base_logits(self(self.embed(padded), padded >= 2).last_hidden_state)[:, 3:].float()
        except (RuntimeError, TypeError, ValueError):
            return False
        return wanted.shape == found.shape and bool((wanted - found).abs().max() <= 0.02 * wanted.abs().max())

    def add_lora(self) -> None:
        """Inject trainable LoRA matrices (PEFT) into the base model's projections; zero at the start."""
        from peft import LoraConfig as PeftLoraConfig
        from peft import inject_adapter_in_model

        lora = self.config.lora
        peft_config = PeftLoraConfig(
            r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.target_modules), lora_dropout=0.0
        )
        found = {name.rpartition(".")[2] for name, _ in self.base.named_modules()}
        if absent := sorted(set(lora.target_modules) - found):
            raise ConfigError(
                f"language_model.lora.target_modules names {', '.join(absent)}, which a {self.base.config.model_type} "
                f"does not have; choose among {', '.join(sorted(self._linear_names()))}."
            )
        inject_adapter_in_model(peft_config, self.base)
        for name, parameter in self.base.named_parameters():
            parameter.requires_grad_("lora_" in name)

    @contextmanager
    def untuned(self) -> Iterator[None]:
        """Inside, the body is the base model's: LoRA adds nothing."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        layers = [layer for layer in self.base.modules() if isinstance(layer, BaseTunerLayer)]
        training = [parameter for parameter in self.base.parameters() if parameter.requires_grad]
        for layer in layers:
            layer.enable_adapters(False)
        try:
            yield
        finally:
            for layer in layers:
                layer.enable_adapters(True)
            self.base.requires_grad_(False)
            for parameter in training:
                parameter.requires_grad_(True)

    def _linear_names(self) -> set[str]:
        layers = self.base.base_model.named_modules()
        return {
            name.rpartition(".")[2] for name, layer in layers if type(layer).__name__ in ("Linear", "Conv1D")
        }

    @property
    def has_lora(self) -> bool:
        return any("lora_" in name for name, _ in self.base.named_parameters())


def load_base(folder: Path, dtype: torch.dtype, attention: str = "sdpa") -> Any:
    """A causal LM from a Hugging Face folder. Not from a hub: parts are fetched before (decision 7)."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention, local_files_only=True, use_safetensors=True
    ).eval()
