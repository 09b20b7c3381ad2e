"""nextgpt eval nano-slots: what input projectors say of media, word by word, without the language model."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads
from nextgpt.errors import ConfigError

BATCH = 128


def nano_slots(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="media of each modality and source")] = 400,
    split: Annotated[str, typer.Option(help="of the media: combination, name, train")] = "combination",
    out: Annotated[Path | None, typer.Option(help="folder for the table")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """What input projectors say of media, word by word, before the language model hears of it.

    Of media of the encoders' world, of dialogues that switch modality (settled) and of those as decoders make them
    (made). A word is right where it is nearest of all words, a name where it is the first class.
    """
    from nextgpt.checkpoint import load_pretrained
    from nextgpt.cli.data import folder_of
    from nextgpt.cli.nano_batches import nano_batches, slot_data
    from nextgpt.cli.scores import report

    check(limit, split)
    use_threads(threads)
    loaded, processor, info = load_pretrained(model)
    batches = nano_batches(info.config, processor, folder_of("nano"), {})
    shares: dict[str, tuple[int, int]] = {}
    chances: dict[str, float] = {}
    for modality in info.config.inputs:
        for source, rows in sources(info.config, batches, modality, split, limit, seed):
            data, told = slot_data(loaded, batches, modality, rows)
            for field, answers in read(loaded, data, told).items():
                task = f"{modality}-{field}, {source}"
                shares[task] = (sum(said == true for said, true in answers), len(answers))
                chances[task] = Counter(true for _, true in answers).most_common(1)[0][1] / len(answers)
    report({"real": shares}, out, [], {"model": model, "split": split, "seed": seed}, chances)


def check(limit: int, split: str) -> None:
    from nextgpt.nano.split import SPLITS

    if limit < 1:
        raise ConfigError(f"--limit must be 1 at least, not {limit}.")
    if split not in SPLITS:
        raise ConfigError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")


def sources(
    config: Any, batches: Any, modality: str, split: str, limit: int, seed: int
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(world, settled or made; at most `limit` of its items, encoded)."""
    from nextgpt.cli.features import encode_items
    from nextgpt.cli.made_items import is_settled, made_items

    items, rng = batches.items, random.Random(seed)
    found = {
        "world": items.by_modality[modality],
        "settled": [row for row in items.beside[modality] if is_settled(row)],
    }
    for source, every in found.items():
        rows = [row for row in every if row["split"] == split]
        chosen = rng.sample(rows, min(limit, len(rows)))
        cache = batches.modalities[modality].features
        encode_items(config.inputs[modality].encoder, modality, cache, items, (row["id"] for row in chosen))
        yield source, chosen
    yield "made", made_items(config, batches, modality, split, limit, seed)


def read(model: Any, data: Any, rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, int]]]:
    """field -> (what is said, what is true) of the rows that have a word for it."""
    import torch

    from nextgpt.batch import IGNORE
    from nextgpt.training.losses import slot_logits

    found: dict[str, list[tuple[int, int]]] = {}
    for start in range(0, len(rows), BATCH):
        batch = data.batch(rows[start : start + BATCH])
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):  # as in training
            _, cosine_BNV, logits_BQP = slot_logits(model, batch)
        said = (
            (data.word_fields, batch.vocabulary_V[cosine_BNV.argmax(-1)], batch.words_BN),
            (data.name_fields, logits_BQP.argmax(-1), batch.names_BQ),
        )
        for fields, heard, true in said:
            for place, field in enumerate(fields):
                pairs = zip(heard[:, place].tolist(), true[:, place].tolist())
                found.setdefault(field, []).extend(pair for pair in pairs if pair[1] != IGNORE)
    return {field: pairs for field, pairs in found.items() if pairs}
