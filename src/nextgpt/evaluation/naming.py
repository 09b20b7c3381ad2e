"""Hashes of ids, and file names for them."""

import hashlib


def digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def file_stem(row_id: str) -> str:
    """A file name for any id, on systems that do not tell capitals apart too."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in row_id)[:60]
    return plain if plain == row_id.lower() else f"{plain}-{digest(row_id)[:8]}"
