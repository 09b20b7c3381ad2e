"""Who may be trained on what: the one file of split rules that every part of the small world asks.

Everything is decided by one hash of plain text, so the answer is the same in every style, modality, machine
and issue. A picture of a thing always shows it at least once, so "count:1" is no combination: it can not be
held out without holding out the thing.
"""

from functools import lru_cache
from hashlib import sha256

PREFIX = "nextgpt-split-1:"
SPLITS = ("train", "combination", "name", "style", "timbre")

TRAIN_STYLES = ("fluent-3d", "noto", "flat")
HELD_OUT_STYLE = "twemoji"
TRAIN_FONTS = ("musescore", "fluid")
HELD_OUT_FONT = "timgm6mb"

# The closed list of parts.md: shipped weights may be trained on these alone, others only evaluate.
TRAINING_SOURCES = frozenset(
    {
        "fluent-emoji-3d",
        "fluent-emoji-flat",
        "noto-emoji",
        "unicode-emoji",
        "emojibase",
        "fluent-emoji-anim-1",
        "fluent-emoji-anim-2",
        "fluent-emoji-anim-3",
        "fluent-emoji-anim-4",
        "openclipart-png",
        "openclipart-svg",
        "musescore-soundfont",
        "fluid-soundfont",
        "supersonic-samples",
    }
)
EVALUATION_SOURCES = frozenset({"twemoji", "timgm6mb-soundfont", "tuxpaint-stamps"})

_SKIN_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
_GENDER_TAILS = ("-200d-2640", "-200d-2642")
_PERSON = {"1f468": "1f9d1", "1f469": "1f9d1"}


@lru_cache(maxsize=1 << 20)
def bucket(text: str, buckets: int = 100) -> int:
    """0 <= bucket < buckets, from the hash of the text."""
    return int(sha256((PREFIX + text).encode()).hexdigest(), 16) % buckets


def concept_key(codepoints: str) -> str:
    """Concept of an emoji given as hexadecimal codepoints joined by "-": no fe0f, skin tone or gender."""
    points = [p for p in codepoints.lower().split("-") if p != "fe0f" and p not in _SKIN_TONES]
    key = "-".join(_PERSON.get(p, p) for p in points)
    for tail in _GENDER_TAILS:
        key = key.removesuffix(tail)
    return key


def attribute_key(kind: str, word: str | int) -> str:
    """ "colour:blue", "motion:left", "count:3", "place:top"."""
    return f"{kind}:{word}"


def is_held_out_name(key: str) -> bool:
    return bucket(key) < 5


def is_held_out_pair(first: str, second: str) -> bool:
    """Whether two keys may not be trained together. One of something is no combination."""
    if "count:1" in (first, second):
        return False
    return bucket("|".join(sorted((first, second))), 10) == 0


def is_held_out_phrasing(template: str) -> bool:
    return bucket(template) < 10
