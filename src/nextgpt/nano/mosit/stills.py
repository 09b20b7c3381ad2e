"""Turns about pictures: image -> text, image, audio, video."""

from nextgpt.nano import generation_rows, phrasings
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.image_questions import a_colour
from nextgpt.nano.instruments import instruments
from nextgpt.nano.mosit.asks import ask_about
from nextgpt.nano.mosit.talk import Step, Subject, Talk, cell_name, read_first
from nextgpt.nano.mosit.world import plain_sound, settled_by_instrument, settled_codes, settled_twin
from nextgpt.nano.nouns import NUMBER_WORDS, indefinite, with_article
from nextgpt.nano.rows import Item, text
from nextgpt.nano.settled_captions import SIZE_WORDS
from nextgpt.nano.settled_clips import MOTIONS
from nextgpt.nano.settled_sound_captions import settled_sound_caption
from nextgpt.nano.settled_sound_scenes import SettledScene
from nextgpt.nano.sources import Thing

PLAYED = ("notes", "scale", "chord", "rhythm")


def some_thing(talk: Talk, sounding: bool | None) -> Thing | None:
    """sounding: one that has a sound; None: one that has none, where the first that comes is such."""
    thing = talk.world.thing(bool(sounding))
    return None if sounding is None and thing.name in FITS else thing


def picture(talk: Talk, sounding: bool | None = False) -> Item | None:
    """A picture of one thing, settled or otherwise. sounding: of a thing that has a sound; None: that has none."""
    if (thing := some_thing(talk, sounding)) is None:
        return None
    if talk.rng.random() < 0.5:
        return talk.world.drawn_otherwise(thing)
    return talk.world.picture(thing, talk.world.colour())


def is_single(item: Item) -> bool:
    return item.scene.kind == "single" and item.scene.subject.code in settled_codes()


def sounds(item: Item) -> bool:
    return is_single(item) and item.scene.subject.name in FITS


def is_silent(item: Item) -> bool:
    return is_single(item) and not sounds(item)


def single(talk: Talk) -> Subject | None:
    return talk.subject("image", lambda: picture(talk), is_single)


def thing_of(subject: Subject) -> Thing:
    return settled_twin(subject.item.scene.subject)


def tell(talk: Talk) -> Step | None:
    """What is in it, of which colour, where ...: the questions of the understanding world."""
    subject = talk.subject("image", lambda: picture(talk), lambda item: item.scene.kind != "between")
    return ask_about(talk, subject) if subject else None


def recolour(talk: Talk) -> Step | None:
    return drawn_on_another(talk, "recolour", single(talk))


def drawn_on_another(talk: Talk, topic: str, subject: Subject | None) -> Step | None:
    """A picture of the thing on another colour."""
    if subject is None:
        return None
    colour = talk.world.colour(subject.item.scene.colour)
    made = talk.world.picture(thing_of(subject), colour)
    return talk.make(topic, (subject,), (made,), colour=colour, a_colour=a_colour(colour))


def count_of(talk: Talk) -> Step | None:
    if (subject := single(talk)) is None:
        return None
    number, colour = talk.rng.choice((2, 3, 4)), talk.world.colour()
    made = talk.world.picture(thing_of(subject), colour, number)
    words = {"number": NUMBER_WORDS[number], "colour": colour, "a_colour": a_colour(colour)}
    return talk.make("count-of", (subject,), (made,), **words)


def size_of(talk: Talk) -> Step | None:
    if (subject := single(talk)) is None:
        return None
    kind, colour = talk.rng.choice(tuple(SIZE_WORDS)), talk.world.colour()
    word = talk.rng.choice(SIZE_WORDS[kind])
    made = talk.world.picture(thing_of(subject), colour, size=kind)
    words = {"size": word, "a_size": f"{indefinite(word)} {word}"}
    return talk.make("size-of", (subject,), (made,), colour=colour, a_colour=a_colour(colour), **words)


