"""`nextgpt eval nano-matrix` in a world of plain colours: rows, words, verdicts, one command that goes on. No parts."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nextgpt.cli import matrix, run
from nextgpt.cli.matrix_asking import SIZES
from nextgpt.cli.matrix_told import Ordered, said
from nextgpt.data.manifest import dialogue_from
from nextgpt.data.mosit import check_row
from nextgpt.errors import MessageError
from nextgpt.generation.events import Finished, Usage
from nextgpt.generation.pipeline import AnyToAnyPipeline
from nextgpt.media import Audio, Image, Video
from nextgpt.messages import Message, media_part
from nextgpt.nano import recipe
from nextgpt.nano.matrix.content import counted_name, judge_medium, read_media
from nextgpt.nano.matrix.rows import CELLS, SPLIT_OF, MatrixRow, apart, chat_rows, groups_of
from nextgpt.nano.matrix.table import table_rows
from nextgpt.nano.matrix.verdicts import judge_reply, placed, routed
from nextgpt.nano.matrix.words import caption_in, judge_words, says
from nextgpt.nano.media_judges import suites
from nextgpt.nano.phrasings import templates
from nextgpt.nano.sources import COLOURS
from nextgpt.nn.decoders.config import ImageFacts, VideoFacts
from nextgpt.testing.tiny import echo_decoders, favour, tiny_config, tiny_model

NAMES = list(COLOURS)
KINDS = {"image": "single", "audio": "note", "video": "one"}
RIGHT = {
    "image": ("image-colour", "image-name-five"),
    "audio": ("audio-family",),
    "video": ("video-colour", "video-motion"),
}


def medium_of(modality, colour):
    """A plain picture, a plain clip, or a hum whose loudness is the colour's number."""
    pixels = np.full((16, 16, 3), COLOURS[colour], np.uint8)
    if modality == "image":
        return Image.from_array(pixels)
    if modality == "video":
        return Video.from_array(np.stack([pixels] * 4), 8.0)
    level = (NAMES.index(colour) + 1) / 20
    return Audio.from_array(np.full(1600, level, np.float32), 16000)


def colour_of(modality, array):
    if modality == "audio":
        return NAMES[min(len(NAMES) - 1, max(0, round(float(np.abs(array).mean()) * 20) - 1))]
    pixels = np.asarray(array, float).reshape(-1, 3).mean(0)
    return min(NAMES, key=lambda name: ((np.array(COLOURS[name]) - pixels) ** 2).sum())


def suite(modality):
    return suites.Suite(
        (),
        lambda split, seed: iter(()),
        lambda item: KINDS[modality],
        lambda scene: scene,
        lambda arrays, kinds: [colour_of(modality, array) for array in arrays],
        lambda reading, slots, kind, true: {
            **{task: reading == slots["colour"] for task in RIGHT[modality]},
            "seen": reading,
        },
    )


# ---- a folder of dialogues


