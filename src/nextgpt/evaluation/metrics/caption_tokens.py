"""Captions to tokens: as published scores have them (Stanford's PTBTokenizer, by Java), or near that without Java.

coco-caption tokenises captions and references with PTBTokenizer 3.4.1 in lower case and drops punctuation. `penn`
below follows the same conventions for everyday English: n't, 's, 'll split off, hyphens and slashes stay, brackets
become -lrb- (which its list of punctuation, in capitals, then fails to drop; so here). How often the two agree is in
docs/evaluation.md; scores by `penn` say so in their notes.
"""

import re
from collections.abc import Callable, Sequence

# github.com/tylin/coco-caption, pycocoevalcap/tokenizer/ptbtokenizer.py: what is dropped
DROPPED = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
CURRENCY = {"€": "$", "£": "#"}
ABBREVIATIONS = "mr|mrs|ms|dr|st|jr|sr|vs|etc|inc|prof|gen|gov|col|sgt|mt|ft|ave|blvd|co|corp|ltd|dept"
SPLIT_WORDS = (("can", "not"), ("gon", "na"), ("got", "ta"), ("wan", "na"), ("lem", "me"), ("gim", "me"))
PLAIN = str.maketrans({"’": "'", "‘": "`", "“": '"', "”": '"', "–": "-", "—": "-", "…": ".", "\xa0": " "})

PIECES = (
    r"https?://[^\s]+",
    r"[\w.]+@\w+(?:\.\w+)+",
    r"(?:[a-z]\.){2,}(?![a-z])",  # u.s., p.m.
    rf"(?:{ABBREVIATIONS})\.(?=\s|$|,)",
    r"no\.(?=\s?\d)",
    r"\b[a-z]\.(?=\s|$)",  # an initial, also at the end of a sentence
    *(rf"\b{first}(?={second}\b)|(?<=\b{first}){second}\b" for first, second in SPLIT_WORDS),
    r"'t(?=is\b|was\b)|(?<='t)(?:is|was)\b",
    r"n't\b",
    r"'(?:s|re|ve|ll|d|m)\b",
    r"'\d0s\b",
    r"\d+:\d+",
    r"[-+]?\d+(?:[.,/]\d+)*(?=[^\w-]|$)",
    r"\w+?(?=n't\b)",
    r"(?:o|d|ma|y)'(?=[a-z]{2})\w+",
    r"@?\w+(?:[-/_&.]\w+)*",
    r"\.{2,}|-{2,}|[?!]{2,}",
    r"<\w+>",
    r"\S",
)
TOKEN = re.compile("|".join(PIECES))

Tokenise = Callable[[Sequence[str]], list[str]]


def penn(text: str) -> str:
    """Tokens of one caption, joined by spaces."""
    words = TOKEN.findall(text.lower().translate(PLAIN))
    named = (BRACKETS.get(word, CURRENCY.get(word, word)) for word in words)
    return " ".join(word for word in named if word not in DROPPED and word != '"' and word.strip(".-"))


def words_only(text: str) -> str:
    """Runs of letters, digits and apostrophes in lower case: what the fixtures of the tests were made with."""
    return " ".join(re.findall(r"[\w']+", text.lower()))


def tokenise_here(texts: Sequence[str]) -> list[str]:
    """`penn` of each text."""
    return [penn(text) for text in texts]
