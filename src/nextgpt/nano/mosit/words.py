"""The topics of dialogues that switch modality, beside those of questions.py and answers.py, in the grammar of
phrasings.py: all that is asked, and what is answered in words."""

from nextgpt.nano.mosit.declined import DECLINED, WISHES
from nextgpt.nano.mosit.requests import REQUESTS

MOSIT_QUESTIONS = REQUESTS | DECLINED | WISHES
MOSIT_ANSWERS: dict[str, tuple[str, ...]] = {
    "silent": (
        "It is {a}, and I (know|have) no sound (of|for) it.",
        "It is {a}, but I do not know how it sounds.",
    ),
    "first-seen": ("(First|At first) you showed me {a}.", "(It was|Your first one was) {a}."),
    "first-heard": ("(First|At first) you played {a}.", "(It was|Your first sound was) {a}."),
    "refuse-thing": (
        "(Sorry,|I am sorry,) I (can not|do not know how to) draw {thing}.",
        "{thing} (is not in|is outside of) my small world, so I can not draw it.",
    ),
    "refuse-sound": (
        "(Sorry,|I am sorry,) I (can not|do not know how to) play {thing}.",
        "{thing} is not among the sounds that I know.",
    ),
    "refuse-sense": (
        "(Sorry,|I am sorry,) I can not smell, taste or touch anything; I see, hear, draw and play.",
        "I (have no nose, tongue or hands|know no smells and tastes); I can draw, play and animate.",
    ),
    "refuse-act": (
        "(Sorry,|I am sorry,) I can not {act}; I can (only|) talk, draw, play and animate.",
        "I can not {act}. I (work|live) in this conversation alone.",
    ),
    "refuse-form": (
        "(Sorry,|I am sorry,) I can not make {form}; I make pictures, sounds and short clips.",
        "I can not make {form}, but I can draw or animate it.",
    ),
    "missing-image": (
        "You have not shown me a picture(.| yet.)",
        "I see no picture here. Please show me one.",
    ),
    "missing-audio": ("You have not played me a sound(.| yet.)", "I hear no sound here. Please play one."),
    "missing-video": ("You have not shown me a clip(.| yet.)", "I see no clip here. Please show me one."),
    "abilities": (
        "I can look at pictures and clips, listen to sounds, draw, play and animate things.",
        "I (draw|make) pictures, (play|make) sounds and short clips, and I say what I see and hear.",
    ),
}
