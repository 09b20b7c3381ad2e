"""What can be heard in the small world: instruments and effects of General MIDI soundfonts, and named
samples.
"""

from dataclasses import dataclass
from functools import cache

from nextgpt.nano.nouns import indefinite, with_article
from nextgpt.nano.sources import key_of_name
from nextgpt.nano.split import TRAIN_FONTS


@dataclass(frozen=True)
class Instrument:
    """A named kind of sound. `unit` is what one stroke of it is called in words.

    programs: General MIDI program numbers, the same in every font; keys: notes of the drum kit; samples:
    files of supersonic-samples. `low`, `high`: its MIDI range; hold: seconds that one stroke needs; fonts:
    those of the training fonts in which it sounds like itself (MuseScore's piano needs modulators that
    tinysoundfont lacks).
    """

    name: str
    unit: str = "note"
    programs: tuple[int, ...] = ()
    keys: tuple[int, ...] = ()
    samples: tuple[str, ...] = ()
    low: int = 40
    high: int = 86
    hold: float = 0.5
    fonts: tuple[str, ...] = TRAIN_FONTS

    @property
    def key(self) -> str:
        return key_of_name(self.name)

    @property
    def is_pitched(self) -> bool:
        return self.unit == "note"

    @property
    def noun(self) -> str:
        """ "a violin", "applause"."""
        return self.name if self.name in _MASS else with_article(self.name)

    @property
    def phrase(self) -> str:
        """One of it: "a piano note", "a snare drum hit", "a helicopter"."""
        return f"{indefinite(self.name)} {self.name} {self.unit}" if self.unit != "effect" else self.noun


# Names that take no article.
_MASS = {"applause", "sea waves", "vinyl noise", "birdsong", "timpani", "tubular bells", "plucked strings"}


def _pitched(
    name: str, *programs: int, low: int = 40, high: int = 86, fonts: tuple[str, ...] = TRAIN_FONTS
) -> Instrument:
    return Instrument(name, "note", programs, low=low, high=high, fonts=fonts)


def _drum(name: str, *keys: int, samples: tuple[str, ...] = ()) -> Instrument:
    return Instrument(name, "hit", keys=keys, samples=samples, hold=0.4)


def _effect(name: str, *programs: int, samples: tuple[str, ...] = (), hold: float = 2.0) -> Instrument:
    return Instrument(name, "effect", programs, samples=samples, low=60, high=60, hold=hold)


