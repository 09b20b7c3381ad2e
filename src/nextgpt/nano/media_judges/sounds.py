"""What a sound is: the family of its instrument, its notes (notes.py), its label.

Families are those of General MIDI, by YAMNet's features: each instrument of the small world is played once on several
notes and in several rhythms, and a sound belongs to the family of the nearest of these. YAMNet is also the input
half's encoder; the sound decoder is trained without it, and a test traces that.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextgpt.config import YamnetConfig
from nextgpt.media import Audio
from nextgpt.nano.instruments import Instrument, instruments
from nextgpt.nano.media_judges.gallery import normalised
from nextgpt.nano.media_judges.notes import RATE, Wave, onsets, pitch, pitches, slope
from nextgpt.nano.nouns import NUMBER_WORDS
from nextgpt.nano.settled_sound_scenes import FONT, LONG, SCALE, SECONDS, SPEEDS, usual_note, voice
from nextgpt.nano.settled_sounds import family
from nextgpt.nano.sounds import SoundScene, Stroke, render_sound

PART = "yamnet"
SPLIT_AT = 2.0  # seconds: the second sound of a sequence begins a little later
VERSION = "1"
FEATURES = 1024  # YAMNet's own; the pooled log-mel behind them is left out
LOWEST, HIGHEST, STEP = 36, 84, 4  # MIDI: the gallery's long notes
UNHEARD = "Silence"  # no label of a sound
# effect -> the classes of AudioSet that mean it
AGREED = {
    "sea waves": ("Ocean", "Waves, surf", "Water"),
    "birdsong": ("Bird", "Bird vocalization, bird call, bird song", "Chirp, tweet"),
    "telephone": ("Telephone", "Telephone bell ringing", "Ringtone"),
    "helicopter": ("Helicopter",),
    "applause": ("Applause", "Clapping"),
    "gunshot": ("Gunshot, gunfire", "Explosion"),
    "crow": ("Crow", "Caw"),
    "burp": ("Burping, eructation",),
    "door": ("Door", "Slam"),
    "cash register": ("Cash register",),
    "drum loop": ("Drum", "Drum kit", "Drum machine", "Percussion"),
    "drum roll": ("Drum roll", "Drum", "Snare drum", "Percussion"),
    "record scratch": ("Scratching (performance technique)",),
    "swoosh": ("Whoosh, swoosh, swish",),
    "bell": ("Bell", "Church bell", "Tubular bells"),
    "chime": ("Chime", "Wind chime", "Bell", "Tubular bells"),
}


def played(one: Instrument) -> list[SoundScene]:
    """An instrument's true sounds for the gallery: long notes over its range, repeated notes, a scale."""
    if one.unit == "effect":
        return [_scene(one, [(0.1, one.hold, 60)])]
    usual = usual_note(one) if one.is_pitched else 60
    beats = [
        _scene(one, [(0.1 + gap * number, length, usual) for number in range(count)])
        for length, gap in SPEEDS.values()
        for count in (2, 4)
    ]
    if not one.is_pitched:
        return [_scene(one, [(0.1, 0.4, usual)]), *beats]
    notes = range(max(one.low, LOWEST), min(one.high, HIGHEST) + 1, STEP)
    base, (length, gap) = min(usual, one.high - SCALE[-1]), SPEEDS[""]
    scale = [(0.1 + gap * number, length, base + step) for number, step in enumerate(SCALE)]
    return [*(_scene(one, [(0.1, LONG, note)]) for note in (usual, *notes)), *beats, _scene(one, scale)]


def _scene(one: Instrument, strokes: Sequence[tuple[float, float, int]]) -> SoundScene:
    return SoundScene("notes", SECONDS, tuple(Stroke(voice(one), *stroke) for stroke in strokes), one.name)


@dataclass(frozen=True)
class SoundReading:
    """families: of the whole, and for a sequence of the parts before SPLIT_AT and behind; label: YAMNet's first class
    and its score; onsets in seconds, pitch (MIDI), slope (semitones a second)."""

    families: tuple[str, ...]
    label: str
    score: float
    onsets: tuple[float, ...]
    pitch: float
    slope: float


