"""What training shows of itself: a sheet for each modality that was asked about."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from nextgpt.cli.validation import draw_sheets
from nextgpt.data.manifest import ItemPart
from nextgpt.nano.settled import SETTLED


def answer(modality: str, item: str) -> Any:
    turn = SimpleNamespace(content=["What is this?", ItemPart(modality, item)])
    return SimpleNamespace(dialogue=SimpleNamespace(turns=[turn]), expected="this", text="that")


def test_media_of_every_modality_are_shown(tmp_path: Path) -> None:
    chosen = {name: next(iter(source.items("train", 1))) for name, source in SETTLED.items()}
    items = {one.id: {"scene": one.scene.to_dict()} for one in chosen.values()}
    answers = [answer(name, one.id) for name, one in chosen.items()]
    answers.append(SimpleNamespace(**vars(answers[0]) | {"dialogue": only_words()}))
    draw_sheets(answers, items, tmp_path, "samples-20")
    assert {path.name for path in tmp_path.iterdir()} == {f"samples-20-{name}.png" for name in chosen}
    sizes = {name: Image.open(tmp_path / f"samples-20-{name}.png").size for name in chosen}
    assert sizes["video"][0] > sizes["image"][0] > 128


def only_words() -> Any:
    return SimpleNamespace(turns=[SimpleNamespace(content=["Hello."])])
