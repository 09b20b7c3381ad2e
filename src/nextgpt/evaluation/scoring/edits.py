"""Edited media against what they were made from: image-editing and speech-editing. Files are paired by name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.extractors import NotAvailableError
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.folders import load_medium, pairs_of
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import as_text, field_of, read_records, unique

CAPTIONS = 'captions as [{"id": file name, "before": caption, "after": caption}]'
IDS = ("id", "image_id", "file_name")
BEFORE, AFTER = ("before", "source", "source_caption"), ("after", "target", "target_caption")
METRIC = "CLIP directional similarity"


def score_image_edits(inputs: Inputs) -> Scores:
    """--predictions: edited pictures; --annotations: the pictures before; --captions: of both; --clip."""
    from nextgpt.evaluation.extractors.clip_folder import load_clip
    from nextgpt.evaluation.metrics.clip import directional_similarity

    before = inputs.need_annotations("the folder of pictures before the edit")[0]
    if not inputs.clip or not inputs.captions:
        raise ConfigError(f"image-editing needs --clip FOLDER and --captions FILE: {CAPTIONS}.")
    pairs = pairs_of(inputs.predictions, before, "image")
    texts = read_edits(inputs.captions)
    if missing := sorted(pairs.keys() - texts.keys()):
        raise DataError(
            f"{str(inputs.captions)!r} has no captions for {len(missing)} files, the first {missing[0]}."
        )
    try:
        clip = load_clip(inputs.clip)
    except NotAvailableError as error:
        return Scores(METRIC, None, 0, unavailable=str(error))
    return directional_similarity(_embedded(clip, pairs, texts, inputs), clip.name)


def _embedded(
    clip: Any, pairs: dict[str, tuple[Path, Path]], texts: dict[str, tuple[str, str]], inputs: Inputs
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for done, (name, (edited, source)) in enumerate(pairs.items(), 1):
        images = clip.images([load_medium(path, "image") for path in (source, edited)])
        yield name, images, clip.texts(texts[name])
        inputs.progress(done, len(pairs))


def read_edits(path: Path) -> dict[str, tuple[str, str]]:
    """Name of the file without ending -> (caption before, caption after)."""
    rows = read_records(path, CAPTIONS)
    by_id = unique(((Path(str(field_of(row, IDS, path, CAPTIONS))).stem, row) for row in rows), path, "ids")
    return {
        id: (
            as_text(field_of(row, BEFORE, path, CAPTIONS), id, path),
            as_text(field_of(row, AFTER, path, CAPTIONS), id, path),
        )
        for id, row in by_id.items()
    }


def score_speech_edits(inputs: Inputs) -> Scores:
    """Mel-cepstral distortion in decibels, mean over pairs; --annotations: the folder of real recordings."""
    from nextgpt.evaluation.metrics.cepstral import NAME, RATE, cepstra, distortion

    real = inputs.need_annotations("the folder of real recordings")[0]
    pairs, per_item = pairs_of(inputs.predictions, real, "audio"), {}
    for done, (name, paths) in enumerate(pairs.items(), 1):
        made, wanted = (_mono(path, RATE) for path in paths)
        per_item[name] = distortion(cepstra(made), cepstra(wanted))
        inputs.progress(done, len(pairs))
    note = "Cepstra are MFCC 1 to 13 of 16 kHz; figures of WORLD or SPTK cepstra are not comparable."
    return Scores(NAME, sum(per_item.values()) / len(per_item), len(per_item), {}, per_item, notes=(note,))


def _mono(path: Path, rate: int) -> np.ndarray:
    samples = load_medium(path, "audio").samples(rate)
    return samples.mean(1) if samples.ndim == 2 else samples
