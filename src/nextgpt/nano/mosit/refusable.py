"""What the small world can not do: things it has no drawing or sound of, and what it has no hands for.

refusable.txt holds topics and, indented below each, its words, with semicolons between.
"""

from functools import cache
from pathlib import Path

from nextgpt.nano import split

_FILE = Path(__file__).with_name("refusable.txt")
# topic -> the field that its words fill
REFUSED = {
    "refuse-thing": "thing",
    "refuse-sound": "thing",
    "refuse-sense": "thing",
    "refuse-act": "act",
    "refuse-form": "form",
}


@cache
def words_of(topic: str, held_out: bool) -> tuple[str, ...]:
    """Words of one side: a tenth, by the rule of phrasings, is never trained."""
    return tuple(word for word in _written()[topic] if split.is_held_out_phrasing(word) == held_out)


@cache
def _written() -> dict[str, list[str]]:
    """topic -> its words of both sides."""
    found: dict[str, list[str]] = {}
    words: list[str] = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            words += [word.strip() for word in line.split(";") if word.strip()]
        else:
            words = found[line] = []
    return found
