"""nextgpt eval nano-matrix: sixteen cells, what goes in and what comes out, by one command."""

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads
from nextgpt.errors import ConfigError, DataError


def nano_matrix(
    out: Annotated[
        Path, typer.Option(help="folder for answers, media, scores and the page; a run goes on there")
    ],
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    limit: Annotated[int, typer.Option(help="rows a cell")] = 200,
    cell: Annotated[
        list[str] | None,
        typer.Option(help="image->audio, for instance, or chat; all if unset; may be repeated"),
    ] = None,
    control: Annotated[
        int | None,
        typer.Option(help="rows a cell for blind, given, written, ceiling and chance; as many if unset"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="folder of dialogues instead of `nextgpt data build mosit`'s")
    ] = None,
    batch: Annotated[int, typer.Option(help="conversations at once")] = 16,
    steps: Annotated[int | None, typer.Option(help="denoising steps; the decoder's own if unset")] = None,
    guidance: Annotated[float | None, typer.Option(help="guidance; the decoder's own if unset")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """Text, image, audio, video in and out: held-out combinations asked in held-out words."""
    from nextgpt.cli.data import folder_of
    from nextgpt.cli.generation_media import check_settings
    from nextgpt.files import locked

    check(limit, control, batch, cell or ())
    folder, options = data or folder_of("mosit"), {"seed": seed, "steps": steps, "guidance": guidance}
    groups, items = read_groups(folder, limit, cell or ())
    settings = settings_of(model, folder, options)
    use_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        check_settings(out, "matrix", settings)
        evaluate(out, model, groups, items, limit if control is None else control, options, batch)


def check(limit: int, control: int | None, batch: int, cells: Sequence[str]) -> None:
    from nextgpt.nano.matrix.rows import GROUPS

    if limit < 1 or batch < 1 or (control is not None and control < 0):
        raise ConfigError("--limit and --batch must be 1 at least, and --control 0 at least.")
    for name in cells:
        if name not in GROUPS:
            raise ConfigError(f"There is no cell {name!r}; choose of {', '.join(GROUPS)}.")


def read_groups(folder: Path, limit: int, cells: Sequence[str]) -> tuple[dict[str, list[Any]], Any]:
    """(group -> rows, items). DataError where the folder has no dialogues, or none of these cells."""
    from nextgpt.data.manifest import Items
    from nextgpt.data.mosit import MEDIA, read_mosit
    from nextgpt.nano.matrix.rows import groups_of

    paths = dialogue_files(folder)
    groups = groups_of([row for path in paths for row in read_mosit(path)], limit, cells)
    if not groups:
        raise DataError(
            f"{folder} has no rows of {', '.join(cells)}; build more of them with a larger --scale."
        )
    return groups, Items(folder, MEDIA)


def dialogue_files(folder: Path) -> list[Path]:
    """What is asked. DataError where one is missing, as in folders of before its split came."""
    from nextgpt.nano.matrix.rows import SPLIT_OF

    paths = [folder / f"dialogues-{split}.jsonl" for split in ("combination", *SPLIT_OF.values())]
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} is not there; run `nextgpt data build mosit` first.")
    return paths


def settings_of(model: str, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """What answers hang on. CheckpointError where there is no such model."""
    from nextgpt.checkpoint import resolve
    from nextgpt.parts.hashing import file_sha256, weights_hash

    weights = weights_hash(resolve(model))
    rows = "-".join(file_sha256(path)[:16] for path in dialogue_files(folder))
    return {"model": model, "weights": weights, "data": rows, **options}


def evaluate(
    out: Path,
    model: str,
    groups: dict[str, list[Any]],
    items: Any,
    control: int,
    options: dict[str, Any],
    batch: int,
) -> None:
    """Ask, judge, report."""
    from nextgpt.cli.matrix_asking import ask_rows, give_captions, true_captions, written_captions
    from nextgpt.cli.matrix_judging import every_part, verdicts_of
    from nextgpt.cli.matrix_report import save_report
    from nextgpt.cli.matrix_store import Answers
    from nextgpt.cli.scores import names_of
    from nextgpt.cli.show import tracker

    began = time.time()
    pipeline, answers = cache(lambda: open_pipeline(model)), Answers(out)
    rows = every(groups, None)
    controls = every(groups, control)
    ask_rows(pipeline, answers, rows, items, "real", options, batch, tracker)
    captions = {"given": true_captions(items), "written": written_captions(answers)}
    for condition, caption in captions.items():
        give_captions(pipeline, answers, condition, controls, caption, options, tracker)
    shown = [row for row in controls if not row.cell.startswith("text")]
    ask_rows(pipeline, answers, shown, items, "blind", options, batch, tracker)
    ask_rows(pipeline, answers, every_part(controls), items, "alone", options, batch, tracker)
    names = tuple(sorted(names_of(items)))
    verdicts = verdicts_of(answers, rows, controls, items, names, tracker)
    record = {"model": model, **options, "control": control, "seconds": round(time.time() - began, 1)}
    save_report(out, answers, groups, items, verdicts, record)


def every(groups: dict[str, list[Any]], limit: int | None) -> list[Any]:
    """The first rows of all groups, each once."""
    return list({row.id: row for rows in groups.values() for row in rows[:limit]}.values())


def open_pipeline(model: str) -> Any:
    from nextgpt.generation.pipeline import AnyToAnyPipeline

    return AnyToAnyPipeline.from_pretrained(model)
