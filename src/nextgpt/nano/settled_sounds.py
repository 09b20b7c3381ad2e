"""Items of settled sounds: the scenes of settled_sound_scenes.py by split, with captions and a judge's slots.

All scenes of a kind can be listed, so drawing some is shuffling the list. The understanding model's sounds, which
vary, are in sound_scenes.py.
"""

import random
from collections.abc import Iterator
from functools import cache
from itertools import islice

from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.instruments import PITCHED, Instrument, instruments
from nextgpt.nano.nouns import NUMBER_WORDS
from nextgpt.nano.rows import Item
from nextgpt.nano.settled_sound_captions import settled_sound_caption
from nextgpt.nano.settled_sound_scenes import CELL, KINDS, SECONDS, START, SettledScene
from nextgpt.nano.sounds import SoundScene, Stroke

# Kind -> share of the items. An evaluation split leaves out the kinds that it has none of.
SHARES = {
    "note": 0.30,
    "notes": 0.22,
    "scale": 0.14,
    "chord": 0.06,
    "rhythm": 0.04,
    "effect": 0.07,
    "sequence": 0.17,
}
SPLITS = ("train", "combination", "name")


# General MIDI groups its programs by eight.
FAMILIES = (
    "piano",
    "chromatic percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth lead",
    "synth pad",
    "synth effects",
    "ethnic",
    "percussive",
    "sound effects",
)


def settled_sound_items(
    split_name: str, number: int, seed: int = 0, held_out_phrasings: bool = False
) -> Iterator[Item]:
    """Items of "train", "combination" (a pair of the scene is held out) or "name" (its first sound is)."""
    rng = random.Random(f"{seed}:settled:{split_name}")
    for index, scene in enumerate(islice(_scenes_for_ever(rng, split_name), number)):
        caption = settled_sound_caption(scene, rng, held_out_phrasings)
        name = f"audio-settled-{split_name}-{index:05d}"
        yield Item(name, split_name, scene.parts, scene, caption, settled_sound_slots(scene))


def vocoder_scenes(number: int, seed: int = 0) -> Iterator[SoundScene]:
    """What a vocoder learns from: settled sounds and, in turn, any notes of any trained instrument's range."""
    rng = random.Random(f"{seed}:vocoder")
    trained = [one for one in PITCHED if not split.is_held_out_name(one.key)]
    for index, item in enumerate(settled_sound_items("train", number, seed)):
        yield _any_notes(rng, rng.choice(trained)) if index % 2 else item.scene


def _any_notes(rng: random.Random, instrument: Instrument) -> SoundScene:
    """Four notes, one after the other, in any of its voices."""
    name = f"{rng.choice(instrument.fonts)}:program:{rng.choice(instrument.programs)}"
    notes = [rng.randint(instrument.low, instrument.high) for _ in range(4)]
    strokes = (
        Stroke(name, round(START + 8 * CELL * index, 3), 0.8, note, rng.choice((0.3, 1.0)))
        for index, note in enumerate(notes)
    )
    return SoundScene("any", SECONDS, tuple(strokes), instrument.name)


def settled_sound_slots(scene: SettledScene) -> dict[str, str]:
    """What a judge needs; "" where a kind has none. `note`: MIDI numbers of the strokes that have a
    pitch, with spaces between; a chord's sound together."""
    second = instruments().get(scene.second)
    players = (scene.first, scene.second) if second else (scene.first,) * len(scene.strokes)
    notes = [stroke.note for stroke, name in zip(scene.strokes, players) if instruments()[name].is_pitched]
    return {
        "kind": scene.kind,
        "first": scene.first,
        "second": scene.second,
        "family": family(instruments()[scene.first]),
        "second_family": family(second) if second else "",
        "count": NUMBER_WORDS[len(scene.strokes)] if scene.kind in ("note", "notes", "scale") else "",
        "pitch": scene.pitch,
        "note": " ".join(map(str, notes)),
        "direction": scene.direction,
        "speed": scene.speed,
        "chord": scene.chord,
        "rhythm": scene.rhythm,
    }


def family(instrument: Instrument) -> str:
    """Its General MIDI family; drums of the kit are "drums"."""
    if instrument.unit == "hit":
        return "drums"
    return FAMILIES[instrument.programs[0] // 8] if instrument.programs else "sound effects"


@cache
def settled_scenes(kind: str, split_name: str) -> tuple[SettledScene, ...]:
    """Every scene of a kind that belongs to a split."""
    if split_name not in SPLITS:
        raise DataError(f"there are no settled sounds of split {split_name}: use one of {', '.join(SPLITS)}")
    return tuple(scene for scene in KINDS[kind]() if split_of(scene) == split_name)


def split_of(scene: SettledScene) -> str:
    """The split that a scene belongs to; "" where its second sound has a held-out name."""
    names = [instruments()[name].key for name in (scene.first, scene.second) if name]
    held_out = [split.is_held_out_name(key) for key in names]
    if any(held_out):
        return "name" if held_out[0] and not any(held_out[1:]) else ""
    return "combination" if any(split.is_held_out_pair(*pair) for pair in scene.pairs) else "train"


def _scenes_for_ever(rng: random.Random, split_name: str) -> Iterator[SettledScene]:
    """Kinds by their shares; within a kind every scene has its turn before one comes again."""
    shares = {kind: share for kind, share in SHARES.items() if settled_scenes(kind, split_name)}
    decks = {kind: _shuffled_for_ever(rng, settled_scenes(kind, split_name)) for kind in shares}
    while True:
        kind = rng.choices(list(shares), list(shares.values()))[0]
        yield next(decks[kind])


def _shuffled_for_ever(rng: random.Random, scenes: tuple[SettledScene, ...]) -> Iterator[SettledScene]:
    while True:
        yield from rng.sample(scenes, len(scenes))
