"""Extractors: frozen networks whose features and class scores the metrics of made media compare.

load_extractor(address) -> Extractor; `FORMS` are the forms of an address. A metric is named by its extractor, because
a distance in one network's features says nothing in another's.
"""

from collections.abc import Callable
from pathlib import Path

from nextgpt.errors import ConfigError
from nextgpt.evaluation.extractors.base import Extracted, Extractor, NotAvailableError

__all__ = ["FORMS", "Extracted", "Extractor", "NotAvailableError", "load_extractor"]

FORMS = {
    "PART": "a part of parts.lock that is an encoder: efficientnet-lite2, efficientnet-lite0, yamnet",
    "FOLDER": "a folder of a CLIP as transformers saves it",
    "MODULE:NAME": "Python: a function that gives a torch module on uint8 images (B, 3, H, W), or an Extractor",
    "inception": "the Inception of FID, by torch-fidelity",
}


def load_extractor(address: str, modality: str = "image", size: int = 299) -> Extractor:
    """The extractor of an address (see FORMS). modality: of the media that it will see; size: of the pictures that a
    Python module is given, which are resized to a square by Pillow's bicubic filter.

    Raises ConfigError for an address of no known form, NotAvailableError where weights or packages are missing.
    """
    return _loader(address)(address, modality, size)


def _loader(address: str) -> Callable[[str, str, int], Extractor]:
    if address == "inception":
        from nextgpt.evaluation.extractors.inception import load_inception

        return lambda address, modality, size: load_inception()
    if Path(address).is_dir():
        from nextgpt.evaluation.extractors.clip_folder import load_clip

        return lambda address, modality, size: load_clip(Path(address))
    if ":" in address:
        from nextgpt.evaluation.extractors.python_module import load_module

        return load_module
    from nextgpt.evaluation.extractors.encoder_parts import PARTS_OF, load_encoder_part

    if address not in PARTS_OF:
        forms = "; ".join(f"{form}: {text}" for form, text in FORMS.items())
        raise ConfigError(f"There is no extractor {address!r}; an address is one of {forms}.")
    return lambda address, modality, size: load_encoder_part(address, modality)
