"""Media of dialogues: settled ones, which the assistant can make, and those of the understanding world, to be shown.

All are Items with ids of their own; `made` holds those of one build in their order.
"""

import random
from collections import defaultdict
from functools import cache
from itertools import count

from nextgpt.nano import captions, split
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.clips import ClipScene, sample_clip_scene
from nextgpt.nano.instruments import Instrument, instruments
from nextgpt.nano.rows import Item
from nextgpt.nano.scenes import ImageScene, Sprite, pool, sample_image_scene
from nextgpt.nano.settled_captions import settled_image_caption, settled_image_slots, settled_video_caption
from nextgpt.nano.settled_clips import settled_track
from nextgpt.nano.settled_pictures import FULL, GRIDS, HALF, JITTER, PLACES, SIZES
from nextgpt.nano.settled_sound_captions import settled_sound_caption
from nextgpt.nano.settled_sound_scenes import KINDS, SettledScene
from nextgpt.nano.settled_sounds import settled_sound_slots
from nextgpt.nano.settled_split import STYLE, source
from nextgpt.nano.sound_scenes import sample_sound_scene
from nextgpt.nano.sources import COLOURS, STYLE_PARTS, Thing, find_thing, things


class World:
    """The media of one split. Nothing here asks what the split allows: split_rules.py does."""

    def __init__(self, split_name: str, rng: random.Random) -> None:
        self.split_name, self.rng = split_name, rng
        self._numbers = count()

    def thing(self, sounding: bool = False) -> Thing:
        """A countable thing in the settled style; its name is held out in split "name" alone."""
        chosen = countable(self.split_name == "name")
        return self.rng.choice([one for one in chosen if one.name in FITS] if sounding else chosen)

    def other_thing(self, thing: Thing) -> Thing:
        return self.rng.choice([one for one in countable(False) if one.key != thing.key])

    def instrument(self, drawn: bool = False) -> Instrument:
        """Something that can be heard; drawn: and whose picture there is."""
        held_out = self.split_name == "name" and not drawn
        chosen = [one for one in instruments().values() if split.is_held_out_name(one.key) == held_out]
        return self.rng.choice([one for one in chosen if one.name in drawings()] if drawn else chosen)

    def colour(self, but: str = "") -> str:
        return self.rng.choice([one for one in COLOURS if one != but])

    # ---- settled: what the assistant makes

    def picture(self, thing: Thing, colour: str, number: int = 1, size: str = "") -> Item:
        if number > 1:
            sprites = tuple(self._sprite(thing, x, y, HALF) for x, y in GRIDS[number])
            return self._picture(ImageScene("count", STYLE, colour, sprites))
        sprite = self._sprite(thing, 0.5, 0.5, SIZES.get(size, FULL))
        return self._picture(ImageScene("single", STYLE, colour, (sprite,), "centre"), size)

    def pair(self, left: Thing, right: Thing, colour: str) -> Item:
        """`left` stands to the left of `right`."""
        sprites = (
            self._sprite(left, *PLACES["left"], HALF),
            self._sprite(right, *PLACES["right"], HALF),
        )
        return self._picture(ImageScene("pair", STYLE, colour, sprites, relation="left"))

    def _sprite(self, thing: Thing, x: float, y: float, size: float) -> Sprite:
        dx, dy = (self.rng.uniform(-JITTER, JITTER) for _ in range(2))
        return Sprite(thing.code, round(x + dx, 3), round(y + dy, 3), size)

    def _picture(self, scene: ImageScene, size: str = "") -> Item:
        caption = settled_image_caption(scene, self.rng, size)
        return self._item("image", source(), scene, caption, settled_image_slots(scene, size))

    def clip(self, thing: Thing, motion: str, colour: str) -> Item:
        scene = ClipScene(STYLE, colour, (settled_track(thing.code, motion),))
        slots = {"name": thing.name, "motion": motion, "colour": colour, "speed": "", "second": "",
                 "name_b": "", "kind": "one"}  # fmt: skip
        return self._item("video", source(), scene, settled_video_caption(scene, self.rng), slots)

    def sound(self, scene: SettledScene) -> Item:
        held_out = self.split_name == "combination" and self.rng.random() < 0.5
        caption = settled_sound_caption(scene, self.rng, held_out)
        return self._item("audio", scene.parts, scene, caption, settled_sound_slots(scene))

    # ---- of the understanding world: what a user shows beside settled media

    def drawn_otherwise(self, thing: Thing) -> Item | None:
        """The thing in another style, place and size; None where the style does not draw it."""
        style = self.rng.choice([one for one in split.TRAIN_STYLES if one != STYLE])
        twin = in_style(style).get(thing.code)
        if twin is None:
            return None
        scene = sample_image_scene(self.rng, "single", self._sampled(), style, twin)
        if scene.subject.key != thing.key:
            return None
        caption = captions.image_caption(scene, self.rng)
        art = (STYLE_PARTS[style], "unicode-emoji")
        return self._item("image", art, scene, caption, captions.image_slots(scene))

    def moved_otherwise(self, thing: Thing, motion: str) -> Item | None:
        style = self.rng.choice(split.TRAIN_STYLES)
        twin = in_style(style).get(thing.code)
        if twin is None:
            return None
        scene = sample_clip_scene(self.rng, self._sampled(), style, twin, motion)
        if (scene.subject.key, scene.tracks[0].motion) != (thing.key, motion):
            return None
        caption = captions.video_caption(scene, self.rng)
        art = (STYLE_PARTS[style], "unicode-emoji")
        return self._item("video", art, scene, caption, captions.video_slots(scene))

    def played_otherwise(self, instrument: Instrument) -> Item | None:
        kind = "effect" if instrument.unit == "effect" else self.rng.choice(("notes", "notes", "scale"))
        kind = kind if instrument.is_pitched or kind == "effect" else "notes"
        scene = sample_sound_scene(self.rng, kind, self._sampled(), instrument)
        if scene.first != instrument.name:
            return None
        caption = captions.audio_caption(scene, self.rng)
        return self._item("audio", scene.parts, scene, caption, captions.audio_slots(scene))

    def _sampled(self) -> str:
        """The split that samplers of the understanding world know; combinations come by settled media alone."""
        return "name" if self.split_name == "name" else "train"

    def _item(self, modality: str, parts: tuple[str, ...], scene: object, caption: str, slots: dict) -> Item:
        name = f"{modality}-mosit-{self.split_name}-{next(self._numbers):06d}"
        return Item(name, self.split_name, parts, scene, caption, slots)


