"""Which words an input projector's embeddings should look like at first: (field of an item's slots, embeddings).

Read in order they are a telegram of the caption: "two cat left of dog ... blue".
"""

SLOTS: dict[str, tuple[tuple[str, int], ...]] = {
    "image": (("count", 1), ("name_a", 5), ("relation", 2), ("name_b", 5), ("place", 1), ("colour", 1)),
    "audio": (("count", 1), ("pitch", 1), ("first", 5), ("direction", 1), ("second", 5)),
    "video": (("name", 5), ("motion", 3), ("direction", 2), ("colour", 1)),
}
