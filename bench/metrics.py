"""Do metrics of 30,000 pictures and 200,000 answers stay in bounded memory, and what do they cost beside libraries?

    python bench/metrics.py [--pictures 30000] [--answers 200000] [--captions 20000] [--only NAME] [--once]

Each measurement is a process of its own. Prints megabytes of peak memory above that of the process before it began,
and seconds of processor time, ours beside: torchmetrics (which keeps every feature for its kernel distance and
Inception Score), pycocoevalcap (an extra), and for answers the way of the official script, which reads both files
whole. Values are compared too. Peak memory with twice the items tells whether it grows with them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WIDTH, CLASSES, BATCH = 1280, 1000, 250
WORDS = 400


def features(count: int, seed: int, width: int = WIDTH) -> Iterator[Any]:
    """Batches of float32, made as they are asked for."""
    import numpy as np

    rng = np.random.default_rng(seed)
    for start in range(0, count, BATCH):
        yield rng.standard_normal((min(BATCH, count - start), width), dtype=np.float32) + seed / 100


def frechet_ours(count: int) -> float:
    from nextgpt.evaluation.metrics.frechet import frechet_distance
    from nextgpt.evaluation.metrics.moments import Moments

    sides = []
    for seed in (1, 2):
        sides.append(Moments())
        for batch in features(count, seed):
            sides[-1].add(batch)
    return frechet_distance(*sides)


def frechet_torchmetrics(count: int) -> float:
    return _torchmetrics("fid.FrechetInceptionDistance", count)


def kernel_ours(count: int) -> float:
    from nextgpt.evaluation.metrics.kernel_distance import score_kernel
    from nextgpt.evaluation.metrics.spool import Spool

    sides = []
    for seed in (1, 2):
        sides.append(Spool())
        for batch in features(count, seed):
            sides[-1].add(batch)
    return score_kernel(*sides, "bench", subsets=20).value or 0.0


def kernel_torchmetrics(count: int) -> float:
    return _torchmetrics("kid.KernelInceptionDistance", count, subsets=20, subset_size=1000)


def _torchmetrics(name: str, count: int, **settings: Any) -> float:
    from importlib import import_module

    import torch

    class Same(torch.nn.Module):
        num_features = WIDTH

        def forward(self, rows: Any) -> Any:
            return rows

    module, _, kind = name.partition(".")
    metric = getattr(import_module(f"torchmetrics.image.{module}"), kind)(feature=Same(), **settings)
    torch.set_num_threads(1)
    for seed in (1, 2):
        for batch in features(count, seed):
            metric.update(torch.from_numpy(batch), real=seed == 1)
    value = metric.compute()
    return float(value[0] if isinstance(value, tuple) else value)


def inception_ours(count: int) -> float:
    from nextgpt.evaluation.metrics.class_scores import InceptionScore, softmax

    score = InceptionScore()
    for batch in features(count, 1, CLASSES):
        score.add(softmax(batch))
    return score.value()[0]


def inception_torchmetrics(count: int) -> float:
    import torch
    from torchmetrics.image.inception import InceptionScore

    torch.set_num_threads(1)
    score = InceptionScore(feature=torch.nn.Identity())
    for batch in features(count, 1, CLASSES):
        score.update(torch.from_numpy(batch))
    return float(score.compute()[0])


def answers_ours(count: int) -> float:
    from nextgpt.evaluation.scoring import score

    results, annotations = _answers(count)
    return score("vqav2", results, annotations).value or 0.0


def answers_whole(count: int) -> float:
    """Both files read whole, as the official script does; the rule is ours on both sides."""
    from nextgpt.evaluation.metrics.vqa import VqaItem, score_vqa

    results, annotations = _answers(count)
    rows = {row["question_id"]: row for row in json.loads(annotations.read_text())["annotations"]}
    said = json.loads(results.read_text())
    items = [
        VqaItem(
            str(one["question_id"]), one["answer"], [p["answer"] for p in row["answers"]], row["answer_type"]
        )
        for one in said
        for row in (rows[one["question_id"]],)
    ]
    return score_vqa(items).value or 0.0


def _answers(count: int) -> tuple[Path, Path]:
    """Files of VQA v2's form, made once."""
    folder = Path(tempfile.gettempdir()) / f"nextgpt-bench-answers-{count}"
    results, annotations = folder / "results.json", folder / "annotations.json"
    if not annotations.exists():
        folder.mkdir(exist_ok=True)
        with results.open("w") as file:
            rows = ({"question_id": n, "answer": f"answer {n % 7}"} for n in range(count))
            file.write("[" + ",".join(map(json.dumps, rows)) + "]")
        temporary = annotations.with_suffix(".tmp")
        with temporary.open("w") as file:
            file.write('{"annotations": [' + ",".join(_annotation(n) for n in range(count)) + "]}")
        temporary.rename(annotations)
    return results, annotations


