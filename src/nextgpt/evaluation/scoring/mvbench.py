"""MVBench: the result file of its notebook, {"acc_dict": {...}, "res_list": [{"pred", "gt"}]}, or rows of one's own.

Rows: a list (JSON, JSON lines) of {"task_type", "pred", "gt"}. `res_list` of the notebook has no task in its entries;
then it comes from acc_dict, whose tasks are in the order of the entries and say how many there are.
--annotations: the folder of the benchmark's twenty .json files; then right answers are checked against them.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nextgpt.errors import DataError
from nextgpt.evaluation.metrics.mvbench import MvbenchItem, score_mvbench
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring.inputs import Inputs
from nextgpt.evaluation.scoring.reading import field_of, read_json, read_records, row_of

RESULTS = 'results as {"acc_dict": {task: [right, all]}, "res_list": [{"pred", "gt"}]} or [{"task_type", "pred", "gt"}]'
ANNOTATIONS = 'a folder of action_sequence.json, ..., each [{"question", "candidates", "answer"}]'


def score(inputs: Inputs) -> Scores:
    rows = read_results(inputs.predictions)
    if not rows:
        raise DataError(f"{str(inputs.predictions)!r} has no entries; expected {RESULTS}.")
    if inputs.annotations:
        check_answers(rows, inputs.first_annotations, inputs.predictions)
    return score_mvbench(rows)


def read_results(path: Path) -> list[MvbenchItem]:
    if path.suffix.lower() == ".jsonl":
        return list(_items(read_records(path, RESULTS), path))
    whole = read_json(path, RESULTS)
    if isinstance(whole, list):
        return list(_items([row_of(row, path, n, RESULTS) for n, row in enumerate(whole, 1)], path))
    rows = [
        row_of(row, path, n, RESULTS) for n, row in enumerate(field_of(whole, "res_list", path, RESULTS), 1)
    ]
    if rows and "task_type" not in rows[0]:
        rows = _with_tasks(rows, whole.get("acc_dict"), path)
    return list(_items(rows, path))


def _with_tasks(rows: list[dict[str, Any]], counts: Any, path: Path) -> list[dict[str, Any]]:
    """Tasks of entries that do not name them."""
    sizes = {task: pair[1] for task, pair in counts.items()} if isinstance(counts, dict) else {}
    tasks = [task for task, size in sizes.items() for _ in range(size)]
    if len(tasks) != len(rows):
        raise DataError(
            f"{str(path)!r} has {len(rows)} entries without a task_type, and its acc_dict counts {len(tasks)}; "
            f"expected {RESULTS}."
        )
    return [{**row, "task_type": task} for row, task in zip(rows, tasks)]


def _items(rows: list[dict[str, Any]], path: Path) -> Iterator[MvbenchItem]:
    counted: Counter[str] = Counter()
    for row in rows:
        task = str(field_of(row, "task_type", path, RESULTS))
        pred, right = field_of(row, "pred", path, RESULTS), str(field_of(row, "gt", path, RESULTS))
        if not right.strip():
            raise DataError(f"An entry of {task!r} in {str(path)!r} has no right answer; expected {RESULTS}.")
        yield MvbenchItem(f"{task}/{counted[task]}", task, "" if pred is None else str(pred), right)
        counted[task] += 1


def check_answers(rows: list[MvbenchItem], folder: Path, path: Path) -> None:
    """The right answers of the results are the benchmark's, task by task and in its order."""
    if not folder.is_dir() or not any(folder.glob("*.json")):
        raise DataError(f"{str(folder)!r} is no folder with .json files; expected {ANNOTATIONS}.")
    by_task: dict[str, list[str]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row.answer)
    for task, answers in by_task.items():
        wanted = _right_options(folder / f"{file_name(task)}.json")
        if answers != wanted[: len(answers)]:
            raise DataError(
                f"The right answers of {task!r} in {str(path)!r} are not those of {folder.name}/{file_name(task)}.json "
                "in its order; were the options shuffled, or is it another version?"
            )
        if len(answers) != len(wanted):
            raise DataError(
                f"{str(path)!r} has {len(answers)} of the {len(wanted)} answers of {task!r}; all are needed."
            )


def file_name(task: str) -> str:
    """ "Fine-grained Action" -> fine_grained_action."""
    return task.lower().replace(" ", "_").replace("-", "_")


def _right_options(path: Path) -> list[str]:
    options = []
    for row in read_records(path, ANNOTATIONS):
        candidates, answer = field_of(row, "candidates", path, ANNOTATIONS), row.get("answer")
        if answer not in candidates:
            raise DataError(f"{str(path)!r} has the answer {answer!r}, which is no candidate.")
        options.append(f"({chr(ord('A') + candidates.index(answer))}) {answer}")
    return options
