"""The body of a Llama-like model for generation: the same products, with less around them.

Against transformers' own forward: query, key and value in one product, gate and up in one, weights packed for
oneDNN on a CPU (for bf16 bit-identical to the plain product), keys and values in a growing buffer, and no
module calls, mask building or position work inside the loop over layers (docs/decisions/004-generation.md).
The weights are copied when a body is made (LoRA merged into them); make a new one after training has changed them.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.generation.cache import KeyValueCache

MODEL_TYPES = ("llama", "qwen2")
ROPE_TYPES = ("default", "linear", "llama3")
MAX_PACKED_ROWS = 128  # above this many rows the plain product is as fast


def fits(base: Any) -> bool:
    """Whether LlamaBody computes this causal LM: type, plain attention, rotary positions without state."""
    config = base.config
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in MODEL_TYPES
        and rope.get("rope_type", "default") in ROPE_TYPES
        and config.hidden_act == "silu"
        and not getattr(config, "use_sliding_window", False)
    )


def merged_weight(module: Any) -> Tensor:
    """A linear layer's weight, with its LoRA matrices (PEFT) multiplied in."""
    if not hasattr(module, "get_delta_weight"):
        return module.weight
    weight = module.get_base_layer().weight
    delta = sum(module.get_delta_weight(name).float() for name in module.active_adapters)
    return (weight.float() + delta).to(weight.dtype)


