"""The page of the matrix: a section a group, with its first conversations, replies and verdicts."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.cli.matrix_store import Answers
from nextgpt.cli.page import TAGS

STYLE = """
:root { color-scheme: light dark; } body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; }
article { border-left: .25rem solid #8884; padding: .2rem 1rem; margin: 1rem 0; } article.right { border-color: #184; }
article.wrong { border-color: #c03; } p { margin: .2rem 0; } .user { opacity: .75; } audio { width: 20rem; }
img { height: 7rem; max-width: 100%; object-fit: cover; object-position: left; image-rendering: pixelated; }
small { opacity: .7; } table { border-collapse: collapse; } td, th { padding: .1rem .7rem; text-align: left; }
"""


def page(
    out: Path,
    groups: Mapping[str, Sequence[Any]],
    answers: Answers,
    items: Any,
    verdicts: Mapping[str, dict[str, Any]],
    table: Sequence[dict[str, Any]],
) -> str:
    """Media of the conversations are drawn into the folder, so that the page shows them."""
    scores = "\n".join(_score(row) for row in table if not row["of"])
    sections = "\n".join(
        f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2>\n'
        + "\n".join(_row(out, row, answers, items, verdicts[row.id]) for row in rows)
        for name, rows in groups.items()
    )
    title = "nextgpt: what goes in, what comes out"
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n<table><tr><th>group<th>n<th>score<th>routing</tr>\n{scores}</table>\n{sections}\n</html>\n"
    )


def _score(row: dict[str, Any]) -> str:
    name = html.escape(row["task"])
    score = f"{100 * row['score']:.1f} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
    cells = (f'<a href="#{name}">{name}</a>', str(row["n"]), score, f"{100 * row['routing']:.1f}")
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}</tr>"


def _row(out: Path, row: Any, answers: Answers, items: Any, verdict: dict[str, Any]) -> str:
    line = answers.found["real", row.id]
    asked = "\n".join(_message(out, message, items) for message in row.messages)
    made = "".join(_medium(one["modality"], one["path"]) for one in line["media"])
    reply = (
        f'<p class="assistant"><b>{html.escape(line["text"] or line.get("error", ""))}</b></p><p>{made}</p>'
    )
    mark = "right" if verdict["right"] else "wrong"
    wanted = f" · wanted: {html.escape(row.expected)}" if row.expected else ""
    way = "" if verdict["routed"] else " · other media than those asked for"
    note = f"<small>{html.escape(row.task)}{wanted} · {mark}{way}</small>"
    return f'<article class="{mark}">\n{asked}\n{reply}\n{note}\n</article>'


def _message(out: Path, message: dict[str, Any], items: Any) -> str:
    parts = [
        html.escape(part["text"])
        if part["type"] == "text"
        else _medium(part["type"], _drawn(out, part, items))
        for part in message["content"]
    ]
    return f'<p class="{message["role"]}">{message["role"]}: {" ".join(parts)}</p>'


def _drawn(out: Path, part: dict[str, Any], items: Any) -> str:
    """The medium's place in the folder, written if it is not there."""
    from nextgpt.cli.generation_media import SUFFIX, array_of, save_array
    from nextgpt.cli.matrix_asking import true_medium

    path = out / "media" / "true" / f"{part['item']}.{SUFFIX[part['type']]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_array(part["type"], array_of(part["type"], true_medium(items, part)), path)
    return path.relative_to(out).as_posix()


def _medium(modality: str, place: str) -> str:
    from nextgpt.cli.generation_media import KEPT

    return TAGS[KEPT[modality].shown].format(source=html.escape(place), name=modality)
