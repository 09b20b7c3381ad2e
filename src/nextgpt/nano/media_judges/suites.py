"""What is asked of a decoder in each modality: which items, how they are read and judged, which bars stand.

A suite is a row of SUITES. Items are settled ones (their caption decides the drawing) of held-out combinations, or of
held-out names, which are reported apart.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextgpt.nano.media_judges.clips import judge_clip, read_clips
from nextgpt.nano.media_judges.gallery import Gallery
from nextgpt.nano.media_judges.pictures import judge_picture, read_pictures
from nextgpt.nano.media_judges.sounds import SoundGallery, judge_sound
from nextgpt.nano.rows import Item
from nextgpt.nano.settled import SETTLED
from nextgpt.nano.settled_clips import settled_video_items
from nextgpt.nano.settled_pictures import settled_image_items
from nextgpt.nano.settled_sounds import settled_sound_items

Array = NDArray[Any]
MOST = 40  # times the limit: how many items are looked through for the wanted kinds


@dataclass(frozen=True)
class Suite:
    """needed: kinds of items of which there must be the full number; of others as many as come by.

    kind(item) -> its kind; read(arrays, kinds) -> readings; judge(reading, slots, kind, true reading) -> task -> right.
    bars: task -> share that is asked for on held-out combinations. means: numbers of a reading of which the mean is
    reported. compared: whether samples as a whole are compared with true media (kernel and Frechet distance).
    """

    needed: tuple[str, ...]
    items: Callable[[str, int], Iterator[Item]]
    kind: Callable[[Item], str]
    render: Callable[[Any], Array]
    read: Callable[[Sequence[Array], Sequence[str]], list[Any]]
    judge: Callable[[Any, dict[str, str], str, Any], dict[str, Any]]
    bars: dict[str, float] = field(default_factory=dict)
    means: tuple[str, ...] = ()
    compared: bool = False


@cache
def picture_gallery() -> Gallery:
    return Gallery()


@cache
def sound_gallery() -> SoundGallery:
    return SoundGallery()


def _sounds(split: str, seed: int) -> Iterator[Item]:
    """Sounds of the split; effects have no pair to hold out, so those of training come, in held-out phrasings."""
    effects = (
        item for item in settled_sound_items("train", 10**9, seed + 1, held_out_phrasings=True)
        if item.slots["kind"] == "effect"
    )  # fmt: skip
    for item in settled_sound_items(split, 10**9, seed):
        yield item
        if split == "combination" and item.slots["kind"] == "scale":
            yield next(effects)


SUITES: dict[str, Suite] = {
    "image": Suite(
        needed=("single", "count", "pair"),
        items=lambda split, seed: settled_image_items(split, 10**9, seed),
        kind=lambda item: str(item.scene.kind),
        render=SETTLED["image"].render,
        read=lambda arrays, kinds: read_pictures(arrays, kinds, picture_gallery()),
        judge=lambda reading, slots, kind, true: judge_picture(reading, slots, kind, picture_gallery()),
        bars={
            "image-name-first": 0.50, "image-name-five": 0.70, "image-colour": 0.97, "image-relation": 0.90,
            "image-count": 0.80,
        },
        compared=True,
    ),
    "video": Suite(
        needed=("one",),
        items=lambda split, seed: settled_video_items(split, 10**9, seed),
        kind=lambda item: item.slots["kind"],
        render=SETTLED["video"].render,
        read=lambda arrays, kinds: read_clips(arrays, kinds, picture_gallery()),
        judge=lambda reading, slots, kind, true: judge_clip(reading, slots, kind, picture_gallery()),
        bars={"video-motion": 0.90, "video-direction": 0.90, "video-name-five": 0.70},
        means=("flicker",),
    ),
    "audio": Suite(
        needed=("note", "notes", "scale"),
        items=_sounds,
        kind=lambda item: item.slots["kind"],
        render=SETTLED["audio"].render,
        read=lambda arrays, kinds: [
            sound_gallery().read(np.asarray(wave, np.float32), kind) for wave, kind in zip(arrays, kinds)
        ],
        judge=lambda reading, slots, kind, true: judge_sound(reading, slots, true),
        bars={
            "audio-family": 0.75, "audio-pitch": 0.85, "audio-count": 0.85, "audio-direction": 0.90,
            "audio-effect": 0.60,
        },
    ),
}  # fmt: skip


def chosen_items(suite: Suite, split: str, limit: int, seed: int) -> list[Item]:
    """At most `limit` items a kind, in their order, until each needed kind has that many."""
    counts: Counter[str] = Counter()
    chosen = []
    for item in islice(suite.items(split, seed), MOST * limit):
        kind = suite.kind(item)
        if counts[kind] < limit:
            counts[kind] += 1
            chosen.append(item)
        if all(counts[one] >= limit for one in suite.needed):
            break
    return chosen


def shuffled(suite: Suite, items: Sequence[Item], seed: int) -> list[Item]:
    """For each item another of its kind, whose caption it is judged by: the judge's chance."""
    rng = random.Random(f"{seed}:shuffled")
    by_kind: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        by_kind.setdefault(suite.kind(item), []).append(number)
    other = list(items)
    for numbers in by_kind.values():
        turned = rng.sample(numbers, len(numbers))
        for here, there in zip(turned, [*turned[1:], turned[0]]):
            other[here] = items[there]
    return other


def verdicts(
    suite: Suite, items: Sequence[Item], readings: Sequence[Any], true: Sequence[Any] | None = None
) -> list[dict[str, Any]]:
    """task -> right, an item each. true: readings of the items' true media, where a task compares with them."""
    true = true or [None] * len(items)
    return [
        suite.judge(reading, item.slots, suite.kind(item), real)
        for item, reading, real in zip(items, readings, true)
    ]


def shares(judged: Sequence[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """task -> (right, n)."""
    found: dict[str, tuple[int, int]] = {}
    for one in judged:
        for task, right in one.items():
            if isinstance(right, bool | np.bool_):
                good, n = found.get(task, (0, 0))
                found[task] = (good + int(right), n + 1)
    return found
