"""Which rows of the small world a job learns from."""

import json

from nextgpt.cli.nano_batches import dialogues_that_make
from nextgpt.nano.recipe import data_folder


def record(number: int, caption: str) -> str:
    asked = {"role": "user", "content": [{"type": "text", "text": "Draw."}]}
    made = {"type": "image", "item": f"image-{number}", "caption": caption}
    messages = [asked, {"role": "assistant", "content": [{"type": "text", "text": "Here."}, made]}]
    return json.dumps({"id": f"row-{number}", "task": "mosit", "messages": messages})


def test_dialogues_that_make_a_medium_are_those_with_the_longest_captions_and_others(tmp_path):
    folder = data_folder(tmp_path, "mosit")
    folder.mkdir(parents=True)
    captions = ["a fox" + " on a blue background" * (number % 10 == 0) for number in range(100)]
    lines = [record(number, caption) for number, caption in enumerate(captions)]
    (folder / "dialogues-train.jsonl").write_text("\n".join(lines))
    chosen = dialogues_that_make(data_folder(tmp_path), "image", 20, seed=1)
    said = [row.turns[1].content[1].caption for row in chosen]
    assert len({row.id for row in chosen}) == 20 and sum("blue" in caption for caption in said) == 10
    assert chosen == dialogues_that_make(data_folder(tmp_path), "image", 20, seed=1)
    assert len(dialogues_that_make(data_folder(tmp_path), "image", 500, seed=1)) == 100
    assert not dialogues_that_make(data_folder(tmp_path), "audio", 20, seed=1)
