"""What decoder training reads, computed once into memory-mapped files:

    media.npy        what `decoder.prepare` keeps of each medium      captions.json      their sentences
    text_states.npy  float16 (N, Q, C)                                text_lengths.npy   token counts (N,)
    latents-<digest of the encoding half>.npy   float16 (N, *latent_shape)

Every file is written under a temporary name and renamed, so a file that exists is complete.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nextgpt.errors import DataError
from nextgpt.nn.decoders.latent_decoder import LatentDecoder

Items = Callable[[], Iterable[tuple[np.ndarray, str]]]
OnProgress = Callable[[str, int, int], None]


class ItemCache:
    """`rows(name, rows)` reads tensors back. on_progress(what, done, total) is called while writing."""

    def __init__(self, folder: Path, num_items: int, on_progress: OnProgress | None = None) -> None:
        self.folder, self.num_items = folder, num_items
        self.on_progress: OnProgress = on_progress or (lambda what, done, total: None)
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def array(self, name: str) -> np.ndarray:
        array = np.load(self.path(name), mmap_mode="r")
        if len(array) != self.num_items:
            raise DataError(
                f"{self.path(name)} holds {len(array)} items, not {self.num_items}; "
                "remove it or pass --fresh to start anew."
            )
        return array

    def rows(self, name: str, rows: list[int] | slice) -> Tensor:
        return torch.from_numpy(np.array(self.array(name)[rows]))

    def write_media(self, decoder: LatentDecoder, items: Items) -> None:
        """Draw all items once. DataError if the source gives too few."""
        captions: list[str] = []

        def chunks() -> Iterable[np.ndarray]:
            for array, caption in items():
                captions.append(caption)
                yield decoder.prepare(array)[None].numpy()

        if not (self.folder / "captions.json").exists():
            self._write("media", chunks())
            self._write_json("captions", captions)

    def write_rows(self, name: str, rows: Callable[[], Iterable[np.ndarray]]) -> None:
        """An array of `num_items` rows, unless it is there."""
        if not self.path(name).exists():
            self._write(name, (row[None] for row in rows()))

    def write_text(self, decoder: LatentDecoder, chunk: int = 256) -> None:
        """Text encoder states; sentences of like length share a batch, and equal ones are encoded once."""
        if self.path("text_lengths").exists():
            return
        captions = json.loads((self.folder / "captions.json").read_text())
        unique = sorted(set(captions), key=len)
        states, lengths = [], []
        for start in range(0, len(unique), chunk):
            part_states, part_lengths = decoder.text_states(unique[start : start + chunk])
            states.append(part_states.float().cpu().numpy().astype(np.float16))
            lengths.append(part_lengths.cpu().numpy())
            self.on_progress("captions", min(start + chunk, len(unique)), len(unique))
        place = {caption: row for row, caption in enumerate(unique)}
        order = [place[caption] for caption in captions]
        table = np.concatenate(states)
        self._write(
            "text_states", (table[order[start : start + chunk]] for start in range(0, len(order), chunk))
        )
        self._write("text_lengths", [np.concatenate(lengths)[order]])

    def write_latents(self, decoder: LatentDecoder, chunk: int = 32) -> str:
        """The name of the array: another one for other weights of the autoencoder's encoding half."""
        name = f"latents-{digest(decoder.vae.encoder)}"
        if self.path(name).exists():
            return name
        starts = range(0, self.num_items, chunk)
        stored = (self.rows("media", slice(start, start + chunk)) for start in starts)
        latents = (decoder.encode_stored(part).float().cpu().numpy().astype(np.float16) for part in stored)
        self._write(name, latents)
        return name

    def _write(self, name: str, chunks: Iterable[np.ndarray]) -> None:
        """Chunks of rows -> one .npy of exactly num_items rows."""
        draft, done, array = self.folder / f"{name}.tmp", 0, None
        for chunk in chunks:
            if array is None:
                shape = (self.num_items, *chunk.shape[1:])
                array = np.lib.format.open_memmap(draft, mode="w+", dtype=chunk.dtype, shape=shape)
            array[done : done + len(chunk)] = chunk
            done += len(chunk)
            self.on_progress(name, done, self.num_items)
        if array is None or done != self.num_items:
            raise DataError(f"The source of {name} gave {done} items, not {self.num_items}.")
        array.flush()
        draft.rename(self.path(name))

    def _write_json(self, name: str, value: object) -> None:
        draft = self.folder / f"{name}.tmp"
        draft.write_text(json.dumps(value))
        draft.rename(self.folder / f"{name}.json")


def digest(module: torch.nn.Module) -> str:
    """Twelve hexadecimal digits of the weights."""
    state = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        state.update(key.encode() + value.float().cpu().numpy().tobytes())
    return state.hexdigest()[:12]
