"""Items of every modality and split. An evaluation split's items do not change when another split's number
does.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice

from nextgpt.nano import split
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.captions import (
    audio_caption,
    audio_slots,
    image_caption,
    image_slots,
    video_caption,
    video_slots,
)
from nextgpt.nano.clips import MOTIONS, sample_clip_scene
from nextgpt.nano.instruments import Instrument
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene, Sprite, pool, sample_image_scene
from nextgpt.nano.sound_scenes import SOUND_KINDS, sample_sound_scene, sound_pool
from nextgpt.nano.sources import STYLE_PARTS, Thing, things


@dataclass(frozen=True)
class NanoSizes:
    """Number of items: <modality>_<split>. `fit`: pictures of things that sound; `twin`: pictures of clips'
    things.
    """

    image_train: int = 32000
    image_combination: int = 600
    image_name: int = 200
    image_style: int = 200
    fit_train: int = 240
    fit_combination: int = 80
    twin_train: int = 300
    twin_combination: int = 60
    video_train: int = 12000
    video_combination: int = 600
    video_name: int = 200
    video_style: int = 200
    audio_train: int = 10000
    audio_combination: int = 600
    audio_name: int = 100
    audio_timbre: int = 200

    def scaled(self, factor: float) -> "NanoSizes":
        return NanoSizes(**{name: max(12, round(size * factor)) for name, size in asdict(self).items()})


def video_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Clips; every drawing and every motion has its turn."""
    for split_name in ("train", "combination", "name", "style"):
        rng = random.Random(f"{seed}:video:{split_name}")
        plan = zip(_deck(rng, split_name), cycle(MOTIONS))
        for number, ((style, thing), motion) in enumerate(
            islice(plan, getattr(sizes, f"video_{split_name}"))
        ):
            scene = sample_clip_scene(rng, split_name, style, thing, motion)
            caption = video_caption(scene, rng)
            yield Item(
                _id("video", split_name, number), split_name, _art(style), scene, caption, video_slots(scene)
            )


def audio_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Sounds; every instrument has its turn in every kind."""
    for split_name in ("train", "combination", "name", "timbre"):
        rng = random.Random(f"{seed}:audio:{split_name}")
        plan = islice(_sound_plan(rng, split_name), getattr(sizes, f"audio_{split_name}"))
        for number, (kind, instrument) in enumerate(plan):
            scene = sample_sound_scene(rng, kind, split_name, instrument)
            caption = audio_caption(scene, rng)
            yield Item(
                _id("audio", split_name, number), split_name, scene.parts, scene, caption, audio_slots(scene)
            )


def image_items(sizes: NanoSizes, seed: int) -> Iterator[Item]:
    """Pictures: every drawing of every kind has its turn; then things that sound; then still twins of
    clips.
    """
    clips = list(video_items(sizes, seed))
    for split_name in ("train", "combination", "name", "style"):
        rng = random.Random(f"{seed}:image:{split_name}")
        for number, scene in enumerate(_image_scenes(rng, split_name, sizes, clips)):
            caption, source = image_caption(scene, rng), _art(scene.style)
            yield Item(
                _id("image", split_name, number), split_name, source, scene, caption, image_slots(scene)
            )


def _image_scenes(
    rng: random.Random, split_name: str, sizes: NanoSizes, clips: Sequence[Item]
) -> Iterator[ImageScene]:
    for style, kind, thing in islice(_image_plan(rng, split_name), getattr(sizes, f"image_{split_name}")):
        yield sample_image_scene(rng, kind, split_name, style, thing)
    yield from islice(_fit_scenes(rng, split_name), getattr(sizes, f"fit_{split_name}", 0))
    yield from islice(_twin_scenes(rng, split_name, clips), getattr(sizes, f"twin_{split_name}", 0))


def _id(modality: str, split_name: str, number: int) -> str:
    return f"{modality}-{split_name}-{number:05d}"


def _art(style: str) -> tuple[str, ...]:
    return (STYLE_PARTS[style], "unicode-emoji")


def _deck(rng: random.Random, split_name: str, countable: bool = False) -> Iterator[tuple[str, Thing]]:
    """(style, thing) in a shuffled order, again and again."""
    deck = [
        (style, thing)
        for style in _styles(split_name)
        for thing in pool(style, split_name == "name", countable)
    ]
    rng.shuffle(deck)
    return cycle(deck)


def _styles(split_name: str) -> tuple[str, ...]:
    return (split.HELD_OUT_STYLE,) if split_name == "style" else split.TRAIN_STYLES


def _image_plan(rng: random.Random, split_name: str) -> Iterator[tuple[str, str, Thing]]:
    """(style, kind, thing) for ever."""
    decks = {kind: _deck(rng, split_name, kind == "count") for kind in ("single", "count", "pair")}
    kinds = ("single", "single", "single", "single", "count", "count", "pair", "pair", "pair")
    for kind in cycle(kinds if split_name == "train" else ("single", "count", "pair")):
        style, thing = next(decks[kind])
        yield style, kind, thing


def _fit_scenes(rng: random.Random, split_name: str) -> Iterator[ImageScene]:
    """Single pictures of the things in FITS, for ever."""
    deck = [
        thing
        for style in _styles(split_name)
        for thing in things(style)
        if thing.name in FITS and not split.is_held_out_name(thing.key)
    ]
    rng.shuffle(deck)
    for thing in cycle(deck):
        yield sample_image_scene(rng, "single", split_name, thing.style, thing, "centre")


def _twin_scenes(rng: random.Random, split_name: str, clips: Sequence[Item]) -> Iterator[ImageScene]:
    """Still pictures of what clips show, on the same colour."""
    for clip in clips:
        if clip.split == split_name:
            size = round(rng.uniform(0.45, 0.8), 3)
            sprite = Sprite(clip.scene.tracks[0].code, 0.5, 0.5, size)
            yield ImageScene("single", clip.scene.style, clip.scene.colour, (sprite,), place="centre")


def _sound_plan(rng: random.Random, split_name: str) -> Iterator[tuple[str, Instrument]]:
    """(kind, instrument) for ever. Notes come most often: there are more ways to play them."""
    kinds = ("notes", "sequence", "notes", "scale", "notes", "sequence", "effect")
    decks = {}
    for kind in SOUND_KINDS:
        deck = list(sound_pool(split_name == "name", kind))
        rng.shuffle(deck)
        decks[kind] = cycle(deck)
    for kind in cycle([kind for kind in kinds if split_name != "combination" or kind != "effect"]):
        yield kind, next(decks[kind])


MODALITY_ITEMS: dict[str, Callable[[NanoSizes, int], Iterator[Item]]] = {
    "image": image_items,
    "audio": audio_items,
    "video": video_items,
}
