"""Which settled pictures and clips a split allows, and in which order things have their turn."""

import random
from collections.abc import Iterator
from itertools import count

from nextgpt.nano import split
from nextgpt.nano.scenes import pool
from nextgpt.nano.sources import STYLE_PARTS, Thing

STYLE = "fluent-3d"


def held_out(thing: Thing, kind: str, word: str | int) -> bool:
    return split.is_held_out_pair(thing.key, split.attribute_key(kind, word))


def allowed(wanted: str, colours_out: bool, combination_out: bool | None) -> bool:
    """Whether a scene belongs to split `wanted`. `combination_out`: whether what its kind is about is held out;
    None where the kind is about the colour."""
    if wanted == "name":
        return True
    about = colours_out if combination_out is None else combination_out
    other = False if combination_out is None else colours_out
    return about == (wanted == "combination") and not other


def source() -> tuple[str, ...]:
    return (STYLE_PARTS[STYLE], "unicode-emoji")


def plan(rng: random.Random, split_name: str, shares: dict[str, int]) -> Iterator[tuple[str, Thing]]:
    """(kind, thing) for ever: kinds by their shares, things of each kind in shuffled rounds."""
    decks = {kind: _rounds(rng, pool(STYLE, split_name == "name", kind == "count")) for kind in shares}
    while True:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        yield kind, next(decks[kind])


def _rounds(rng: random.Random, things: tuple[Thing, ...]) -> Iterator[Thing]:
    for _ in count():
        yield from rng.sample(things, len(things))
