"""A run's page: one HTML file with tables, plots, and examples right and wrong with their media."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.evaluation.plots import bars, histogram
from nextgpt.evaluation.tasks import Answered
from nextgpt.evaluation.thumbnails import thumbnail
from nextgpt.files import replace_text
from nextgpt.media import Medium
from nextgpt.modalities import MODALITIES

EXAMPLES = 8
STYLE = """
:root { color-scheme: light dark; --ink: #22211f; --faint: #8a867f; --bar: #6a7fa0; --paper: #fbfaf8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9e6e1; --bar: #8fa5c8; --paper: #191817; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .25rem .7rem; text-align: left;
  border-bottom: 1px solid #8884; vertical-align: top; }
.plot, .wave { font-size: 12px; fill: var(--ink); max-width: 100%; display: block; margin: .8rem 0; }
.plot rect, .wave rect { fill: var(--bar); } .plot path { stroke: var(--ink); stroke-width: 1.5; }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.examples article { border: 1px solid #8884; border-radius: .5rem; padding: .7rem; overflow-wrap: anywhere; }
.examples p { margin: .3rem 0; white-space: pre-wrap; } small, .note { color: var(--faint); }
img { max-width: 100%; border-radius: .3rem; } audio { width: 100%; }
"""


def write_report(
    page: Path, runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Sequence[Answered]]]
) -> Path:
    """runs: (run.json, items.json, answers) of each task. Returns the page."""
    title = html.escape(f"nextgpt eval: {runs[0][0]['model']['name']}")
    body = "\n".join([overview([run for run, _, _ in runs]), *(section(*one) for one in runs)])
    return replace_text(
        page,
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n{body}\n</html>\n",
    )


def overview(runs: Sequence[Mapping[str, Any]]) -> str:
    rows = [(run["task"], one) for run in runs for one in run["metrics"]]
    cells = "".join(f"<tr><td>{html.escape(task)}</td>{metric_cells(one)}</tr>" for task, one in rows)
    head = "<tr><th>task</th><th>metric</th><th>score</th><th>95 % interval</th><th>n</th></tr>"
    return f"<table>{head}{cells}</table>"


def metric_cells(one: Mapping[str, Any]) -> str:
    value = (
        number(one["value"]) if one["value"] is not None else f"<em>{html.escape(one['unavailable'])}</em>"
    )
    between = " to ".join(map(number, one["interval"])) if one["interval"] else ""
    return f"<td>{html.escape(one['metric'])}</td><td>{value}</td><td>{between}</td><td>{one['n']:,}</td>"


def number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def section(run: Mapping[str, Any], items: Mapping[str, Any], answered: Sequence[Answered]) -> str:
    main = run["metrics"][0]
    values = items.get(main["metric"], {})
    notes = [note for one in run["metrics"] for note in (*one["notes"], one["unavailable"]) if note]
    told = [f"<p class=note>{html.escape(note)}</p>" for note in notes]
    spread = histogram(list(values.values()), main["metric"]) if values else ""
    plots = [bars(main["breakdown"]), spread]
    return "\n".join(
        [f"<h2>{html.escape(run['title'])}</h2>", *told, *plots, examples(answered, values), details(run)]
    )


def examples(answered: Sequence[Answered], values: Mapping[str, float]) -> str:
    """The best and the worst by the main metric; where it has no value for each item, the first ones."""
    if not values:
        return f"<h3>Examples</h3>{cards(answered[:EXAMPLES], values)}"
    known = [one for one in answered if one.row.id in values]
    ordered = sorted(known, key=lambda one: values[one.row.id])
    low, high = min(values.values()), max(values.values())
    worst = [one for one in ordered if values[one.row.id] < high or high == low == 0][:EXAMPLES]
    best = [one for one in reversed(ordered) if values[one.row.id] > low or low == high != 0][:EXAMPLES]
    parts = (("Right, or best", best), ("Wrong, or worst", worst))
    return "".join(f"<h3>{name}</h3>{cards(some, values)}" for name, some in parts if some)


def cards(some: Sequence[Answered], values: Mapping[str, float]) -> str:
    return f"<div class=examples>{''.join(card(one, values.get(one.row.id)) for one in some)}</div>"


def card(one: Answered, value: float | None) -> str:
    shown = [thumbnail(medium) for medium in one.row.media[:2]]
    made = [thumbnail(medium_of(path)) for path in one.media]
    told = html.escape(one.error or one.answer or one.reply or "(nothing)")
    score = "" if value is None else f" <small>{number(value)}</small>"
    expected = html.escape(" | ".join(one.row.expected[:5]))
    return (
        f"<article>{''.join(shown)}<p>{html.escape(one.row.text)}</p><p><b>{told}</b>{score}</p>{''.join(made)}"
        f"<p><small>expected: {expected}</small></p><small>{html.escape(one.row.id)}</small></article>"
    )


def medium_of(path: Path) -> Medium:
    kinds = {spec.file_suffix: spec.media_type for spec in MODALITIES.values()}
    return kinds[path.suffix.lstrip(".")].from_path(path)


def details(run: Mapping[str, Any]) -> str:
    """Everything else of run.json."""
    rest = {name: value for name, value in run.items() if name not in ("metrics", "title")}
    text = html.escape(json.dumps(rest, indent=1, ensure_ascii=False))
    return f"<details><summary>What was run, on what</summary><pre>{text}</pre></details>"
