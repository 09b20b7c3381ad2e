"""What the small world hands to the trainer: media of items, and rows of dialogues by source."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from nextgpt.data.manifest import Dialogue, ItemPart, Items, Text, Turn
from nextgpt.media import Audio, Image, Video
from nextgpt.nano.clips import FRAMES_PER_SECOND, ClipScene, render_clip
from nextgpt.nano.scenes import ImageScene, render_image
from nextgpt.nano.settled_sound_scenes import SettledScene
from nextgpt.nano.sounds import RATE, SoundScene, render_sound

MEDIA: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "image": lambda scene, size: Image.from_array(render_image(ImageScene.from_dict(scene), size)),
    "audio": lambda scene, size: Audio.from_array(render_sound(sound_scene(scene)), RATE),
    "video": lambda scene, size: Video.from_array(
        render_clip(ClipScene.from_dict(scene), size), FRAMES_PER_SECOND
    ),
}

SOURCES = {"fit": "mixed", "mixed": "mixed", "gen": "reply", "film": "photo"}


def sound_scene(scene: dict[str, Any]) -> SoundScene:
    """Of the understanding world, or a settled one, which has more words."""
    return (SettledScene if "rhythm" in scene else SoundScene).from_dict(scene)


def source_of(task: str) -> str:
    """Which source of a mixture a task belongs to: "image-count" -> "image", "gen-image" -> "reply"."""
    head = task.partition("-")[0]
    return SOURCES.get(head, head)


def by_source(dialogues: Iterable[Dialogue]) -> dict[str, list[Dialogue]]:
    """Rows by source, and as sources of their own conversations that go from medium to medium, and single turns of
    those that switch modality."""
    found: dict[str, list[Dialogue]] = {}
    for dialogue in dialogues:
        found.setdefault(source_of(dialogue.task), []).append(dialogue)
    alone = single_turns(found.get("mosit", ()), NUM_TURNS)
    return {**found, "chain": chains(found, NUM_CHAINS), "turn": alone}


NUM_TURNS = 6000
# Tasks that are forgotten first, or are wrong most often: each comes as often as so many others.
OFTEN = {
    "mosit-no-sound": 9,
    "mosit-sound-of": 9,
    "mosit-play-on": 10,
    "mosit-speed-of": 4,
    "mosit-on-another": 3,
    "mosit-reverse-sound": 2,
    "mosit-repeat": 2,
    "mosit-count-of": 4,
    "mosit-size-of": 4,
    "mosit-beside": 2,
    "mosit-abilities": 10,
    "mosit-refuse-sound": 10,
    "mosit-refuse-thing": 4,
    "mosit-still-on": 4,
    "mosit-animate": 2,
    "mosit-first-image": 4,
    "mosit-first-audio": 4,
    "mosit-first-video": 4,
    "mosit-three-wishes": 4,
    "mosit-two-wishes": 2,
    "mosit-all-of-one": 5,
    "fit": 3,
    "image-which": 2,
    "image-position": 2,
    "audio-direction": 2,
}
NUM_CHAINS = 6000
CHAINED = ("photo", "recording", "image", "audio", "video", "reply", "chat")


def chains(sources: Mapping[str, Sequence[Dialogue]], count: int) -> list[Dialogue]:
    """Conversations of two or three first exchanges of any rows, one behind the other: a photo, then a sound, then a
    request. Rows about one medium alone teach to repeat the answer that was given last."""
    rng = random.Random("chains")
    names = [name for name in CHAINED if sources.get(name)]
    chosen = [
        [rng.choice(sources[rng.choice(names)]) for _ in range(rng.randint(2, 3))] for _ in range(count)
    ]
    return [_chain(f"chain-{number:05d}", links) for number, links in enumerate(chosen)]


def _chain(name: str, links: Sequence[Dialogue]) -> Dialogue:
    turns = tuple(turn for link in links for turn in link.turns[:2])
    return Dialogue(name, "chain", turns, {})


def single_turns(dialogues: Iterable[Dialogue], count: int) -> list[Dialogue]:
    """`_alone` of the dialogues, each task as often as any other, or as `OFTEN` says: most of a long conversation's
    steps go to what is known already, and some tasks come seldom in it."""
    by_task: dict[str, list[Dialogue]] = {}
    for row in chain.from_iterable(map(_alone, dialogues)):
        by_task.setdefault(row.task, []).append(row)
    if not by_task:
        return []
    rng, tasks = random.Random("turns"), sorted(by_task)
    shares = [OFTEN.get(task, 1) for task in tasks]
    return [rng.choice(by_task[task]) for task in rng.choices(tasks, shares, k=count)]


def _alone(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Its turns that need nothing before them, the first and those that show what they are about, by themselves; those
    that look back to the beginning, with all that stands before them."""
    exchanges = list(zip(dialogue.turns[::2], dialogue.turns[1::2]))
    tasks = dialogue.record.get("tasks", [dialogue.task] * len(exchanges))
    for number, (task, (asked, reply)) in enumerate(zip(tasks, exchanges), 1):
        shows = any(isinstance(part, ItemPart) for part in asked.content)
        begin = 0 if task.startswith("mosit-first-") else 2 * number - 2
        if (shows or not begin) and reply.language_loss:
            yield Dialogue(
                f"{dialogue.id}.{number}", task, dialogue.turns[begin : 2 * number], dialogue.record
            )


def caption_rows(items: Items, split: str) -> dict[str, list[Dialogue]]:
    """For decoder-alignment: the caption goes in, the medium comes out; one source a modality."""
    return {
        modality: [_caption_row(modality, item) for item in rows if item["split"] == split]
        for modality, rows in items.by_modality.items()
    }


def _caption_row(modality: str, item: dict[str, Any]) -> Dialogue:
    caption = item["caption"]
    turns = (
        Turn("user", (Text(caption),)),
        Turn("assistant", (ItemPart(modality, item["id"], caption=caption),)),
    )
    return Dialogue(f"caption-{item['id']}", f"caption-{modality}", turns, {"language_loss": False})


def media_loader(modality: str, size: int) -> Callable[[dict[str, Any]], Any]:
    """scene -> media value, drawn at `size` pixels where it has pixels."""
    return lambda scene: MEDIA[modality](scene, size)


def data_folder(root: Path, name: str = "nano") -> Path:
    return root / "data" / f"{name}-1"
