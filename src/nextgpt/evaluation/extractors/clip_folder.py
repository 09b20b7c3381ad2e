"""A CLIP of a transformers folder: embeddings of pictures and of captions in one space."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nextgpt.evaluation.extractors.base import Extracted, NotAvailableError

NEEDED = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer_config.json")


class Clip:
    """images(media), texts(captions) -> (B, D) float32, not normalised. Resizing and cropping are the folder's own."""

    score_kind = ""

    def __init__(self, model: Any, processor: Any, tokenizer: Any, name: str, version: str) -> None:
        self.model, self.processor, self.tokenizer = model, processor, tokenizer
        self.name, self.version = name, version

    def __call__(self, media: Sequence[Any]) -> Extracted:
        return Extracted(self.images(media))

    def images(self, media: Sequence[Any]) -> np.ndarray:
        """Of Images."""
        return self.pictures([medium.array() for medium in media])

    def pictures(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Of uint8 (H, W, 3)."""
        import torch
        from PIL import Image

        inputs = self.processor(images=[Image.fromarray(array) for array in arrays], return_tensors="pt")
        with torch.inference_mode():
            return _vectors(self.model.get_image_features(pixel_values=inputs["pixel_values"]))

    def texts(self, captions: Sequence[str]) -> np.ndarray:
        """Captions are cut to the length that the model was made for, as its scores are defined."""
        import torch

        length = self.model.config.text_config.max_position_embeddings
        inputs = self.tokenizer(
            list(captions), padding=True, truncation=True, max_length=length, return_tensors="pt"
        )
        with torch.inference_mode():
            return _vectors(self.model.get_text_features(**inputs))


def _vectors(output: Any) -> np.ndarray:
    """transformers gave a tensor before its version 5, and an output with `pooler_output` since."""
    return getattr(output, "pooler_output", output).float().numpy()


def load_clip(folder: Path) -> Clip:
    """Nothing is downloaded. Raises NotAvailableError where the folder is none or lacks a file."""
    from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise NotAvailableError(
            f"{str(folder)!r} is no folder of a CLIP: it lacks {', '.join(missing)}. Save one there, for example "
            "openai/clip-vit-base-patch32, by CLIPModel.save_pretrained and CLIPProcessor.save_pretrained."
        )
    kind = json.loads((folder / "config.json").read_text()).get("model_type")
    if kind != "clip":
        raise NotAvailableError(f"{str(folder)!r} holds a model of type {kind!r}, not a CLIP.")
    model = CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    processor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Clip(model, processor, tokenizer, folder.resolve().name, file_sha256(folder / "model.safetensors"))


def file_sha256(path: Path) -> str:
    from hashlib import file_digest

    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
