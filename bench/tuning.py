"""What does the memory allocator do to tuning: seconds a step and the process's largest size?

    python bench/tuning.py [--steps 8] [--threads 2]

The same first steps of `nextgpt train instruction-tuning --jobs switching` from the shipped weights, each in a process
of its own: with glibc's allocator as nextgpt sets it (cli/memory.py), which is the baseline, and with tcmalloc
preloaded, that gives nothing back. Training state goes to a temporary folder; parts, data and features are the cache's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from ctypes.util import find_library
from pathlib import Path
from typing import NamedTuple

from nextgpt.cli.ship import WEIGHTS
from nextgpt.nano.recipe import data_folder
from nextgpt.parts import cache_root
from nextgpt.training.stages import chosen_jobs, stage

COMMAND = (sys.executable, "-c", "from nextgpt.cli import main; main()")
TCMALLOC = find_library("tcmalloc_minimal")
SHARED = ("parts", "data", "features", "signal-states")


class Cost(NamedTuple):
    seconds_per_step: float
    megabytes: float


def allocators() -> dict[str, dict[str, str]]:
    """name -> environment."""
    found: dict[str, dict[str, str]] = {"glibc": {}}
    if TCMALLOC:
        found["tcmalloc"] = {"LD_PRELOAD": TCMALLOC, "TCMALLOC_RELEASE_RATE": "0"}
    return found


def tune(root: Path, environment: dict[str, str], steps: int, threads: int) -> Cost:
    (job,) = chosen_jobs(stage("instruction-tuning"), "switching").jobs
    for name in SHARED:
        (cache_root() / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(cache_root() / name)
    given = [*COMMAND, "train", "instruction-tuning", "--jobs", job.name, "--from", str(WEIGHTS / "nano")]
    given += ["--out", str(root / "out"), "--steps-scale", str(steps / job.steps), "--threads", str(threads)]
    process = subprocess.Popen(given, env=os.environ | environment | {"NEXTGPT_CACHE": str(root)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"The tuning ended with status {os.waitstatus_to_exitcode(status)}; see above.")
    log = root / "training" / "nano" / "instruction-tuning" / f"{job.name}.jsonl"
    last = json.loads(log.read_text().splitlines()[-1])
    return Cost(last["seconds_per_step"], usage.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    for name in ("nano", "mosit"):
        if not data_folder(cache_root(), name).exists():
            print(f"No data: run `nextgpt data build {name}` first (speedrun.sh has all that tuning needs).")
            return
    baseline = None
    for name, environment in allocators().items():
        with tempfile.TemporaryDirectory() as folder:
            cost = tune(Path(folder), environment, given.steps, given.threads)
        baseline = baseline or cost
        faster, share = baseline.seconds_per_step / cost.seconds_per_step, cost.megabytes / baseline.megabytes
        print(
            f"{name:10} {cost.seconds_per_step:6.2f} s a step, {faster:5.2f} times as fast as glibc; ", end=""
        )
        print(f"{cost.megabytes:6.0f} MB, {share:5.2f} times glibc's", flush=True)
    if not TCMALLOC:
        print(
            "tcmalloc is not installed (Debian: apt install libtcmalloc-minimal4): glibc's allocator alone."
        )


if __name__ == "__main__":
    main()
