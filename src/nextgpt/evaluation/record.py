"""What a run leaves for later: one JSON file that says what was measured, on what, with what, and where."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.naming import digest
from nextgpt.evaluation.resampling import LEVEL, RESAMPLES, interval
from nextgpt.evaluation.runner import Prepared
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.tasks import Answered
from nextgpt.evaluation.tasks.made_media import MADE, PROTOCOL
from nextgpt.evaluation.tasks.scoring import Measure
from nextgpt.files import replace_text
from nextgpt.parts.hashing import file_sha256

RUN, ITEMS = "run.json", "items.json"
FORMAT = 1
LIBRARIES = (
    "nextgpt", "torch", "transformers", "diffusers", "peft", "accelerate", "numpy", "pillow", "av",
    "soundfile", "soxr", "pycocoevalcap", "torchmetrics", "torch-fidelity", "datasets",
)  # fmt: skip


def score(prepared: Prepared, answered: Sequence[Answered], measure: Measure | None = None) -> list[Scores]:
    """Write the benchmark's own result file and let the metric read it. The first score is the main one."""
    for name, content in prepared.task.files(answered).items():
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        replace_text(prepared.folder / name, text)
    if prepared.task.makes_media:
        write_protocol(prepared, answered)
    return prepared.task.score(prepared.folder, measure or Measure())


def write_protocol(prepared: Prepared, answered: Sequence[Answered]) -> None:
    """How the media were made, beside them, where the scorer of folders looks for it."""
    settings, folder = prepared.settings, prepared.folder / MADE
    folder.mkdir(exist_ok=True)
    protocol = {
        "captions": len(answered),
        "ids_sha256": digest(*(row.id for row in prepared.rows)),
        "prompt": prepared.prompt,
        "seed": settings.seed,
        "steps": settings.steps or "the decoder's own",
        "guidance": settings.guidance if settings.guidance is not None else "the decoder's own",
    }
    replace_text(folder / PROTOCOL, json.dumps(protocol, indent=1))


def metric_record(scores: Scores, groups: Mapping[str, str], seed: int) -> dict[str, Any]:
    """A score with its interval. "interval" is null where resampling items says nothing of the figure."""
    found = None if scores.value is None else interval(scores.value, scores.per_item, groups, seed)
    return {
        "metric": scores.metric,
        "value": scores.value,
        "interval": found,
        "n": scores.n,
        "breakdown": dict(scores.breakdown),
        "unavailable": scores.unavailable,
        "notes": list(scores.notes),
    }


def write_run(
    prepared: Prepared, answered: Sequence[Answered], scores: Sequence[Scores], *, about: Mapping[str, Any]
) -> dict[str, Any]:
    """run.json and items.json. about: "model", "seconds", "processes", "began", as the caller knows them."""
    settings, task = prepared.settings, prepared.task
    groups = {row.id: row.group for row in prepared.rows}
    record = {
        "format": FORMAT,
        "task": task.name,
        "title": task.title,
        **about,
        "data": data_record(prepared),
        "prompt": prepared.prompt,
        "settings": {
            "limit": settings.limit,
            "batch_size": settings.batch_size,
            "seed": settings.seed,
            "max_new_tokens": settings.max_new_tokens or task.max_new_tokens,
            "temperature": 0,
            "steps": settings.steps,
            "guidance": settings.guidance,
        },
        "n": len(answered),
        "errors": sum(bool(one.error) for one in answered),
        "without_medium": sum(not one.media for one in answered) if task.makes_media else None,
        "interval": {"level": LEVEL, "resamples": RESAMPLES, "method": "bootstrap over items, percentile"},
        "metrics": [metric_record(one, groups, settings.seed) for one in scores],
        "files": sorted(task.files(answered)),
        "machine": machine_record(),
        "libraries": library_versions(),
    }
    items = {one.metric: dict(one.per_item) for one in scores if one.per_item}
    replace_text(prepared.folder / ITEMS, json.dumps(items))
    replace_text(prepared.folder / RUN, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return record


def data_record(prepared: Prepared) -> dict[str, Any]:
    used = sorted(prepared.data.used.items())
    return {
        "folder": str(prepared.data.path),
        "files": {name: file_sha256(path) for name, path in used},
        "ids_sha256": digest(*(row.id for row in prepared.rows)),
        "asked": len(prepared.rows),
        "of": prepared.total,
    }


def machine_record() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch is not None else None,
        "gpu": gpu,
    }


def library_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_run(folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """(record, metric -> item -> value) of a task's folder. DataError when it is no finished run."""
    try:
        record = json.loads((folder / RUN).read_text("utf-8"))
        return record, json.loads((folder / ITEMS).read_text("utf-8"))
    except OSError:
        raise DataError(
            f"'{folder}' has no {RUN} of a finished run; give the --out folder of `nextgpt eval`."
        ) from None
    except ValueError:
        raise DataError(f"'{folder / RUN}' or its {ITEMS} is damaged; run the task again.") from None


def runs_below(folder: Path) -> dict[str, Path]:
    """task -> its folder: the folder itself, or those in it. DataError where there is none."""
    folders = (
        [folder] if (folder / RUN).is_file() else [path.parent for path in sorted(folder.glob(f"*/{RUN}"))]
    )
    found = {read_run(path)[0]["task"]: path for path in folders}
    if not found:
        raise DataError(f"There is no finished run in '{folder}'; give the --out folder of `nextgpt eval`.")
    return found
