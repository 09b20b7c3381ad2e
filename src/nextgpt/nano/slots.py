"""What an input projector's branches should say at first, from an item's slots.

WORDS: fields for the resampler, one embedding each, in this order; NAMES: fields for the concepts' queries.
"""

from typing import Any

WORDS: dict[str, tuple[str, ...]] = {
    "image": ("count", "relation", "place", "colour"),
    "audio": ("count", "pitch", "direction"),
    "video": ("motion", "direction", "colour"),
}
NAMES: dict[str, tuple[str, ...]] = {
    "image": ("name_a", "name_b"),
    "audio": ("first", "second"),
    "video": ("name",),
}
TURNED = {"right": "left", "below": "above"}


def canonical(slots: dict[str, str]) -> dict[str, str]:
    """Of two things the left or upper one comes first: "a right of b" and "b left of a" are one picture."""
    if slots.get("relation") not in TURNED:
        return slots
    turned = {"name_a": slots["name_b"], "name_b": slots["name_a"], "relation": TURNED[slots["relation"]]}
    return {**slots, **turned}


def concept_names(items: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """The classes of each modality's concepts: "" and then every name that training items have, sorted.

    presets.py reads them from concepts.json, which a test holds against this.
    """
    found = {}
    for modality, fields in NAMES.items():
        train = [item["slots"] for item in items[modality] if item["split"] == "train"]
        found[modality] = ["", *sorted({slots[field] for slots in train for field in fields} - {""})]
    return found
