"""A language model in one GGUF file -> a Hugging Face folder: bf16 safetensors, tokenizer, chat template."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from ...errors import PartError
from . import only_file


def convert(content: Path, target: Path, needs: Mapping[str, Path]) -> None:
    """Dequantise the weights to bf16 and save everything that generation needs.

    Raises:
        PartError: not one GGUF file, or its end-of-turn token is not the model's.
    """
    path = only_file(content, "*.gguf")
    with _quiet_transformers():
        tokenizer = load_tokenizer(path)
        model = _load_model(path)
        _set_token_ids(model, tokenizer)
        tokenizer.model_max_length = model.config.max_position_embeddings
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)


def _load_model(path: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    return AutoModelForCausalLM.from_pretrained(
        path.parent,
        gguf_file=path.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a GGUF file. transformers forgets that SmolLM's splits digits before anything else."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    if _metadata_text(path, "tokenizer.ggml.pre") == "smollm":
        digits = pre_tokenizers.Digits(individual_digits=True)
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    return tokenizer


def _metadata_text(path: Path, key: str) -> str:
    from gguf import GGUFReader

    field = GGUFReader(path).get_field(key)
    return str(field.contents()) if field is not None else ""


def _set_token_ids(model: Any, tokenizer: Any) -> None:
    """Give config and generation_config the tokenizer's ids; a turn must end with the model's end token.

    Raises:
        PartError: the template ends turns with another token.
    """
    end = tokenizer.eos_token_id
    turn = tokenizer.apply_chat_template([{"role": "assistant", "content": "x"}], tokenize=False)
    if end is None or not turn.rstrip().endswith(tokenizer.eos_token):
        raise PartError(
            f"the model's chat template does not end a turn with its end token {tokenizer.eos_token!r}."
        )
    for config in (model.config, model.generation_config):
        config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, end
        config.pad_token_id = tokenizer.pad_token_id


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Its bars and warnings would break the one live line of the fetch (some bars heed no setting)."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
