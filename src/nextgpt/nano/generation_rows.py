"""Requests for media and replies that make them: one medium, two media, and media made from shown media."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from nextgpt.nano import phrasings
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.captions import MOTION_WORDS
from nextgpt.nano.nouns import is_plural, with_the
from nextgpt.nano.rows import Exchange, Item, Part, made, medium, text


def make_one(rng: random.Random, item: Item, held_out: bool, answer: Item | None = None) -> Exchange:
    """ "Draw a red apple on blue." -> a sentence and a picture. answer: the item as the reply names it."""
    task, made_item = f"gen-{item.modality}", answer or item
    request = phrasings.ask(rng, task, held_out, caption=item.plain_caption)
    return Exchange(task, (text(request),), reply(rng, (made_item,)), made_item.plain_caption)


WISHES = ("one", "two", "three")


def make_several(
    rng: random.Random, topic: str, items: Sequence[Item], held_out: bool, answers: Sequence[Item] = ()
) -> Exchange:
    """Several media in one reply. answers: the items as the reply names them."""
    wishes = {field: wish(rng, item) for field, item in zip(WISHES, items)}
    request = phrasings.ask(rng, topic, held_out, **wishes)
    named = answers or items
    return Exchange("gen-mixed", (text(request),), reply(rng, named), captions_of(named))


def captions_of(items: Sequence[Item]) -> str:
    return "; ".join(item.plain_caption for item in items)


def wish(rng: random.Random, item: Item) -> str:
    verbs = {
        "image": ("draw", "show me"),
        "audio": ("play", "let me hear"),
        "video": ("animate", "make a clip of"),
    }
    return f"{rng.choice(verbs[item.modality])} {item.plain_caption}"


def reply(rng: random.Random, items: Sequence[Item]) -> tuple[Part, ...]:
    """Each medium behind the sentence that says what it is, and sometimes a word behind them all.

    Words first: what the signal tokens have to carry then stands right before them (decision 7)."""
    parts: list[Part] = []
    for item in items:
        words = phrasings.answer(rng, f"gen-{item.modality}", caption=item.plain_caption)
        parts += [text(words), made(item)]
    if len(items) == 1 and rng.random() < 0.2:
        parts.append(text(phrasings.answer(rng, "gen-after")))
    return tuple(parts)


def _of(modality: str, items: Sequence[Item]) -> Iterator[Item]:
    return (item for item in items if item.modality == modality)


def fitting_sounds(rng: random.Random, items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """(picture of a thing, a sound that it makes)."""
    sounds = defaultdict(list)
    for item in _of("audio", items):
        if item.scene.kind in ("notes", "scale", "effect"):
            sounds[item.name].append(item)
    for item in _of("image", items):
        if item.scene.kind == "single":
            heard = [sound for name in FITS.get(item.name, ()) for sound in sounds[name]]
            if heard:
                yield item, rng.choice(heard)


def twins(items: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """(picture, clip) of the same thing in the same style on the same colour."""
    clips = defaultdict(list)
    for item in _of("video", items):
        clips[item.scene.style, item.scene.tracks[0].code, item.scene.colour].append(item)
    for item in _of("image", items):
        if item.scene.kind == "single" and item.scene.place == "centre":
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
    answer = reply(rng, (wanted,))
    return Exchange("gen-mixed", user, answer, wanted.plain_caption)
