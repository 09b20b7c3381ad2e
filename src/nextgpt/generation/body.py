"""The language model's body as the engine needs it: embeddings and a cache in, states out.

LlamaBody is the lean one for the architectures it knows; HuggingFaceBody serves any causal LM.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor

from nextgpt.generation import llama_body

MAX_COPIED_BYTES = 6 << 30  # LlamaBody holds a packed copy of the weights; larger models do without


class Cache(Protocol):
    length: int  # columns that are filled, the same for all rows

    def crop(self, length: int) -> None: ...

    def rows(self, indices: Sequence[int]) -> Any: ...


class Body(Protocol):
    window: int | None  # columns that a layer sees at most: padding between them would change what it sees

    def new_cache(self) -> Any: ...

    def forward(self, x_BTD: Tensor, mask_BS: Tensor | None, cache: Any) -> Tensor: ...

    def logits(self, states_XD: Tensor) -> Tensor: ...


class HuggingFaceCache:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    @property
    def length(self) -> int:
        return self.inner.get_seq_length()

    def crop(self, length: int) -> None:
        for layer in self.inner.layers:
            if layer.is_initialized:
                layer.keys, layer.values = layer.keys[:, :, :length], layer.values[:, :, :length]

    def rows(self, indices: Sequence[int]) -> HuggingFaceCache:
        inner = deepcopy(self.inner)
        for layer in inner.layers:
            layer.batch_select_indices(torch.as_tensor(list(indices), device=layer.keys.device))
        return HuggingFaceCache(inner)


class HuggingFaceBody:
    """Any causal LM with plain key-value caching, by its own forward."""

    def __init__(self, language_model: Any) -> None:
        self.language_model = language_model
        config = language_model.base.config
        self.window = getattr(config, "sliding_window", None) if _slides(config) else None

    def new_cache(self) -> HuggingFaceCache:
        from transformers import DynamicCache

        return HuggingFaceCache(DynamicCache())

    def forward(self, x_BTD: Tensor, mask_BS: Tensor | None, cache: HuggingFaceCache) -> Tensor:
        return self.language_model(x_BTD, mask_BS, cache.inner, use_cache=True).last_hidden_state

    def logits(self, states_XD: Tensor) -> Tensor:
        return self.language_model.base_logits(states_XD)


def _slides(config: Any) -> bool:
    """Whether some layer sees the last positions only. Configs that name no layers mean all of them."""
    kinds = getattr(config, "layer_types", None)
    return getattr(config, "use_sliding_window", True) if kinds is None else "sliding_attention" in kinds


def make_body(language_model: Any) -> Body:
    """The leanest body that computes this language model on the device where it is."""
    base = language_model.base
    size = sum(parameter.numel() * parameter.element_size() for parameter in base.parameters())
    if llama_body.fits(base) and language_model.device.type == "cpu" and size <= MAX_COPIED_BYTES:
        return llama_body.LlamaBody(base)
    return HuggingFaceBody(language_model)