PITCHED = (
    _pitched("piano", 0, 1, fonts=("fluid",)),
    _pitched("electric piano", 4, 5),
    _pitched("harpsichord", 6),
    _pitched("clavinet", 7, high=80),
    _pitched("celesta", 8, low=55, high=96),
    _pitched("glockenspiel", 9, low=67, high=100),
    _pitched("music box", 10, low=55, high=96, fonts=("fluid",)),
    _pitched("vibraphone", 11, low=48),
    _pitched("marimba", 12),
    _pitched("xylophone", 13, low=55, high=96),
    _pitched("tubular bells", 14, low=48, high=79),
    _pitched("organ", 16, 17, 18),
    _pitched("church organ", 19),
    _pitched("accordion", 21, 23, low=45),
    _pitched("harmonica", 22, low=52),
    _pitched("guitar", 24, 25, high=79),
    _pitched("electric guitar", 26, 27, high=79),
    _pitched("distorted guitar", 29, 30, high=79),
    _pitched("bass guitar", 33, 34, low=28, high=52),
    _pitched("violin", 40, low=55, high=96),
    _pitched("cello", 42, low=36, high=72),
    _pitched("double bass", 43, low=28, high=55),
    _pitched("plucked strings", 45),
    _pitched("harp", 46, low=36, high=96),
    _pitched("timpani", 47, low=36, high=57),
    _pitched("string orchestra", 48, 49, low=36, high=91),
    _pitched("choir", 52, 53, low=43, high=79),
    _pitched("trumpet", 56, low=52, high=86),
    _pitched("trombone", 57, low=36, high=72),
    _pitched("tuba", 58, low=28, high=57),
    _pitched("muted trumpet", 59, low=52, high=84),
    _pitched("french horn", 60, low=38, high=74),
    _pitched("saxophone", 64, 65, 66, 67, low=40, high=84),
    _pitched("oboe", 68, low=58, high=89),
    _pitched("bassoon", 70, low=34, high=70),
    _pitched("clarinet", 71, low=50, high=88),
    _pitched("piccolo", 72, low=74, high=103),
    _pitched("flute", 73, low=60, high=94),
    _pitched("recorder", 74, low=60, high=94),
    _pitched("pan flute", 75, low=55, high=91),
    _pitched("whistle", 78, low=65, high=98),
    _pitched("synthesizer", 80, 81, low=40, high=84),
    _pitched("sitar", 104, low=45, high=79),
    _pitched("banjo", 105, low=48, high=84),
    _pitched("koto", 107, low=48, high=86),
    _pitched("kalimba", 108, low=48, high=86),
    _pitched("bagpipe", 109, low=48, high=77),
    _pitched("steel drum", 114, low=48, high=86),
)
DRUMS = (
    _drum("bass drum", 35, 36, samples=("drum_bass_hard", "drum_bass_soft")),
    _drum("snare drum", 38, 40, samples=("drum_snare_hard", "drum_snare_soft")),
    _drum("tom drum", 41, 45, 48, samples=("drum_tom_mid_hard", "drum_tom_lo_hard")),
    _drum("closed hi-hat", 42, samples=("drum_cymbal_closed",)),
    _drum("open cymbal", 46, samples=("drum_cymbal_open",)),
    _drum("crash cymbal", 49, 57, samples=("drum_splash_hard",)),
    _drum("hand clap", 39),
    _drum("tambourine", 54),
    _drum("cowbell", 56, samples=("drum_cowbell",)),
    _drum("bongo drum", 60, 61),
    _drum("conga drum", 63, 64),
    _drum("woodblock", 76, 77),
    _drum("triangle", 81),
    _drum("tabla", samples=("tabla_na", "tabla_na_o", "tabla_tun1", "tabla_tas1", "tabla_ghe1")),
    _drum("finger snap", samples=("perc_snap", "perc_snap2")),
)
EFFECTS = (
    _effect("sea waves", 122, hold=3.0),
    _effect("birdsong", 123),
    _effect("telephone", 124),
    _effect("helicopter", 125),
    _effect("applause", 126),
    _effect("gunshot", 127, hold=1.2),
    _effect("crow", samples=("misc_crow",), hold=0.6),
    _effect("burp", samples=("misc_burp",), hold=0.9),
    _effect("door", samples=("perc_door",)),
    _effect("cash register", samples=("perc_till",), hold=2.4),
    _effect("swoosh", samples=("perc_swoosh", "ambi_swoosh"), hold=1.2),
    _effect("robot", samples=tuple(f"mehackit_robot{n}" for n in range(1, 7)), hold=1.2),
    _effect("3d printer", samples=("loop_3d_printer",)),
    _effect("drum loop", samples=("loop_amen", "loop_breakbeat"), hold=1.8),
    _effect("drum roll", samples=("drum_roll",)),
    _effect("record scratch", samples=("vinyl_scratch", "vinyl_backspin", "vinyl_rewind"), hold=1.2),
    _effect("vinyl noise", samples=("vinyl_hiss",)),
    _effect("bell", samples=("perc_bell", "perc_bell2"), hold=2.5),
    _effect("rubbed glass", samples=("ambi_glass_rub",), hold=2.5),
    _effect("chime", samples=("elec_chime",)),
)


@cache
def instruments() -> dict[str, Instrument]:
    """Every name that can be heard."""
    return {one.name: one for one in (*PITCHED, *DRUMS, *EFFECTS)}
