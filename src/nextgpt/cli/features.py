"""What the frozen encoders say of items, kept in their caches: of all items, or of those that some rows show."""

from collections.abc import Iterable, Sequence
from typing import Any


def open_encoder(settings: Any) -> Any:
    """The frozen encoder of these settings, in the dtype that the machine is fast in."""
    import torch

    from nextgpt.generation.placement import resolve_dtype
    from nextgpt.nn.encoders import load_encoder
    from nextgpt.parts import fetch_part

    dtype = resolve_dtype("auto", torch.device("cpu"))
    return load_encoder(settings, fetch_part(settings.part)).to(dtype)


def encode_items(settings: Any, modality: str, cache: Any, items: Any, ids: Iterable[str]) -> None:
    """Draw the items and encode them by the encoder of these settings, but for those that its cache holds."""
    from nextgpt.cli.show import tracker
    from nextgpt.data.features import compute_features
    from nextgpt.nano.recipe import media_loader

    todo = [(key, items[item]["scene"]) for item in ids if (key := items.key(item)) not in cache]
    if not todo:
        return
    load = media_loader(modality, getattr(settings, "image_size", 0))
    compute_features(open_encoder(settings), cache, todo, load, tracker(f"{modality} features"))


def encode_shown(config: Any, batches: Any, dialogues: Iterable[Any]) -> None:
    """The media that the rows show to the model, so that a run encodes what it reads and no more."""
    shown: dict[str, dict[str, None]] = {name: {} for name in config.inputs}
    for dialogue in dialogues:
        for modality, item in shown_media(dialogue.turns):
            shown[modality][item] = None
    for modality, ids in shown.items():
        settings, cache = config.inputs[modality].encoder, batches.modalities[modality].features
        encode_items(settings, modality, cache, batches.items, ids)


def shown_media(turns: Sequence[Any]) -> Iterable[tuple[str, str]]:
    """(modality, item) of every medium but those of a last answer, which nobody looks at."""
    from nextgpt.data.manifest import ItemPart

    seen = turns[:-1] if turns[-1].role == "assistant" else turns
    for part in (part for turn in seen for part in turn.content):
        if isinstance(part, ItemPart):
            yield part.modality, part.item
