"""What all captioning tasks share: results and references in COCO's form, and the first line of a reply."""

from collections.abc import Mapping, Sequence
from typing import Any

from nextgpt.evaluation.tasks.scoring import scored
from nextgpt.evaluation.tasks.task import Answered, Row, Rows, Task


def files(answered: Sequence[Answered]) -> dict[str, Any]:
    """COCO's result file, and the references of these rows as COCO's annotation file."""
    names = [one.row.record.get("image_id", one.row.id) for one in answered]
    references = [(name, text) for name, one in zip(names, answered) for text in one.row.expected]
    return {
        "results.json": [{"image_id": name, "caption": one.answer} for name, one in zip(names, answered)],
        "references.json": {
            "images": [
                {"id": name, "domain": one.row.record.get("domain", "")} for name, one in zip(names, answered)
            ],
            "annotations": [
                {"id": number, "image_id": name, "caption": text}
                for number, (name, text) in enumerate(references)
            ],
        },
    }


def first_line(reply: str, row: Row) -> str:
    """A caption is one line; what follows an empty line is chat."""
    return next((line.strip() for line in reply.splitlines() if line.strip()), "")


def captioning(
    name: str,
    title: str,
    source: str,
    layout: Mapping[str, str],
    prompt: str,
    rows: Rows,
    scorer: str = "coco-captions",
) -> Task:
    return Task(
        name=name,
        title=title,
        source=source,
        layout=layout,
        prompt=prompt,
        rows=rows,
        parse=first_line,
        files=files,
        score=scored(scorer, "references.json"),
        max_new_tokens=64,
    )


def grouped(pairs: Sequence[tuple[Any, str]]) -> dict[Any, tuple[str, ...]]:
    """key -> its captions, in order."""
    found: dict[Any, list[str]] = {}
    for key, text in pairs:
        found.setdefault(key, []).append(text)
    return {key: tuple(texts) for key, texts in found.items()}
