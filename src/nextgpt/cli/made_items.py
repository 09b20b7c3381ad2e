"""Media that the decoders make, as items: what comes back when a reply is shown again, encoded and kept like others."""

import random
from collections.abc import Sequence
from typing import Any

AT_ONCE = 64  # media held between decoder and encoder


def made_items(
    config: Any, batches: Any, modality: str, split: str, number: int, seed: int
) -> list[dict[str, Any]]:
    """`number` settled items of a split as the modality's decoder makes them of their captions: with the slots of
    those, ids of their own in batches.items, and features in the cache."""
    from nextgpt.nn.decoders import decoder_folder
    from nextgpt.parts.hashing import weights_hash

    rows = [row for row in batches.items.beside[modality] if row["split"] == split and is_settled(row)]
    if not rows:
        return []
    chosen = random.Random(f"{seed}:made:{modality}").sample(rows, min(number, len(rows)))
    weights = weights_hash(decoder_folder(config.outputs[modality].decoder.address))
    found = [as_made(row, place, weights) for place, row in enumerate(chosen)]
    batches.items.by_id |= {row["id"]: row for row in found}
    cache = batches.modalities[modality].features
    missing = [row for row in found if batches.items.key(row["id"]) not in cache]
    encode_made(config, modality, missing, batches)
    return found


def is_settled(row: dict[str, Any]) -> bool:
    """Whether the decoders were taught such a scene; the encoders' world has no words of that kind."""
    return not {"kind", "size"}.isdisjoint(row["slots"])


def as_made(row: dict[str, Any], seed: int, weights: str) -> dict[str, Any]:
    """weights: of the decoder; what its features hang on stands in the scene."""
    scene = {**row["scene"], "made": row["caption"], "seed": seed, "weights": weights}
    return {**row, "id": f"made-{row['id']}", "scene": scene}


def encode_made(config: Any, modality: str, rows: Sequence[dict[str, Any]], batches: Any) -> None:
    """Decode and encode, some at a time."""
    if not rows:
        return
    import torch

    from nextgpt.cli.features import open_encoder
    from nextgpt.cli.show import tracker
    from nextgpt.data.features import compute_features
    from nextgpt.generation.placement import resolve_dtype
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    dtype, encoder = resolve_dtype("auto", torch.device("cpu")), open_encoder(config.inputs[modality].encoder)
    decoder = load_decoder(config.outputs[modality].decoder, fetch_part, dtype=dtype)
    for start in tracker(f"{modality} made")(range(0, len(rows), AT_ONCE)):
        some = rows[start : start + AT_ONCE]
        conditioning = decoder.encode_prompt([row["scene"]["made"] for row in some])
        media = decoder.decode(conditioning, seeds=[row["scene"]["seed"] for row in some])
        todo = [(batches.items.key(row["id"]), medium) for row, medium in zip(some, media)]
        compute_features(encoder, batches.modalities[modality].features, todo, lambda medium: medium)
