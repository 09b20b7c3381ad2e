"""nextgpt eval: score a model on the suites of the small world."""

import random
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.agreement import nano_agreement
from nextgpt.cli.benchmarks import add_commands
from nextgpt.cli.chat_answers import nano_answers
from nextgpt.cli.chat_kept import nano_chat
from nextgpt.cli.generation_scores import nano_generation
from nextgpt.cli.matrix import nano_matrix
from nextgpt.cli.matrix_told import nano_told
from nextgpt.cli.model_options import WorkThreads, use_threads
from nextgpt.cli.scores import BRANCHES, answer_record, load_for_asking, names_of, report
from nextgpt.cli.slot_scores import nano_slots

app = typer.Typer(
    help="Score a model: `nextgpt eval vqav2 coco-captions --data FOLDER --limit 100`.", no_args_is_help=True
)
app.command("nano-agreement")(nano_agreement)
app.command("nano-chat")(nano_chat)
app.command("nano-answers")(nano_answers)
app.command("nano-generation")(nano_generation)
app.command("nano-matrix")(nano_matrix)
app.command("nano-slots")(nano_slots)
app.command("nano-told")(nano_told)

COLUMNS = ("name", "style", "timbre")


def shares(
    answers: list[Any], names: tuple[str, ...], labels: tuple[str, ...] = ()
) -> dict[str, tuple[int, int]]:
    """task -> (right, n). names of the small world, labels of the encoders."""
    from nextgpt.nano.judges import judge_of

    found: dict[str, tuple[int, int]] = {}
    for answer in answers:
        judge = judge_of(answer.dialogue.task, names, labels)
        if judge:
            right, n = found.get(answer.dialogue.task, (0, 0))
            record = {**answer.dialogue.record, "expected": answer.expected}
            found[answer.dialogue.task] = (right + judge(answer.text, record), n + 1)
    return found


def choose_rows(folder: Path, split: str, limit: int, seed: int) -> list[Any]:
    """At most `limit` questions a task, drawn by the seed, from those that have a judge in words."""
    from nextgpt.data.manifest import read_dialogues
    from nextgpt.nano.judges import judge_of

    path = folder / f"dialogues-{split}.jsonl"
    by_task: dict[str, list[Any]] = {}
    for dialogue in read_dialogues(path) if path.exists() else []:
        if judge_of(dialogue.task, ()):
            by_task.setdefault(dialogue.task, []).append(dialogue)
    rng = random.Random(seed)
    return [d for task in sorted(by_task) for d in rng.sample(by_task[task], min(limit, len(by_task[task])))]


@app.command("nano-understanding")
def nano_understanding(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="questions a task")] = 200,
    control: Annotated[
        int,
        typer.Option(help="questions a task for blind, shuffled, caption, removed branches, other splits"),
    ] = 100,
    beside: Annotated[str | None, typer.Option(help="another checkpoint, in a column of its own")] = None,
    batch: int = 32,
    out: Annotated[Path | None, typer.Option(help="folder for answers and the table")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """Names, counts, colours, places, motions, orders on held-out combinations and phrasings."""
    from nextgpt.cli.data import folder_of
    from nextgpt.cli.features import encode_shown
    from nextgpt.cli.show import tracker
    from nextgpt.evaluation.asking import CONDITIONS, as_asked, ask, without

    use_threads(threads)
    engine, batches = load_for_asking(model)
    folder, names = folder_of("nano"), tuple(sorted(names_of(batches.items)))
    labels = tuple(name for data in batches.modalities.values() for name in data.class_names)
    table, answers = {}, []
    began = time.time()
    for split, condition, count in plan(limit, control, bool(beside)):
        rows = choose_rows(folder, split, count, seed)
        encode_shown(engine.model.config, batches, rows)
        if condition == "beside":
            engine, batches = load_for_asking(str(beside))
        shown = condition if condition in CONDITIONS else "real"
        encode_shown(engine.model.config, batches, as_asked(rows, shown, batches))
        bar = tracker(f"{split} {condition}")
        with without(engine.model, BRANCHES.get(condition, "")):
            made = ask(engine, batches, rows, shown, batch_size=batch, track=bar)
        table[condition if split == "combination" else split] = shares(made, names, labels)
        answers += [{**answer_record(answer), "split": split, "condition": condition} for answer in made]
    chances = mean_chances(choose_rows(folder, "combination", limit, seed), len(names))
    record = {"model": model, "beside": beside, "seed": seed, "seconds": time.time() - began}
    report(table, out, answers, record, chances)


def plan(limit: int, control: int, beside: bool) -> list[tuple[str, str, int]]:
    """(split, condition, questions a task), in order."""
    controls = ("blind", "shuffled", "caption", *BRANCHES, *(("beside",) if beside else ()))
    return [
        ("combination", "real", limit),
        *((split, "real", control) for split in COLUMNS),
        *(("combination", condition, control) for condition in controls),  # the other model comes last
    ]


def mean_chances(dialogues: list[Any], num_names: int) -> dict[str, float]:
    """task -> share that guessing would get."""
    from nextgpt.nano.judges import chance

    found: dict[str, list[float]] = {}
    for dialogue in dialogues:
        found.setdefault(dialogue.task, []).append(chance(dialogue.record, dialogue.task, num_names))
    return {task: sum(values) / len(values) for task, values in found.items()}


add_commands(app)  # last, so that --help lists the small world's suites first
