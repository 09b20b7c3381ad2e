"""Made media to look at: a sheet with what they should resemble beside them, and one page."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from nextgpt.nano.media_judges.gallery import normalised
from nextgpt.nano.rows import Item
from nextgpt.nano.settled_pictures import FULL, settled_image_items
from nextgpt.nano.sheets import contact_sheet, film_strip, spectrogram
from nextgpt.nano.sources import COLOURS

TRAINING = 1000  # pictures that are looked through, besides every colour of the sample's own thing
RATE = 16_000


def sheet(modality: str, suite: Any, shown: Sequence[tuple[Item, Any]]) -> Image.Image:
    """Samples, each with its neighbour: the nearest training picture, or the caption's true clip or sound."""
    return SHOWN[modality].sheet(suite, shown)


def beside_training(suite: Any, shown: Sequence[tuple[Item, Any]]) -> Image.Image:
    pictures, captions = [], []
    for (item, array), (near, likeness, caption) in zip(shown, nearest_training(suite, shown)):
        pictures += [array, near]
        captions += [item.caption, f"training, {likeness:.2f}: {caption}"]
    return contact_sheet(pictures, captions, 8)


def beside_true(draw: Callable[[Any], Any], suite: Any, shown: Sequence[tuple[Item, Any]]) -> Image.Image:
    pictures, captions = [], []
    for item, array in shown:
        pictures += [draw(array), draw(suite.render(item.scene))]
        captions += [item.caption, "true"]
    return contact_sheet(pictures, captions, 2)


def film_strip_of(clip: Any) -> Any:
    return film_strip(clip[::2])


def nearest_training(suite: Any, shown: Sequence[tuple[Item, Any]]) -> list[tuple[Any, float, str]]:
    """(picture, cosine, caption) of the training picture that is nearest to each sample by EfficientNet-Lite0.

    Looked through are the sample's own thing on every colour that is trained, and `TRAINING` others: a copy would be
    seen among these, since a thing is drawn in one way.
    """
    from nextgpt.nano.media_judges.suites import picture_gallery

    gallery = picture_gallery()
    others = list(settled_image_items("train", TRAINING))
    own = {item.slots["name_a"]: trained_singles(item) for item, _ in shown}
    candidates = [
        *((item.scene, item.caption) for item in others),
        *(one for some in own.values() for one in some),
    ]
    features = normalised(gallery.features(suite.render(scene) for scene, _ in candidates))
    samples = normalised(gallery.features(array for _, array in shown))
    best = (samples @ features.T).max(1)
    return [
        (suite.render(candidates[number][0]), likeness, candidates[number][1])
        for number, likeness in zip(best.indices.tolist(), best.values.tolist())
    ]


def trained_singles(item: Item) -> list[tuple[Any, str]]:
    """The item's thing alone on each colour with which it is trained."""
    from nextgpt.nano import split
    from nextgpt.nano.scenes import ImageScene, Sprite

    thing = item.scene.subject
    colours = [
        colour for colour in COLOURS
        if not split.is_held_out_pair(thing.key, split.attribute_key("colour", colour))
    ]  # fmt: skip
    sprite = Sprite(thing.code, 0.5, 0.5, FULL)
    return [
        (ImageScene("single", thing.style, c, (sprite,), "centre"), f"{thing.name} on {c}") for c in colours
    ]


@dataclass(frozen=True)
class Shown:
    """How made media of a modality are looked at: sheet(suite, samples), and the tag of a page."""

    sheet: Callable[[Any, Sequence[tuple[Item, Any]]], Image.Image]
    tag: str = '<img src="{}" alt="">'


SHOWN = {
    "image": Shown(beside_training),
    "video": Shown(partial(beside_true, film_strip_of)),
    "audio": Shown(partial(beside_true, spectrogram), '<audio controls src="{}"></audio>'),
}

STYLE = """
:root { color-scheme: light dark; } body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; }
section { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 15rem; }
figure.video { width: 100%; } img { max-width: 100%; image-rendering: pixelated; } audio { width: 100%; }
figcaption { font-size: .85rem; } .wrong { color: #c03; } .right { color: #184; }
"""


def page(folder: Path) -> str:
    """One page of the sheets and the first samples of every modality that was judged into the folder."""
    parts = []
    for modality in SHOWN:
        path = folder / f"page-{modality}.json"
        if path.exists():
            figures = "\n".join(figure(modality, *entry) for entry in json.loads(path.read_text("utf-8")))
            link = f'<p><a href="sheet-{modality}.png">all beside their neighbours</a></p>'
            parts.append(f"<h2>{modality}</h2>{link}\n<section>{figures}</section>")
    title = "nextgpt: what the small decoders make"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n" + "\n".join(parts) + "\n</html>\n"
    )


def figure(modality: str, caption: str, place: str, judged: dict[str, Any]) -> str:
    medium = SHOWN[modality].tag.format(html.escape(place))
    marks = " ".join(
        f'<span class="{"right" if right else "wrong"}">{task.partition("-")[2]}</span>'
        for task, right in judged.items()
        if isinstance(right, bool)
    )
    return f'<figure class="{modality}">{medium}<figcaption>{html.escape(caption)}<br>{marks}</figcaption></figure>'


__all__ = ["nearest_training", "page", "sheet"]
