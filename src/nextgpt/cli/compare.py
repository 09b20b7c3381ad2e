"""nextgpt eval compare A B: is the second run better than the first?"""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(help="The --out folder of a run, or one task's folder in it.")],
    second: Annotated[Path, typer.Argument(help="Of another run over the same items.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling.")] = 0,
) -> None:
    """Is the second run better than the first? Paired over the same items."""
    from rich.table import Column, Table

    from nextgpt.cli.show import console
    from nextgpt.evaluation.compare import compare_runs
    from nextgpt.evaluation.report import number

    table = Table(
        Column("task", no_wrap=True), "metric", "first", "second", "difference", "95 % interval", "p", "test"
    )
    for one in compare_runs(first, second, seed):
        cells = ["-" if value is None else number(value) for value in (one.first, one.second)]
        if one.difference is None:
            cells += ["", "", "", "no mean over items"]
        else:
            d = one.difference
            cells += [
                f"{d.value:+.3g}",
                f"{d.low:+.3g} to {d.high:+.3g}",
                f"{d.p:.3g}",
                f"{d.test}, n = {d.n:,}",
            ]
        table.add_row(one.task, one.metric, *cells)
    console.print(table)
