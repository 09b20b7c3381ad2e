"""Keep large buffers in the process: given back to the system and asked for again they cost a page fault each 4 KB."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def keep_buffers() -> None:
    """glibc's mallopt; nothing elsewhere. Encoding clips 16 at once takes 0.4 of the time (docs/LOG.md)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
