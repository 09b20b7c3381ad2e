"""A run of `vqav2` in a process of its own, to be killed: eval_worker.py DATA OUT SECONDS-A-QUESTION."""

import os
import sys
from pathlib import Path

from nextgpt.evaluation.processes import processes
from nextgpt.evaluation.runner import Settings, answer, prepare
from nextgpt.evaluation.tasks import TASKS
from nextgpt.files import locked
from nextgpt.testing.speakers import Herd


def main(data: str, out: str, seconds: str) -> None:
    """Rank 0 holds the folder. Prints each batch, and the number of answers at the end."""
    together = processes()
    folder = Path(out)
    prepared = prepare(TASKS["vqav2"], Path(data), folder / "vqav2", Settings(batch_size=3))
    model = Herd(lambda text: "", float(seconds))
    print("ready", flush=True)
    if together.is_main:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            answered = answer(
                prepared, lambda: model, identity="herd", processes=together, on_done=say_progress
            )
    else:
        answered = answer(prepared, lambda: model, identity="herd", processes=together)
    together.end()
    os.write(1, f"{len(answered)} {model.asked}\n".encode())  # in one piece: two processes share the pipe


def say_progress(done: int, total: int) -> None:
    print("done", done, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
