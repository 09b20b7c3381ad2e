"""One entry of the original's files -> what was said in it. Each layout is a function; original.py has their table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nextgpt.data.mosit import MEDIA, wrong
from nextgpt.errors import DataError

ROLES = {"human": "user", "gpt": "assistant"}
_MARK = re.compile(r"<(image|audio|video)>")
_SPAN = re.compile(r"<(Image|Audio|Video)>(.*?)</\1>", re.S)


@dataclass(frozen=True)
class Piece:
    """Text, or a medium with its caption in `text` and the name of its file, where it has one."""

    modality: str
    text: str
    file: str = ""


@dataclass(frozen=True)
class Said:
    role: str
    pieces: tuple[Piece, ...]
    language_loss: bool = True


@dataclass(frozen=True)
class Entry:
    """An entry of a file, and its place for errors."""

    value: dict[str, Any]
    where: str

    def wrong(self, name: str, expected: str, found: Any) -> DataError:
        return wrong(self.where, name, expected, found)

    def text(self, name: str, value: dict[str, Any] | None = None, prefix: str = "") -> str:
        found = (self.value if value is None else value).get(name)
        if not isinstance(found, str):
            raise self.wrong(prefix + name, "text", found)
        return found

    def texts(self, name: str) -> list[str]:
        """A text or a list of texts; nothing where the field is not there."""
        found = self.value.get(name, [])
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise self.wrong(name, "text or a list of texts", found)
        return list(listed)

    def turns(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(field, {"from", "value", ...}) of "conversation" or "conversations"."""
        name = "conversations" if "conversations" in self.value else "conversation"
        found = self.value.get(name)
        if not isinstance(found, list) or not found:
            raise self.wrong(name, "a list of what human and gpt said", found)
        for index, turn in enumerate(found):
            place = f"{name}[{index}]"
            if not isinstance(turn, dict) or turn.get("from") not in ROLES:
                raise self.wrong(
                    f"{place}.from", "'human' or 'gpt'", turn.get("from") if isinstance(turn, dict) else turn
                )
            self.text("value", turn, f"{place}.")
            yield place, turn


def pairs(entry: Entry) -> list[Said]:
    """CC3M, AudioCaps, WebVid: {"image_name" (audio_name, video_name), "caption"}. The caption asks for the medium;
    no words are learnt."""
    caption = entry.text("caption")
    modality = next((name for name in MEDIA if f"{name}_name" in entry.value), "")
    if not modality:
        raise entry.wrong("image_name", "the name of a file in image_name, audio_name or video_name", None)
    piece = Piece(modality, caption, entry.text(f"{modality}_name"))
    return [Said("user", (Piece("text", caption),)), Said("assistant", (piece,), language_loss=False)]


def comprehension(entry: Entry) -> list[Said]:
    """Alpaca's {"instruction", "input", "output"}; {"input_image", "conversations"} with marks <image> in the text;
    LLaVA's "image"; and the older {"image_name", "conversation"} whose first question is about the medium."""
    if "instruction" in entry.value:
        asked = f"{entry.text('instruction')} {entry.text('input')}".strip()
        return [Said("user", _words(asked)), Said("assistant", _words(entry.text("output")))]
    files = {name: _files(entry, name) for name in MEDIA}
    said = [
        Said(ROLES[turn["from"]], _marked(entry, place, turn["value"], files))
        for place, turn in entry.turns()
    ]
    return _all_shown(entry, said, files)


def _files(entry: Entry, modality: str) -> list[str]:
    for name in (f"input_{modality}", modality, f"{modality}_name"):
        if name in entry.value:
            # the original writes this name where an entry of Alpaca has no picture
            return [] if entry.value[name] == "00000000000" else entry.texts(name)
    return []


def _all_shown(entry: Entry, said: list[Said], files: dict[str, list[str]]) -> list[Said]:
    """Media without a mark stand before the first question."""
    left = tuple(Piece(name, "", file) for name, names in files.items() for file in names)
    marked = any(piece.modality in MEDIA for one in said for piece in one.pieces)
    if left and marked:
        raise entry.wrong(
            "conversations", "a mark such as <image> for each medium", f"{len(left)} more media"
        )
    return [Said(said[0].role, left + said[0].pieces), *said[1:]] if left else said


