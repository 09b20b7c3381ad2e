"""Captions of clips: MSR-VTT's test split (Xu et al., CVPR 2016)."""

from collections.abc import Iterator

from nextgpt.evaluation.tasks.captions import captioning, grouped
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.task import Row
from nextgpt.media import Video

INFO = "test_videodatainfo.json"
SOURCE = "https://www.microsoft.com/en-us/research/publication/msr-vtt/ (ACM MM 2016 challenge)"
LAYOUT = {INFO: "clips and sentences of the test split", "TestVideo": "the clips, video7010.mp4 and so on"}
PROMPT = "Describe this video in one sentence."


def msrvtt(data: Folder) -> Iterator[tuple[str, Video, tuple[str, ...]]]:
    """(clip, video, its twenty sentences)."""
    sentences = data.records(INFO, "sentences", ("video_id", "caption"))
    captions = grouped([(one["video_id"], one["caption"]) for one in sentences])
    for one in data.records(INFO, "videos", ("video_id", "split")):
        if one["split"] == "test":
            name = one["video_id"]
            yield name, data.video(f"TestVideo/{name}"), data.need(captions, name, INFO)


def rows(data: Folder, prompt: str) -> Iterator[Row]:
    for name, clip, captions in msrvtt(data):
        yield Row(name, (clip, prompt), captions)


TASK = captioning("msrvtt-captions", "MSR-VTT: captions of clips, test split", SOURCE, LAYOUT, PROMPT, rows)