class World:
    def __init__(self, folder):
        self.folder, self.items, self.rows = folder, {name: [] for name in KINDS}, []

    def item(self, modality, colour):
        rows = self.items[modality]
        name = f"{modality}-{len(rows)}"
        slots = {"kind": KINDS[modality], "colour": colour, "name": colour}
        rows.append({"id": name, "split": "combination", "scene": {"kind": KINDS[modality], "colour": colour},
                     "caption": f"a {colour} one", "slots": slots})  # fmt: skip
        return name

    def turn(self, cell, task, words, colour, shown=(), made=(), needs=False, **extra):
        """shown, made: modalities of new media of that colour."""
        user = [{"type": one, "item": self.item(one, colour)} for one in shown]
        media = [{"type": one, "item": self.item(one, colour), "caption": colour} for one in made]
        say = {"type": "text", "text": f"It is {colour}."}
        record = {"cell": cell, "task": task, "needs_medium": needs, "expected": colour, "media": list(made),
                  "made": [{"type": one, "caption": colour, "slots": {}} for one in made], **extra}  # fmt: skip
        return record, [*user, {"type": "text", "text": words}], [say, *media]

    def add(self, *turns, split="combination"):
        messages = []
        for _, user, reply in turns:
            messages += [{"role": "user", "content": user}, {"role": "assistant", "content": reply}]
        row = {"version": 1, "id": f"d{len(self.rows)}", "task": "mosit", "split": split,
               "cell": turns[-1][0]["cell"], "expected": turns[-1][0]["expected"], "messages": messages,
               "turns": [record for record, *_ in turns]}  # fmt: skip
        check_row(row, "here")
        self.rows.append(row)

    def write(self):
        self.folder.mkdir()
        splits = {
            f"dialogues-{split}": [row for row in self.rows if row["split"] == split]
            for split in ("combination", *SPLIT_OF.values())
        }
        for name, rows in {**self.items, **splits}.items():
            (self.folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return self.folder


def colour_question(world, colour, shown=("image",)):
    wanted = {"choices": ["red", "blue", "green"], "needs": True}
    return world.turn("image->text", "image-colour", "Which colour is it?", colour, shown, **wanted)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "data")
    for colour in ("red", "blue", "green"):
        made.add(made.turn("text->image", "gen-image", f"Draw {colour}.", colour, (), ("image",)))
        made.add(colour_question(made, colour))
        made.add(
            colour_question(made, colour),
            made.turn("image->audio", "mosit-sound-of", "Now play it.", colour, (), ("audio",), True),
        )
        made.add(
            made.turn(
                "text->video+image", "two", f"Animate and draw {colour}.", colour, (), ("video", "image")
            )
        )
    made.add(made.turn("text->text", "mosit-refuse-act", "Iron my shirts.", ""))
    made.add(
        made.turn("image->audio", "mosit-sound-of", "Now play it.", "red", ("image",), ("audio",), True),
        split="sound",
    )
    made.add(
        made.turn("text->image", "mosit-wish-image", "Draw a red one.", "red", (), ("image",)), split="wish"
    )
    made.add(made.turn("text->text", "mosit-refuse-wish", "An Iron.", ""), split="wish")
    return made


class Speaker:
    """Answers by what it is told and shown: draws, plays, animates the colour of its last words or medium, but never
    green; without a colour it guesses red. `asked` counts the conversations."""

    def __init__(self):
        self.model = SimpleNamespace(config=tiny_config())
        self.output_media = SimpleNamespace(decoder=Painter)
        self.asked = 0

    def replies(self, talks, options):
        self.asked += len(talks)
        return [self._reply(talk) for talk in talks]

    def _reply(self, talk):
        words = talk[-1].text
        if words == "How are you today?":
            return MessageError("No.")
        colour = next((name for name in NAMES if name in words), None) or self._seen(talk)
        verbs = {"Animate": "video", "raw": "image", "play": "audio"}
        media = [modality for verb, modality in verbs.items() if verb in words]
        colour = "pink" if colour == "green" and media else colour
        made = [media_part(medium_of(one, colour), seed=1) for one in media]
        said = [part for one in made for part in (f"This is a {colour} thing.", one)]
        alone = "Sorry, I can not." if "Iron" in words else f"It is {colour}."
        return Finished(Message.assistant(*(said or [alone])), "stop", Usage(1, 1), 1)

    def _seen(self, talk):
        shown = [part for message in talk if message.role == "user" for part in message.media_parts]
        if not shown:
            return "red"
        return colour_of("image", shown[-1].media.array())


class Painter:
    """A decoder that makes what its caption says, but no blue sounds."""

    def __init__(self, modality):
        self.modality = modality

    def encode_prompt(self, texts):
        return [text.split()[1] for text in texts]

    def decode(self, colours, *, seeds, steps, guidance):
        wrong = {"blue": "red"} if self.modality == "audio" else {}
        return [medium_of(self.modality, wrong.get(colour, colour)) for colour in colours]


