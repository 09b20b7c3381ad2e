"""Text to media: a caption goes in, the reply's first medium is compared with the real ones of the data set.

COCO's captions to pictures, AudioCaps' to sounds, MSR-VTT's to clips. One caption of each item is asked for, chosen
by a hash of the item's id and the caption's number, so that the choice is the same everywhere.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.image_captions import COCO_ANNOTATIONS, coco_captions
from nextgpt.evaluation.tasks.made_media import made, pairs
from nextgpt.evaluation.tasks.sound_captions import AUDIOCAPS_LAYOUT, AUDIOCAPS_SOURCE, audiocaps
from nextgpt.evaluation.tasks.task import AUDIO, IMAGE, VIDEO, Row, Task
from nextgpt.evaluation.tasks.video_captions import LAYOUT as MSRVTT_LAYOUT
from nextgpt.evaluation.tasks.video_captions import SOURCE as MSRVTT_SOURCE
from nextgpt.evaluation.tasks.video_captions import msrvtt
from nextgpt.media import Medium


def one_caption(name: str, captions: Sequence[str]) -> str:
    return min(enumerate(captions), key=lambda one: hashlib.sha256(f"{name}/{one[0]}".encode()).digest())[1]


def request(name: str, real: Medium, captions: Sequence[str], prompt: str) -> Row:
    """The real medium is not shown to the model; the record keeps it for the metric."""
    caption = one_caption(name, captions)
    record = {"caption": caption, "real": str(real.path)}
    return Row(name, (prompt.format(caption=caption.strip().rstrip(".")),), (caption,), "", record, (real,))


def coco_rows(data: Folder, prompt: str) -> Iterator[Row]:
    for name, captions in coco_captions(data).items():
        picture = data.image(f"val2014/COCO_val2014_{int(name):012d}.jpg")
        yield request(str(name), picture, captions, prompt)


def audiocaps_rows(data: Folder, prompt: str) -> Iterable[Row]:
    return (request(*one, prompt) for one in audiocaps(data))


def msrvtt_rows(data: Folder, prompt: str) -> Iterable[Row]:
    return (request(*one, prompt) for one in msrvtt(data))


COCO_30K = Task(
    name="coco-30k",
    title="Text to image: captions of COCO's validation images (30,000 with --limit 30000)",
    source="https://cocodataset.org/#download",
    layout={
        COCO_ANNOTATIONS: "captions of 2014's validation images",
        "val2014": "validation images of 2014, to compare with",
    },
    prompt="Draw a picture: {caption}.",
    rows=coco_rows,
    files=pairs,
    score=made("image-generation", "inception"),
    reply=IMAGE,
    max_new_tokens=32,
)
AUDIOCAPS = Task(
    name="audiocaps-generation",
    title="Text to audio: captions of AudioCaps' test split",
    source=AUDIOCAPS_SOURCE,
    layout=AUDIOCAPS_LAYOUT,
    prompt="Play this sound: {caption}.",
    rows=audiocaps_rows,
    files=pairs,
    score=made("audio-generation", "yamnet"),
    reply=AUDIO,
    max_new_tokens=32,
)
MSRVTT = Task(
    name="msrvtt-generation",
    title="Text to video: captions of MSR-VTT's test split",
    source=MSRVTT_SOURCE,
    layout=MSRVTT_LAYOUT,
    prompt="Make a clip: {caption}.",
    rows=msrvtt_rows,
    files=pairs,
    score=made("video-generation", "efficientnet-lite2"),
    reply=VIDEO,
    max_new_tokens=32,
)
