"""Whether a made medium shows what was asked: one verdict a medium, by the judges of made media.

picture   its thing is among the judge's first five names, and the background's colour is right
clip      its thing is among the first five names, the background's colour and the motion are right, its direction too
sound     the family of its instrument is right (of both, one after the other); an effect by its label
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nextgpt.nano.media_judges import suites

CHUNK = 16
READ_AS = {"count": "pair"}  # pictures to be counted are else not named; their things are as large


def kind_of(item: dict[str, Any]) -> str:
    """item: a line of a manifest."""
    return str(item["slots"].get("kind") or item["scene"]["kind"])


def read_media(
    modality: str,
    items: Sequence[dict[str, Any]],
    load: Callable[[int], Any],
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[Any]:
    """A reading for each item of what load(number) gives: an array, or None where nothing was made."""
    found: list[Any] = [None] * len(items)
    for start in track(range(0, len(items), CHUNK)):
        arrays = {number: load(number) for number in range(start, min(start + CHUNK, len(items)))}
        there = [number for number, array in arrays.items() if array is not None]
        kinds = [READ_AS.get(kind_of(items[number]), kind_of(items[number])) for number in there]
        readings = suites.SUITES[modality].read([arrays[number] for number in there], kinds) if there else []
        for number, reading in zip(there, readings):
            found[number] = reading
    return found


def judge_medium(modality: str, item: dict[str, Any], reading: Any, true: Any = None) -> dict[str, Any]:
    """{"right", and each judge's task -> right, "seen"}; true: the reading of the item's true medium, for effects."""
    if reading is None:
        return {"right": False}
    judged = suites.SUITES[modality].judge(reading, item["slots"], kind_of(item), true)
    for task, judge in BESIDE.get((modality, kind_of(item)), {}).items():
        judged[task] = judge(reading, item["slots"])
    return {"right": bool(RIGHT[modality](judged)), **judged}


def counted_name(reading: Any, slots: dict[str, str]) -> bool:
    """Of several drawn alike, the largest is named; a picture without anything in it shows nothing."""
    if not len(reading.likeness):
        return False
    rank = suites.picture_gallery().rank(reading.likeness[0], slots["name_a"])
    return bool(rank <= 5)


# (modality, kind) -> what is asked here beside the suites' tasks
BESIDE: dict[tuple[str, str], dict[str, Callable[[Any, dict[str, str]], bool]]] = {
    ("image", "count"): {"image-name-five": counted_name},
}


def _first(judged: dict[str, Any], *tasks: str) -> bool:
    """The verdict of the first of these judges that had something to say."""
    return bool(next((judged[task] for task in tasks if task in judged), False))


RIGHT: dict[str, Callable[[dict[str, Any]], bool]] = {
    "image": lambda judged: (
        judged["image-colour"] and _first(judged, "image-name-five", "image-pair-five", "image-between")
    ),
    "video": lambda judged: (
        judged["video-colour"]
        and judged.get("video-name-five", True)
        and _first(judged, "video-motion", "video-then", "video-crossing")
    ),
    "audio": lambda judged: _first(
        judged, "audio-family", "audio-sequence", "audio-effect", "audio-effect-same"
    ),
}
