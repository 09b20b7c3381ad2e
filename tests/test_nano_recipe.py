"""What the small world hands to the trainer: sources of rows, and conversations that go from medium to medium."""

from dataclasses import replace
from itertools import chain

from nextgpt.data.manifest import Dialogue, ItemPart, Text, Turn
from nextgpt.nano.recipe import (
    NUM_CHAINS,
    OFTEN,
    by_source,
    chains,
    following_up,
    looking_back,
    single_turns,
    source_of,
)


def dialogue(number: int, task: str, modality: str) -> Dialogue:
    turns = (
        Turn("user", (ItemPart(modality, f"{modality}-{number}"), Text("What is it?"))),
        Turn("assistant", (Text(f"It is {number}."),)),
        Turn("user", (Text("And what else?"),)),
        Turn("assistant", (Text("Nothing."),)),
    )
    return Dialogue(f"row-{number}", task, turns, {})


ROWS = [
    dialogue(number, task, modality)
    for number, (task, modality) in enumerate(
        [
            ("photo", "image"),
            ("recording", "audio"),
            ("film", "video"),
            ("gen-image", "image"),
            ("image-name", "image"),
        ]
        * 10
    )
]


def test_tasks_have_their_source():
    tasks = {"image-count": "image", "gen-mixed": "reply", "fit": "mixed", "film": "photo", "chat": "chat"}
    assert {task: source_of(task) for task in tasks} == tasks


def test_chains_are_first_exchanges_one_behind_the_other():
    made = chains(by_source(ROWS), 50)
    assert len(made) == len({one.id for one in made}) == 50
    firsts = {row.turns[:2] for row in ROWS}
    for one in made:
        pairs = [one.turns[at : at + 2] for at in range(0, len(one.turns), 2)]
        assert 2 <= len(pairs) <= 3 and all(pair in firsts for pair in pairs)
    assert (
        len({part.modality for one in made for part in one.turns[2].content if isinstance(part, ItemPart)})
        == 3
    )


def test_sources_are_the_same_at_every_start_and_chains_are_a_source():
    first, again = by_source(ROWS), by_source(ROWS)
    assert first == again
    assert {row.task for row in first["reply"]} == {"gen-image"}
    assert {row.task for row in first["chain"]} == {"chain"}
    assert {name: len(rows) for name, rows in first.items()} == {
        "photo": 20,
        "recording": 10,
        "image": 10,
        "reply": 10,
        "chain": NUM_CHAINS,
        "turn": 0,
        "follow": 0,
        "back": 0,
    }


def test_single_turns_need_nothing_before_them_and_come_evenly():
    """The second turn shows nothing itself, and a reply that is wrong on purpose is not learnt from."""
    rows = [
        replace(
            dialogue(number, "mosit", "image"),
            record={"tasks": ["seldom" if number == 3 else "often", "then"]},
        )
        for number in range(20)
    ]
    wrong = replace(rows[0].turns[1], language_loss=False)
    rows[0] = replace(rows[0], turns=(rows[0].turns[0], wrong, *rows[0].turns[2:]))
    made = single_turns(rows, 400)
    assert {one.turns for one in made} == {row.turns[:2] for row in rows[1:]}
    assert 150 < sum(one.task == "seldom" for one in made) < 250, "one row of twenty, half of the turns"
    assert made == single_turns(rows, 400) and not single_turns([], 10)


def test_single_turns_of_what_is_forgotten_first_come_oftener():
    rows = [
        replace(dialogue(number, "mosit", "image"), record={"tasks": [task, "then"]})
        for number, task in enumerate(["mosit-no-sound", "mosit-recolour"] * 5)
    ]
    times = OFTEN["mosit-no-sound"]
    often = sum(one.task == "mosit-no-sound" for one in single_turns(rows, 900))
    assert times > 5 and abs(often - 900 * times / (times + 1)) < 30


def test_a_sound_is_played_as_often_as_it_is_denied():
    """Of a shown thing, and of one that is spoken of: when one comes oftener, it is what all requests get."""
    assert OFTEN["mosit-sound-of"] == OFTEN["mosit-no-sound"] == 9
    assert OFTEN["mosit-play-on"] == OFTEN["mosit-refuse-sound"] == 10


def talk(number: int, *tasks_and_turns: tuple[str, Turn]) -> Dialogue:
    tasks = [task for task, _ in tasks_and_turns]
    turns = chain.from_iterable((asked, Turn("assistant", (Text(task),))) for task, asked in tasks_and_turns)
    return Dialogue(f"d{number}", "mosit", tuple(turns), {"tasks": tasks})


def test_what_follows_up_comes_behind_what_its_medium_came_with():
    """From the last medium that was shown or wished for; what looks back has a source of its own."""
    words = Turn("user", (Text("Now on blue."),))
    picture, sound = (Turn("user", (ItemPart(modality, f"{modality}-0"),)) for modality in ("image", "audio"))
    row = talk(0, ("a", picture), ("b", sound), ("c", words), ("d", words), ("mosit-first-image", words))
    cells = ["image->text", "audio->text", "audio->audio", "audio->image", "image->text"]
    row = replace(row, record=row.record | {"turns": [{"cell": cell} for cell in cells]})
    made = following_up([row], 200)
    assert {(one.task, one.turns) for one in made} == {("c", row.turns[2:6]), ("d", row.turns[2:8])}
    drawn = Turn("assistant", (ItemPart("image", "image-1"),))
    wished = Dialogue("w", "mosit", (words, drawn, words, drawn), {"tasks": ["e", "f"]})
    wished.record["turns"] = [{"cell": "text->image"}, {"cell": "image->image"}]
    assert {(one.task, one.turns) for one in following_up([wished], 20)} == {("f", wished.turns)}
    assert made == following_up([row], 200) and not following_up([], 10)


def test_what_looks_back_to_the_beginning_comes_behind_some_of_what_was_shown():
    """What was shown first of the modality is never left out, what shows nothing always."""
    asked = Turn("user", (Text("What did I show first?"),))
    earlier, first, second = (
        Turn("user", (ItemPart(modality, f"{modality}-{number}"),))
        for number, modality in enumerate(["audio", "image", "image"])
    )
    row = talk(
        0, ("a", earlier), ("b", first), ("mosit-repeat", asked), ("c", second), ("mosit-first-image", asked)
    )
    none = talk(1, ("a", earlier), ("mosit-missing-video", asked))
    made = looking_back([row, none, row, none], 400)
    kept = {(one.task, tuple(turn for turn in one.turns[:-2:2])) for one in made}
    some = {(earlier, first, second), (earlier, first), (first, second), (first,)}
    assert {before for task, before in kept if task == "mosit-first-image"} == some
    assert {before for task, before in kept if task == "mosit-missing-video"} == {(earlier,), ()}
    assert all(one.turns[-2:] in (row.turns[-2:], none.turns[-2:]) for one in made)
    assert made == looking_back([row, none, row, none], 400) and not looking_back([], 10)
