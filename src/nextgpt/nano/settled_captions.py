"""Sentences of settled scenes: those of captions.py, and words for size, three things, speed and two motions."""

import random
from typing import Any

from nextgpt.nano.captions import (
    MOTION_WORDS,
    image_caption,
    image_slots,
    on_colour,
    video_caption,
)
from nextgpt.nano.nouns import NUMBER_WORDS, indefinite, is_plural, takes_article, with_article
from nextgpt.nano.scenes import ImageScene
from nextgpt.nano.sources import find_thing

SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
SPEED_WORDS = {"slowly": ("slowly",)}
_BETWEEN = ("{a} between {b} and {c} {on}", "{b} and {c} {on} with {a} between them")
_CROSSING = ("{a} {moves} above {b} {moves_b} {on}", "{a} {moves} and {b} {moves_b} {on}")
_THEN = ("{a} first {moves}, then {moves_b} {on}", "{a} {moves} and then {moves_b} {on}")


def with_adjective(adjective: str, name: str) -> str:
    """ "a small apple", "small cherries"."""
    if not takes_article(name) or is_plural(name):
        return f"{adjective} {name}"
    return f"{indefinite(adjective)} {adjective} {name}"


def settled_image_caption(scene: ImageScene, rng: random.Random, size_word: str = "") -> str:
    on = on_colour(scene.colour, rng)
    if size_word:
        adjective = rng.choice(SIZE_WORDS[size_word])
        return f"{with_adjective(adjective, scene.subject.name)} {on}"
    if scene.kind == "between":
        a, b, c = (with_article(find_thing(scene.style, sprite.code).name) for sprite in scene.sprites)
        return rng.choice(_BETWEEN).format(a=a, b=b, c=c, on=on)
    return image_caption(scene, rng)


def settled_image_slots(scene: ImageScene, size_word: str = "") -> dict[str, str]:
    """image_slots, with `size`, and `name_c` for what stands on the other side of "between"."""
    names = [find_thing(scene.style, sprite.code).name for sprite in scene.sprites]
    between = scene.kind == "between"
    extra = {"size": size_word, "name_c": names[2] if between else ""}
    slots = image_slots(scene) | extra
    return slots | ({"name_b": names[1], "count": NUMBER_WORDS[1]} if between else {})


def settled_video_caption(scene: Any, rng: random.Random, speed: str = "") -> str:
    on = on_colour(scene.colour, rng)
    a, moves = with_article(scene.subject.name), rng.choice(MOTION_WORDS[scene.motion])
    if hasattr(scene, "second"):
        moves_b = rng.choice(MOTION_WORDS[scene.second.motion])
        return rng.choice(_THEN).format(a=a, moves=moves, moves_b=moves_b, on=on)
    if len(scene.tracks) > 1:
        other = scene.tracks[1]
        b, moves_b = with_article(find_thing(scene.style, other.code).name), MOTION_WORDS[other.motion][0]
        which = _CROSSING[0] if scene.motion in ("left", "right") and rng.random() < 0.5 else _CROSSING[1]
        return which.format(a=a, moves=moves, b=b, moves_b=moves_b, on=on)
    if speed:
        return f"{a} {rng.choice((f'slowly {moves}', f'{moves} slowly'))} {on}"
    return video_caption(scene, rng)