def t2m(entry: Entry) -> list[Said]:
    """{"audio_captions", "conversations"}: replies with marks <audio>, or with "caption" and "output_modality";
    "output_audio" names the files of alignment data."""
    files = {name: entry.texts(f"output_{name}") for name in MEDIA}
    captions = {name: entry.texts(f"{name}_captions") for name in MEDIA}
    return [_reply(entry, place, turn, files, captions) for place, turn in entry.turns()]


def _reply(
    entry: Entry,
    place: str,
    turn: dict[str, Any],
    files: dict[str, list[str]],
    captions: dict[str, list[str]],
) -> Said:
    role, value = ROLES[turn["from"]], turn["value"]
    if role == "user":
        return Said(role, _words(value))
    if _MARK.search(value):
        return Said(role, _marked(entry, place, value, files, captions))
    modality = turn.get("output_modality", "text")
    if modality not in ("text", *MEDIA):
        raise entry.wrong(f"{place}.output_modality", f"one of text, {', '.join(MEDIA)}", modality)
    made = (Piece(modality, entry.text("caption", turn, f"{place}.")),) if modality in MEDIA else ()
    return Said(role, (*_words(value), *made))


def mosit(entry: Entry) -> list[Said]:
    """{"conversation", "image_list", "audio_list", "video_list"}: <Image>mosit_i_1.jpg</Image> names a file of a
    list, <Image>a sunset</Image> is the caption of a picture that has none. After the original's own preparation
    the lists are "image_captions" and the marks bare: t2m."""
    lists = [f"{name}_list" for name in MEDIA]
    if not any(name in entry.value for name in lists) and any(
        f"{name}_captions" in entry.value for name in MEDIA
    ):
        return t2m(entry)
    known = {name: _listed(entry, name) for name in MEDIA}
    return [
        Said(ROLES[turn["from"]], tuple(_spans(entry, place, turn["value"], known)))
        for place, turn in entry.turns()
    ]


def _listed(entry: Entry, modality: str) -> dict[str, str]:
    """file -> caption of "image_list"."""
    name = f"{modality}_list"
    listed = entry.value.get(name, [])
    if not isinstance(listed, list):
        raise entry.wrong(name, "a list", listed)
    found = {}
    for index, one in enumerate(listed):
        if not isinstance(one, dict):
            raise entry.wrong(f"{name}[{index}]", "an object", one)
        prefix = f"{name}[{index}]."
        found[entry.text(f"{modality}_name", one, prefix)] = entry.text("caption", one, prefix)
    return found


def _spans(entry: Entry, place: str, value: str, known: dict[str, dict[str, str]]) -> Iterator[Piece]:
    end = 0
    for span in _SPAN.finditer(value):
        yield from _words(value[end : span.start()])
        modality, said, end = span[1].lower(), span[2].strip(), span.end()
        if said.startswith("mosit_") and said not in known[modality]:
            raise entry.wrong(f"{place}.value", f"a file of {modality}_list", said)
        listed = said in known[modality]
        yield Piece(modality, known[modality][said] if listed else said, said if listed else "")
    yield from _words(value[end:])


def _marked(
    entry: Entry,
    place: str,
    value: str,
    files: dict[str, list[str]],
    captions: dict[str, list[str]] | None = None,
) -> tuple[Piece, ...]:
    """Text with marks such as <image>; each takes the next file, and caption, of its modality."""
    pieces: list[Piece] = []
    end = 0
    for mark in _MARK.finditer(value):
        modality = mark[1]
        left = files[modality] if captions is None else captions[modality]
        if not left:
            raise entry.wrong(f"{place}.value", f"no more marks <{modality}> than {modality} media", value)
        pieces += _words(value[end : mark.start()])
        caption = captions[modality].pop(0) if captions is not None else ""
        pieces.append(Piece(modality, caption, files[modality].pop(0) if files[modality] else ""))
        end = mark.end()
    return (*pieces, *_words(value[end:]))


def _words(value: str) -> tuple[Piece, ...]:
    return (Piece("text", value.strip()),) if value.strip() else ()