@pytest.fixture
def speaker(monkeypatch):
    for modality in KINDS:
        monkeypatch.setitem(suites.SUITES, modality, suite(modality))
        monkeypatch.setitem(
            recipe.MEDIA, modality, lambda scene, size, one=modality: medium_of(one, scene["colour"])
        )
    speaker = Speaker()
    monkeypatch.setattr(matrix, "open_pipeline", lambda model: speaker)
    return speaker


def evaluate(tmp_path, world, *more):
    model = tmp_path / "model"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text("{}")
    data = world.folder if world.folder.exists() else world.write()
    places = ["--model", str(model), "--data", str(data), "--out", str(tmp_path / "out")]
    return run(["eval", "nano-matrix", *places, "--limit", "6", "--threads", "1", *more])


def scores(tmp_path):
    record = json.loads((tmp_path / "out" / "scores.json").read_text())
    return {row["task"]: row for row in record["rows"]}, record


# ---- the command


def test_every_column_says_what_it_is_called(tmp_path, world, speaker, capsys):
    assert evaluate(tmp_path, world) == 0
    rows, record = scores(tmp_path)
    drawn = rows["text->image"]
    assert (drawn["n"], drawn["right"]) == (3, 2), "green is never drawn"
    assert drawn["low"] < drawn["score"] < drawn["high"] and drawn["routing"] == 1
    assert (drawn["given"], drawn["ratio"], drawn["ceiling"], drawn["chance"]) == (
        1,
        pytest.approx(2 / 3),
        1,
        0,
    )
    assert drawn["written"] == pytest.approx(2 / 3), "what it says it draws is what it draws"
    assert "blind" not in drawn and "needs" not in drawn
    asked = rows["image->text"]
    assert (asked["n"], asked["score"], asked["needs"], asked["ceiling"]) == (6, 1, 1, 1)
    assert asked["blind"] == pytest.approx(2 / 6) and "given" not in asked
    played = rows["image->audio"]
    assert played["score"] == played["given"] == pytest.approx(2 / 3) and played["ratio"] == 1
    assert played["written"] == pytest.approx(1 / 3), "green is never said, and its decoder plays no blue"
    assert rows["text->text"]["score"] == 1 and rows["references"]["n"] == 3
    assert rows["two media"]["right"] == 2 and rows["two media"]["routing"] == 1
    assert rows["two media: video parts"]["n_alone"] == rows["two media: image parts"]["n_alone"] == 3
    assert rows["chat"]["score"] == pytest.approx(5 / 6) and rows["chat"]["n"] == 6, "an error is no chat"
    assert (rows["own sound"]["n"], rows["image->audio"]["n"]) == (1, 3), "each row in one of them"
    assert (rows["wishes"]["n"], rows["text->image"]["n"], rows["text->text"]["n"]) == (2, 3, 1)
    assert rows["wishes"]["right"] == 2, "one is drawn, one declined"
    assert record["judges"]["text->image"] == {"image-colour": [2, 3], "image-name-five": [2, 3]}
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| text | 100.0 (1) | 66.7 (3) |" in table and "| two media | 3 |" in table
    page = (tmp_path / "out" / "index.html").read_text()
    assert 'id="image-&gt;audio"' in page and "media/true/image-" in page and "media/real/" in page
    assert "text->image" in capsys.readouterr().out


def test_a_rerun_asks_only_what_is_missing(tmp_path, world, speaker):
    assert evaluate(tmp_path, world) == 0
    asked, first, answers = speaker.asked, scores(tmp_path)[0], tmp_path / "out" / "answers.jsonl"
    lines = answers.read_text().splitlines(keepends=True)
    assert all(json.loads(line)["verdict"] for line in lines)
    assert evaluate(tmp_path, world) == 0 and speaker.asked == asked + 1, "what failed, once more"
    gone = [line for line in lines if json.loads(line)["condition"] == "real"][:2]
    answers.write_text("".join(line for line in lines if line not in gone) + gone[0][:-9])
    assert evaluate(tmp_path, world) == 0 and speaker.asked == asked + 4
    assert scores(tmp_path)[0] == first
    assert evaluate(tmp_path, world, "--seed", "1") == 2 and speaker.asked == asked + 4


