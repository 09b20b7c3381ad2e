"""Dialogues that switch modality: the split holds, all cells come, what is made can be drawn, records are checked."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from nextgpt.data.mosit import check_row, read_mosit
from nextgpt.errors import DataError
from nextgpt.nano import split
from nextgpt.nano.answers import ANSWERS
from nextgpt.nano.audio_questions import FITS
from nextgpt.nano.instruments import instruments
from nextgpt.nano.mosit.build import MositSizes, build_mosit
from nextgpt.nano.mosit.cells import CELLS, EVEN, PLANS
from nextgpt.nano.mosit.compose import num_phrasings
from nextgpt.nano.mosit.refusable import REFUSED, words_of
from nextgpt.nano.mosit.words import MOSIT_ANSWERS, MOSIT_QUESTIONS
from nextgpt.nano.phrasings import answers, fill, templates
from nextgpt.nano.questions import QUESTIONS
from nextgpt.nano.recipe import media_loader
from nextgpt.nano.sources import STYLE_PARTS, find_thing, names
from nextgpt.parts import PARTS, is_complete

PARTS_NEEDED = (
    *STYLE_PARTS.values(),
    "unicode-emoji",
    "fluid-soundfont",
    "musescore-soundfont",
    "supersonic-samples",
)
pytestmark = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in PARTS_NEEDED),
    reason="drawings are not in the cache",
)
SIZES = MositSizes(train=440, combination=110, name=36, sound=40, wish=60)
CHAT = ("What is a verb?", "A verb is a doing word.")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mosit")
    messages = [{"role": "user", "content": CHAT[0]}, {"role": "assistant", "content": CHAT[1]}]
    chat = json.dumps({"id": "chat-1", "task": "chat", "split": "train", "messages": messages})
    (folder / "chat-train.jsonl").write_text(chat + "\n")
    build_mosit(folder / "world", SIZES, 5, folder, progress=False)
    return folder / "world"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rows(world: Path, split_name: str) -> list[dict[str, Any]]:
    return lines(world / f"dialogues-{split_name}.jsonl")


def items(world: Path) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for name in ("image", "audio", "video") for one in lines(world / f"{name}.jsonl")}


def keys_and_pairs(item: dict[str, Any]) -> tuple[list[str], set[tuple[str, str]]]:
    """Read off the scene, apart from split_rules.py."""
    scene = item["scene"]
    if "strokes" in scene:
        keys = [instruments()[scene[one]].key for one in ("first", "second") if scene.get(one)]
        told = {"direction": scene["direction"]} | {
            one: scene.get(one, "") for one in ("speed", "chord", "rhythm")
        }
        told |= {"count": len(scene["strokes"])} if scene["kind"] == "notes" else {}
        told |= {"note": scene["pitch"]} if scene["kind"] in ("note", "chord") else {}
        pairs = {(keys[0], f"{kind}:{word}") for kind, word in told.items() if word}
        return keys, pairs | set(combinations(keys, 2))
    drawn = scene.get("sprites") or scene["tracks"]
    keys = list(dict.fromkeys(find_thing(scene["style"], one["code"]).key for one in drawn))
    pairs = {(key, f"colour:{scene['colour']}") for key in keys} | set(combinations(keys, 2))
    pairs |= {(keys[0], f"motion:{one['motion']}") for one in drawn if "motion" in one}
    pairs |= {(keys[0], f"count:{len(drawn)}")} if scene.get("kind") == "count" else set()
    return keys, pairs


def test_nothing_held_out_is_trained(world: Path) -> None:
    trained = {
        part["item"]
        for row in rows(world, "train")
        for message in row["messages"]
        for part in message["content"]
        if part["type"] != "text"
    }
    known = items(world)
    assert len(trained) > 500
    for name in trained:
        keys, pairs = keys_and_pairs(known[name])
        assert known[name]["split"] == "train" and set(known[name]["source"]) <= split.TRAINING_SOURCES
        assert not any(map(split.is_held_out_name, keys)), known[name]
        assert not [pair for pair in pairs if split.is_held_out_pair(*pair)], known[name]


def test_the_other_splits_are_judged_on_what_is_new(world: Path) -> None:
    known = items(world)
    for row in rows(world, "combination"):
        told = [part for message in row["messages"] for part in message["content"] if part["type"] != "text"]
        assert not any(
            split.is_held_out_name(key) for part in told for key in keys_and_pairs(known[part["item"]])[0]
        )
        made = [part for part in row["messages"][-1]["content"] if part["type"] != "text"]
        pairs = [pair for part in made for pair in keys_and_pairs(known[part["item"]])[1]]
        assert not made or any(split.is_held_out_pair(*pair) for pair in pairs), row["id"]
    seen = [item for item in known.values() if item["split"] == "name"]
    assert any(split.is_held_out_name(keys_and_pairs(item)[0][0]) for item in seen)


def test_an_own_sound_is_there_as_often_as_none_and_what_is_shown_is_new(world: Path) -> None:
    known, found = items(world), rows(world, "sound")
    last = Counter((row["cell"], row["tasks"][-1]) for row in found)
    wanted = ("image->audio", "mosit-sound-of"), ("image->text", "mosit-no-sound")
    wanted += ("video->audio", "mosit-sound-of"), ("video->text", "mosit-no-sound")
    assert set(last) == set(wanted) and min(last.values()) >= 8
    for row in found:
        *before, reply = row["messages"]
        media = [part for message in before for part in message["content"] if part["type"] != "text"]
        _keys, pairs = keys_and_pairs(known[media[-1]["item"]])
        assert any(split.is_held_out_pair(*pair) for pair in pairs), row["id"]
        assert reply["content"][0]["text"].startswith("It is "), "what it is comes first, sound or none"
        everything = [*media, *(part for part in reply["content"] if part["type"] != "text")]
        assert not [one for part in everything for one in keys_and_pairs(known[part["item"]])[0]
                    if split.is_held_out_name(one)]  # fmt: skip
    words = [
        {part["text"] for row in found if row["tasks"][-1] == task for part in row["messages"][-2]["content"]
         if part["type"] == "text"}
        for task in ("mosit-sound-of", "mosit-no-sound")
    ]  # fmt: skip
    assert len(words[0] & words[1]) > 1, "they are asked for in the same words"
    assert all(templates("sound-of", True).count(one) for one in words[0] | words[1])


def test_a_wish_is_granted_as_often_as_declined_and_more_words_tell_nothing(world: Path) -> None:
    """A name alone, or a colour behind it, is said of things that can be made and of things that can not."""
    known, found = items(world), rows(world, "wish")
    granted = [row for row in found if row["tasks"][-1] != "mosit-refuse-wish"]
    assert {row["tasks"][-1] for row in granted} == {
        "mosit-wish-image",
        "mosit-wish-audio",
        "mosit-wish-video",
    }
    assert abs(2 * len(granted) - len(found)) < 0.2 * len(found)
    declined = [row for row in found if row["tasks"][-1] == "mosit-refuse-wish"]
    for some in (granted, declined):
        more = [" on " in row["messages"][-2]["content"][0]["text"] for row in some]
        assert 0 < sum(more) < len(more)
    for row in granted:
        made = known[row["messages"][-1]["content"][1]["item"]]
        keys, pairs = keys_and_pairs(made)
        assert not any(split.is_held_out_name(key) for key in keys)
        new = any(split.is_held_out_pair(*pair) for pair in pairs)
        assert new or made["id"].startswith("audio"), "a sound by itself is no combination"


def test_each_of_sixteen_cells_comes_last_as_often_as_planned(world: Path) -> None:
    assert len(CELLS) == 16
    for split_name, plans, share in (("train", PLANS, 0.9), ("combination", EVEN, 0.6)):
        cells = Counter(row["cell"] for row in rows(world, split_name) if row["task"] == "mosit")
        for shown, made in CELLS:
            least = share * plans.count(CELLS[shown, made]) * cells.total() / len(plans)
            assert cells[f"{shown}->{made}"] >= least, (split_name, shown, made, cells)
    assert any("+" in cell.split("->")[0] for cell in cells) and any(
        "+" in cell.split("->")[1] for cell in cells
    )


def test_half_of_the_turns_with_a_medium_need_it(world: Path) -> None:
    turns = [turn for row in rows(world, "train") for turn in row["turns"]]
    for shown, made in CELLS:
        about = [turn["needs_medium"] for turn in turns if turn["cell"] == f"{shown}->{made}"]
        share = sum(about) / len(about)
        assert share == 0 if shown == "text" else share >= 0.5, (shown, made, share)


def test_conversations_have_one_to_seven_turns(world: Path) -> None:
    lengths = Counter(len(row["turns"]) for row in rows(world, "train"))
    assert set(lengths) <= set(range(1, 9)) and {1, 2, 3, 4, 5, 6, 7} <= set(lengths)


def test_made_media_are_settled_and_told_to_the_judge(world: Path) -> None:
    known = items(world)
    for row in rows(world, "train"):
        for reply, turn in zip(row["messages"][1::2], row["turns"]):
            made = [part for part in reply["content"] if part["type"] != "text"]
            assert [part["type"] for part in made] == turn["media"]
            for part, told in zip(made, turn["made"]):
                scene = known[part["item"]]["scene"]
                assert part["caption"] == told["caption"] and told["slots"] == known[part["item"]]["slots"]
                settled = "rhythm" in scene if part["type"] == "audio" else scene["style"] == "fluent-3d"
                assert settled, scene


def test_who_asks_for_a_drawing_of_a_clip_is_not_given_a_clip(world: Path) -> None:
    asked = [templates(topic, side) for topic in ("recolour-clip", "still-on") for side in (False, True)]
    for clip in (*asked[0], *asked[1]):
        assert not {"draw", "paint", "picture"} & set(clip.lower().strip(".?").split())
    for picture in (*asked[2], *asked[3]):
        assert {"draw", "paint", "picture"} & set(picture.lower().split())
    told = {(turn["task"], *turn["media"]) for row in rows(world, "train") for turn in row["turns"]}
    assert {one for one in told if one[0] in ("mosit-recolour-clip", "mosit-still-on")} == {
        ("mosit-recolour-clip", "video"),
        ("mosit-still-on", "image"),
    }


def test_silent_things_are_named_and_nothing_is_played(world: Path) -> None:
    turns = [
        turn for row in rows(world, "train") for turn in row["turns"] if turn["task"] == "mosit-no-sound"
    ]
    assert {turn["cell"] for turn in turns} == {"image->text", "video->text"}
    assert not any(turn["made"] for turn in turns) and not {turn["expected"] for turn in turns} & set(FITS)


def test_every_kind_of_medium_can_be_drawn_for_the_encoders(world: Path) -> None:
    """As `nextgpt data features mosit` does it."""
    kinds = {(name.partition("-")[0], "rhythm" in item["scene"]): item for name, item in items(world).items()}
    assert len(kinds) == 4  # pictures, clips, and sounds of both worlds
    for (modality, _settled), item in kinds.items():
        assert media_loader(modality, 64)(item["scene"]).sha256()


def test_phrasings() -> None:
    assert not set(MOSIT_QUESTIONS) & set(QUESTIONS) and not set(MOSIT_ANSWERS) & set(ANSWERS)
    counts = num_phrasings()
    total = sum(counts.values())
    assert counts["train"] >= 200 and 0.06 < counts["held-out"] / total < 0.15
    for topic in MOSIT_QUESTIONS:
        assert len(templates(topic, False)) >= 10 and templates(topic, True), topic
    known = {name for name, _group in names().values()} | set(instruments())
    for topic in REFUSED:
        assert words_of(topic, False) and words_of(topic, True)
    for topic in ("refuse-thing", "refuse-sound"):
        bare = {re.sub("^(an?|the) ", "", word) for side in (False, True) for word in words_of(topic, side)}
        assert not bare & known, topic


def test_names_are_talked_about_in_words_alone_and_granted_as_often_as_declined(world: Path) -> None:
    found = [row for row in rows(world, "train") if row["task"] == "names"]
    assert len(found) == SIZES.train * 3 // 2
    assert {len(row["messages"]) // 2 for row in found} == {1, 2, 3}
    asked = [part for row in found for message in row["messages"][::2] for part in message["content"]]
    assert all(part["type"] == "text" for part in asked)
    replies = [part for row in found for message in row["messages"][1::2] for part in message["content"]]
    granted = sum(part["type"] != "text" for part in replies) / len(asked)
    assert 0.4 < granted < 0.6
    held_out, trained = (
        {
            fill(template, thing=word)
            for topic in ("refuse-thing", "refuse-sound")
            for template in answers(topic)
            for word in words_of(topic, side)
        }
        for side in (True, False)
    )
    said = {part["text"] for part in replies if part["type"] == "text"}
    assert said & trained and not said & held_out


CHANGED = {
    "mosit-reverse-sound": "I hear ",
    "mosit-on-another": "I hear ",
    "mosit-speed-of": "I hear ",
    "mosit-repeat": "I hear ",
    "mosit-reverse-clip": "I see ",
    "mosit-recolour-clip": "I see ",
    "mosit-animate": "I see ",
    "mosit-animate-source": "I hear ",
}


PLAYED_OTHERWISE = {"mosit-reverse-sound", "mosit-on-another", "mosit-speed-of", "mosit-repeat"}


def test_what_was_heard_or_seen_is_said_before_it_is_changed(world: Path) -> None:
    """In the words of the medium's own scene, which are other words than those of what is made."""
    known, checked = items(world), set()
    for row in rows(world, "train"):
        for number, task in enumerate(row["tasks"]):
            if task not in CHANGED:
                continue
            asked, reply = (row["messages"][2 * number + place]["content"] for place in (0, 1))
            read, says = reply[0]["text"].split(". ", 1)
            assert read.startswith(CHANGED[task]) and reply[1]["caption"] in says
            words = read.removeprefix(CHANGED[task])
            assert words != reply[1]["caption"]
            shown = [known[part["item"]] for part in asked if part["type"] != "text"]
            for one in shown:
                slots = one["slots"]
                name = slots.get("first") or slots.get("name") or slots["name_a"]
                rises = task in PLAYED_OTHERWISE and slots["direction"] == "up"
                assert name in words and rises <= ("rising" in words)
            checked |= {task} if shown else set()
    assert checked == set(CHANGED)