def _annotation(n: int) -> str:
    people = [
        {"answer": f"answer {(n + k // 4) % 7}", "answer_confidence": "yes", "answer_id": k + 1}
        for k in range(10)
    ]
    return json.dumps(
        {"question_id": n, "image_id": n, "answers": people, "answer_type": "other", "question_type": "what"}
    )


def captions_ours(count: int) -> float:
    from nextgpt.evaluation.metrics.captions import score_tokens

    return score_tokens(*_captions(count), java=False).value or 0.0


def captions_pycocoevalcap(count: int) -> float:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    said, others = _captions(count)
    listed = {id: [text] for id, text in said.items()}
    Bleu(4).compute_score(others, listed, verbose=0)
    Rouge().compute_score(others, listed)
    return float(Cider().compute_score(others, listed)[0])


def _captions(count: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    import random

    rng = random.Random(0)
    words = [f"w{n}" for n in range(WORDS)]

    def sentence() -> str:
        return " ".join(rng.choices(words, k=rng.randint(8, 14)))

    others = {str(n): [sentence() for _ in range(5)] for n in range(count)}
    said = {id: " ".join([*texts[0].split()[:6], *sentence().split()[:5]]) for id, texts in others.items()}
    return said, others


CASES: dict[str, tuple[str, Callable[[int], float], Callable[[int], float]]] = {
    "Frechet distance": ("pictures", frechet_ours, frechet_torchmetrics),
    "kernel distance": ("pictures", kernel_ours, kernel_torchmetrics),
    "Inception Score": ("pictures", inception_ours, inception_torchmetrics),
    "VQA answers": ("answers", answers_ours, answers_whole),
    "captions": ("captions", captions_ours, captions_pycocoevalcap),
}
WARM = {  # what a process loads before its memory is counted
    "ours": "import numpy, nextgpt.evaluation.scoring.vqa",
    "beside": "import numpy, torch, torchmetrics.image.fid",
}


def child(case: str, side: str, count: int) -> None:
    """One measurement, as a line of JSON."""
    import contextlib
    import io

    if case not in ("VQA answers", "captions") or side == "ours":
        exec(WARM[side])
    if case == "VQA answers":
        _answers(count)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        value = CASES[case][1 if side == "ours" else 2](count)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"value": value, "megabytes": (peak - start) / 1024, "seconds": seconds}))


def measure(case: str, side: str, count: int) -> dict[str, float] | None:
    """None where the library is not installed."""
    command = [sys.executable, __file__, "--child", case, side, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        missing = "ModuleNotFoundError" in done.stderr
        print(f"{case}, {side}: {'not installed' if missing else done.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=30_000)
    parser.add_argument("--answers", type=int, default=200_000)
    parser.add_argument("--captions", type=int, default=20_000)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--once", action="store_true", help="not with half of the items first")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], arguments.child[1], int(arguments.child[2]))
        return
    print(
        f"{'metric':<18}{'items':>9}{'MB':>8}{'beside':>8}{'ratio':>7}{'seconds':>9}{'beside':>8}{'ratio':>7}  values"
    )
    for case, (what, *_) in CASES.items():
        if arguments.only in (None, case):
            whole = getattr(arguments, what)
            for count in (whole,) if arguments.once else (whole // 2, whole):
                row(case, count, measure(case, "ours", count), measure(case, "beside", count))


def row(case: str, count: int, ours: dict[str, float] | None, beside: dict[str, float] | None) -> None:
    if ours is None:
        return
    line = f"{case:<18}{count:>9,}{ours['megabytes']:>8.0f}"
    if beside is None:
        print(f"{line}{'':>15}{ours['seconds']:>9.1f}", flush=True)
        return
    memory = ours["megabytes"] / max(beside["megabytes"], 1e-9)
    speed = ours["seconds"] / max(beside["seconds"], 1e-9)
    print(
        f"{line}{beside['megabytes']:>8.0f}{memory:>7.2f}{ours['seconds']:>9.1f}{beside['seconds']:>8.1f}{speed:>7.2f}"
        f"  {ours['value']:.6g} {beside['value']:.6g}",
        flush=True,
    )


if __name__ == "__main__":
    main()