def test_one_cell_alone_and_controls(tmp_path, world, speaker):
    assert evaluate(tmp_path, world, "--cell", "image->text", "--control", "0") == 0
    rows, _ = scores(tmp_path)
    assert list(rows) == ["image->text"] and speaker.asked == 6
    assert not {"blind", "ceiling", "chance"} & set(rows["image->text"])


def test_a_reply_that_fails_is_wrong_and_kept(tmp_path, world, speaker):
    assert evaluate(tmp_path, world, "--cell", "chat") == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines()]
    (wrong,) = [line for line in lines if "error" in line]
    assert wrong["error"] == "No." and wrong["verdict"] == {
        "right": False,
        "told": False,
        "routed": False,
        "media": [],
    }
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert next(row["score"] for row in scores["rows"] if row["task"] == "chat") == 1 - 1 / len(lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--cell", "smell->text"], "There is no cell 'smell->text'"),
        (["--cell", "video->video"], "has no rows of video->video"),
        (["--limit", "0"], "must be 1 at least"),
        (["--model", "/nowhere"], "There is no checkpoint '/nowhere'"),
        (
            ["--data", "/nowhere"],
            "dialogues-combination.jsonl is not there; run `nextgpt data build mosit` first",
        ),
    ],
)
def test_mistakes_are_answered_with_a_sentence(tmp_path, world, speaker, capsys, arguments, says):
    assert evaluate(tmp_path, world, *arguments) == 2
    assert says in " ".join(capsys.readouterr().err.split()) and not (tmp_path / "out").exists()


def test_what_was_shown_is_not_what_is_told_to_be_made():
    assert says("I hear a rising scale. Here is a falling scale.", "a falling scale")
    assert not says("I hear a rising scale. Here is a falling scale.", "a rising scale")
    assert says("Here is a dog. Listen to a bell.", "a dog; a bell")


def test_told_is_what_the_matrix_says_and_nothing_is_made(tmp_path, world, speaker, monkeypatch, capsys):
    model, processor = tiny_model()
    favour(model, image=50.0)
    decoders = echo_decoders()
    monkeypatch.setattr(
        matrix, "open_pipeline", lambda name: AnyToAnyPipeline(model, processor, decoders=decoders)
    )
    cells = [word for name in ("text->image", "image->audio", "chat") for word in ("--cell", name)]
    places = ["--data", str(world.write()), "--out", str(tmp_path / "told")]
    assert run(["eval", "nano-told", *places, *cells, "--limit", "3", "--threads", "1"]) == 0
    assert not any(decoder.batches for decoder in decoders.values()) and "routing" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "told" / "answers.jsonl").read_text().splitlines()]
    assert any("image" in line["media"] for line in lines)
    told = {row["task"]: row for row in json.loads((tmp_path / "told" / "scores.json").read_text())["rows"]}

    assert evaluate(tmp_path, world, *cells, "--limit", "3", "--control", "0") == 0
    assert any(decoder.batches for decoder in decoders.values())
    for name, row in scores(tmp_path)[0].items():
        assert (told[name]["n"], told[name]["score"], told[name]["routing"]) == (
            row["n"],
            row["told"],
            row["routing"],
        )


def test_orders_belong_to_the_requests_that_were_no_error():
    orders, good = Ordered(), Finished(Message.assistant("One."), "stop", Usage(1, 1), 1)
    made = [SimpleNamespace(row=1, modality="audio"), SimpleNamespace(row=1, modality="image")]
    assert not list(orders.make(made))
    found = list(said([MessageError("No."), good, good], orders))
    assert found == [("", []), ("One.", []), ("One.", ["audio", "image"])]