def test_texts_are_english_and_whole(world: Path) -> None:
    for row in (*rows(world, "train"), *rows(world, "combination")):
        # settled captions say "a ascending scale"; decoders are trained on it
        for message in row["messages"]:
            for part in message["content"]:
                if part["type"] == "text" and part["text"] != CHAT[1]:
                    wrong = r"[{}]|  |\ba (?!euro|ewe|one|uni|ascending)[aeio][a-z]|\ban [^aeiouhxAEF]"
                    assert not re.search(wrong, part["text"]), part["text"]


def test_wrong_replies_are_not_learnt_and_chat_is_reused(world: Path) -> None:
    train = rows(world, "train")
    wrong = [m for row in train for m in row["messages"] if m.get("language_loss") is False]
    assert wrong and all(message["role"] == "assistant" for message in wrong)
    said = [part.get("text") for row in train for m in row["messages"] for part in m["content"]]
    assert CHAT[1] in said
    assert any("mosit-first" in task for row in train for task in row["tasks"])


def test_the_seed_decides_the_bytes(tmp_path: Path) -> None:
    small = MositSizes(18, 18, 18, 18, 18)
    first, again, other = (
        build_mosit(tmp_path / str(i), small, seed, progress=False)["files"]
        for i, seed in enumerate((1, 1, 2))
    )
    assert first == again != other


def test_a_wrong_record_is_told_by_file_line_and_field(world: Path, tmp_path: Path) -> None:
    row = next(row for row in rows(world, "train") if row["turns"][-1]["media"])
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    assert read_mosit(path)[0].turns[-1].role == "assistant"
    last = len(row["turns"]) - 1
    cases = {
        "version": row | {"version": 7},
        "cell": row | {"cell": "smell->text"},
        "messages": row | {"messages": "hello"},
        "messages[0].role": row | {"messages": row["messages"][1:]},
        f"turns[{last}].media": row
        | {"turns": [*row["turns"][:-1], row["turns"][-1] | {"media": ["audio", "audio", "audio"]}]},
        f"turns[{last}].needs_medium": row
        | {"turns": [*row["turns"][:-1], row["turns"][-1] | {"needs_medium": "yes"}]},
    }
    for field, wrong in cases.items():
        path.write_text(json.dumps(row) + "\n" + json.dumps(wrong) + "\n")
        with pytest.raises(DataError, match=re.escape(f"{path}, line 2, field {field}: expected")):
            read_mosit(path)
    check_row(row, "here")
