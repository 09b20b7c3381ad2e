"""Verdicts of replies: is what was asked for right, and are the media exactly those that were asked for."""

from collections.abc import Sequence
from typing import Any

from nextgpt.nano.matrix.rows import MatrixRow
from nextgpt.nano.matrix.words import is_about_words, judge_words, says

# turn -> the judge of what it asks to change, which must be right beside the medium's own score
CHANGES = {
    "mosit-reverse-sound": "audio-direction",
    "mosit-count-of": "image-count",
    "mosit-size-of": "image-size",
    "mosit-beside": "image-relation",
    "mosit-side-by-side": "image-relation",
}


def routed(row: MatrixRow, media: Sequence[str]) -> bool:
    """The reply's media are those asked for, in their order, and no more."""
    return tuple(media) == row.media


def placed(row: MatrixRow, media: Sequence[str]) -> list[int | None]:
    """For each medium asked for the number of the reply's medium that answers it: in order, of its modality."""
    start, found = 0, []
    for modality in row.media:
        here = next((number for number in range(start, len(media)) if media[number] == modality), None)
        start = start if here is None else here + 1
        found.append(here)
    return found


def judge_reply(
    row: MatrixRow,
    text: str,
    media: Sequence[str],
    judged: Sequence[dict[str, Any]],
    names: tuple[str, ...],
) -> dict[str, Any]:
    """judged: the verdict of each medium asked for (`judge_medium`). right: all media, or the words where none is
    wanted; several media must come in their order. Plain chat is right where nothing is made. told: the same of the
    language model alone, before any decoder: the media are those asked for and the words have each one's caption."""
    route = routed(row, media)
    right = _right(row, text, media, judged, names, route)
    told = route and says(text, row.expected) if row.made else right
    return {"right": right, "told": told, "routed": route, "media": list(judged)}


def failed(row: MatrixRow) -> dict[str, Any]:
    """The verdict of an error instead of a reply."""
    return {"right": False, "told": False, "routed": False, "media": [{"right": False} for _ in row.made]}


def _right(
    row: MatrixRow,
    text: str,
    media: Sequence[str],
    judged: Sequence[dict[str, Any]],
    names: tuple[str, ...],
    route: bool,
) -> bool:
    if row.made:
        whole = route or len(row.made) == 1
        return whole and all(one["right"] and one.get(CHANGES.get(row.task, ""), True) for one in judged)
    judge = judge_words(row.task, names)
    if judge is None:
        return route
    return judge(text, row.record) and (route or not is_about_words(row.task))