def test_a_tiny_model_goes_through_the_real_pipeline(tmp_path, world, speaker, monkeypatch):
    """Its replies are noise, but it draws when its token is likely, and its captions go to its own decoder."""
    model, processor = tiny_model()
    favour(model, image=50.0)
    pipeline = AnyToAnyPipeline(model, processor, decoders=echo_decoders())
    monkeypatch.setattr(matrix, "open_pipeline", lambda name: pipeline)
    cells = [word for name in ("text->image", "image->audio") for word in ("--cell", name)]
    assert evaluate(tmp_path, world, *cells, "--limit", "2") == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines()]
    kinds = {
        (line["condition"], line["cell"]): {medium["modality"] for medium in line["media"]} for line in lines
    }
    assert kinds == {
        ("real", "text->image"): {"image"},
        ("real", "image->audio"): {"image"},
        ("given", "text->image"): {"image"},
        ("given", "image->audio"): {"audio"},
        ("blind", "image->audio"): {"image"},
        ("written", "text->image"): set(),
        ("written", "image->audio"): set(),
    }
    rows, _ = scores(tmp_path)
    assert rows["image->audio"]["score"] == rows["image->audio"]["routing"] == 0
    assert all((tmp_path / "out" / medium["path"]).exists() for line in lines for medium in line["media"])


# ---- rows


def test_turns_are_rows_with_all_that_stands_before_them(world):
    groups = groups_of([dialogue_from(row) for row in world.rows], 100)
    assert [row.id for row in groups["references"]] == ["d2.2", "d6.2", "d10.2"]
    row = groups["references"][0]
    assert len(row.messages) == 3 and row.media == ("audio",) and row.messages[-1]["role"] == "user"
    ids = [row.id for row in groups["image->text"]]
    assert ids == ["d1.1", "d5.1", "d9.1", "d2.1", "d6.1", "d10.1"], "last turns come first"
    assert "audio->audio" not in groups and len(CELLS) == 16
    assert all(row.task == "chat" and not row.made for row in chat_rows())
    assert [row.id for row in groups["text->text"]] == ["d12.1"] and len(groups["chat"]) == len(chat_rows())


def test_replies_that_are_wrong_on_purpose_and_tasks_without_a_judge_are_not_asked(world):
    wrong, other = (json.loads(json.dumps(world.rows[1])) for _ in range(2))
    wrong["messages"][1]["language_loss"] = False
    other["turns"][0]["task"] = "image-describe"
    assert not groups_of([dialogue_from(wrong), dialogue_from(other)], 9, ["image->text"])


# ---- words and verdicts


@pytest.mark.parametrize(
    ("task", "right", "wrong"),
    [
        ("mosit-refuse-act", "Sorry, I can not do that.", "Done!"),
        ("mosit-missing-audio", "You have not played me a sound yet.", "I hear a piano."),
        ("mosit-missing-image", "I see no picture here.", "It is a red fox."),
        ("mosit-abilities", "I can draw and play things.", "I am a person."),
        ("mosit-no-sound", "It is a fox, and I have no sound for it.", "I have no sound for the owl."),
        ("mosit-first-image", "First you showed me a fox.", "First you showed me an owl."),
        ("mosit-look-again", "It is a fox.", "It is an owl."),
        ("image-name", "A fox.", "A fox and an owl."),
    ],
)
def test_words_are_judged_by_what_they_say(task, right, wrong):
    judge = judge_words(task, ("fox", "owl"))
    record = {"expected": "fox", "messages": [{"content": []}, None]}
    assert judge(right, record) and not judge(wrong, record)


def row_of(*media, task="t", cell="text->image"):
    made = tuple({"type": one, "item": "i", "caption": "c"} for one in media)
    return MatrixRow("r", cell, task, ({"role": "user", "content": []},), made)


