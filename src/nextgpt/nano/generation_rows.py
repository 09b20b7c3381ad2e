"""Requests for media and replies that make them: one medium, two media, and media made from shown media."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from nextgpt.nano import phrasings
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.captions import MOTION_WORDS
from nextgpt.nano.nouns import is_plural, with_the
from nextgpt.nano.rows import Exchange, Item, Part, made, medium, text


def make_one(rng: random.Random, item: Item, held_out: bool) -> Exchange:
    """ "Draw a red apple on blue." -> a picture and a sentence, in varied order."""
    task = f"gen-{item.modality}"
    request = phrasings.ask(rng, task, held_out, caption=item.plain_caption)
    return Exchange(task, (text(request),), reply(rng, task, (item,)), item.plain_caption)


def make_two(rng: random.Random, first: Item, second: Item, held_out: bool) -> Exchange:
    """Two media in one reply."""
    request = phrasings.ask(
        rng,
        "gen-mixed",
        held_out,
        one=_wish(rng, first),
        two=_wish(rng, second),
    )
    expected = f"{first.plain_caption}; {second.plain_caption}"
    return Exchange("gen-mixed", (text(request),), reply(rng, "gen-mixed", (first, second)), expected)


def _wish(rng: random.Random, item: Item) -> str:
    verbs = {
        "image": ("draw", "show me"),
        "audio": ("play", "let me hear"),
        "video": ("animate", "make a clip of"),
    }
    return f"{rng.choice(verbs[item.modality])} {item.plain_caption}"


def reply(rng: random.Random, task: str, items: Sequence[Item]) -> tuple[Part, ...]:
    """Text and media: media first, last, or between sentences."""
    if len(items) == 2:
        sentences = [
            text(phrasings.answer(rng, f"gen-{item.modality}", caption=item.plain_caption)) for item in items
        ]
        parts = (sentences[0], made(items[0]), sentences[1], made(items[1]))
        return (
            parts
            if rng.random() < 0.6
            else (text(phrasings.answer(rng, "gen-both")), made(items[0]), made(items[1]))
        )
    before = text(phrasings.answer(rng, task, caption=items[0].plain_caption))
    after = text(phrasings.answer(rng, "gen-after"))
    shapes = ((before, made(items[0])), (made(items[0]), before), (before, made(items[0]), after))
    return rng.choices(shapes, (3, 1, 1))[0]


def fitting_sounds(rng: random.Random, items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """(picture of a thing, a sound that it makes)."""
    sounds = defaultdict(list)
    for item in items:
        if item.modality == "audio" and item.scene.kind in ("notes", "scale", "effect"):
            sounds[item.name].append(item)
    for item in items:
        if item.modality == "image" and item.scene.kind == "single":
            heard = [sound for name in FITS.get(item.name, ()) for sound in sounds[name]]
            if heard:
                yield item, rng.choice(heard)


def twins(items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """(picture, clip) of the same thing in the same style on the same colour."""
    clips = defaultdict(list)
    for item in items:
        if item.modality == "video":
            clips[item.scene.style, item.scene.tracks[0].code, item.scene.colour].append(item)
    for item in items:
        if item.modality == "image" and item.scene.kind == "single" and item.scene.place == "centre":
            for clip in clips[item.scene.style, item.scene.sprites[0].code, item.scene.colour]:
                yield item, clip


def picture_to_sound(rng: random.Random, picture: Item, sound: Item, held_out: bool) -> Exchange:
    return _cross(rng, "picture-to-sound", picture, sound, held_out)


def sound_to_picture(rng: random.Random, picture: Item, sound: Item, held_out: bool) -> Exchange:
    return _cross(rng, "sound-to-picture", sound, picture, held_out)


def clip_to_picture(rng: random.Random, picture: Item, clip: Item, held_out: bool) -> Exchange:
    return _cross(rng, "clip-to-picture", clip, picture, held_out)


def picture_to_clip(rng: random.Random, picture: Item, clip: Item, held_out: bool) -> Exchange:
    motion = clip.scene.motion
    verb = rng.choice(REQUEST_WORDS[motion])
    the = "them" if is_plural(picture.name) else rng.choice(("it", with_the(picture.name)))
    return _cross(
        rng, "picture-to-clip", picture, clip, held_out, the=the, verb=verb, moves=MOTION_WORDS[motion][0]
    )


REQUEST_WORDS = {
    "left": ("move left", "move to the left", "go left"),
    "right": ("move right", "move to the right", "go right"),
    "up": ("move up", "go up", "rise"),
    "down": ("move down", "go down", "sink"),
    "clockwise": ("turn clockwise", "rotate clockwise"),
    "counterclockwise": ("turn counterclockwise", "rotate counterclockwise"),
    "grow": ("grow", "get bigger"),
    "shrink": ("shrink", "get smaller"),
    "fade-in": ("fade in",),
    "fade-out": ("fade out",),
    "bounce": ("bounce", "bounce up and down"),
    "still": ("stand still", "stay still"),
}


def _cross(
    rng: random.Random, topic: str, shown: Item, wanted: Item, held_out: bool, **fields: str
) -> Exchange:
    """A shown medium and a request about it; the reply makes another medium."""
    request = text(phrasings.ask(rng, topic, held_out, **fields))
    user = (medium(shown), request) if rng.random() < 0.7 else (request, medium(shown))
    answer = reply(rng, f"gen-{wanted.modality}", (wanted,))
    return Exchange("gen-mixed", user, answer, wanted.plain_caption)
