"""Whether a turn may stand in a split: the pairs that its media put together, and their names."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from nextgpt.nano import split
from nextgpt.nano.clips import ClipScene
from nextgpt.nano.instruments import instruments
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene
from nextgpt.nano.settled_sound_scenes import SettledScene
from nextgpt.nano.sounds import SoundScene
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
    return RULES[type(item.scene)].keys(item.scene)


def pairs_of(item: Item) -> Iterable[tuple[str, str]]:
    return RULES[type(item.scene)].pairs(item.scene)


def _drawn_keys(style: str, drawn: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(find_thing(style, one.code).key for one in drawn))


def _coloured(keys: Sequence[str], colour: str) -> Iterator[tuple[str, str]]:
    yield from combinations(keys, 2)
    for key in keys:
        yield key, split.attribute_key("colour", colour)


def _picture_keys(scene: ImageScene) -> list[str]:
    return _drawn_keys(scene.style, scene.sprites)


def _picture_pairs(scene: ImageScene) -> Iterator[tuple[str, str]]:
    keys = _picture_keys(scene)
    yield from _coloured(keys, scene.colour)
    if scene.kind == "count":
        yield keys[0], split.attribute_key("count", len(scene.sprites))
    if scene.place not in ("", "centre"):
        yield keys[0], split.attribute_key("place", scene.place)


def _clip_keys(scene: ClipScene) -> list[str]:
    return _drawn_keys(scene.style, scene.tracks)


def _clip_pairs(scene: ClipScene) -> Iterator[tuple[str, str]]:
    yield from _coloured(_clip_keys(scene), scene.colour)
    for track in scene.tracks:
        yield find_thing(scene.style, track.code).key, split.attribute_key("motion", track.motion)


def _sound_keys(scene: SoundScene | SettledScene) -> list[str]:
    return [instruments()[name].key for name in (scene.first, scene.second) if name]


def _sound_pairs(scene: SoundScene) -> Iterator[tuple[str, str]]:
    keys = _sound_keys(scene)
    yield from combinations(keys, 2)
    if scene.kind == "notes":
        yield keys[0], split.attribute_key("count", len(scene.strokes))
    if scene.direction:
        yield keys[0], split.attribute_key("direction", scene.direction)


@dataclass(frozen=True)
class Rule:
    """keys(scene) and pairs(scene) of one kind of scene."""

    keys: Callable[[Any], list[str]]
    pairs: Callable[[Any], Iterable[tuple[str, str]]]


RULES: dict[type, Rule] = {
    ImageScene: Rule(_picture_keys, _picture_pairs),
    ClipScene: Rule(_clip_keys, _clip_pairs),
    SoundScene: Rule(_sound_keys, _sound_pairs),
    SettledScene: Rule(_sound_keys, lambda scene: scene.pairs),
}
