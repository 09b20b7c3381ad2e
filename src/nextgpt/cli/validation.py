"""What training shows of itself: answers to held-out questions as text, and sheets of media with answers."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUM_QUESTIONS = 24


def validator(model: Any, batches: Any, folder: Path, out: Path, seed: int = 0) -> Callable[[str, int], None]:
    """(job, step) -> samples-<job>-<step>.jsonl (question, expected, answer) and samples-<job>-<step>-<modality>.png
    below `out`."""
    from nextgpt.cli.eval import choose_rows
    from nextgpt.cli.features import encode_shown
    from nextgpt.cli.scores import answer_record
    from nextgpt.evaluation.asking import ask
    from nextgpt.generation.engine import Engine

    rows = choose_rows(folder, "combination", NUM_QUESTIONS, seed)
    rows = random.Random(seed).sample(rows, min(NUM_QUESTIONS, len(rows)))
    encode_shown(model.config, batches, rows)

    def validate(job: str, step: int) -> None:
        model.eval()
        answers = ask(Engine(model, batches.processor), batches, rows, "real")
        out.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(answer_record(answer)) for answer in answers]
        (out / f"samples-{job}-{step}.jsonl").write_text("\n".join(lines) + "\n")
        draw_sheets(answers, batches.items, out, f"samples-{job}-{step}")

    return validate


def draw_sheets(answers: list[Any], items: Any, out: Path, name: str) -> None:
    """For each modality <name>-<modality>.png: the first medium of each question, with the answer below it."""
    from nextgpt.data.manifest import ItemPart
    from nextgpt.nano.recipe import MEDIA
    from nextgpt.nano.sheets import COLUMNS, contact_sheet, picture_of

    shown: dict[str, list[tuple[Any, str]]] = {}
    for answer in answers:
        media = [part for part in answer.dialogue.turns[0].content if isinstance(part, ItemPart)]
        for part in media[:1]:
            picture = picture_of(part.modality, MEDIA[part.modality](items[part.item]["scene"], 128))
            shown.setdefault(part.modality, []).append((picture, f"{answer.expected}: {answer.text}"))
    for modality, pairs in shown.items():
        pictures, captions = zip(*pairs)
        contact_sheet(pictures, captions, COLUMNS[modality]).save(out / f"{name}-{modality}.png")
