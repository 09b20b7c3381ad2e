"""The small world: drawn things, moving drawings and played sounds with exact words. Only cli knows it."""
