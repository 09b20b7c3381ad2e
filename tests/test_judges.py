"""What judges call right: a table of replies, easy ones and tricky ones."""

import pytest

from nextgpt.nano.judges import chance, judge_of, label, named_things, says

NAMES = (
    "fox", "bell", "fire engine", "engine", "red fox", "right arrow", "growing heart", "first quarter moon", "moon",
    "person in suit", "person in suit levitating", "satellite", "satellite antenna", "mrs. claus", "bass guitar",
    "guitar", "person without mask", "mask", "two hearts",
)  # fmt: skip
COLOURS = ["white", "black", "red", "green", "blue", "gray", "orange"]
MOTIONS = ["moving", "rotating", "growing", "shrinking", "fading", "bouncing", "still"]
COUNTS = ["one", "two", "three", "four"]
SIDES = ["left", "right", "up", "down"]


@pytest.mark.parametrize(
    ("task", "expected", "choices", "reply", "right"),
    [
        # names
        ("image-name", "fox", None, "It is a fox.", True),
        ("image-name", "fox", None, "FOX", True),
        ("image-name", "fox", None, "Foxes.", False),
        ("image-name", "fox", None, "A foxglove.", False),
        ("image-name", "fox", None, "It is a fox and a bell.", False),
        ("image-name", "fox", None, "It is a red fox.", False),  # another thing of the small world
        ("image-name", "red fox", None, "It is a red fox.", True),
        ("image-name", "engine", None, "A fire engine.", False),
        ("image-name", "fire engine", None, "A fire engine.", True),
        ("image-name", "fire engine", None, "A fire-engine.", False),
        ("image-name", "fox", None, "It is not a fox.", False),
        ("image-name", "fox", None, "There is no fox, there is a bell.", False),
        ("image-name", "bell", None, "There is no fox, there is a bell.", True),
        ("image-name", "bell", None, "It isn't the fox but the bell.", True),
        ("image-name", "mask", None, "A person without mask.", False),
        ("image-name", "person without mask", None, "A person without mask.", True),
        ("image-name", "yak", None, "A yak.", True),  # a name that the list lacks
        ("image-name", "mrs. claus", None, "It is Mrs. Claus.", True),
        ("image-name", "fox", None, "", False),
        # choices
        ("image-colour", "red", COLOURS, "It is red.", True),
        ("image-colour", "red", COLOURS, "It is red and white.", False),
        ("image-colour", "red", COLOURS, "It is not red.", False),
        ("image-colour", "red", COLOURS, "It is not white but red.", True),
        ("image-colour", "red", COLOURS, "Reddish.", False),
        ("image-colour", "red", COLOURS, "The red fox stands on red.", True),
        ("image-colour", "white", COLOURS, "The red fox stands on white.", True),
        ("image-colour", "gray", COLOURS, "It is grey.", True),
        ("image-count", "two", COUNTS, "There are two foxes.", True),
        ("image-count", "two", COUNTS, "There are 2.", True),
        ("image-count", "two", COUNTS, "There are 12.", False),
        ("image-count", "three", COUNTS, "Three two hearts.", True),
        ("image-count", "one", COUNTS, "I see one, no, two.", False),
        ("video-motion", "moving", MOTIONS, "It moves to the left.", True),
        ("video-motion", "moving", MOTIONS, "The growing heart is moving.", True),
        ("video-motion", "growing", MOTIONS, "It gets bigger.", True),
        ("video-motion", "growing", MOTIONS, "The growing heart.", False),
        ("video-motion", "rotating", MOTIONS, "It is spinning.", True),
        ("video-motion", "still", MOTIONS, "It is not moving, it stands still.", True),
        ("video-direction", "left", SIDES, "The right arrow is moving to the left.", True),
        ("video-direction", "right", SIDES, "The right arrow is moving to the left.", False),
        ("video-direction", "up", SIDES, "Upwards.", True),
        ("video-direction", "left", SIDES, "Not to the right; to the left.", True),
        ("video-direction", "clockwise", ["clockwise", "counterclockwise"], "Counter clockwise.", False),
        ("video-direction", "counterclockwise", ["clockwise", "counterclockwise"], "Anti-clockwise.", True),
        ("image-which", "second", ["first", "second"], "The second one shows a first quarter moon.", True),
        ("image-which", "second", ["first", "second"], "The first one, not the second.", False),
        ("audio-order", "bell", ["bell", "guitar"], "First a bell, then a guitar.", False),
        ("audio-order", "bell", ["bell", "guitar"], "A bell came first.", True),
        ("audio-order", "guitar", ["bell", "guitar"], "A bass guitar.", False),
        # yes or no
        ("image-yesno", "yes", ["yes", "no"], "Yes, it is no fox.", True),
        ("image-yesno", "no", ["yes", "no"], " no.", True),
        ("image-yesno", "no", ["yes", "no"], "Not at all.", False),
        ("image-yesno", "yes", ["yes", "no"], "It is. Yes.", False),
        ("fit", "yes", ["yes", "no"], "Yes, this is how a bell sounds.", True),
        ("fit", "no", ["yes", "no"], "Nobody knows.", False),
    ],
)  # fmt: skip
def test_replies(task, expected, choices, reply, right):
    record = {"expected": expected} | ({"choices": choices} if choices else {})
    assert judge_of(task, NAMES)(reply, record) is right


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("It is a satellite antenna that is above the person in suit levitating.", True),
        ("A satellite antenna.", True),
        ("The person in suit levitating.", False),
        ("A satellite.", False),
        ("A satellite antenna and a bell.", False),
    ],
)
def test_the_thing_that_the_question_names_may_be_repeated(reply, right):
    question = {"role": "user", "content": [
        {"type": "image", "item": "image-1"}, {"type": "text", "text": "What is above the person in suit levitating?"},
    ]}  # fmt: skip
    record = {
        "expected": "satellite antenna",
        "messages": [question, {"role": "assistant", "content": reply}],
    }
    assert judge_of("image-position", NAMES)(reply, record) is right


