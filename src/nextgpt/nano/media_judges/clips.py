"""What a clip shows: background, the thing, how it moves (motion.py), and how still its still parts are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextgpt.nano.clips import MOTIONS
from nextgpt.nano.media_judges.gallery import Gallery
from nextgpt.nano.media_judges.motion import (
    clip_background,
    distance,
    flicker,
    motion_of,
    track_of,
)
from nextgpt.nano.media_judges.segments import Pixels, cut_out, foreground, whole


@dataclass(frozen=True)
class ClipReading:
    """motions: of the whole, or for "then" of the first half and the second, for "crossing" of both sides.
    likeness (names,): of the frames looked at, each name's best. flicker: levels of 255, None if nothing is still."""

    colour: str
    motions: tuple[str, ...]
    likeness: Tensor
    flicker: float | None


def read_clips(clips: Sequence[Pixels], kinds: Sequence[str], gallery: Gallery) -> list[ClipReading]:
    """One reading a clip uint8 (F, H, W, 3)."""
    backgrounds = [clip_background(clip) for clip in clips]
    cuts, owners, extents = [], [], []
    for number, (clip, (_, colour)) in enumerate(zip(clips, backgrounds)):
        for frame in frames_to_name(clip, colour):
            part = whole(foreground(frame, colour))
            cuts.append(cut_out(frame, part.box, colour))
            owners.append(number)
            extents.append(part.extent * frame.shape[0])
    likeness: list[list[Tensor]] = [[] for _ in clips]
    for number, row, extent in zip(owners, gallery.features(cuts), extents):
        likeness[number].append(gallery.likeness(row[None], backgrounds[number][0], extent)[0])
    return [
        ClipReading(
            name, motions(clip, colour, kind), torch.stack(rows).amax(0), flicker(clip, colour)
        )
        for clip, kind, (name, colour), rows in zip(clips, kinds, backgrounds, likeness)
    ]  # fmt: skip


def frames_to_name(clip: Pixels, colour: Any) -> list[Pixels]:
    """The first frame, the last and the one that shows most, each if it shows half of that: upright and not faint."""
    mass = distance(clip, colour).sum((1, 2))
    best = int(mass.argmax())
    chosen = sorted({number for number in (0, best, len(clip) - 1) if mass[number] >= mass[best] / 2})
    return [clip[number] for number in chosen]


def motions(clip: Pixels, colour: Any, kind: str) -> tuple[str, ...]:
    if kind == "then":
        half = len(clip) // 2
        return tuple(motion_of(track_of(part, colour)) for part in (clip[:half], clip[half:]))
    if kind == "crossing":
        return tuple(motion_of(track_of(part, colour)) for part in sides(clip, colour))
    return (motion_of(track_of(clip, colour)),)


def sides(clip: Pixels, colour: Any) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    """The upper, lower, left and right half, each with background in the place of the rest."""
    _, height, width, _ = clip.shape
    blank = np.broadcast_to(np.round(colour).astype(np.uint8), clip.shape)
    halves = (
        np.s_[:, : height // 2],
        np.s_[:, height // 2 :],
        np.s_[:, :, : width // 2],
        np.s_[:, :, width // 2 :],
    )
    shown = []
    for half in halves:
        picture = blank.copy()
        picture[half] = clip[half]
        shown.append(picture)
    return shown[0], shown[1], shown[2], shown[3]


def judge_clip(reading: ClipReading, slots: dict[str, str], kind: str, gallery: Gallery) -> dict[str, Any]:
    """task -> right or wrong, and `seen`. slots: those of settled clips, whose `motion` is one of twelve words.

    `video-motion` is the kind of motion among seven and its direction, if it has one; both must be right.
    """
    judged: dict[str, Any] = {"video-colour": reading.colour == slots["colour"]}
    seen: dict[str, Any] = {
        "colour": reading.colour,
        "motions": list(reading.motions),
        "flicker": reading.flicker,
    }
    word = slots["motion"]
    if kind == "one":
        rank = gallery.rank(reading.likeness, slots["name"])
        judged |= {"video-name-first": rank == 1, "video-name-five": rank <= 5}
        judged["video-motion"] = reading.motions[0] == word
        if MOTIONS[word][1]:
            judged["video-direction"] = MOTIONS[reading.motions[0]][1] == MOTIONS[word][1]
        seen["rank"] = rank
    elif kind == "then":
        judged["video-then"] = reading.motions == (word, slots["second"])
    elif kind == "crossing":
        judged["video-crossing"] = reading.motions[:2] == CROSSED.get(word) or reading.motions[
            2:
        ] == CROSSED.get(word)
    return {**judged, "seen": seen}


CROSSED = {
    "left": ("left", "right"),
    "right": ("right", "left"),
    "up": ("up", "down"),
    "down": ("down", "up"),
}
