"""A folder of generated media against a folder of real ones: image-generation, audio-generation, video-generation.

With --features: Frechet and kernel distances, and where the extractor has classes an Inception Score, and for sounds
the divergence of paired files. With --clip: CLIPScore or CLIPSIM against --captions, and for pictures CMMD. What the
media were made with (protocol.json beside them) is repeated in the notes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.extractors import Extractor, NotAvailableError, load_extractor
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.captions import read_captions
from nextgpt.evaluation.scoring.folders import batches_of, by_stem, files_of
from nextgpt.evaluation.scoring.inputs import Inputs

if TYPE_CHECKING:
    from nextgpt.evaluation.metrics.spool import Spool

OFFICIAL = {"FD-Inception": "FID", "KD-Inception": "KID", "IS-Inception": "Inception Score"}
FRAMES = 16  # of a clip, for CLIPSIM
PAIRED = ("audio",)  # where made and real items are compared one by one, by their classes
PROTOCOL = "protocol.json"


def score_images(inputs: Inputs) -> Scores:
    return _score(inputs, "image")


def score_sounds(inputs: Inputs) -> Scores:
    return _score(inputs, "audio")


def score_clips(inputs: Inputs) -> Scores:
    return _score(inputs, "video")


def _score(inputs: Inputs, modality: str) -> Scores:
    real = inputs.need_annotations(f"a folder of real {modality} files")[0]
    files = {"made": files_of(inputs.predictions, modality), "real": files_of(real, modality)}
    return merge(score_media(inputs, modality, files), _protocol(inputs.predictions))


def score_media(inputs: Inputs, modality: str, files: Mapping[str, list[Path]]) -> list[Scores]:
    """files: "made" and "real"; those that belong together (for divergences and captions) have one name."""
    if not inputs.features and not inputs.clip:
        raise ConfigError(
            "Give --features ADDRESS (as efficientnet-lite2, yamnet or inception) or --clip FOLDER."
        )
    if inputs.clip and modality not in BY_CLIP:
        raise ConfigError("--clip compares pictures and clips with captions; for sounds give --features.")
    found: list[Scores] = []
    if inputs.features:
        found += _or_unavailable(lambda: _by_features(inputs, modality, files), f"FD-{inputs.features}")
    if inputs.clip:
        found += _or_unavailable(lambda: _by_clip(inputs, modality, files), "CLIP")
    return found


def _or_unavailable(work: Any, name: str) -> list[Scores]:
    try:
        return work()
    except NotAvailableError as error:
        return [Scores(name, None, 0, unavailable=str(error))]


class _Side:
    """What is kept of one folder as it streams by: moments, features and class scores on disk."""

    def __init__(self, extractor: Extractor, files: Sequence[Path], inputs: Inputs, modality: str) -> None:
        from nextgpt.evaluation.metrics.moments import Moments
        from nextgpt.evaluation.metrics.spool import Spool

        self.moments, self.features, self.classes = Moments(), Spool(), Spool()
        self.rows = {path.stem: number for number, path in enumerate(files)}
        for _, media in batches_of(files, modality, inputs.batch, inputs.progress):
            got = extractor(media)
            self.moments.add(got.features)
            self.features.add(got.features)
            if got.scores is not None:
                self.classes.add(got.scores)


def _by_features(inputs: Inputs, modality: str, files: Mapping[str, list[Path]]) -> list[Scores]:
    from nextgpt.evaluation.metrics.frechet import score_frechet
    from nextgpt.evaluation.metrics.kernel_distance import score_kernel

    for side, paths in files.items():
        if len(paths) < 2:
            raise DataError(
                f"There is one {side} file alone, {str(paths[0])!r}; distances need two on either side."
            )
    extractor = load_extractor(inputs.features, modality, inputs.size)
    real, made = (_Side(extractor, files[side], inputs, modality) for side in ("real", "made"))
    distance = score_frechet(real.moments, made.moments, extractor.name)
    found = [score_kernel(real.features, made.features, extractor.name, seed=inputs.seed)]
    if made.classes.n and extractor.score_kind == "softmax":
        found.append(_inception(made, extractor))
    if made.classes.n and modality in PAIRED:
        found += _divergence(real, made, extractor)
    version = f"Features: {extractor.name}, {extractor.version}."
    return [_officially_named(distance, version), *map(_officially_named, found)]


def _inception(made: _Side, extractor: Extractor) -> Scores:
    from nextgpt.evaluation.metrics.class_scores import InceptionScore, score_inception

    score = InceptionScore()
    for block in made.classes.blocks():
        score.add(block)
    return score_inception(score, extractor.name)


def _divergence(real: _Side, made: _Side, extractor: Extractor) -> list[Scores]:
    """Of files with the same name in both folders; nothing where no names agree."""
    from nextgpt.evaluation.metrics.class_scores import PairedDivergence

    divergence = PairedDivergence(extractor.score_kind)
    for name in sorted(made.rows.keys() & real.rows.keys()):
        wanted, got = (side.classes.rows([side.rows[name]])[0] for side in (real, made))
        divergence.add(name, wanted, got)
    return [divergence.scores(extractor.name)] if divergence.softmax else []


def _officially_named(one: Scores, note: str = "") -> Scores:
    """FID, KID and Inception Score where the features are Inception's."""
    notes = (*one.notes, note) if note else one.notes
    return Scores(
        OFFICIAL.get(one.metric, one.metric),
        one.value,
        one.n,
        one.breakdown,
        one.per_item,
        one.unavailable,
        notes,
    )


