"""A tiny random any-to-any model: a real Llama and a real byte-level tokenizer, small; encoders and decoders
that answer from their input alone, so that a test can tell which medium or seed a result came from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nextgpt.config import (
    AnyToAnyConfig,
    DecoderConfig,
    EfficientNetLiteConfig,
    InputConfig,
    InputProjectorConfig,
    MlpBranchConfig,
    OutputConfig,
    OutputProjectorConfig,
    YamnetConfig,
)
from nextgpt.model import AnyToAnyModel
from nextgpt.nn.input_projector import InputProjector
from nextgpt.nn.language_model import LanguageModel
from nextgpt.nn.output_projector import OutputProjector
from nextgpt.nn.outputs import Conditioning, ConditioningSpec, EncoderOutput
from nextgpt.processor import Processor
from nextgpt.testing.speakers import noise
from nextgpt.tokens import SpecialTokens

CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CORPUS = (
    "What is in this picture? A red fox sits left of a blue car. Draw a fox. The sound is a bell, then a dog."
)
WIDTH, LENGTH = 12, 4  # of the fake decoders' conditioning


def tiny_tokenizer(vocabulary: int = 320) -> Any:
    """Byte-level BPE with ChatML's marks: any text goes through it and comes back."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CORPUS], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    fast.chat_template = CHAT_TEMPLATE
    return fast


def tiny_base(vocabulary: int, **changes: Any) -> Any:
    """A random Llama of 2 layers, 4 heads and 2 heads of keys; the weights are the same at every call."""
    from transformers import LlamaConfig, LlamaForCausalLM

    settings: dict[str, Any] = dict(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        tie_word_embeddings=False,
        attn_implementation="sdpa",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LlamaForCausalLM(LlamaConfig(**(settings | changes))).eval()


def tiny_config(modalities: Sequence[str] = ("image", "audio", "video")) -> AnyToAnyConfig:
    encoders: dict[str, Any] = {
        "image": EfficientNetLiteConfig(grid=1, feature_dim=8),
        "audio": YamnetConfig(mel_steps=0),
        "video": EfficientNetLiteConfig(grid=1, num_frames=2, feature_dim=8),
    }
    projector = InputProjectorConfig((MlpBranchConfig(num_tokens=2, hidden_dim=16),))
    return AnyToAnyConfig(
        inputs={name: InputConfig(encoders[name], projector) for name in modalities},
        outputs={
            name: OutputConfig(
                DecoderConfig(f"echo-{name}", "", LENGTH, WIDTH),
                OutputProjectorConfig(width=16, num_heads=2),
                num_signal_tokens=3,
            )
            for name in modalities
        },
    )


def tiny_model(
    config: AnyToAnyConfig | None = None, base: Any = None, tokenizer: Any = None
) -> tuple[AnyToAnyModel, Processor]:
    """A model and its processor; learned modules are random, the same at every call. EchoEncoders stand in the places
    of nextgpt's own encoders; another is opened when it is needed, as always."""
    config = config or tiny_config()
    tokenizer = tokenizer or tiny_tokenizer()
    base = base or tiny_base(len(tokenizer))
    special = SpecialTokens(base.config.vocab_size, config.num_signals)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        language_model = LanguageModel(config.language_model, base, special)
        dim = language_model.embedding_dim
        model = AnyToAnyModel(
            config,
            language_model,
            {name: InputProjector(one.projector, one.encoder, dim) for name, one in config.inputs.items()},
            {
                name: OutputProjector(
                    one.projector,
                    one.num_signal_tokens,
                    dim,
                    ConditioningSpec(one.decoder.length, one.decoder.width),
                )
                for name, one in config.outputs.items()
            },
        )
        nn.init.normal_(language_model.modality_head.weight, std=0.3)
        nn.init.zeros_(language_model.modality_head.bias)
    for name, one in config.inputs.items():
        if isinstance(one.encoder, EfficientNetLiteConfig | YamnetConfig):
            model.encoders[name] = EchoEncoder(name, one.encoder.num_positions, one.encoder.feature_dim)
    placeholders = {name: one.projector.num_tokens for name, one in config.inputs.items()}
    return model.eval(), Processor(tokenizer, special, placeholders)


def favour(model: AnyToAnyModel, **biases: float) -> None:
    """Make modality tokens likely (image=50.0) or impossible (audio=-50.0)."""
    head = model.language_model.modality_head
    for name, bias in biases.items():
        head.bias.data[model.special.modalities.index(name)] = bias


class EchoEncoder(nn.Module):
    """Features that depend on the medium's content alone. `calls` counts what it was given."""

    def __init__(self, modality: str, num_positions: int, feature_dim: int) -> None:
        super().__init__()
        self.modality, self.shape, self.calls = modality, (num_positions, feature_dim), 0

    def preprocess(self, media: Any) -> Tensor:
        media.check()
        seed = int(media.sha256()[:8], 16)
        return torch.randn(self.shape, generator=torch.Generator().manual_seed(seed))

    def collate(self, items: Sequence[Tensor]) -> dict[str, Tensor]:
        return {"values": torch.stack(list(items))}

    def forward(self, values: Tensor) -> EncoderOutput:
        self.calls += len(values)
        return EncoderOutput(values, torch.ones(values.shape[:2], dtype=torch.bool))


class EchoDecoder(nn.Module):
    """Media whose content is the seed and the conditioning, nothing else. `batches` records their sizes."""

    conditioning_spec = ConditioningSpec(LENGTH, WIDTH)

    def __init__(self, modality: str, seconds_per_step: float = 0.0) -> None:
        super().__init__()
        self.modality, self.seconds_per_step = modality, seconds_per_step
        self.batches: list[int] = []

    def encode_prompt(self, texts: list[str]) -> Conditioning:
        """A number of each text, everywhere."""
        numbers = torch.tensor([float(sum(text.encode())) for text in texts])
        shape = (len(texts), LENGTH, WIDTH)
        return Conditioning(numbers[:, None, None].expand(shape), torch.ones(shape[:2], dtype=torch.bool))

    def decode(
        self,
        conditioning: Conditioning,
        *,
        seeds: Sequence[int],
        steps: int | None = None,
        guidance: float | None = None,
        on_step: Callable[[int, int], Any] | None = None,
    ) -> list[Any]:
        self.batches.append(len(seeds))
        steps = steps or 2
        for step in range(steps):
            time.sleep(self.seconds_per_step)
            if on_step is not None:
                on_step(step + 1, steps)
        numbers = conditioning.sequence_BQC.float().mean((1, 2)).tolist()
        return [self._medium(seed, number) for seed, number in zip(seeds, numbers, strict=True)]

    def _medium(self, seed: int, number: float) -> Any:
        return noise(self.modality, [seed, int(abs(number) * 1e3)])


def echo_decoders(seconds_per_step: float = 0.0) -> dict[str, EchoDecoder]:
    return {name: EchoDecoder(name, seconds_per_step) for name in ("image", "audio", "video")}
