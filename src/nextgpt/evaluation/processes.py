"""One process or several: who asks which batches, and how what they have is brought together.

Under `accelerate launch` every process runs the same command. One process needs no accelerate.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

from nextgpt.errors import ConfigError, NextGPTError

Result = TypeVar("Result")


class Processes:
    """A single process."""

    rank, count = 0, 1
    device = ""

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""

    def gather(self, values: list[Any]) -> list[Any]:
        """The values of all, in every process."""
        return values

    def by_main(self, work: Callable[[], Result]) -> Result:
        """The main process works, all have its result. What it raises for a person, all raise."""
        return work()

    def end(self) -> None:
        """When nothing more is said to the others."""


class Accelerated(Processes):
    """As many as `accelerate launch` has started."""

    def __init__(self) -> None:
        try:
            from accelerate import PartialState
        except ImportError:
            raise ConfigError(
                "Several processes were started (WORLD_SIZE), which needs accelerate: "
                "pip install 'nextgpt[train]'."
            ) from None
        import torch

        self.state = PartialState(cpu=not torch.cuda.is_available())  # without this, no group is made on CPUs
        if self.state.num_processes != int(os.environ["WORLD_SIZE"]):
            raise ConfigError(
                "accelerate made no group of the processes that were started; see `accelerate env`."
            )
        self.rank, self.count = self.state.process_index, self.state.num_processes
        self.device = str(self.state.device)

    def wait(self) -> None:
        self.state.wait_for_everyone()

    def gather(self, values: list[Any]) -> list[Any]:
        from accelerate.utils import gather_object

        return gather_object(values)

    def by_main(self, work: Callable[[], Result]) -> Result:
        from accelerate.utils import broadcast_object_list

        said: list[Any] = [None, None]
        if self.is_main:
            try:
                said[0] = work()
            except NextGPTError as error:
                said[1] = error
        broadcast_object_list(said)
        if said[1] is not None:
            raise said[1]
        return said[0]

    def end(self) -> None:
        """Gloo's threads may hold tensors when the interpreter ends, which aborts the process (pytorch/pytorch,
        pull 179291), so the group goes first."""
        self.wait()
        self.state.destroy_process_group()


def processes() -> Processes:
    """By the environment that a launcher sets."""
    several = int(os.environ.get("WORLD_SIZE", "1") or 1) > 1
    return Accelerated() if several else Processes()
