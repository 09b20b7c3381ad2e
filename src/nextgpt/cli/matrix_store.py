"""What `nextgpt eval nano-matrix` keeps while it asks: a line a reply, and its media as files.

    <out>/answers.jsonl                {"id", "condition", "text", "media": [{"modality", "path", "words", ...}], ...}
    <out>/media/<condition>/<id>-<number>.png, .flac

Media are saved before their line is appended, so every line that is there is whole; a rerun asks what has no line, or
an error in it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextgpt.files import replace_text, whole_lines

ANSWERS = "answers.jsonl"
Key = tuple[str, str]  # condition, row


class Answers:
    def __init__(self, out: Path) -> None:
        self.out, self.path = out, out / ANSWERS
        self.path.touch()
        lines = [json.loads(line) for line in whole_lines(self.path) if line]
        self.found: dict[Key, dict[str, Any]] = {(line["condition"], line["id"]): line for line in lines}

    def missing(self, condition: str, rows: Sequence[Any]) -> list[Any]:
        """Rows without a reply, or with an error instead of one."""
        return [row for row in rows if "error" in self.found.get((condition, row.id), {"error": ""})]

    def add(
        self,
        condition: str,
        row: Any,
        text: str,
        media: Sequence[tuple[str, Any, int, str]],
        error: str = "",
    ) -> None:
        """media: (modality, medium, seed, the words right before it, or its caption) in order."""
        from nextgpt.cli.generation_media import array_of, save_array

        places = []
        for number, (modality, medium, seed, words) in enumerate(media, 1):
            path = self._place(condition, row.id, number, modality)
            save_array(modality, array_of(modality, medium), path)
            place = {"modality": modality, "path": path.relative_to(self.out).as_posix(), "seed": seed}
            places.append(place | {"words": words})
        line = {"id": row.id, "condition": condition, "cell": row.cell, "task": row.task, "text": text,
                "expected": row.expected, "media": places} | ({"error": error} if error else {})  # fmt: skip
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.found[condition, row.id] = line

    def _place(self, condition: str, name: str, number: int, modality: str) -> Path:
        from nextgpt.cli.generation_media import SUFFIX

        folder = self.out / "media" / condition
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{number}.{SUFFIX[modality]}"

    def load(self, medium: dict[str, Any]) -> Any:
        """A saved medium as an array."""
        from nextgpt.cli.generation_media import load_array

        return load_array(medium["modality"], self.out / medium["path"])

    def write(self, verdicts: dict[Key, dict[str, Any]]) -> None:
        """The file anew, each line with its verdict where it has one."""
        lines = [
            {**line, "verdict": verdicts[key]} if key in verdicts else line
            for key, line in self.found.items()
        ]
        replace_text(
            self.path, "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
        )
