"""Judging the replies of the matrix: readings of their media and of the true ones, then verdicts by condition."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nextgpt.cli.matrix_store import Answers

Verdict = dict[str, Any]
CONTROLS = ("blind", "given", "written", "alone")


def verdicts_of(
    answers: Answers,
    rows: Sequence[Any],
    controls: Sequence[Any],
    items: Any,
    names: tuple[str, ...],
    track: Callable[[str], Any],
) -> dict[str, dict[str, Verdict]]:
    """condition -> row -> verdict, for what was asked; ceiling is the exact reply, chance another row's."""
    true = true_readings([*rows, *controls], controls, items, track)
    some = {"real": rows, **dict.fromkeys(CONTROLS, controls), "alone": every_part(controls)}
    asked = {
        condition: [row for row in wanted if (condition, row.id) in answers.found]
        for condition, wanted in some.items()
    }
    found = {
        condition: judged_answers(condition, answers, some, items, names, true, track)
        for condition, some in asked.items()
    }
    found["ceiling"] = {
        row.id: judged_reference(row, row, items, names, true) for row in controls if scored(row)
    }
    others = other_rows(controls, items)
    found["chance"] = {
        row.id: judged_reference(row, others[row.id], items, names, true)
        for row in controls
        if row.id in others
    }
    return found


def every_part(rows: Sequence[Any]) -> list[Any]:
    """Of replies of several media each medium as a row of its own."""
    from nextgpt.nano.matrix.rows import apart

    return [one for row in rows for one in apart(row)]


def scored(row: Any) -> bool:
    """Whether there is an exact reply: plain chat has none."""
    return bool(row.reply)


def true_readings(
    rows: Sequence[Any], controls: Sequence[Any], items: Any, track: Callable[[str], Any]
) -> dict[str, Any]:
    """item -> the reading of its true medium: of all controls' media, and of effects, whose judge compares with it."""
    from nextgpt.cli.generation_media import array_of
    from nextgpt.cli.matrix_asking import true_medium
    from nextgpt.nano.matrix.content import kind_of, read_media

    held = {row.id for row in controls}
    parts = {
        part["item"]: part
        for row in rows
        for part in row.made
        if row.id in held or kind_of(items[part["item"]]) == "effect"
    }
    found: dict[str, Any] = {}
    for modality in sorted({part["type"] for part in parts.values()}):
        some = [part for part in parts.values() if part["type"] == modality]
        readings = read_media(
            modality,
            [items[part["item"]] for part in some],
            lambda number: array_of(modality, true_medium(items, some[number])),  # noqa: B023
            track(f"judging true {modality}"),
        )
        found |= {part["item"]: reading for part, reading in zip(some, readings)}
    return found


def judged_answers(
    condition: str,
    answers: Answers,
    rows: Sequence[Any],
    items: Any,
    names: tuple[str, ...],
    true: Mapping[str, Any],
    track: Callable[[str], Any],
) -> dict[str, Verdict]:
    """row -> verdict of the reply that was kept under the condition."""
    from nextgpt.nano.matrix.content import judge_medium
    from nextgpt.nano.matrix.verdicts import failed, judge_reply, placed

    lines = {row.id: answers.found[condition, row.id] for row in rows}
    kinds = {row.id: [medium["modality"] for medium in lines[row.id]["media"]] for row in rows}
    wanted = [
        (row, place, part, None if number is None else lines[row.id]["media"][number])
        for row in rows
        for place, (part, number) in enumerate(zip(row.made, placed(row, kinds[row.id])))
    ]
    readings = read_wanted(wanted, answers, items, lambda modality: track(f"judging {condition} {modality}"))
    judged: dict[str, list[Verdict]] = {row.id: [] for row in rows}
    for (row, _, part, _), reading in zip(wanted, readings):
        item = items[part["item"]]
        judged[row.id].append(judge_medium(part["type"], item, reading, true.get(part["item"])))
    return {
        row.id: failed(row)
        if "error" in lines[row.id]
        else judge_reply(row, lines[row.id]["text"], kinds[row.id], judged[row.id], names)
        for row in rows
    }


def read_wanted(
    wanted: Sequence[Any], answers: Answers, items: Any, track: Callable[[str], Any]
) -> list[Any]:
    """The readings in order; None where nothing was made."""
    from nextgpt.nano.matrix.content import read_media

    found: list[Any] = [None] * len(wanted)
    for modality in sorted({part["type"] for _, _, part, _ in wanted}):
        numbers = [number for number, (_, _, part, _) in enumerate(wanted) if part["type"] == modality]

        def load(index: int, numbers: list[int] = numbers) -> Any:
            medium = wanted[numbers[index]][3]
            return None if medium is None else answers.load(medium)

        some = [items[wanted[number][2]["item"]] for number in numbers]
        for number, reading in zip(numbers, read_media(modality, some, load, track(modality))):
            found[number] = reading
    return found


def other_rows(controls: Sequence[Any], items: Any) -> dict[str, Any]:
    """row -> the next row whose exact reply could stand in its place: media of the same kinds, the same task, or any
    other of the cell where no word is expected. Rows without such a one are left out."""
    alike: dict[Any, list[Any]] = {}
    for row in controls:
        if scored(row):
            alike.setdefault(likeness(row, items), []).append(row)
    return {
        row.id: other
        for rows in alike.values()
        if len(rows) > 1
        for row, other in zip(rows, [*rows[1:], rows[0]])
    }


def likeness(row: Any, items: Any) -> tuple[Any, ...]:
    from nextgpt.nano.matrix.content import kind_of

    kinds = tuple((part["type"], kind_of(items[part["item"]])) for part in row.made)
    if kinds:
        return (row.cell, *kinds)
    return (row.task,) if row.expected else (row.cell, "words")  # any refusal is as good as another


def judged_reference(
    row: Any, other: Any, items: Any, names: tuple[str, ...], true: Mapping[str, Any]
) -> Verdict:
    """The verdict that `row` would get for the exact reply of `other`."""
    from nextgpt.nano.matrix.content import judge_medium
    from nextgpt.nano.matrix.verdicts import judge_reply

    judged = [
        judge_medium(here["type"], items[here["item"]], true[there["item"]], true[here["item"]])
        for here, there in zip(row.made, other.made)
    ]
    return judge_reply(row, other.reply_text, other.media, judged, names)
