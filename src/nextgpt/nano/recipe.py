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
    """Rows by source, and as sources of their own conversations that go from medium to medium, and of those that switch
    modality single turns, what follows up on a medium and what looks back to the beginning."""
    found: dict[str, list[Dialogue]] = {}
    for dialogue in dialogues:
        found.setdefault(source_of(dialogue.task), []).append(dialogue)
    switching = found.get("mosit", ())
    return {
        **found,
        "chain": chains(found, NUM_CHAINS),
        "turn": single_turns(switching, NUM_TURNS),
        "follow": following_up(switching, NUM_FOLLOWING),
        "back": looking_back(switching, NUM_BACK),
    }


NUM_TURNS = 6000
NUM_FOLLOWING = 6000
# Tasks that are forgotten first, or are wrong most often: each comes as often as so many others.
OFTEN = {
    "mosit-no-sound": 9,
    "mosit-sound-of": 9,
    "mosit-play-on": 10,
    "mosit-speed-of": 28,
    "mosit-on-another": 12,
    "mosit-reverse-sound": 20,
    "mosit-repeat": 12,
    "mosit-reverse-clip": 24,
    "mosit-recolour-clip": 12,
    "mosit-count-of": 4,
    "mosit-size-of": 4,
    "mosit-beside": 2,
    "mosit-abilities": 10,
    "mosit-refuse-sound": 10,
    "mosit-still-on": 4,
    "mosit-still-of": 3,
    "mosit-animate": 16,
    "mosit-animate-source": 6,
    "mosit-first-image": 4,
    "mosit-first-audio": 4,
    "mosit-first-video": 4,
    "mosit-three-wishes": 10,
    "mosit-two-wishes": 2,
    "mosit-wish-audio": 12,
    "mosit-one-after-other": 6,
    "mosit-side-by-side": 4,
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
    """`_alone` of the dialogues: most of a long conversation's steps go to what is known already, and some tasks come
    seldom in it."""
    return _evenly(chain.from_iterable(map(_alone, dialogues)), count, "turns")


def _evenly(rows: Iterable[Dialogue], count: int, seed: str) -> list[Dialogue]:
    """Each task as often as any other, or as `OFTEN` says."""
    by_task: dict[str, list[Dialogue]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    if not by_task:
        return []
    rng, tasks = random.Random(seed), sorted(by_task)
    shares = [OFTEN.get(task, 1) for task in tasks]
    return [rng.choice(by_task[task]) for task in rng.choices(tasks, shares, k=count)]


Exchange = tuple[Turn, Turn]


def _exchanges(dialogue: Dialogue) -> list[tuple[str, Exchange]]:
    """The task, and what is asked and replied."""
    exchanges = list(zip(dialogue.turns[::2], dialogue.turns[1::2]))
    return list(zip(dialogue.record.get("tasks", [dialogue.task] * len(exchanges)), exchanges))


def _shows(turn: Turn) -> bool:
    return any(isinstance(part, ItemPart) for part in turn.content)


def _alone(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Its turns that need nothing before them, by themselves: the first and those that show what they are about."""
    for number, (task, exchange) in enumerate(_exchanges(dialogue)):
        if (number == 0 or _shows(exchange[0])) and exchange[1].language_loss:
            yield Dialogue(f"{dialogue.id}.{number + 1}", task, exchange, dialogue.record)


def following_up(dialogues: Iterable[Dialogue], count: int) -> list[Dialogue]:
    """Turns that speak of a medium that stands before them ("Now the other way round."), behind what it came with. In
    whole conversations some come seldom, and are taken for wishes that name a thing."""
    return _evenly(chain.from_iterable(map(_following, dialogues)), count, "follow")


def _following(dialogue: Dialogue) -> Iterator[Dialogue]:
    """From where something was shown or wished for last up to the turn that speaks of it."""
    exchanges, start = _exchanges(dialogue), 0
    cells = [turn["cell"] for turn in dialogue.record.get("turns", ())]
    for number, (cell, (task, exchange)) in enumerate(zip(cells, exchanges)):
        if _shows(exchange[0]) or (cell.startswith("text") and _shows(exchange[1])):
            start = number
        elif not cell.startswith("text") and not task.startswith(BACK) and exchange[1].language_loss:
            turns = tuple(chain.from_iterable(one for _, one in exchanges[start : number + 1]))
            yield Dialogue(f"{dialogue.id}.{number + 1}.follow", task, turns, dialogue.record)


# "What did I play first?", and what it is answered with when nothing was played.
BACK = ("mosit-first-", "mosit-missing-")
NUM_BACK = 2000
WAYS_BACK = 8


def looking_back(dialogues: Iterable[Dialogue], count: int) -> list[Dialogue]:
    """Turns that ask about the beginning, behind some of what was shown before them. In whole conversations they come
    seldom, and learn that the medium they ask about is not there."""
    rng = random.Random("back")
    return _evenly(chain.from_iterable(_back(dialogue, rng) for dialogue in dialogues), count, "back")


def _back(dialogue: Dialogue, rng: random.Random) -> Iterator[Dialogue]:
    """What was shown first of the modality stays, of what shows something and stands by itself a half."""
    exchanges = _exchanges(dialogue)
    for number, (task, asking) in enumerate(exchanges):
        if not (task.startswith(BACK) and asking[1].language_loss):
            continue
        before = [exchange for _, exchange in exchanges[:number] if _shows(exchange[0])]
        first = _first_with(task.rpartition("-")[2], before)
        for way in range(WAYS_BACK):
            kept = [one for place, one in enumerate(before) if place == first or rng.random() < 0.5]
            turns = tuple(chain.from_iterable([*kept, asking]))
            yield Dialogue(f"{dialogue.id}.{number + 1}.{way}", task, turns, dialogue.record)


def _first_with(modality: str, exchanges: Sequence[Exchange]) -> int | None:
    shown = ([getattr(part, "modality", "") for part in asked.content] for asked, _ in exchanges)
    return next((place for place, modalities in enumerate(shown) if modality in modalities), None)


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
