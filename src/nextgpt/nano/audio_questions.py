"""Questions about played sounds, and their answers, from the scene alone; and whether a sound fits a
picture.
"""

import random

from nextgpt.nano import phrasings
from nextgpt.nano.image_questions import YES_NO, Ask, yes_no
from nextgpt.nano.instruments import instruments
from nextgpt.nano.nouns import NUMBER_WORDS, with_article
from nextgpt.nano.rows import Item, Turn
from nextgpt.nano.sound_scenes import sound_pool

NUM_NAME_CHOICES = 10
# picture -> sounds that the thing in it makes
FITS: dict[str, tuple[str, ...]] = {
    "guitar": ("guitar", "electric guitar", "distorted guitar"),
    "violin": ("violin",),
    "trumpet": ("trumpet",),
    "saxophone": ("saxophone",),
    "drum": ("snare drum", "bass drum", "tom drum"),
    "long drum": ("conga drum",),
    "musical keyboard": ("piano", "electric piano"),
    "accordion": ("accordion",),
    "banjo": ("banjo",),
    "flute": ("flute", "recorder"),
    "harp": ("harp",),
    "trombone": ("trombone",),
    "clapping hands": ("applause", "hand clap"),
    "helicopter": ("helicopter",),
    "bird": ("birdsong",),
    "black bird": ("crow",),
    "telephone": ("telephone",),
    "water wave": ("sea waves",),
    "robot": ("robot",),
    "door": ("door",),
    "printer": ("3d printer",),
    "bell": ("bell",),
}


def audio_asks(item: Item) -> dict[str, list[Ask]]:
    """Task -> the questions that this sound allows."""
    kind, slots = item.scene.kind, item.slots
    asks: dict[str, list[Ask]] = {"audio-describe": [ask_describe]}
    if kind == "sequence":
        return asks | {"audio-order": [ask_first, ask_second], "audio-yesno": [ask_yes_no_order]}
    asks |= {"audio-name": [ask_name], "audio-yesno": [ask_yes_no_name]}
    if kind == "notes":
        asks |= {"audio-count": [ask_count], "audio-yesno": [ask_yes_no_name, ask_yes_no_count]}
    if slots["pitch"]:
        asks["audio-pitch"] = [ask_pitch]
    if slots["direction"]:
        asks["audio-direction"] = [ask_direction]
    return asks


def ask_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["first"]
    question = phrasings.ask(rng, "audio-name", held_out)
    answer = phrasings.answer(rng, "audio-name", a=instruments()[name].noun)
    wrong = [one.name for one in sound_pool(False, "sequence") if one.name != name]
    choices = [name, *rng.sample(wrong, NUM_NAME_CHOICES - 1)]
    rng.shuffle(choices)
    return Turn("audio-name", question, answer, name, tuple(choices))


def ask_describe(rng: random.Random, item: Item, held_out: bool) -> Turn:
    question = phrasings.ask(rng, "audio-describe", held_out)
    answer = phrasings.answer(rng, "audio-describe", caption=item.caption)
    return Turn("audio-describe", question, answer, item.caption)


def ask_count(rng: random.Random, item: Item, held_out: bool) -> Turn:
    word, unit = item.slots["count"], instruments()[item.slots["first"]].unit
    question = phrasings.ask(rng, "audio-count", held_out, units=f"{unit}s")
    topic = "audio-count-one" if word == "one" else "audio-count"
    answer = phrasings.answer(rng, topic, number=word, units=f"{unit}s", unit=unit)
    return Turn("audio-count", question, answer, word, NUMBER_WORDS[1:5])


def ask_pitch(rng: random.Random, item: Item, held_out: bool) -> Turn:
    pitch = item.slots["pitch"]
    answer = phrasings.answer(rng, "audio-pitch", pitch=pitch)
    return Turn("audio-pitch", phrasings.ask(rng, "audio-pitch", held_out), answer, pitch, ("low", "high"))


def ask_direction(rng: random.Random, item: Item, held_out: bool) -> Turn:
    direction = item.slots["direction"]
    answer = phrasings.answer(rng, "audio-direction", direction=direction)
    question = phrasings.ask(rng, "audio-direction", held_out)
    return Turn("audio-direction", question, answer, direction, ("up", "down"))


def ask_first(rng: random.Random, item: Item, held_out: bool) -> Turn:
    return _order(rng, item, held_out, "first")


def ask_second(rng: random.Random, item: Item, held_out: bool) -> Turn:
    return _order(rng, item, held_out, "second")


def _order(rng: random.Random, item: Item, held_out: bool, which: str) -> Turn:
    names = (item.slots["first"], item.slots["second"])
    one, two = (instruments()[name].noun for name in names)
    question = phrasings.ask(rng, f"audio-{which}", held_out)
    answer = phrasings.answer(rng, f"audio-{which}", one=one, two=two)
    return Turn("audio-order", question, answer, item.slots[which], tuple(rng.sample(names, 2)))


def ask_yes_no_name(rng: random.Random, item: Item, held_out: bool) -> Turn:
    name = item.slots["first"]
    truth = rng.random() < 0.5
    asked = name if truth else unlike_sound(rng, name)
    question = phrasings.ask(rng, "audio-yesno-name", held_out, a=instruments()[asked].noun)
    return yes_no("audio-yesno", rng, question, truth, "sound", a=instruments()[name].noun)


def unlike_sound(rng: random.Random, name: str) -> str:
    """A trained name that shares no word with this one."""
    words = set(name.split())
    return rng.choice(
        [one.name for one in sound_pool(False, "sequence") if not words & set(one.name.split())]
    )


def ask_yes_no_count(rng: random.Random, item: Item, held_out: bool) -> Turn:
    word, unit = item.slots["count"], instruments()[item.slots["first"]].unit
    truth = word != "one" and rng.random() < 0.5
    asked = word if truth else rng.choice([other for other in NUMBER_WORDS[2:5] if other != word])
    question = phrasings.ask(rng, "audio-yesno-count", held_out, number=asked, units=f"{unit}s")
    topic = "units-one" if word == "one" else "units"
    return yes_no("audio-yesno", rng, question, truth, topic, number=word, units=f"{unit}s", unit=unit)


def ask_yes_no_order(rng: random.Random, item: Item, held_out: bool) -> Turn:
    first, second = (instruments()[item.slots[which]].noun for which in ("first", "second"))
    truth = rng.random() < 0.5
    one, two = (first, second) if truth else (second, first)
    question = phrasings.ask(rng, "audio-yesno-order", held_out, one=one, two=two)
    return yes_no("audio-yesno", rng, question, truth, "order", one=first, two=second)


def ask_fit(rng: random.Random, picture: Item, sound: Item, held_out: bool) -> Turn:
    """Whether a sound fits the picture of a thing in FITS."""
    name, heard = picture.slots["name_a"], sound.slots["first"]
    word = "yes" if heard in FITS[name] else "no"
    question = phrasings.ask(rng, "fit", held_out)
    answer = phrasings.answer(rng, f"fit-{word}", a=with_article(name), b=instruments()[heard].noun)
    return Turn("fit", question, answer, word, YES_NO)