@pytest.mark.parametrize(
    ("expected", "reply", "right"),
    [
        ("tiger", "I see a tiger.", True),
        ("tiger", "I see a tiger cat.", False),
        ("tiger cat", "I see a tiger cat.", True),
        ("Speech", "I hear speech.", True),
        ("Inside, small room", "It is inside, small room.", True),
        ("tiger", "I do not see a tiger.", False),
        ("tiger", "a tiger " + "and so on " * 9, False),
        ("Walk, footsteps", "I hear footsteps.", True),
        ("Wood block", "This sounds like a woodblock.", True),
        ("Wood block", "I hear wood.", False),
    ],
)
def test_a_class_is_named_whole_and_shortly(expected, reply, right):
    labels = ("tiger", "tiger cat", "Speech", "Inside, small room")
    assert label(reply, {"expected": expected}, labels) is right
    assert judge_of("photo", NAMES, labels)(reply, {"expected": expected}) is right


def test_named_things_are_the_longest_that_stand_there():
    assert named_things("A fire engine below the moon, not a bell", NAMES) == ["fire engine", "moon"]


@pytest.mark.parametrize(
    ("reply", "denied"),
    [
        ("not a fox", True),
        ("no fox", True),
        ("isn't the fox", True),
        ("isn’t really a fox", True),
        ("cannot see a fox", True),
        ("without any fox", True),
        ("not only a fox", False),
        ("no, a fox", False),
        ("nothing but a fox", False),
        ("a fox, not a bell", False),
    ],
)
def test_what_is_denied_is_not_said(reply, denied):
    assert says(reply, "fox") is not denied


@pytest.mark.parametrize("task", ["image-describe", "gen-image", "chat", "mixed"])
def test_tasks_without_a_judge_in_words(task):
    assert judge_of(task, NAMES) is None


@pytest.mark.parametrize(
    ("task", "record", "share"),
    [
        ("image-name", {"choices": ["a"] * 10}, 0.05),
        ("image-colour", {"choices": COLOURS[:4]}, 0.25),
        ("photo", {}, 0.001),
    ],
)
def test_chance(task, record, share):
    assert chance(record, task, 20) == share
