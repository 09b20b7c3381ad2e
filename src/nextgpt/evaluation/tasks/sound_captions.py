"""Captions of sounds: AudioCaps (Kim et al., NAACL 2019), test; Clotho (Drossos et al., ICASSP 2020), evaluation."""

from collections.abc import Iterator

from nextgpt.evaluation.tasks.captions import captioning, grouped
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.task import Row
from nextgpt.media import Audio

PROMPT = "Describe what can be heard in one sentence."
AUDIOCAPS, CLOTHO = "test.csv", "clotho_captions_evaluation.csv"
AUDIOCAPS_SOURCE = "https://github.com/cdjkim/audiocaps (captions; the sounds are of YouTube)"
AUDIOCAPS_LAYOUT = {AUDIOCAPS: "captions of the test split", "audio": "the sounds, <youtube_id>.wav"}


def audiocaps(data: Folder) -> Iterator[tuple[str, Audio, tuple[str, ...]]]:
    """(clip, sound, its five captions). Clips that YouTube has lost are missed like any other file."""
    table = data.table(AUDIOCAPS, ("audiocap_id", "youtube_id", "start_time", "caption"))
    numbers = {one["youtube_id"]: one["audiocap_id"] for one in reversed(table)}
    for name, captions in grouped([(one["youtube_id"], one["caption"]) for one in table]).items():
        sound = data.audio(f"audio/{name}", f"audio/Y{name}", f"audio/{numbers[name]}")
        yield name, sound, captions


def audiocaps_rows(data: Folder, prompt: str) -> Iterator[Row]:
    for name, sound, captions in audiocaps(data):
        yield Row(name, (sound, prompt), captions)


def clotho_rows(data: Folder, prompt: str) -> Iterator[Row]:
    columns = tuple(f"caption_{number}" for number in range(1, 6))
    for one in data.table(CLOTHO, ("file_name", *columns)):
        sound = data.audio(f"evaluation/{one['file_name']}")
        yield Row(one["file_name"], (sound, prompt), tuple(one[name] for name in columns))


AUDIOCAPS_TASK = captioning(
    "audiocaps",
    "AudioCaps: captions of sounds, test split",
    AUDIOCAPS_SOURCE,
    AUDIOCAPS_LAYOUT,
    PROMPT,
    audiocaps_rows,
)
CLOTHO_TASK = captioning(
    "clotho",
    "Clotho: captions of sounds, evaluation split",
    "https://zenodo.org/records/4783391",
    {CLOTHO: "five captions of each sound", "evaluation": "the sounds"},
    PROMPT,
    clotho_rows,
)
