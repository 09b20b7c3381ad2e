"""Exact sentences of settled sounds, in the grammar of phrasings.py. Every template says all that settles its
sound, and "" where a scene has no word for it.
"""

import random
from functools import cache
from typing import Any

from nextgpt.nano.instruments import instruments
from nextgpt.nano.nouns import NUMBER_WORDS, indefinite
from nextgpt.nano.phrasings import expand
from nextgpt.nano.split import is_held_out_phrasing

TEMPLATES: dict[str, tuple[str, ...]] = {
    "note": (
        "{a} (playing|plays|sounding) (the note|) {note}",
        "(the note|) {note} (on|of|from) {a}",
        "(the note|) {note} played (on|by) {a}",
        "(a single|one) {name} note, {note}",
        "(a single|one) {name} note at {note}",
        "{a} (with|holding) the note {note}",
    ),
    "one": (
        "(one|a single|just one) note (of|from|on) {a}",
        "{name_article} {name} note",
        "(one|a single) {name} note",
        "{a} playing (one note|a single note|a note)",
        "one note played (on|by) {a}",
    ),
    "notes": (
        "{number} {speed} notes (of|from|on) {a}",
        "{number} {speed} {name} notes",
        "{a} playing {number} {speed} notes",
        "{a} (plays|playing) {number} notes {quickly}",
        "{number} {speed} notes (played by|played on) {a}",
        "{number} {speed} notes that {a} plays",
        "{number} times {quickly} the same note of {a}",
        "the same note {times} {quickly} (on|from) {a}",
        "{a} repeating a note {times} {quickly}",
    ),
    "hit": (
        "(one|a single|just one) (hit|stroke) of {a}",
        "{name_article} {name} hit",
        "(one|a single) {name} hit",
        "{a} (hit|struck|played) once",
        "one {name} (beat|sound)",
    ),
    "hits": (
        "{number} {speed} {name} (hits|strokes|beats)",
        "{number} {speed} (hits|strokes|beats) (of|on) {a}",
        "{a} (hit|struck|played) {times} {quickly}",
        "{a} {quickly} (hit|struck) {times}",
    ),
    "scale": (
        "a {speed} (rising|ascending) scale (of|on|played by) {a}",
        "{a} playing a {speed} (rising|ascending) scale",
        "{a_quick} {name} scale going up",
        "{a} (playing|plays) five {speed} notes going up",
        "five {speed} (rising|ascending) notes (of|on) {a}",
        "{a} going up (a scale|five notes) {quickly}",
        "a {speed} scale upwards (of|on) {a}",
    ),
    "chord": (
        "{root_article} {root} {chord} chord (on|of|played by|played on|from) {a}",
        "{a} (playing|plays) {root_article} {root} {chord} chord",
        "{a} playing the chord of {root} {chord}",
        "the chord {root} {chord} (on|of|played by) {a}",
        "{name_article} {name} chord in {root} {chord}",
        "(one|a single) {root} {chord} chord (of|on) {a}",
    ),
    "rhythm": (
        "a {rhythm} (on|played on|played by|of) {a}",
        "{a} playing a {rhythm} (rhythm|beat|)",
        "a {rhythm} (rhythm|beat|pattern) (on|of|by) {a}",
        "{a} (beating|in) a {rhythm}",
        "a {rhythm} for {a}",
        "{a} (keeping|beating out) a {rhythm}",
        "(the|one) {name} {rhythm}",
        "the {rhythm} (rhythm|beat) (on|of) {a}",
    ),
    "effect": (
        "{a}",
        "(the|a) sound of {a}",
        "the sound (made by|that comes from) {a}",
        "{a} (alone|only|and nothing else)",
        "(only|just) {a}",
        "the (noise|plain sound) of {a}",
        "what {a} sounds like",
        "how {a} sounds",
        "a recording of {a}",
    ),
    "sequence": (
        "first {one}, then {two}",
        "(at first|first) {one} and then {two}",
        "{one}, (then|and then|and next|and after that) {two}",
        "{one} (followed by|before) {two}",
        "{one} first, {two} second",
        "(it begins with|begins with|starting with) {one} and ends with {two}",
        "{two} (after|following) {one}",
    ),
}
# Templates of rising scales; these words make them fall.
_DOWN = {
    "rising": "falling",
    "ascending": "descending",
    "going up": "going down",
    "upwards": "downwards",
}
_QUICKLY = {"slow": "slowly", "fast": "quickly", "": ""}
_TIMES = {2: "twice", 3: "three times", 4: "four times"}
MIDDLE_C = "C4"


@cache
def settled_templates(topic: str, held_out: bool) -> tuple[str, ...]:
    """Templates of one side of the split. Topics are the keys of TEMPLATES and "scale-down"."""
    texts = (text for pattern in TEMPLATES[topic.removesuffix("-down")] for text in expand(pattern))
    every = dict.fromkeys(map(downwards, texts) if topic.endswith("-down") else texts)
    return tuple(text for text in every if is_held_out_phrasing(text) == held_out)


def settled_sound_caption(scene: Any, rng: random.Random, held_out: bool = False) -> str:
    """ "a violin playing the note A4", "three fast notes of a flute", "first a crow, then a piano note"."""
    template = rng.choice(settled_templates(topic_of(scene), held_out))
    return " ".join(template.format(**_words(scene, rng)).split())


def topic_of(scene: Any) -> str:
    if scene.kind != "notes":
        return "scale-down" if scene.direction == "down" else str(scene.kind)
    unit = "note" if instruments()[scene.first].is_pitched else "hit"
    return {"note": "one", "hit": "hit"}[unit] if len(scene.strokes) == 1 else f"{unit}s"


def downwards(template: str) -> str:
    for up, down in _DOWN.items():
        template = template.replace(up, down)
    return template


def _words(scene: Any, rng: random.Random) -> dict[str, str]:
    first, second = instruments()[scene.first], instruments().get(scene.second)
    number = len(scene.strokes)
    is_middle = scene.pitch == MIDDLE_C and rng.random() < 0.3
    return {
        "a": first.noun,
        "name": first.name,
        "name_article": indefinite(first.name),
        "note": "middle C" if is_middle else scene.pitch,
        "number": NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else "",
        "times": _TIMES.get(number, ""),
        "speed": scene.speed,
        "a_quick": f"{indefinite(scene.speed or first.name)} {scene.speed}",
        "quickly": _QUICKLY[scene.speed],
        "root": scene.pitch,
        "root_article": "an" if scene.pitch[:1] in ("A", "E", "F") else "a",
        "chord": scene.chord,
        "rhythm": scene.rhythm,
        "one": first.phrase,
        "two": second.phrase if second else "",
    }
