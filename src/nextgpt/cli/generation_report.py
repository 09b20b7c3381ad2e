"""What `nextgpt eval nano-generation` leaves behind: answers, scores, tables, sheets and a page.

answers.jsonl   a line a sample: caption, file, seed, what was right, what was seen
scores.json     every modality that was judged into the folder; table.md the same to read
sheet-<modality>.png, index.html
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

COLUMNS = ("ceiling", "rebuilt", "chance", "name")
SHOWN = 48


def write_answers(
    out: Path, modality: str, items: Sequence[Any], judged: Sequence[dict[str, Any]], options: Any
) -> None:
    """answers.jsonl: this modality's lines anew, those of others as they were."""
    from nextgpt.cli.data import write_lines
    from nextgpt.cli.generation_media import item_seed, media_path

    path = out / "answers.jsonl"
    old = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    lines = [line for line in old if line["modality"] != modality]
    for item, one in zip(items, judged):
        place = media_path(out, modality, item).relative_to(out).as_posix()
        lines.append({"id": item.id, "modality": modality, "caption": item.caption, "path": place,
                      "seed": item_seed(item, options["seed"]), **one})  # fmt: skip
    write_lines(path, [json.dumps(line, ensure_ascii=False) for line in lines])


def write_sheets(
    out: Path, modality: str, suite: Any, items: Sequence[Any], judged: Sequence[dict[str, Any]]
) -> None:
    """A sheet of the first samples beside true media or the nearest training pictures, and the page of all sheets."""
    from nextgpt.cli.generation_media import load_array, media_path
    from nextgpt.nano.media_judges.showing import page, sheet

    shown = [(item, load_array(modality, media_path(out, modality, item))) for item in items[:SHOWN]]
    sheet(modality, suite, shown).save(out / f"sheet-{modality}.png")
    places = [media_path(out, modality, item).relative_to(out).as_posix() for item, _ in shown]
    entries = [(item.caption, place, one) for (item, _), place, one in zip(shown, places, judged)]
    (out / f"page-{modality}.json").write_text(json.dumps(entries), "utf-8")
    (out / "index.html").write_text(page(out), "utf-8")


def save_scores(out: Path, modality: str, record: dict[str, Any]) -> None:
    """Print the table; scores.json and table.md hold every modality that was judged into this folder."""
    from nextgpt.cli.data import write_lines
    from nextgpt.cli.show import console, score_table

    path = out / "scores.json"
    scores = json.loads(path.read_text("utf-8")) if path.exists() else {}
    scores[modality] = record
    write_lines(path, [json.dumps(scores, indent=1)])
    write_lines(out / "table.md", [line for name in sorted(scores) for line in report_lines(scores[name])])
    console.print(score_table(record["rows"], COLUMNS))
    for line in further_lines(record):
        typer.echo(line)
    typer.echo(f"Media, answers, scores and index.html are in {out}.")


def report_lines(record: dict[str, Any]) -> list[str]:
    from nextgpt.cli.show import markdown_table

    return [*markdown_table(record["rows"], COLUMNS), "", *further_lines(record), ""]


def further_lines(record: dict[str, Any]) -> list[str]:
    """Flicker and distances as sentences."""
    lines = []
    if flicker := record.get("flicker"):
        values = ", ".join(f"{name} {value:.2f}" for name, value in flicker.items() if value is not None)
        lines.append(f"Flicker (mean change of still pixels from frame to frame, of 255): {values}.")
    if found := record.get("distances"):
        for name in ("KD-EffNetLite0", "FD-EffNetLite0"):
            values = ", ".join(f"{side} {found[side][name]:.4g}" for side in ("samples", "rebuilt", "true"))
            lines.append(
                f"{name}, {found['n']} pictures against as many true ones of another seed: {values}."
            )
        spread = found["samples"]["KD spread"]
        lines.append(
            f"KD over all pairs, no subsets; its deviation over 100 subsets of 1,000 is {spread:.2g}."
        )
    return lines
