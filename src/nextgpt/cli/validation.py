"""What training shows of itself: answers to held-out questions as text, and a sheet of pictures with answers."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUM_QUESTIONS = 24


def validator(model: Any, batches: Any, folder: Path, out: Path, seed: int = 0) -> Callable[[int], None]:
    """step -> samples-<step>.jsonl (question, expected, answer) and samples-<step>.png below `out`."""
    from nextgpt.cli.eval import choose_rows
    from nextgpt.cli.features import encode_shown
    from nextgpt.cli.scores import answer_record
    from nextgpt.evaluation.asking import ask
    from nextgpt.generation.engine import Engine

    rows = choose_rows(folder, "combination", NUM_QUESTIONS, seed)
    rows = random.Random(seed).sample(rows, min(NUM_QUESTIONS, len(rows)))
    encode_shown(model.config, batches, rows)

    def validate(step: int) -> None:
        model.eval()
        answers = ask(Engine(model, batches.processor), batches, rows, "real")
        out.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(answer_record(answer)) for answer in answers]
        (out / f"samples-{step}.jsonl").write_text("\n".join(lines) + "\n")
        draw_sheet(answers, batches.items, out / f"samples-{step}.png")

    return validate


def draw_sheet(answers: list[Any], items: Any, path: Path) -> None:
    """The pictures among the questions, each with the question's end and the answer below it."""
    from nextgpt.data.manifest import ItemPart
    from nextgpt.nano.recipe import MEDIA
    from nextgpt.nano.sheets import contact_sheet

    pictures, captions = [], []
    for answer in answers:
        asked = answer.dialogue.turns[0].content
        shown = [part for part in asked if isinstance(part, ItemPart) and part.modality == "image"]
        if shown:
            pictures.append(MEDIA["image"](items[shown[0].item]["scene"], 128).array())
            captions.append(f"{answer.expected}: {answer.text}")
    if pictures:
        contact_sheet(pictures, captions, columns=4).save(path)