def beside(talk: Talk) -> Step | None:
    if (subject := single(talk)) is None:
        return None
    thing, colour = thing_of(subject), talk.world.colour()
    other = talk.world.other_thing(thing)
    made = talk.world.pair(thing, other, colour)
    return talk.make("beside", (subject,), (made,), a=with_article(other.name), colour=colour)


def sound_of(talk: Talk) -> Step | None:
    return sound_of_thing(talk, talk.subject("image", lambda: picture(talk, True), sounds))


def sound_of_thing(talk: Talk, subject: Subject | None) -> Step | None:
    """The sound of a thing when nothing more is asked."""
    if subject is None:
        return None
    sound = talk.world.sound(plain_sound(FITS[subject.item.scene.subject.name][0]))
    return named_first(subject, talk.make("sound-of", (subject,), (sound,)))


def named_first(subject: Subject, step: Step) -> Step:
    """The reply names the thing before it plays, as one that denies a sound does: which of them it is, is then decided
    behind the name."""
    return read_first(f"It is {with_article(subject.item.scene.subject.name)}.", step)


def play_on(talk: Talk) -> Step | None:
    return play_thing(talk, talk.subject("image", lambda: picture(talk, True), sounds))


def play_thing(talk: Talk, subject: Subject | None) -> Step | None:
    """ "Play three fast notes on it." """
    if subject is None:
        return None
    name = FITS[subject.item.scene.subject.name][0]
    kinds = [kind for kind in PLAYED if name in settled_by_instrument(kind)]
    if not kinds:
        return None
    scene = talk.rng.choice(settled_by_instrument(talk.rng.choice(kinds))[name])
    what = _without_player(talk, scene)
    if not what:
        return None
    return named_first(subject, talk.make("play-on", (subject,), (talk.world.sound(scene),), what=what))


def _without_player(talk: Talk, scene: SettledScene) -> str:
    """ "three fast notes", "a rising scale": the caption's words before " of a piano" or " on a piano"."""
    noun = instruments()[scene.first].noun
    for _attempt in range(50):
        caption = settled_sound_caption(scene, talk.rng)
        for end in (f" played on {noun}", f" on {noun}", f" of {noun}"):
            if caption.endswith(end) and scene.first not in caption.removesuffix(end):
                return caption.removesuffix(end)
    return ""


def no_sound(talk: Talk) -> Step | None:
    return silence_of(talk, talk.subject("image", lambda: picture(talk, None), is_silent))


def silence_of(talk: Talk, subject: Subject | None) -> Step | None:
    """A thing that makes no sound that it knows: words alone."""
    if subject is None:
        return None
    name, cell = subject.item.scene.subject.name, cell_name([subject.item], ())
    reply = text(phrasings.answer(talk.rng, "silent", a=with_article(name)))
    shown = (subject.item,) if subject.shown else ()
    user = talk.message(shown, talk.ask("sound-of"))
    return Step(cell, "mosit-no-sound", user, (reply,), name, subject.needed, shown, asked=(subject.item,))


def animate(talk: Talk) -> Step | None:
    if (subject := single(talk)) is None:
        return None
    motion, colour = talk.rng.choice(MOTIONS), subject.item.scene.colour
    made = talk.world.clip(thing_of(subject), motion, colour)
    step = talk.make("animate", (subject,), (made,), verb=verb(talk, motion))
    return read_first(f"I see {with_article(thing_of(subject).name)} on {a_colour(colour)} background.", step)


def verb(talk: Talk, motion: str) -> str:
    return talk.rng.choice(generation_rows.REQUEST_WORDS[motion])


def draw_and_play(talk: Talk) -> Step | None:
    subject = talk.subject("image", lambda: picture(talk, True), sounds)
    if subject is None:
        return None
    colour = talk.world.colour(subject.item.scene.colour)
    made = (
        talk.world.picture(thing_of(subject), colour),
        talk.world.sound(plain_sound(FITS[subject.item.scene.subject.name][0])),
    )
    return talk.make("draw-and-play", (subject,), made, colour=colour)
