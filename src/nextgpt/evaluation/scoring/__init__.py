"""Scoring answers made anywhere, in each benchmark's official result format. SCORERS is the visible table.

score("vqav2", predictions, annotations) -> Scores      names may have the questions, split, features, ... of `Inputs`
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs

logger = logging.getLogger(__name__)
OF_MEDIA = ("made_media", "edits")
MISBUILT = (KeyError, TypeError, AttributeError, IndexError)

__all__ = ["SCORERS", "Inputs", "Scorer", "score"]


@dataclass(frozen=True)
class Scorer:
    """function: file.name here, imported when it is called, so that a table of answers waits for no numpy and no
    torch. digits: as the official script prints. text: what is scored, against what."""

    function: str
    digits: int
    text: str

    def __call__(self, inputs: Inputs) -> Scores:
        """Raises UserError for settings and files that are not as they should be. Where an official file is built
        otherwise than anybody foresaw, that is a sentence too, with what Python said of it."""
        module, _, name = self.function.partition(".")
        work = getattr(import_module(f"{__name__}.{module}"), name)
        if module in OF_MEDIA:
            return work(inputs)
        try:
            return work(inputs)
        except MISBUILT as error:
            logger.debug("a file of another form", exc_info=True)
            files = ", ".join(repr(str(path)) for path in (inputs.predictions, *inputs.annotations))
            raise DataError(
                f"A file among {files} is built otherwise than expected ({type(error).__name__}: {error}); expected "
                f"{self.text}."
            ) from error


SCORERS: dict[str, Scorer] = {
    "vqav2": Scorer("vqa.score_vqa_v2", 2, "VQA v2: [{question_id, answer}], v2_..._annotations.json"),
    "okvqa": Scorer("vqa.score_okvqa", 2, "OK-VQA: [{question_id, answer}], mscoco_..._annotations.json"),
    "vizwiz": Scorer("vqa.score_vizwiz", 2, "VizWiz: [{image, answer}], val.json"),
    "gqa": Scorer("gqa.score", 2, "GQA: [{questionId, prediction}], ..._questions.json"),
    "mvbench": Scorer("mvbench.score", 2, "MVBench: {acc_dict, res_list}, optionally its folder of .json"),
    "activitynet-qa": Scorer("video_questions.score_activitynet_qa", 4, "ActivityNet-QA: {id: answer}, test_a.json"),
    "activitynet-qa-judged": Scorer("video_questions.score_activitynet_judged", 4, "by --judge, with --questions"),
    "msvd-qa": Scorer("video_questions.score_video_qa", 4, "MSVD-QA: {id: answer}, test_qa.json"),
    "msrvtt-qa": Scorer("video_questions.score_video_qa", 4, "MSRVTT-QA: {id: answer}, test_qa.json"),
    "next-qa": Scorer("video_questions.score_next_qa", 2, "NExT-QA: {video_qid: {prediction}}, test.csv"),
    "mmbench": Scorer("multiple_choice.score_mmbench", 2, "MMBench: rows {index, prediction}, mmbench_dev.tsv"),
    "seed-bench": Scorer("multiple_choice.score_seed", 2, "SEED-Bench: {question_id, prediction}, SEED-Bench.json"),
    "coco-captions": Scorer("captions.score_coco", 3, "COCO: [{image_id, caption}], captions_val2014.json"),
    "nocaps": Scorer("captions.score_nocaps", 3, "NoCaps: [{image_id, caption}], nocaps_val_..._captions.json"),
    "flickr30k": Scorer("captions.score_flickr", 3, "Flickr30k: [{image_id, caption}], dataset_flickr30k.json"),
    "audiocaps": Scorer("captions.score_audiocaps", 3, "AudioCaps: [{youtube_id, caption}], test.csv"),
    "clotho": Scorer("captions.score_clotho", 3, "Clotho: {file_name, caption_predicted}, clotho_....csv"),
    "msrvtt-captions": Scorer("captions.score_msrvtt", 3, "MSR-VTT: [{video_id, caption}], test_videodatainfo.json"),
    "image-generation": Scorer("made_media.score_images", 4, "a folder of pictures, a folder of real ones"),
    "audio-generation": Scorer("made_media.score_sounds", 4, "a folder of sounds, a folder of real ones"),
    "video-generation": Scorer("made_media.score_clips", 4, "a folder of clips, a folder of real ones"),
    "image-editing": Scorer("edits.score_image_edits", 4, "a folder of edits, the folder before: --captions, --clip"),
    "speech-editing": Scorer("edits.score_speech_edits", 4, "a folder of recordings, a folder of real ones"),
}  # fmt: skip


def score(task: str, predictions: Path, annotations: Path | Sequence[Path] = (), **settings: Any) -> Scores:
    """Score files of a task of SCORERS. settings: further fields of Inputs.

    Raises ConfigError for an unknown task or a setting that is missing, DataError that names a file.
    """
    if task not in SCORERS:
        raise ConfigError(f"There is no task {task!r} to score; choose one of {', '.join(SCORERS)}.")
    files = (annotations,) if isinstance(annotations, Path) else tuple(annotations)
    return SCORERS[task](Inputs(predictions, files, **settings))
