"""Token ids -> text, piece by piece, in whole characters."""

from __future__ import annotations

from typing import Any

REPLACEMENT = "\ufffd"  # what a tokenizer gives for bytes that are no whole character


class TextStream:
    """One run of text. The pieces of `push` and of `end`, joined, are the text of all ids.

    Ids are decoded together with those before them, because some tokenizers write a space only between words.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.ids: list[int] = []
        self.context = self.read = 0  # ids[context:read] are written already

    def push(self, token: int) -> str:
        """The text that this token completes; empty while a character is open."""
        self.ids.append(token)
        before, now = self._decode(self.context, self.read), self._decode(self.context, len(self.ids))
        if now.endswith(REPLACEMENT) or len(now) <= len(before):
            return ""
        self.context, self.read = self.read, len(self.ids)
        return _clean(now[len(before) :])

    def end(self) -> str:
        """What is left, broken characters included."""
        before, now = self._decode(self.context, self.read), self._decode(self.context, len(self.ids))
        self.context = self.read = len(self.ids)
        return _clean(now[len(before) :])

    def _decode(self, start: int, stop: int) -> str:
        return self.tokenizer.decode(
            self.ids[start:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )


def _clean(text: str) -> str:
    """A text part holds no NUL."""
    return text.replace("\0", "")
