"""Writing JSON, CSV and TSV files of rows."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")


def table_text(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> str:
    """With a header of the first row's names."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> None:
    path.write_text(table_text(rows, delimiter), "utf-8", newline="")