def test_routing_and_places_of_media():
    assert routed(row_of("image"), ["image"]) and not routed(row_of("image"), ["image", "image"])
    assert routed(row_of(), []) and not routed(row_of("image", "audio"), ["audio", "image"])
    assert placed(row_of("image", "audio"), ["video", "image", "audio"]) == [1, 2]
    assert placed(row_of("image", "audio"), ["audio", "image"]) == [1, None]


def test_what_is_right():
    good, bad = {"right": True}, {"right": False}
    one, two = row_of("image"), row_of("image", "audio")
    assert judge_reply(one, "", ["image", "image"], [good], ())["right"], "routing is a column of its own"
    assert not judge_reply(one, "", [], [bad], ())["right"]
    assert judge_reply(two, "", ["image", "audio"], [good, good], ())["right"]
    assert not judge_reply(two, "", ["image", "audio"], [good, bad], ())["right"]
    assert not judge_reply(two, "", ["image", "audio", "audio"], [good, good], ())["right"]
    refusal = row_of(task="mosit-refuse-act", cell="text->text")
    assert judge_reply(refusal, "I can not.", [], [], ())["right"]
    assert not judge_reply(refusal, "I can not.", ["image"], [], ())["right"]


@pytest.mark.parametrize(
    ("modality", "judged", "right"),
    [
        ("image", {"image-colour": True, "image-name-five": True, "image-name-first": False}, True),
        ("image", {"image-colour": False, "image-name-five": True}, False),
        ("image", {"image-colour": True, "image-pair-five": False, "image-relation": True}, False),
        ("video", {"video-colour": False, "video-motion": True}, False),
        ("video", {"video-colour": True, "video-motion": True, "video-name-five": False}, False),
        ("video", {"video-colour": True, "video-motion": True, "video-name-first": False}, True),
        ("video", {"video-colour": True, "video-motion": False, "video-direction": True}, False),
        ("audio", {"audio-family": True, "audio-pitch": False}, True),
        ("audio", {"audio-sequence": False}, False),
        ("audio", {"audio-effect-same": False, "audio-effect": True}, True),
    ],
)
def test_the_one_score_of_a_medium(monkeypatch, modality, judged, right):
    fake = suites.Suite((), iter, str, str, list, lambda *_: {**judged, "seen": 1})
    monkeypatch.setitem(suites.SUITES, modality, fake)
    item = {"slots": {"kind": "single"}, "scene": {}}
    assert judge_medium(modality, item, "reading")["right"] is right
    assert judge_medium(modality, item, None) == {"right": False}


def test_what_a_turn_asks_to_change_must_be_right():
    """A flute that is asked to play the other way round is wrong if it plays on the same way."""
    reply = ({"type": "audio", "item": "a"},)
    same = {"right": True, "audio-family": True, "audio-direction": False}
    for task, judged, right in (
        ("mosit-reverse-sound", same, False),
        ("mosit-reverse-sound", {**same, "audio-direction": True}, True),
        ("mosit-repeat", same, True),
    ):
        row = MatrixRow("a", "audio->audio", task, (), reply)
        assert judge_reply(row, "Here it is.", ("audio",), [judged], ())["right"] is right


def test_what_the_words_alone_have_told():
    """The language model's share: whether it said the captions and opened the media, whatever was drawn then."""
    row = replace(row_of("image", "audio"), expected="a red car; a banjo playing A4")
    words, wrong = "Here is a red car. And this is a banjo playing A4.", [{"right": False}] * 2
    assert judge_reply(row, words, ["image", "audio"], wrong, ())["told"]
    assert not judge_reply(row, words, ["image"], wrong, ())["told"]
    assert not judge_reply(row, "Here is a red car.", ["image", "audio"], [{"right": True}] * 2, ())["told"]
    refusal = row_of(task="mosit-refuse-act", cell="text->text")
    assert judge_reply(refusal, "I can not.", [], [], ())["told"]