def can_pack(weight: Tensor) -> bool:
    """oneDNN's packed product: on a CPU, for the dtypes that it has kernels for."""
    return (
        weight.device.type == "cpu"
        and weight.dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class FusedLinear:
    """Linear layers of one input as one product, (..., in) -> (..., sum of outs); packed at first decode."""

    def __init__(self, *modules: Any) -> None:
        self.weights = [merged_weight(module) for module in modules]
        biases: list[Any] = [getattr(module, "bias", None) for module in modules]
        self.bias = None if biases[0] is None else torch.cat(biases)
        self.packed: Tensor | None = None
        self.packable = can_pack(self.weights[0])

    def __call__(self, x: Tensor, decode: bool) -> Tensor:
        if not self.packable:
            return self._plain(x)
        if self.packed is None and decode:
            self.packed = torch.ops.mkldnn._reorder_linear_weight(torch.cat(self.weights).detach(), 1)
        if self.packed is None or x.numel() > MAX_PACKED_ROWS * x.shape[-1]:
            return self._plain(x)
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")

    def _plain(self, x: Tensor) -> Tensor:
        out = [F.linear(x, weight) for weight in self.weights]
        joined = out[0] if len(out) == 1 else torch.cat(out, -1)
        return joined if self.bias is None else joined + self.bias


class Layer:
    """Weights of one decoder layer."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.attention_norm, self.mlp_norm = layer.input_layernorm, layer.post_attention_layernorm
        self.qkv = FusedLinear(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out = FusedLinear(attention.o_proj)
        self.gate_up = FusedLinear(mlp.gate_proj, mlp.up_proj)
        self.down = FusedLinear(mlp.down_proj)


class LlamaBody:
    """embeddings (B, T, D) -> states (B, T, D), with a KeyValueCache."""

    window: int | None = None

    def __init__(self, base: Any) -> None:
        body, config = base.base_model, base.config
        self.config, self.final_norm, self.rotary = config, body.norm, body.rotary_emb
        self.epsilon = config.rms_norm_eps
        self.layers = [Layer(layer) for layer in body.layers]
        self.head = FusedLinear(base.get_output_embeddings())
        self.num_heads, self.num_kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.head_dim = getattr(config, "head_dim", None) or config.hidden_size // self.num_heads
        self.like = base.get_input_embeddings().weight

    def new_cache(self) -> KeyValueCache:
        return KeyValueCache(len(self.layers), self.num_kv_heads, self.head_dim, self.like)

    def norm(self, x: Tensor, weight: Tensor) -> Tensor:
        """RMSNorm as transformers rounds it: to x's dtype before the weight."""
        return weight * F.rms_norm(x, (x.shape[-1],), None, self.epsilon)

    def forward(self, x_BTD: Tensor, mask_BS: Tensor | None, cache: KeyValueCache) -> Tensor:
        """mask_BS: which of the cached and new columns are real, None: all are. Returns states (B, T, D)."""
        batch, length = x_BTD.shape[:2]
        cache.reserve(batch, cache.length + length)
        rotation = self._rotation(x_BTD, mask_BS, cache.length)
        bias = attention_bias(mask_BS, length, cache.length, x_BTD)
        if bias is not None and length > 1:
            bias = bias.repeat(1, 1, self.num_heads // self.num_kv_heads, 1)
        for index, layer in enumerate(self.layers):
            x_BTD = self._layer(index, layer, x_BTD, rotation, bias, cache)
        cache.length += length
        return self.norm(x_BTD, self.final_norm.weight)

    def logits(self, states_XD: Tensor) -> Tensor:
        """(rows, D) -> (rows, V): the base model's own head."""
        return self.head(states_XD, True)

    def _rotation(self, x: Tensor, mask_BS: Tensor | None, start: int) -> tuple[Tensor, Tensor]:
        """cos and signed sin (B or 1, T, 1, d), so that x * cos + roll(x, d / 2) * sin turns x."""
        length = x.shape[1]
        if mask_BS is None:
            positions = torch.arange(start, start + length, device=x.device)[None]
        else:
            positions = (mask_BS.long().cumsum(-1) - 1).clamp(min=0)[:, -length:]
        cos, sin = self.rotary(x, positions)
        half = self.head_dim // 2
        return cos[:, :, None], torch.cat([-sin[..., :half], sin[..., half:]], -1)[:, :, None]

    def _layer(
        self,
        index: int,
        layer: Layer,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        bias: Tensor | None,
        cache: KeyValueCache,
    ) -> Tensor:
        decode = x.shape[1] == 1
        qkv = layer.qkv(self.norm(x, layer.attention_norm.weight), decode)
        x = x + layer.out(self._attend(index, qkv, rotation, bias, cache), decode)
        gate, up = layer.gate_up(self.norm(x, layer.mlp_norm.weight), decode).chunk(2, -1)
        return x + layer.down(F.silu(gate) * up, decode)

    def _attend(
        self,
        index: int,
        qkv_BTX: Tensor,
        rotation: tuple[Tensor, Tensor],
        bias: Tensor | None,
        cache: KeyValueCache,
    ) -> Tensor:
        batch, length = qkv_BTX.shape[:2]
        heads = qkv_BTX.view(batch, length, -1, self.head_dim)
        turned, values = heads.split([self.num_heads + self.num_kv_heads, self.num_kv_heads], 2)
        cos, sin = rotation
        turned = turned * cos + turned.roll(self.head_dim // 2, -1) * sin
        queries, keys = turned.transpose(1, 2).split([self.num_heads, self.num_kv_heads], 1)
        keys, values = cache.append(index, keys, values.transpose(1, 2))
        return attention(queries, keys, values, bias).transpose(1, 2).reshape(batch, length, -1)


def attention(q_BHTd: Tensor, k_BGSd: Tensor, v_BGSd: Tensor, bias: Tensor | None) -> Tensor:
    """Grouped-query attention. bias (B, 1, 1 or heads a group * T, S); None: causal if T is not 1.

    In a batch, queries of one group stand as rows of one head: three to five times as fast as enable_gqa on a
    CPU, but other bits in one element of ten thousand. A single row keeps the bits of transformers' generate.
    """
    batch, _, length, dim = q_BHTd.shape
    if bias is None and (length > 1 or batch == 1):
        causal = length > 1
        return F.scaled_dot_product_attention(q_BHTd, k_BGSd, v_BGSd, is_causal=causal, enable_gqa=True)
    rows = q_BHTd.reshape(batch, k_BGSd.shape[1], -1, dim)
    return F.scaled_dot_product_attention(rows, k_BGSd, v_BGSd, attn_mask=bias).view(q_BHTd.shape)


def attention_bias(mask_BS: Tensor | None, length: int, start: int, like: Tensor) -> Tensor | None:
    """(B, 1, T, S) to add to the scores, None where nothing is hidden but what causality hides.

    A padded column sees itself, so that no row of the softmax is empty and its state stays finite.
    """
    if mask_BS is None and (length == 1 or start == 0):
        return None
    total, device = start + length, like.device
    if mask_BS is None:
        mask_BS = torch.ones(1, total, dtype=torch.bool, device=device)
    rows = torch.arange(start, total, device=device)[:, None]
    columns = torch.arange(total, device=device)[None]
    visible_BTS = (mask_BS[:, None] & (columns <= rows)) | (columns == rows)
    bias = torch.zeros(visible_BTS.shape, dtype=like.dtype, device=device)
    return bias.masked_fill_(~visible_BTS, torch.finfo(like.dtype).min)[:, None]
