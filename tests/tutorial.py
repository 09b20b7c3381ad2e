"""docs/new-modality.md as Python: its blocks, by the file that their first line names, as they stand."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from types import ModuleType

from nextgpt.config import ENCODER_CONFIGS
from nextgpt.messages import MEDIA_PARTS
from nextgpt.modalities import MODALITIES
from nextgpt.nn.decoders import DECODERS
from nextgpt.nn.encoders import ENCODERS

PAGE = Path(__file__).parents[1] / "docs" / "new-modality.md"
TABLES = (MODALITIES, MEDIA_PARTS, ENCODERS, ENCODER_CONFIGS, DECODERS)


def blocks() -> dict[str, list[str]]:
    """File -> its blocks in order. Every block of the page names its file."""
    found: dict[str, list[str]] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S):
        name = re.match(r"# (\w+\.py)(, continued)?\n", code)
        assert name, f"a block without a file: {code[:60]!r}"
        assert (name[1] in found) == bool(name[2]), name[0]
        found.setdefault(name[1], []).append(code)
    return found


@contextmanager
def tables_as_before() -> Iterator[None]:
    before = [dict(table) for table in TABLES]
    try:
        yield
    finally:
        for table, rows in zip(TABLES, before):
            table.clear()
            table.update(rows)


@contextmanager
def series_module(folder: Path) -> Iterator[ModuleType]:
    """The tutorial's module, imported inside `folder`; the tables are as before when it is left."""
    (folder / "series.py").write_text("\n\n".join(blocks()["series.py"]))
    outer = sys.modules.pop("series", None)
    sys.path.insert(0, str(folder))
    try:
        with chdir(folder), tables_as_before():
            yield importlib.import_module("series")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("series", None)
        if outer is not None:
            sys.modules["series"] = outer
