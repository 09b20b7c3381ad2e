"""Captions in each benchmark's own files: COCO, NoCaps, Flickr30k, AudioCaps, Clotho, MSR-VTT."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.captions import references_by_id, score_captions
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import (
    as_text,
    check_same,
    field_of,
    kind_of,
    read_json,
    read_records,
    row_of,
    unique,
)

RESULTS = 'results as [{"image_id", "caption"}]'
COCO = 'captions_val2014.json as {"images": [{"id"}], "annotations": [{"image_id", "caption"}]}'
NOCAPS = 'nocaps_val_4500_captions.json, as COCO\'s, with a "domain" for each image'
FLICKR = (
    'dataset_flickr30k.json as {"images": [{"filename", "split", "sentences": [{"raw"}]}]}, or as COCO\'s'
)
AUDIOCAPS = "test.csv with the columns youtube_id and caption"
CLOTHO = "clotho_captions_evaluation.csv with the columns file_name, caption_1 to caption_5"
MSRVTT = (
    'test_videodatainfo.json as {"videos": [{"video_id", "split"}], "sentences": [{"video_id", "caption"}]}'
)
IDS = ("image_id", "video_id", "audio_id", "youtube_id", "file_name", "id")
CAPTIONS = ("caption", "caption_predicted", "prediction")

References = dict[str, list[str]]


def score_coco(inputs: Inputs) -> Scores:
    return _score(inputs, COCO, _coco)


def score_flickr(inputs: Inputs) -> Scores:
    """--split of the file of Karpathy; ids are file names, with or without .jpg."""
    return _score(inputs, FLICKR, _flickr)


def score_audiocaps(inputs: Inputs) -> Scores:
    return _score(inputs, AUDIOCAPS, _audiocaps)


def score_clotho(inputs: Inputs) -> Scores:
    return _score(inputs, CLOTHO, _clotho)


def score_msrvtt(inputs: Inputs) -> Scores:
    """--split of the file; results also as the challenge had them, {"result": [{"video_id", "caption"}]}."""
    return _score(inputs, MSRVTT, _msrvtt)


def score_nocaps(inputs: Inputs) -> Scores:
    """All images, and each domain as a set of its own, as the official server scores them."""
    path = inputs.need_annotations(NOCAPS)[0]
    said, references = _matched(inputs, NOCAPS, _coco)
    images = field_of(read_json(path, NOCAPS, dict), "images", path, NOCAPS)
    domains = {str(one["id"]): str(field_of(one, "domain", path, NOCAPS)) for one in images}
    whole = score_captions(said, references)
    breakdown = dict(whole.breakdown)
    for domain in sorted(set(domains.values())):
        some = {id: text for id, text in said.items() if domains.get(id) == domain}
        if some:
            part = score_captions(some, references)
            breakdown |= {f"{domain}: {name}": value for name, value in part.breakdown.items()}
    return Scores(
        whole.metric, whole.value, whole.n, breakdown, whole.per_item, whole.unavailable, whole.notes
    )


def _score(inputs: Inputs, expected: str, read: Callable[[Path, Inputs], References]) -> Scores:
    return score_captions(*_matched(inputs, expected, read))


def _matched(
    inputs: Inputs, expected: str, read: Callable[[Path, Inputs], References]
) -> tuple[dict[str, str], References]:
    """(captions, references) of the same ids."""
    references: References = {}
    for path in inputs.need_annotations(expected):
        references |= read(path, inputs)
    if not references:
        raise DataError(
            f"{str(inputs.first_annotations)!r} has no captions of this split; expected {expected}."
        )
    if bare := [id for id, texts in references.items() if not texts]:
        raise DataError(
            f"{str(inputs.first_annotations)!r} has no reference for {bare[0]}; expected {expected}."
        )
    said = read_captions(inputs.predictions, references)
    check_same(said, references, inputs.predictions, "items", inputs.subset)
    if not said:
        raise DataError(f"{str(inputs.predictions)!r} has no captions; expected {RESULTS}.")
    return said, references


def read_captions(path: Path, references: Mapping[str, Any]) -> dict[str, str]:
    """id -> caption, of rows, of an object, or of MSR-VTT's challenge form; an ending like .jpg is optional."""
    if path.suffix.lower() in (".csv", ".tsv", ".jsonl"):
        rows: Any = read_records(path, RESULTS)
    else:
        rows = read_json(path, RESULTS, once=True)
        if isinstance(rows, dict):
            rows = rows.get("result", rows)
    if isinstance(rows, dict):
        pairs = list(rows.items())
    else:
        checked = [row_of(row, path, number, RESULTS) for number, row in enumerate(rows, 1)]
        pairs = [
            (field_of(row, IDS, path, RESULTS), field_of(row, CAPTIONS, path, RESULTS)) for row in checked
        ]
    said = unique(((_known(str(id), references), text) for id, text in pairs), path, "ids")
    return {
        id: as_text(text[0] if isinstance(text, list) and text else text, id, path)
        for id, text in said.items()
    }


def _known(id: str, references: Mapping[str, Any]) -> str:
    """The id as the annotations have it."""
    stem = Path(id).stem
    return next((name for name in (id, stem, f"{id}.jpg", f"{stem}.wav") if name in references), id)


def _coco(path: Path, inputs: Inputs) -> References:
    rows = field_of(read_json(path, COCO, dict), "annotations", path, COCO)
    return references_by_id(
        (str(field_of(row, "image_id", path, COCO)), str(field_of(row, "caption", path, COCO)))
        for row in rows
    )


def _flickr(path: Path, inputs: Inputs) -> References:
    whole = read_json(path, FLICKR, dict)
    if "annotations" in whole:
        return _coco(path, inputs)
    found = {}
    for image in field_of(whole, "images", path, FLICKR):
        if image.get("split") == inputs.split:
            sentences = field_of(image, "sentences", path, FLICKR)
            name = str(field_of(image, "filename", path, FLICKR))
            found[name] = [str(field_of(one, "raw", path, FLICKR)) for one in sentences]
    return found


def _audiocaps(path: Path, inputs: Inputs) -> References:
    rows = read_records(path, AUDIOCAPS)
    return references_by_id(
        (str(field_of(row, "youtube_id", path, AUDIOCAPS)), str(field_of(row, "caption", path, AUDIOCAPS)))
        for row in rows
    )


def _clotho(path: Path, inputs: Inputs) -> References:
    return {
        str(field_of(row, "file_name", path, CLOTHO)): [
            str(field_of(row, f"caption_{number}", path, CLOTHO)) for number in range(1, 6)
        ]
        for row in read_records(path, CLOTHO)
    }


def _msrvtt(path: Path, inputs: Inputs) -> References:
    whole = read_json(path, MSRVTT, dict)
    rows = field_of(whole, "sentences", path, MSRVTT)
    videos = whole.get("videos") or []
    if not isinstance(rows, list) or not isinstance(videos, list):
        raise DataError(f"{str(path)!r} has a {kind_of(rows)} of sentences; expected {MSRVTT}.")
    splits = {str(one.get("video_id")): one.get("split") for one in videos}
    return references_by_id(
        (str(row["video_id"]), str(field_of(row, "caption", path, MSRVTT)))
        for row in rows
        if splits.get(str(field_of(row, "video_id", path, MSRVTT)), inputs.split) == inputs.split
    )