@cache
def countable(held_out: bool) -> tuple[Thing, ...]:
    return pool(STYLE, held_out, True)


@cache
def in_style(style: str) -> dict[str, Thing]:
    return {thing.code: thing for thing in things(style)}


@cache
def settled_codes() -> frozenset[str]:
    """Codes of the things that the assistant can draw."""
    return frozenset(thing.code for held_out in (False, True) for thing in countable(held_out))


@cache
def drawings() -> dict[str, str]:
    """Sound -> the countable thing that makes it, for the things of FITS."""
    names = {thing.name for held_out in (False, True) for thing in countable(held_out)}
    return {sound: name for name, sounds in FITS.items() if name in names for sound in sounds}


@cache
def thing_named(name: str) -> Thing:
    return next(one for held_out in (False, True) for one in countable(held_out) if one.name == name)


def settled_twin(thing: Thing) -> Thing:
    """The same thing in the settled style."""
    return find_thing(STYLE, thing.code)


@cache
def settled_by_instrument(kind: str) -> dict[str, tuple[SettledScene, ...]]:
    """First sound -> all settled scenes of a kind."""
    found: dict[str, list[SettledScene]] = defaultdict(list)
    for scene in KINDS[kind]():
        found[scene.first].append(scene)
    return {name: tuple(scenes) for name, scenes in found.items()}


def plain_sound(name: str) -> SettledScene:
    """How something sounds when nothing more is asked: one note, one hit, or the effect."""
    if instruments()[name].unit == "effect":
        return settled_by_instrument("effect")[name][0]
    return next(scene for scene in settled_by_instrument("notes")[name] if len(scene.strokes) == 1)