def test_groups_of_several_tasks_have_a_row_for_each():
    rows = [MatrixRow(str(n), "text->text", f"t{n % 2}", (), ()) for n in range(4)]
    real = {row.id: {"right": row.task == "t0", "routed": True, "told": True, "media": []} for row in rows}
    table = {row["task"]: row for row in table_rows({"text->text": rows}, {"real": real})}
    assert {name: (row["right"], row["n"]) for name, row in table.items()} == {
        "text->text": (2, 4), "text->text t0": (2, 2), "text->text t1": (0, 2),
    }  # fmt: skip


def test_replies_of_several_media_have_a_row_for_the_parts_of_each_modality():
    """A part counts by itself, whatever stands beside it; a reply of one medium has no such row."""
    reply = tuple({"type": modality} for modality in ("image", "audio", "image"))
    rows = [
        MatrixRow("a", "text->image+audio+image", "t", (), reply),
        MatrixRow("b", "text->image", "t", (), reply[:1]),
    ]
    wrong, right = {"right": False}, {"right": True}
    real = {
        "a": {"right": False, "routed": True, "told": True, "media": [right, wrong, wrong]},
        "b": {"right": True, "routed": True, "told": True, "media": [right]},
    }
    given = {"a": {"right": True, "media": [right, right, wrong]}}
    alone = {"a.1": {"right": True}, "a.3": {"right": True}}
    verdicts = {"real": real, "given": given, "alone": alone}
    table = {row["task"]: row for row in table_rows({"three media": rows}, verdicts)}
    assert {name: (row["right"], row["n"]) for name, row in table.items()} == {
        "three media": (1, 2), "three media: image parts": (1, 2), "three media: audio parts": (0, 1),
    }  # fmt: skip
    pictures, sounds = table["three media: image parts"], table["three media: audio parts"]
    assert (pictures["given"], pictures["ratio"], pictures["alone"], pictures["n_alone"]) == (0.5, 1, 1, 2)
    assert (sounds["given"], sounds["ratio"], "alone" in sounds) == (1, 0, False)


def test_each_medium_of_several_is_asked_for_by_itself_too():
    reply = tuple({"type": one, "item": one, "caption": f"a {one}"} for one in ("image", "audio"))
    one, other = apart(MatrixRow("a", "text->image+audio", "t", (), ({"type": "text", "text": "x"}, *reply)))
    assert (one.id, one.media, one.made) == ("a.1", ("image",), reply[:1]) and other.media == ("audio",)
    said = one.messages[0]["content"][0]["text"]
    assert "a image" in said and said.replace("a image", "{caption}") in templates("gen-image", True)
    assert not apart(MatrixRow("a", "text->image", "t", (), reply[:1]))


def test_a_caption_is_read_from_the_sentence_that_says_it():
    assert (
        caption_in("Sure, here is a red apple on a blue background.", "image")
        == "a red apple on a blue background"
    )
    assert caption_in("I hear a piano. Here is a choir.", "audio") == "a choir"
    assert caption_in("Do you like it? This is a dog.", "image") == "a dog"
    assert caption_in("Sure, listen to a piano.", "audio") == "a piano"
    assert caption_in("A dog and a cat", "video") == "A dog and a cat"


def test_true_media_are_as_large_as_those_that_decoders_make():
    """So that a conversation shows the model what it would have made."""
    assert {"image": ImageFacts().size, "video": VideoFacts().size, "audio": 0} == SIZES


def test_an_empty_picture_of_several_things_is_wrong():
    white = np.full((128, 128, 3), 255, np.uint8)
    item = {
        "slots": {"kind": "count", "name_a": "fox", "count": "three", "colour": "white"},
        "scene": {"kind": "count"},
    }
    (reading,) = read_media("image", [item], lambda number: white)
    assert not counted_name(reading, item["slots"])
