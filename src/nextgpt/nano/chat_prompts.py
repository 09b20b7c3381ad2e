"""About 400 plain text prompts, so that the language model keeps chatting as before; a fifth is held out.

chat_prompts.txt holds forms ("What is {}?") and, indented below each, what stands for its braces. Only
prompts stand here: the base model's own answers are generated from them.
"""

from collections.abc import Iterator
from pathlib import Path

from nextgpt.nano.split import bucket

_FILE = Path(__file__).with_name("chat_prompts.txt")


def chat_prompts() -> list[dict[str, str]]:
    """Rows {"id", "split": train or held-out, "text"}."""
    return [
        {"id": f"chat-{number:04d}", "split": "held-out" if bucket(text, 5) == 0 else "train", "text": text}
        for number, text in enumerate(dict.fromkeys(_written()))
    ]


def _written() -> Iterator[str]:
    form = "{}"
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            yield form.format(line.strip())
        else:
            form = line
