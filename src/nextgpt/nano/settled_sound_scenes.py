"""Every sound that its caption settles: no time, loudness, voice or pitch is left to chance.

A decoder of a few minutes' training can learn what is nearly a function of the words. Each instrument has one
voice and one usual note, sounds begin after 0.1 s, and lengths follow from count and speed words. KINDS lists
all scenes of a kind.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nextgpt.nano import split
from nextgpt.nano.instruments import DRUMS, EFFECTS, PITCHED, Instrument, instruments
from nextgpt.nano.sounds import SoundScene, Stroke

SECONDS = 4.096  # 65,536 samples at 16 kHz
CELL = 0.128  # all sounds begin on this grid (8 frames of the mel picture), so that latents see few phases
START = CELL
SECOND_START = 17 * CELL  # where the second sound of a sequence begins
LONG = 1.5  # seconds of a single note or chord
FONT = "fluid"  # every instrument sounds like itself in it
# Speed word -> (seconds of a note, seconds from note to note): it has rung out before the next, but for fast ones.
SPEEDS: dict[str, tuple[float, float]] = {
    "slow": (0.45, 6 * CELL),
    "": (0.25, 4 * CELL),
    "fast": (0.1, 2 * CELL),
}
COUNTS = (1, 2, 3, 4)
SCALE = (0, 2, 4, 5, 7)
CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7)}
_STRONG_WEAK_WEAK, _STRONG_WEAK = (1.0, 0.4, 0.4) * 3, (1.0, 0.4) * 4
# (cells from the start, loudness) of each stroke.
RHYTHMS: dict[str, tuple[tuple[int, float], ...]] = {
    "waltz": tuple((3 * beat, loudness) for beat, loudness in enumerate(_STRONG_WEAK_WEAK)),
    "march": tuple((3 * beat, loudness) for beat, loudness in enumerate(_STRONG_WEAK)),
    "gallop": tuple((6 * bar + cell, 1.0) for bar in range(5) for cell in (0, 2, 3)),
    "heartbeat": tuple((8 * bar + cell, 1.0) for bar in range(4) for cell in (0, 2)),
}
_LETTERS = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
# MIDI number -> name, for the white keys from C3 to C6: what a caption may ask for.
NOTE_NAMES = {
    note: f"{_LETTERS[note % 12]}{note // 12 - 1}" for note in range(48, 85) if note % 12 in _LETTERS
}
CHORDAL = (
    "piano",
    "electric piano",
    "harpsichord",
    "clavinet",
    "vibraphone",
    "marimba",
    "organ",
    "church organ",
    "accordion",
    "guitar",
    "electric guitar",
    "harp",
    "string orchestra",
    "choir",
    "synthesizer",
)


@dataclass(frozen=True)
class SettledScene(SoundScene):
    """`pitch` is a named note ("A4") or a chord's root ("A"); the other words are "" where a kind has none."""

    speed: str = ""
    chord: str = ""
    rhythm: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs of keys that must be trained for the scene to be."""
        key = instruments()[self.first].key
        words = {
            "note": self.pitch,
            "count": str(len(self.strokes)) if self.kind == "notes" else "",
            "direction": self.direction,
            "speed": self.speed,
            "chord": self.chord,
            "rhythm": self.rhythm,
        }
        pairs = tuple((key, split.attribute_key(kind, word)) for kind, word in words.items() if word)
        return pairs + (((key, instruments()[self.second].key),) if self.second else ())


def voice(instrument: Instrument) -> str:
    """The one voice of an instrument."""
    if instrument.programs:
        return f"{FONT}:program:{instrument.programs[0]}"
    return f"{FONT}:drum:{instrument.keys[0]}" if instrument.keys else f"sample:{instrument.samples[0]}"


def usual_note(instrument: Instrument) -> int:
    """The white key of its range that is nearest to middle C."""
    keys = [note for note in range(instrument.low, instrument.high + 1) if note % 12 in _LETTERS]
    return min(keys, key=lambda note: (abs(note - 60), note))


def _scene(kind: str, instrument: Instrument, strokes: tuple[Stroke, ...], **words: str) -> SettledScene:
    return SettledScene(kind, SECONDS, strokes, instrument.name, **words)


def _stroke(instrument: Instrument, start: float, seconds: float, note: int, loudness: float = 1.0) -> Stroke:
    return Stroke(voice(instrument), round(START + start, 3), seconds, note, loudness)


def _note_scenes() -> Iterator[SettledScene]:
    """One note that the caption names."""
    for one in PITCHED:
        for note, name in NOTE_NAMES.items():
            if one.low <= note <= one.high:
                yield _scene("note", one, (_stroke(one, 0, LONG, note),), pitch=name)


def _notes_scenes() -> Iterator[SettledScene]:
    """One to four times the usual note, or hits."""
    for one in (*PITCHED, *DRUMS):
        for count in COUNTS:
            for speed, (length, gap) in SPEEDS.items() if count > 1 else (("", (LONG, 0.0)),):
                seconds = length if one.is_pitched else one.hold
                strokes = (_stroke(one, index * gap, seconds, usual_note(one)) for index in range(count))
                yield _scene("notes", one, tuple(strokes), speed=speed)


def _scale_scenes() -> Iterator[SettledScene]:
    """Five notes of a major scale from the usual note, up or down."""
    for one in PITCHED:
        base = min(usual_note(one), one.high - SCALE[-1])
        for direction in ("up", "down"):
            notes = [base + step for step in (SCALE if direction == "up" else SCALE[::-1])]
            for speed, (length, gap) in SPEEDS.items():
                strokes = (_stroke(one, index * gap, length, note) for index, note in enumerate(notes))
                yield _scene("scale", one, tuple(strokes), direction=direction, speed=speed)


def _chord_scenes() -> Iterator[SettledScene]:
    """Triads on the white keys from middle C upwards."""
    for one in (instruments()[name] for name in CHORDAL):
        for step, root in _LETTERS.items():
            for chord, steps in CHORDS.items():
                strokes = tuple(_stroke(one, 0, LONG, 60 + step + above) for above in steps)
                if strokes[-1].note <= one.high:
                    yield _scene("chord", one, strokes, pitch=root, chord=chord)


def _rhythm_scenes() -> Iterator[SettledScene]:
    for one in DRUMS:
        for rhythm, beats in RHYTHMS.items():
            strokes = (_stroke(one, cell * CELL, 0.4, 60, loudness) for cell, loudness in beats)
            yield _scene("rhythm", one, tuple(strokes), rhythm=rhythm)


def _effect_scenes() -> Iterator[SettledScene]:
    for one in EFFECTS:
        yield _scene("effect", one, (_stroke(one, 0, one.hold, 60),))


def _sequence_scenes() -> Iterator[SettledScene]:
    """Any two sounds, one after the other."""
    for one in instruments().values():
        for two in instruments().values():
            if one.key != two.key:
                later = SECOND_START - START
                strokes = (_stroke_of_one(one, 0), _stroke_of_one(two, later))
                yield _scene("sequence", one, strokes, second=two.name)


def _stroke_of_one(instrument: Instrument, start: float) -> Stroke:
    seconds = 1.0 if instrument.is_pitched else min(instrument.hold, 1.6)
    return _stroke(instrument, start, seconds, usual_note(instrument))


KINDS: dict[str, Callable[[], Iterator[SettledScene]]] = {
    "note": _note_scenes,
    "notes": _notes_scenes,
    "scale": _scale_scenes,
    "chord": _chord_scenes,
    "rhythm": _rhythm_scenes,
    "effect": _effect_scenes,
    "sequence": _sequence_scenes,
}
