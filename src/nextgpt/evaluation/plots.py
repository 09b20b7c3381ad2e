"""Plots as SVG text: bars with names, and how items' values are spread."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

ROW, NAME, WIDTH = 20, 240, 360
BINS = 20
MOST_BARS = 60


def bars(values: Mapping[str, float], interval: Mapping[str, Sequence[float]] | None = None) -> str:
    """A horizontal bar each, from 0, with its number; `interval` draws a line from low to high."""
    shown = dict(list(values.items())[:MOST_BARS])
    if not shown:
        return ""
    most = max(
        1e-9, *(abs(value) for value in shown.values()), *(high for _, high in (interval or {}).values())
    )
    lines = []
    for row, (name, value) in enumerate(shown.items()):
        y, width = ROW * row, WIDTH * max(0.0, value) / most
        lines.append(
            f'<text x="{NAME - 8}" y="{y + 14}" text-anchor="end">{html.escape(name[:40])}</text>'
            f'<rect x="{NAME}" y="{y + 4}" width="{width:.1f}" height="12"/>'
            f'<text x="{NAME + width + 6:.1f}" y="{y + 14}">{value:.4g}</text>'
        )
        if interval and name in interval:
            low, high = (NAME + WIDTH * max(0.0, end) / most for end in interval[name])
            lines.append(f'<path d="M{low:.1f} {y + 10}H{high:.1f}"/>')
    rest = len(values) - len(shown)
    more = f"<p>and {rest} more, in run.json</p>" if rest else ""
    return _svg(lines, NAME + WIDTH + 80, ROW * len(shown)) + more


def histogram(values: Sequence[float], label: str) -> str:
    """How many items have which value."""
    counts, edges = np.histogram(np.asarray(values, np.float64), BINS)
    most, step, height = max(1, int(counts.max())), WIDTH / BINS, 90
    lines = [
        f'<rect x="{step * place:.1f}" y="{height - height * count / most:.1f}" width="{step - 1:.1f}" '
        f'height="{height * count / most:.1f}">'
        f"<title>{edges[place]:.3g} to {edges[place + 1]:.3g}: {count}</title></rect>"
        for place, count in enumerate(counts)
    ]
    lines.append(f'<text x="0" y="{height + 14}">{edges[0]:.3g}</text>')
    lines.append(f'<text x="{WIDTH}" y="{height + 14}" text-anchor="end">{edges[-1]:.3g}</text>')
    name = html.escape(f"{label} of an item; the tallest bar is {most}")
    lines.append(f'<text x="{WIDTH / 2}" y="{height + 14}" text-anchor="middle">{name}</text>')
    return _svg(lines, WIDTH, height + 20)


def _svg(lines: Sequence[str], width: float, height: float) -> str:
    body = "".join(lines)
    return f'<svg class="plot" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">{body}</svg>'
