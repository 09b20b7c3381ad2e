"""Where a task's data are: --data, or the environment, and a folder of the task's name inside."""

import os
from pathlib import Path

from nextgpt.errors import ConfigError
from nextgpt.evaluation.tasks.hub import PREFIX, from_hub
from nextgpt.parts import cache_root

DATA_VARIABLE = "NEXTGPT_DATA"


def data_folder(given: str | None, task: str) -> Path:
    """--data, or the environment; a folder of the task's name inside, where there is one; hf: is the Hub's copy."""
    where = given or os.environ.get(DATA_VARIABLE)
    if not where:
        raise ConfigError(
            f"Where are the data of {task}? Give --data FOLDER or set {DATA_VARIABLE}; "
            f"`nextgpt eval {task} --help` says what the folder holds."
        )
    if where.startswith(PREFIX):
        return from_hub(where, task, cache_root())
    own = Path(where) / task
    return own if own.is_dir() else Path(where)
