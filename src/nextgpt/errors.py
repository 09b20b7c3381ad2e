"""Every error that nextgpt raises on purpose.

    NextGPTError                 exit 1, HTTP 500: ours or the machine's fault
    +-- UserError                exit 2, HTTP 400: one sentence says what was wrong, where, and what to do
        +-- MediaError           a file, bytes or array that is no usable image, audio or video
        +-- MessageError         a message, request or option that is not of the documented form
        +-- ConfigError          a configuration, preset or command-line setting
        +-- PartError            a pretrained part: unknown address, failed fetch, wrong hash
        +-- CheckpointError      a checkpoint that does not fit the model
        |   +-- NotTrainedError  a module that no stage in the checkpoint has trained
        +-- DataError            a data set, manifest or annotation file

Also ValueError, so that `except ValueError` works for callers who do not know this tree.
"""

from importlib import import_module
from typing import Any


class NextGPTError(Exception):
    exit_code = 1
    http_status = 500


class UserError(NextGPTError, ValueError):
    exit_code = 2
    http_status = 400


class MediaError(UserError):
    pass


class MessageError(UserError):
    pass


class ConfigError(UserError):
    pass


class PartError(UserError):
    pass


class CheckpointError(UserError):
    pass


class NotTrainedError(CheckpointError):
    pass


class DataError(UserError):
    pass


def optional_library(module: str, extra: str, work: str) -> Any:
    """A module that an extra of the package installs. DataError that says how, where it is not there."""
    try:
        return import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise DataError(f"{work} needs {library}: pip install 'nextgpt[{extra}]'.") from None
