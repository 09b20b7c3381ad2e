"""Captions of pictures: COCO by Karpathy's test split, NoCaps' validation, Flickr30k by Karpathy's test split."""

from collections.abc import Iterator

from nextgpt.evaluation.tasks.captions import captioning, grouped
from nextgpt.evaluation.tasks.folder import Folder
from nextgpt.evaluation.tasks.task import Row

PROMPT = "Provide a one-sentence caption for the provided image."
COCO_ANNOTATIONS, COCO_SPLIT = "annotations/captions_val2014.json", "dataset_coco.json"
NOCAPS = "nocaps_val_4500_captions.json"
FLICKR = "dataset_flickr30k.json"
KARPATHY = "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip"


def coco_captions(data: Folder) -> dict[int, tuple[str, ...]]:
    found = data.records(COCO_ANNOTATIONS, "annotations", ("image_id", "caption"))
    return grouped([(one["image_id"], one["caption"]) for one in found])


def coco_rows(data: Folder, prompt: str) -> Iterator[Row]:
    """Karpathy's test images; the references are the official annotations'."""
    captions = coco_captions(data)
    for one in data.records(COCO_SPLIT, "images", ("cocoid", "filename", "filepath", "split")):
        if one["split"] == "test":
            name = one["cocoid"]
            picture = data.image(f"{one['filepath']}/{one['filename']}")
            references = data.need(captions, name, COCO_ANNOTATIONS)
            yield Row(str(name), (picture, prompt), references, "", {"image_id": name})


def nocaps_rows(data: Folder, prompt: str) -> Iterator[Row]:
    found = data.records(NOCAPS, "annotations", ("image_id", "caption"))
    captions = grouped([(one["image_id"], one["caption"]) for one in found])
    for one in data.records(NOCAPS, "images", ("id", "file_name")):
        references = data.need(captions, one["id"], NOCAPS)
        domain = one.get("domain", "")
        record = {"image_id": one["id"], "domain": domain}
        yield Row(str(one["id"]), (data.image(f"val/{one['file_name']}"), prompt), references, domain, record)


def flickr_rows(data: Folder, prompt: str) -> Iterator[Row]:
    for one in data.records(FLICKR, "images", ("filename", "split", "sentences", "imgid")):
        if one["split"] == "test":
            references = tuple(sentence["raw"] for sentence in one["sentences"])
            picture = data.image(f"flickr30k-images/{one['filename']}")
            yield Row(str(one["imgid"]), (picture, prompt), references, "", {"image_id": one["imgid"]})


COCO = captioning(
    "coco-captions",
    "COCO captions: Karpathy's test split",
    f"https://cocodataset.org/#download (images, annotations) and {KARPATHY} (split)",
    {
        COCO_ANNOTATIONS: "captions of 2014's validation images",
        COCO_SPLIT: "Karpathy's split",
        "val2014": "validation images of 2014",
    },
    PROMPT,
    coco_rows,
)
NOCAPS_TASK = captioning(
    "nocaps",
    "NoCaps: captions of things that COCO doesn't have, validation split",
    "https://nocaps.org/download",
    {NOCAPS: "images and captions", "val": "the pictures, called as in Open Images"},
    PROMPT,
    nocaps_rows,
    "nocaps",
)
FLICKR_TASK = captioning(
    "flickr30k",
    "Flickr30k captions: Karpathy's test split",
    f"https://shannon.cs.illinois.edu/DenotationGraph/ (images) and {KARPATHY} (captions)",
    {FLICKR: "captions and split", "flickr30k-images": "the pictures"},
    PROMPT,
    flickr_rows,
)
