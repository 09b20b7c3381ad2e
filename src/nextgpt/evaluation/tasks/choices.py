"""Multiple choice: how options are listed, and which one a reply means."""

from collections.abc import Sequence

from nextgpt.evaluation.metrics.multiple_choice import letter_of

LETTERS = "ABCDEFGHIJ"
PICK = "\nAnswer with the option's letter from the given choices directly."


def listed(options: Sequence[str], style: str = "{letter}. {option}") -> str:
    """One option a line."""
    return "\n".join(style.format(letter=letter, option=option) for letter, option in zip(LETTERS, options))


def chosen(reply: str, options: Sequence[str]) -> str:
    """The letter that a reply means; an empty text where that is not clear."""
    return letter_of(reply, dict(zip(LETTERS, options)))
