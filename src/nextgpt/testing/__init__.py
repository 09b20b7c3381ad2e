"""Fakes with behaviour for tests (tiny, speakers), and the conformance kit for new parts (docs/new-modality.md):

from nextgpt.testing import check_decoder, check_encoder, check_modality

Each gives a Report: `assert report.passed, report`. A name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextgpt.testing.conformance.decoder import check_decoder
    from nextgpt.testing.conformance.encoder import check_encoder
    from nextgpt.testing.conformance.modality import check_modality
    from nextgpt.testing.conformance.report import Report

_HOMES = {
    "Report": "conformance.report",
    "check_decoder": "conformance.decoder",
    "check_encoder": "conformance.encoder",
    "check_modality": "conformance.modality",
}
__all__ = ["Report", "check_decoder", "check_encoder", "check_modality"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nextgpt.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nextgpt.testing.{_HOMES[name]}"), name)