@dataclass(frozen=True)
class ByClip:
    """How a CLIP judges a modality. metric: of metrics/clip.py; see: its embedding of a medium; sets: also CMMD."""

    metric: str
    see: Callable[[Any, Any], Any]
    sets: bool


BY_CLIP: dict[str, ByClip] = {
    "image": ByClip("clip_score", lambda clip, picture: clip.images([picture])[0], sets=True),
    "video": ByClip(
        "clip_similarity", lambda clip, video: clip.pictures(list(video.frames(FRAMES))), sets=False
    ),
}


def _by_clip(inputs: Inputs, modality: str, files: Mapping[str, list[Path]]) -> list[Scores]:
    from nextgpt.evaluation.extractors.clip_folder import load_clip
    from nextgpt.evaluation.metrics import clip as metrics
    from nextgpt.evaluation.metrics.kernel_distance import score_cmmd

    way = BY_CLIP[modality]
    texts = _texts(inputs, files["made"])  # before a model is loaded
    if not texts and not way.sets:
        raise ConfigError("CLIPSIM needs --captions FILE with the text of each clip.")
    assert inputs.clip
    clip, found = load_clip(inputs.clip), []
    if texts:
        pairs = _captioned(inputs, clip, texts, files["made"], modality)
        found.append(getattr(metrics, way.metric)(pairs, clip.name))
    if way.sets:
        real, made = (_units(clip, files[side], modality, inputs) for side in ("real", "made"))
        found.append(score_cmmd(real, made, clip.name))
    return found


def _texts(inputs: Inputs, files: Sequence[Path]) -> dict[str, str]:
    """Name of the file without ending -> caption; none where none are given."""
    if inputs.captions is None:
        return {}
    names = by_stem(files, inputs.predictions)
    texts = read_captions(inputs.captions, names)
    if missing := sorted(names.keys() - texts.keys()):
        raise DataError(
            f"{str(inputs.captions)!r} has no caption for {len(missing)} files, the first {missing[0]}."
        )
    return texts


def _captioned(
    inputs: Inputs, clip: Any, texts: Mapping[str, str], files: Sequence[Path], modality: str
) -> Iterator[tuple[str, Any, Any]]:
    """(id, embedding of the picture or (F, D) of frames, embedding of the caption) as files are read."""
    for paths, media in batches_of(files, modality, inputs.batch, inputs.progress):
        captions = clip.texts([texts[path.stem] for path in paths])
        for path, medium, caption in zip(paths, media, captions):
            yield path.stem, BY_CLIP[modality].see(clip, medium), caption


def _units(clip: Any, files: Sequence[Path], modality: str, inputs: Inputs) -> "Spool":
    """Unit embeddings of pictures, on disk."""
    from nextgpt.evaluation.metrics.clip import unit
    from nextgpt.evaluation.metrics.spool import Spool

    spool = Spool()
    for _, media in batches_of(files, modality, inputs.batch, inputs.progress):
        spool.add(unit(clip.images(media)))
    return spool


def merge(found: Sequence[Scores], notes: tuple[str, ...] = ()) -> Scores:
    """Several metrics of the same media: the first gives the value, all stand in the breakdown by their names."""
    breakdown: dict[str, float] = {}
    for one in found:
        if one.value is not None:
            breakdown[one.metric] = one.value
        breakdown |= {f"{one.metric}: {name}": value for name, value in one.breakdown.items()}
    head = next((one for one in found if one.value is not None), found[0])
    per_item = next((one.per_item for one in found if one.per_item), {})
    unavailable = "; ".join(one.unavailable for one in found if one.unavailable)
    all_notes = tuple(note for one in found for note in one.notes) + notes
    return Scores(head.metric, head.value, head.n, breakdown, per_item, unavailable, all_notes)


def _protocol(folder: Path) -> tuple[str, ...]:
    """How the media were made, from the file that whoever made them put beside them."""
    path = folder / PROTOCOL
    if not path.is_file():
        return (
            f"No {PROTOCOL} lies in {folder.name}, so how these were made (captions, size, steps, seed) is not known.",
        )
    try:
        facts = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{str(path)!r} is no JSON ({error}).") from error
    return (f"Protocol: {json.dumps(facts, sort_keys=True)}",)
