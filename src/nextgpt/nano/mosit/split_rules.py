"""Whether a turn may stand in a split: the pairs that its media put together, and their names."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from nextgpt.nano import split
from nextgpt.nano.instruments import instruments
from nextgpt.nano.rows import Item
from nextgpt.nano.settled_sound_scenes import SettledScene
from nextgpt.nano.sources import find_thing


def allowed(split_name: str, media: Sequence[Item], about: Sequence[Item]) -> bool:
    """train: no held-out pair or name. combination: names are trained, and one of `about` (what the turn is judged
    by) puts a held-out pair together. name: one of `about` has a held-out name."""
    if split_name == "name":
        return not about or any(has_held_out_name(item) for item in about)
    if any(has_held_out_name(item) for item in media):
        return False
    if split_name == "train":
        return not any(has_held_out_pair(item) for item in media)
    return not about or any(has_held_out_pair(item) for item in about)


def has_held_out_pair(item: Item) -> bool:
    return any(split.is_held_out_pair(*pair) for pair in pairs_of(item))


def has_held_out_name(item: Item) -> bool:
    return any(split.is_held_out_name(key) for key in keys_of(item))


def keys_of(item: Item) -> list[str]:
    """Keys of the things that are seen or heard."""
    if item.modality == "audio":
        names = (item.scene.first, item.scene.second)
        return [instruments()[name].key for name in names if name]
    return list(dict.fromkeys(find_thing(item.scene.style, one.code).key for one in drawn(item)))


def pairs_of(item: Item) -> Iterable[tuple[str, str]]:
    return _sound_pairs(item) if item.modality == "audio" else _drawn_pairs(item)


def drawn(item: Item) -> Sequence[Any]:
    """Sprites of a picture, tracks of a clip."""
    return item.scene.sprites if item.modality == "image" else item.scene.tracks


def _drawn_pairs(item: Item) -> Iterator[tuple[str, str]]:
    scene, keys = item.scene, keys_of(item)
    yield from combinations(keys, 2)
    for key in keys:
        yield key, split.attribute_key("colour", scene.colour)
    if item.modality == "video":
        for track in scene.tracks:
            thing = find_thing(scene.style, track.code)
            yield thing.key, split.attribute_key("motion", track.motion)
        return
    if scene.kind == "count":
        yield keys[0], split.attribute_key("count", len(scene.sprites))
    if scene.place not in ("", "centre"):
        yield keys[0], split.attribute_key("place", scene.place)


def _sound_pairs(item: Item) -> Iterator[tuple[str, str]]:
    scene, keys = item.scene, keys_of(item)
    if isinstance(scene, SettledScene):
        yield from scene.pairs
        return
    yield from combinations(keys, 2)
    if scene.kind == "notes":
        yield keys[0], split.attribute_key("count", len(scene.strokes))
    if scene.direction:
        yield keys[0], split.attribute_key("direction", scene.direction)
