"""nextgpt eval nano-agreement: is the class that the model names the encoder's own first class?"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads
from nextgpt.cli.scores import answer_record, load_for_asking, report

QUESTIONS = {"image": "What is in this photo?", "audio": "What do you hear in this recording?"}
BANDS = (0.0, 0.1, 0.3, 0.6, 1.01)


def nano_agreement(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="media of each modality")] = 2000,
    images: Annotated[Path | None, typer.Option(help="ask about these files, not the small world")] = None,
    audio: Annotated[Path | None, typer.Option(help="ask about these files, not the small world")] = None,
    batch: int = 32,
    out: Annotated[Path | None, typer.Option(help="folder for answers and the table")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """Is the class that the model names the encoder's own first class? By bands of the encoder's confidence.

    Asked of the small world's items, those that are not trained on first, or of all files below the folders given.
    """
    from nextgpt.cli.features import encode_shown
    from nextgpt.cli.show import tracker
    from nextgpt.evaluation.asking import ask

    use_threads(threads)
    engine, batches = load_for_asking(model)
    given = {name: folder for name, folder in (("image", images), ("audio", audio)) if folder}
    bands: dict[str, tuple[int, int]] = {}
    answers = []
    for modality in given or QUESTIONS:
        if given:
            add_files(
                batches, engine.model.config.inputs[modality].encoder, modality, given[modality], limit, seed
            )
        rows = label_questions(batches.items, modality, QUESTIONS[modality], limit, seed)
        encode_shown(engine.model.config, batches, rows)  # files are encoded by now
        made = ask(engine, batches, rows, "real", batch_size=batch, track=tracker(f"{modality} agreement"))
        bands |= agreement_bands(modality, batches, made)
        answers += [answer_record(answer) for answer in made]
    report(
        {"real": bands},
        out,
        answers,
        {"model": model, "seed": seed, "files": [str(f) for f in given.values()]},
    )


def add_files(batches: Any, settings: Any, modality: str, folder: Path, limit: int, seed: int) -> None:
    """Put files below a folder in the place of the modality's items, encoded once; unreadable ones are left out."""
    from nextgpt.cli.features import open_encoder
    from nextgpt.cli.show import tracker
    from nextgpt.data.features import compute_features
    from nextgpt.parts.hashing import file_sha256

    paths = {}
    for path, medium in tracker(f"{modality} files")(list(readable(modality, folder, limit, seed))):
        name = str(path.relative_to(folder))
        scene = {"sha256": file_sha256(path)}
        paths[name] = medium
        batches.items.by_id[name] = {"id": name, "split": "file", "scene": scene, "caption": "", "slots": {}}
    batches.items.by_modality[modality] = [batches.items.by_id[name] for name in paths]
    todo = [(batches.items.key(name), medium) for name, medium in paths.items()]
    compute_features(
        open_encoder(settings),
        batches.modalities[modality].features,
        todo,
        lambda medium: medium,
        tracker(f"{modality} features"),
    )


def readable(modality: str, folder: Path, limit: int, seed: int) -> Iterator[tuple[Path, Any]]:
    """At most `limit` files that can be decoded, drawn by the seed. Raises DataError where there is none."""
    from nextgpt.errors import DataError, MediaError
    from nextgpt.modalities import MODALITIES

    found = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(seed).shuffle(found)
    number = 0
    for path in found:
        if number == limit:
            return
        medium: Any = MODALITIES[modality].media_type.from_path(path)
        try:
            medium.array()
        except MediaError:
            continue
        number += 1
        yield (
            path,
            MODALITIES[modality].media_type.from_path(path),
        )  # decoded anew later: arrays would fill the memory
    if not number:
        raise DataError(f"There is no {modality} that can be read below {folder}.")


def label_questions(items: Any, modality: str, text: str, limit: int, seed: int) -> list[Any]:
    """The question about items that are not trained on first, then others, up to the limit."""
    from nextgpt.data.manifest import dialogue_from

    rows = list(items.by_modality[modality])
    random.Random(seed).shuffle(rows)
    rows.sort(key=lambda row: row["split"] == "train")
    return [
        dialogue_from(
            {
                "id": f"{modality}-{row['id']}",
                "task": f"{modality}-label",
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": modality, "item": row["id"]}, {"type": "text", "text": text}],
                    },
                    {"role": "assistant", "content": "{label}"},
                ],
                "expected": "{label}",
            }
        )
        for row in rows[:limit]
    ]


def agreement_bands(modality: str, batches: Any, answers: list[Any]) -> dict[str, tuple[int, int]]:
    """ "image-label 30-60 %" -> (agreed, n); the band is the encoder's first score."""
    from nextgpt.data.manifest import ItemPart
    from nextgpt.nano.judges import label

    found: dict[str, tuple[int, int]] = {}
    for answer in answers:
        part = next(p for p in answer.dialogue.turns[0].content if isinstance(p, ItemPart))
        top = float(batches.output(part).scores_BP.max())
        band = max(i for i, edge in enumerate(BANDS[:-1]) if top >= edge)
        agreed = label(answer.text, {"expected": answer.expected}, batches.modalities[modality].class_names)
        for key in (
            f"{modality}-label, all",
            f"{modality}-label, score {BANDS[band]:.0%} to {BANDS[band + 1]:.0%}",
        ):
            right, n = found.get(key, (0, 0))
            found[key] = (right + agreed, n + 1)
    return found
