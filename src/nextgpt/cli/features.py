"""What the frozen encoders say of items, kept in their caches: of all items, or of those that some rows show."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

# type of an encoder -> what its scores are, and how its classes stand in a sentence
SCORES = {"yamnet": ("sigmoid", "plain"), "efficientnet-lite": ("softmax", "article")}


def part_record(name: str) -> dict[str, str]:
    from nextgpt.parts import pinned

    return {key: pinned(name)[key] for key in ("address", "sha256")}


def modality_data(config: Any) -> dict[str, Any]:
    """Feature caches, class names and kinds of scores of the encoders that a config names."""
    from nextgpt.data.batches import ModalityData
    from nextgpt.data.features import encoder_cache
    from nextgpt.parts import cache_root, fetch_part

    found = {}
    for name, one in config.inputs.items():
        folder = fetch_part(one.encoder.part)
        names = [row[0] for row in json.loads((folder / "labels.json").read_text())]
        features = encoder_cache(cache_root(), one.encoder, part_record(one.encoder.part)["sha256"])
        found[name] = ModalityData(features, names, *SCORES[one.encoder.type])
    return found


def encode_items(config: Any, modality: str, items: Any, ids: Iterable[str]) -> None:
    """Draw the items and encode them, but for those that the cache holds. Resumable."""
    import torch

    from nextgpt.cli.show import tracker
    from nextgpt.data.features import compute_features
    from nextgpt.generation.placement import resolve_dtype
    from nextgpt.nano.recipe import media_loader
    from nextgpt.nn.encoders import load_encoder
    from nextgpt.parts import fetch_part

    cache = modality_data(config)[modality].features
    todo = [(key, items[item]["scene"]) for item in ids if (key := items.key(item)) not in cache]
    if not todo:
        return
    settings: Any = config.inputs[modality].encoder
    dtype = resolve_dtype("auto", torch.device("cpu"))
    encoder = load_encoder(settings, fetch_part(settings.part)).to(dtype)
    load = media_loader(modality, getattr(settings, "image_size", 0))
    compute_features(encoder, cache, todo, load, tracker(f"{modality} features"))


def encode_shown(config: Any, items: Any, dialogues: Iterable[Any]) -> None:
    """The media that the rows show to the model, so that a run encodes what it reads and no more."""
    shown: dict[str, dict[str, None]] = {name: {} for name in config.inputs}
    for dialogue in dialogues:
        for modality, item in shown_media(dialogue.turns):
            shown[modality][item] = None
    for modality, ids in shown.items():
        encode_items(config, modality, items, ids)


def shown_media(turns: Sequence[Any]) -> Iterable[tuple[str, str]]:
    """(modality, item) of every medium but those of a last answer, which nobody looks at."""
    from nextgpt.data.manifest import ItemPart

    seen = turns[:-1] if turns[-1].role == "assistant" else turns
    for part in (part for turn in seen for part in turn.content):
        if isinstance(part, ItemPart):
            yield part.modality, part.item
