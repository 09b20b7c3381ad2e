"""Asking for the matrix: conversations of rows through the pipeline, and captions straight to the decoders.

real    the conversation as it is; media that the assistant made before are the true ones
blind   without the user's media
given   no language model: the true caption of each medium through the decoder's own text encoding
written the plain pipeline: the caption that the language model wrote before the medium, through that encoding
alone   of replies of several media each medium asked for by itself, as the first thing that is said
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nextgpt.cli.generation_media import item_seed
from nextgpt.cli.matrix_store import Answers

SIZES = {"image": 128, "video": 128, "audio": 0}  # pixels of what the decoders make
MAX_NEW_TOKENS = 64
DECODED_AT_ONCE = 8
Track = Callable[[Iterable[Any]], Iterable[Any]]


def true_medium(items: Any, part: dict[str, Any], size: int = 0) -> Any:
    """The medium that a part of a message names, as it was drawn."""
    from nextgpt.nano.recipe import MEDIA

    return MEDIA[part["type"]](items[part["item"]]["scene"], size or SIZES[part["type"]])


def conversation(row: Any, items: Any, sizes: dict[str, int], blind: bool = False) -> list[Any]:
    """Messages of a row. sizes: pixels at which the model looks at what a user shows."""
    from nextgpt.messages import Message, TextPart, media_part

    messages = []
    for message in row.messages:
        own = message["role"] == "user"
        parts: list[Any] = []
        for part in message["content"]:
            if part["type"] == "text":
                parts.append(TextPart(part["text"]))
            elif not (own and blind):
                size = sizes.get(part["type"], 0) if own else 0
                parts.append(media_part(true_medium(items, part, size)))
        messages.append(Message(message["role"], tuple(parts)))
    return messages


def sizes_of(model: Any) -> dict[str, int]:
    """At how many pixels items are drawn for the encoders, as in training."""
    inputs = model.config.inputs.items()
    return {name: getattr(one.encoder, "image_size", 0) for name, one in inputs}


def ask_rows(
    pipeline: Callable[[], Any],
    answers: Answers,
    rows: Sequence[Any],
    items: Any,
    condition: str,
    options: dict[str, Any],
    batch: int,
    track: Callable[[str], Track],
) -> None:
    """Greedy replies to what is not answered yet. pipeline: opens it, if there is something to ask. options: seed,
    steps, guidance."""
    todo = answers.missing(condition, rows)
    if not todo:
        return
    bar, blind = track(f"asking, {condition}"), condition == "blind"
    for some, results in replies(pipeline(), todo, items, options, batch, bar, blind):
        for row, result in zip(some, results):
            keep_reply(answers, condition, row, result)


def replies(
    pipeline: Any,
    rows: Sequence[Any],
    items: Any,
    options: dict[str, Any],
    batch: int,
    track: Track,
    blind: bool = False,
) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """(rows, their results), `batch` at once, short conversations first."""
    from nextgpt.generation.options import GenerationOptions

    todo = sorted(rows, key=lambda row: (len(str(row.messages)), row.id))
    settings, sizes = {**options, "max_new_tokens": MAX_NEW_TOKENS}, sizes_of(pipeline.model)
    for start in track(range(0, len(todo), batch)):
        some = todo[start : start + batch]
        talks = [conversation(row, items, sizes, blind) for row in some]
        how = [GenerationOptions(**settings | {"seed": item_seed(row, options["seed"])}) for row in some]
        yield some, pipeline.replies(talks, how)


def keep_reply(answers: Answers, condition: str, row: Any, result: Any) -> None:
    """result: Finished, or the error of this row."""
    from nextgpt.errors import NextGPTError
    from nextgpt.messages import TextPart

    if isinstance(result, NextGPTError):
        answers.add(condition, row, "", (), str(result))
        return
    message = result.message
    media, words = [], ""
    for part in message.content if message is not None else ():
        if isinstance(part, TextPart):
            words = part.text
        else:
            media.append((str(part.modality), part.media, part.seed, words))
            words = ""
    answers.add(condition, row, message.text.strip() if message is not None else "", media)


Caption = Callable[[Any, int], str]  # (row, number of the medium that is asked for) -> its caption, or ""


def true_captions(items: Any) -> Caption:
    return lambda row, place: items[row.made[place]["item"]]["caption"]


def written_captions(answers: Answers) -> Caption:
    """What the model wrote right before the medium that answers the request."""
    from nextgpt.nano.matrix.verdicts import placed
    from nextgpt.nano.matrix.words import caption_in

    def caption(row: Any, place: int) -> str:
        media = answers.found["real", row.id]["media"]
        number = placed(row, [one["modality"] for one in media])[place]
        return "" if number is None else caption_in(media[number]["words"], media[number]["modality"])

    return caption


def give_captions(
    pipeline: Callable[[], Any],
    answers: Answers,
    condition: str,
    rows: Sequence[Any],
    caption: Caption,
    options: dict[str, Any],
    track: Callable[[str], Track],
) -> None:
    """The media of rows that ask for some, from captions; seeds are those that the pipeline would take."""
    todo = sorted(answers.missing(condition, [row for row in rows if row.made]), key=lambda row: row.media)
    if not todo:
        return
    output = pipeline().output_media
    for start in track(f"captions {condition}")(range(0, len(todo), DECODED_AT_ONCE)):
        some = todo[start : start + DECODED_AT_ONCE]
        for row, media in zip(some, decoded(output, some, caption, options)):
            answers.add(condition, row, "", media)


def decoded(
    output: Any, rows: Sequence[Any], caption: Caption, options: dict[str, Any]
) -> list[list[tuple[str, Any, int, str]]]:
    """(modality, medium, seed, caption) of each medium of each row that has a caption."""
    from nextgpt.generation.output_media import item_seed as seed_of_medium

    orders = [
        (number, place, modality, words)
        for number, row in enumerate(rows)
        for place, modality in enumerate(row.media)
        if (words := caption(row, place))
    ]
    made: list[dict[int, tuple[str, Any, int, str]]] = [{} for _ in rows]
    for modality in sorted({modality for *_, modality, _ in orders}):
        some = [order for order in orders if order[2] == modality]
        seeds = [
            seed_of_medium(item_seed(rows[number], options["seed"]), place + 1) for number, place, *_ in some
        ]
        decoder = output.decoder(modality)
        media = decoder.decode(
            decoder.encode_prompt([words for *_, words in some]),
            seeds=seeds,
            steps=options["steps"],
            guidance=options["guidance"],
        )
        for (number, place, _, words), medium, seed in zip(some, media, seeds):
            made[number][place] = (modality, medium, seed, words)
    return [[one[place] for place in sorted(one)] for one in made]
