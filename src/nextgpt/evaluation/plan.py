"""Which rows are asked, in which order and batches: a function of the rows' ids and the seed, nothing else.

Rows are put in the order of a hash, so that --limit 100 is a sample of the whole set, and of --limit 1000. Neighbours
in a batch can change the last bits of a reply, so a batch that was not finished is asked again whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nextgpt.errors import DataError
from nextgpt.evaluation.naming import digest
from nextgpt.evaluation.tasks import Row


@dataclass(frozen=True)
class Group:
    """Rows that are asked together. key: a hash of their ids."""

    key: str
    rows: tuple[Row, ...]


def chosen_rows(rows: Iterable[Row], limit: int | None, seed: int) -> list[Row]:
    """At most `limit` units, in the order of their hash. DataError when two rows have one id."""
    units: dict[str, list[Row]] = {}
    ids: set[str] = set()
    for row in rows:
        if row.id in ids:
            raise DataError(f"Two rows have the id {row.id!r:.80}; the annotation file is damaged or mixed.")
        ids.add(row.id)
        units.setdefault(row.unit or row.id, []).append(row)
    order = sorted(units, key=lambda unit: digest(str(seed), unit))
    return [row for unit in order[:limit] for row in units[unit]]


def groups_of(rows: Sequence[Row], size: int) -> list[Group]:
    some = (tuple(rows[start : start + size]) for start in range(0, len(rows), size))
    return [Group(digest(*(row.id for row in rows))[:16], rows) for rows in some]


def seed_of(row: Row, seed: int) -> int:
    """The seed of a row's reply: another for each row, the same at every run."""
    return int(digest("reply", str(seed), row.id)[:8], 16) >> 1
