"""What an input projector's branches should say at first, from an item's slots.

WORDS: fields for the resampler, one embedding each, in this order; NAMES: fields for the concepts' queries.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nextgpt.nano.clips import MOTIONS
from nextgpt.nano.nouns import NUMBER_WORDS
from nextgpt.nano.sound_scenes import HIGH_BOTTOM, LOW_TOP

WORDS: dict[str, tuple[str, ...]] = {
    "image": ("count", "relation", "place", "colour"),
    "audio": ("count", "pitch", "direction", "kind", "speed", "note", "chord"),
    "video": ("motion", "direction", "colour"),
}
NAMES: dict[str, tuple[str, ...]] = {
    "image": ("name_a", "name_b"),
    "audio": ("first", "second"),
    "video": ("name",),
}
TURNED = {"right": "left", "below": "above"}


def canonical(modality: str, item: Mapping[str, Any]) -> dict[str, str]:
    """An item's slots in one set of words, be it of the encoders' world or a settled one."""
    return CANONICAL[modality](item)


def _picture(item: Mapping[str, Any]) -> dict[str, str]:
    """Of two things the left or upper one comes first: "a right of b" and "b left of a" are one picture."""
    slots = item["slots"]
    if slots["relation"] not in TURNED:
        return slots
    turned = {"name_a": slots["name_b"], "name_b": slots["name_a"], "relation": TURNED[slots["relation"]]}
    return {**slots, **turned}


def _clip(item: Mapping[str, Any]) -> dict[str, str]:
    """A settled clip's motion ("fade-in") is told as the encoders' world tells it ("fading", "in")."""
    slots = item["slots"]
    if slots["motion"] not in MOTIONS:
        return slots
    return {**slots, **dict(zip(("motion", "direction"), MOTIONS[slots["motion"]]))}


def _sound(item: Mapping[str, Any]) -> dict[str, str]:
    """What kind of sound it is, and of a settled one also how fast, which note, which chord."""
    slots, scene = item["slots"], item["scene"]
    kind = slots.get("rhythm") or scene["kind"]
    told = {"speed": "", "note": "", "chord": "", **slots, "kind": kind}
    if "rhythm" not in slots:
        return told
    notes = [int(note) for note in slots["note"].split()]
    repeated = bool(notes) and kind in ("note", "notes")
    several = kind == "scale" or (kind == "notes" and slots["count"] != NUMBER_WORDS[1])
    return told | {
        "pitch": _register(notes[0]) if repeated else "",
        "speed": slots["speed"] or ("normal" if several else ""),
        "note": slots["pitch"][:1],
    }


def _register(note: int) -> str:
    return "low" if note < LOW_TOP else "high" if note > HIGH_BOTTOM else ""


CANONICAL: dict[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    "image": _picture,
    "audio": _sound,
    "video": _clip,
}


def concept_names(items: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """The classes of each modality's concepts: "" and then every name that training items have, sorted.

    presets.py reads them from concepts.json, which a test holds against this.
    """
    found = {}
    for modality, fields in NAMES.items():
        train = [item["slots"] for item in items[modality] if item["split"] == "train"]
        found[modality] = ["", *sorted({slots[field] for slots in train for field in fields} - {""})]
    return found
