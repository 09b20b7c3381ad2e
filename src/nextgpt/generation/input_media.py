"""Media of prompts -> embeddings: preprocessed, encoded and projected once for each content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextgpt.batch import Row
from nextgpt.nn.encoders import load_encoder

MAX_CACHED = 1024  # media whose embeddings are kept: 24 x 576 floats each
MAX_BATCH = 16  # media that an encoder takes at once

Key = tuple[str, str]  # modality, sha256 of the content


class InputMedia:
    """Encoders are opened when a medium of their modality first comes. fetch: part -> folder."""

    def __init__(self, model: Any, fetch: Callable[[str], Path]) -> None:
        self.model, self.fetch = model, fetch
        self.embeddings: OrderedDict[Key, Tensor] = OrderedDict()
        self.waiting: dict[Key, Any] = {}  # preprocessed, not encoded yet

    def add(self, row: Row) -> tuple[Key, ...]:
        """Read and preprocess the row's media; their identities. MediaError for one that can't be read."""
        keys = tuple((modality, part.media.sha256()) for modality, part in row.inputs)
        for key, (modality, part) in zip(keys, row.inputs):
            if key not in self.embeddings and key not in self.waiting:
                self.waiting[key] = self._encoder(modality).preprocess(part.media)
        return keys

    @torch.inference_mode()
    def take(self, rows: Sequence[Sequence[Key]]) -> list[list[tuple[Key, Tensor]]]:
        """Identity and embeddings (N', D) of the media of each row; all were added before."""
        for modality in dict.fromkeys(name for name, _ in self.waiting):
            self._encode(modality, [key for key in self.waiting if key[0] == modality])
        found = [[(key, self.embeddings[key]) for key in keys] for keys in rows]
        for key in (key for keys in rows for key in keys):
            self.embeddings.move_to_end(key)
        while len(self.embeddings) > MAX_CACHED:
            self.embeddings.popitem(last=False)
        return found

    def _encode(self, modality: str, keys: Sequence[Key]) -> None:
        encoder = self._encoder(modality)
        for start in range(0, len(keys), MAX_BATCH):
            some = keys[start : start + MAX_BATCH]
            inputs = encoder.collate([self.waiting.pop(key) for key in some])
            inputs = {name: value.to(self._device(encoder)) for name, value in inputs.items()}
            for key, embeddings in zip(some, self.model.project(modality, inputs)):
                self.embeddings[key] = embeddings.clone()

    def _encoder(self, modality: str) -> Any:
        if modality not in self.model.encoders:
            config = self.model.config.inputs[modality].encoder
            encoder = load_encoder(config, self.fetch(config.part))
            self.model.encoders[modality] = encoder.to(self.model.language_model.device)
        return self.model.encoders[modality]

    def _device(self, encoder: Any) -> torch.device:
        return next(encoder.parameters(), self.model.language_model.modality_embeddings).device