class SoundGallery:
    """YAMNet's features of true sounds by family."""

    def __init__(self, entries: Sequence[Instrument] | None = None, encoder: Any = None) -> None:
        self.entries = tuple(instruments().values() if entries is None else entries)
        self._encoder = encoder

    @cached_property
    def encoder(self) -> Any:
        from nextgpt.nn.encoders import load_encoder
        from nextgpt.parts import fetch_part

        return self._encoder or load_encoder(YamnetConfig(part=PART, mel_steps=1), fetch_part(PART))

    def look(self, wave: Wave) -> tuple[Tensor, Tensor]:
        """Features (1024,) and class scores (521,): means over windows, weighted by their loudness."""
        encoder = self.encoder
        item = encoder.preprocess(Audio.from_array(wave, RATE))
        with torch.inference_mode():
            features = encoder(**encoder.collate([item])).features_BNE[0, :, :FEATURES].float()
            weight = window_loudness(item["samples"].numpy(), len(features))
            scores = torch.sigmoid(encoder.classifier(features.to(encoder.classifier.weight.dtype)).float())
        return (features * weight[:, None]).sum(0), (scores * weight[:, None]).sum(0)

    @cached_property
    def known(self) -> tuple[Tensor, tuple[str, ...]]:
        """(rows, 1024), normalised, and the family of each row; from the cache once made."""
        from safetensors.torch import load_file, save_file

        from nextgpt.parts import cache_root

        scenes = [(family(one), scene) for one in self.entries for scene in played(one)]
        path = cache_root() / "judges" / f"sounds-{self._key(scenes)}.safetensors"
        if not path.exists():
            made = torch.stack([self.look(render_sound(scene))[0] for _, scene in scenes])
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{torch.randint(1 << 30, ()).item()}.tmp")
            save_file({"features": made}, partial)
            partial.replace(path)
        return normalised(load_file(path)["features"]), tuple(name for name, _ in scenes)

    def _key(self, scenes: Sequence[tuple[str, SoundScene]]) -> str:
        from nextgpt.parts import PARTS

        words = [VERSION, PARTS[PART].folder_name, FONT, *(repr(scene) for _, scene in scenes)]
        return sha256("\n".join(words).encode()).hexdigest()[:12]

    def family_of(self, features: Tensor) -> str:
        rows, names = self.known
        return names[int((rows @ normalised(features[None])[0]).argmax())]

    def read(self, wave: Wave, kind: str) -> SoundReading:
        """One reading of float32 (samples,) at 16 kHz that should be of that kind."""
        features, scores = self.look(wave)
        half = round(SPLIT_AT * RATE)
        pieces = (wave[:half], wave[half:]) if kind == "sequence" else ()
        families = (self.family_of(features), *(self.family_of(self.look(piece)[0]) for piece in pieces))
        label, score = self.label_of(scores)
        begins = tuple(float(time) for time in onsets(wave))
        heights = pitches(wave)
        return SoundReading(families, label, score, begins, pitch(heights), slope(heights))

    def label_of(self, scores: Tensor) -> tuple[str, float]:
        """The first class that is not silence, and its score."""
        names = [one[0] for one in self.encoder.class_names]
        order = [number for number in scores.argsort(descending=True).tolist() if names[number] != UNHEARD]
        return names[order[0]], float(scores[order[0]])


def window_loudness(samples: Wave, windows: int) -> Tensor:
    """(windows,) that sum to 1: mean square of each of YAMNet's windows."""
    starts = np.arange(windows) * 7680
    power = np.array(
        [float(np.square(samples[start : start + 15600]).mean()) for start in starts], np.float32
    )
    return torch.from_numpy((power + 1e-12) / (power + 1e-12).sum())


def judge_sound(
    reading: SoundReading, slots: dict[str, str], true: SoundReading | None = None
) -> dict[str, Any]:
    """task -> right or wrong, and `seen`. slots: those of settled sounds. true: the reading of the caption's true
    sound: an effect counts where YAMNet's first class of the true sound means it (AGREED); `audio-effect-same` asks
    of every effect whether the first class is that of the true sound."""
    kind = slots["kind"]
    judged: dict[str, Any] = {}
    if kind == "sequence":
        judged["audio-sequence"] = reading.families[1:] == (slots["family"], slots["second_family"])
    elif kind != "effect":
        judged["audio-family"] = reading.families[0] == slots["family"]
    if kind == "note":
        judged["audio-pitch"] = abs(reading.pitch - int(slots["note"].split()[0])) <= 1
    if kind in ("note", "notes"):
        judged["audio-count"] = len(reading.onsets) == NUMBER_WORDS.index(slots["count"])
    if kind == "scale":
        judged["audio-direction"] = (reading.slope > 0) == (slots["direction"] == "up")
    if kind == "effect" and true is not None:
        judged["audio-effect-same"] = reading.label == true.label
        means = AGREED.get(slots["first"], ())
        if true.label in means:
            judged["audio-effect"] = reading.label in means
    return {**judged, "seen": asdict(reading)}
