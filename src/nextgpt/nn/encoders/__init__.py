"""Frozen encoders: media -> features. ENCODERS is the visible table: type -> module class, made as Class(config).

A new row needs one in config.ENCODER_CONFIGS too; `nextgpt.testing.check_encoder` says whether it keeps the contract.
"""

import json
from pathlib import Path
from typing import Any

from torch import nn

from nextgpt.config import EncoderConfig
from nextgpt.nn.encoders.efficientnet_lite import EfficientNetLite
from nextgpt.nn.encoders.yamnet import Yamnet

ENCODERS: dict[str, Any] = {"efficientnet-lite": EfficientNetLite, "yamnet": Yamnet}


def load_encoder(config: EncoderConfig, folder: Path) -> nn.Module:
    """The encoder with the weights of a part (model.safetensors; labels.json where it has classes), frozen."""
    from safetensors.torch import load_file

    encoder = ENCODERS[config.type](config)
    encoder.load_state_dict(load_file(folder / "model.safetensors"))
    if config.num_scores:
        encoder.class_names = json.loads((folder / "labels.json").read_text())
    return encoder.eval().requires_grad_(False)
