"""Two runs side by side: the difference over the same items, with its interval and how likely it is by chance."""

from dataclasses import dataclass
from pathlib import Path

from nextgpt.errors import DataError
from nextgpt.evaluation.record import read_run, runs_below
from nextgpt.evaluation.resampling import Difference, compare_paired


@dataclass(frozen=True)
class Compared:
    """One metric of one task. difference is None where the metric is no mean over items."""

    task: str
    metric: str
    first: float | None
    second: float | None
    difference: Difference | None


def compare_runs(first: Path, second: Path, seed: int = 0) -> list[Compared]:
    """All metrics of all tasks that both have. DataError where they share none, or asked other items."""
    here, there = runs_below(first), runs_below(second)
    common = [task for task in here if task in there]
    if not common:
        raise DataError(
            f"'{first}' has {', '.join(here)} and '{second}' has {', '.join(there)}; no task is in both."
        )
    return [one for task in common for one in compare_task(here[task], there[task], seed)]


def compare_task(first: Path, second: Path, seed: int) -> list[Compared]:
    (record, items), (other_record, other_items) = read_run(first), read_run(second)
    if record["data"]["ids_sha256"] != other_record["data"]["ids_sha256"]:
        raise DataError(
            f"{record['task']}: '{first}' asked {record['n']} items and '{second}' {other_record['n']} others; "
            "run both with the same data, --limit and --seed."
        )
    theirs = {one["metric"]: one["value"] for one in other_record["metrics"]}
    found = []
    for one in record["metrics"]:
        name = one["metric"]
        if name in theirs:
            difference = _paired(items.get(name), other_items.get(name), name, seed)
            found.append(Compared(record["task"], name, one["value"], theirs[name], difference))
    return found


def _paired(
    first: dict[str, float] | None, second: dict[str, float] | None, metric: str, seed: int
) -> Difference | None:
    if not first or not second:
        return None
    if first.keys() != second.keys():
        few = sorted(first.keys() ^ second.keys())[:3]
        raise DataError(f"{metric}: {', '.join(few)} are scored in one of the two runs only; run both again.")
    return compare_paired(list(first.values()), [second[name] for name in first], seed)
