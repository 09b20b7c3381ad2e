"""nextgpt eval nano-generation: what the small decoders make, judged beside true media, reconstructions and chance."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.generation_report import COLUMNS, save_scores, write_answers, write_sheets
from nextgpt.cli.model_options import WorkThreads, use_threads
from nextgpt.errors import ConfigError

CHUNK = 32

Track = Callable[[Iterable[Any]], Iterable[Any]]


def nano_generation(
    out: Annotated[
        Path, typer.Option(help="folder for media, answers, tables and the page; a run goes on there")
    ],
    modality: Annotated[str, typer.Option(help="image, video or audio; all if unset")] = "",
    limit: Annotated[int, typer.Option(help="samples of each kind of scene, one seed each")] = 500,
    control: Annotated[int, typer.Option(help="true media a kind, for ceiling, rebuilt and chance")] = 200,
    names: Annotated[int, typer.Option(help="samples a kind of things that were never trained")] = 100,
    distances: Annotated[int, typer.Option(help="pictures on each side of KD and FD; 0 for none")] = 2000,
    decoder: Annotated[str | None, typer.Option(help="a decoder's folder instead of the preset's")] = None,
    preset: Annotated[str, typer.Option(help="which model's decoders")] = "nano",
    steps: Annotated[int | None, typer.Option(help="denoising steps; the decoder's own if unset")] = None,
    guidance: Annotated[float | None, typer.Option(help="guidance; the decoder's own if unset")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """Make and judge media of held-out combinations: one seed a sample, nothing is selected."""
    from nextgpt.cli.decode import decoder_config
    from nextgpt.cli.generation_media import check_settings
    from nextgpt.nano.media_judges.suites import SUITES
    from nextgpt.nn.decoders import decoder_folder
    from nextgpt.parts.hashing import weights_hash

    if modality not in ("", *SUITES):
        raise ConfigError(f"There is no modality {modality!r} to judge; choose one of {', '.join(SUITES)}.")
    if decoder and not modality:
        raise ConfigError("A decoder's folder is of one modality; say which with --modality.")
    if min(limit, control) < 2:
        raise ConfigError("Scores need at least two items a kind: give a larger --limit and --control.")
    use_threads(threads)
    options = {"steps": steps, "guidance": guidance, "seed": seed}
    for one in (modality,) if modality else tuple(SUITES):
        config = decoder_config(preset, one, decoder)
        folder = decoder_folder(config.address)
        check_settings(out, one, {"decoder": config.address, "sha256": weights_hash(folder), **options})
        record = evaluate(one, config, out, options, {"limit": limit, "control": control, "names": names,
                                                      "distances": distances})  # fmt: skip
        save_scores(out, one, record)


def evaluate(
    modality: str, config: Any, out: Path, options: dict[str, Any], sizes: dict[str, int]
) -> dict[str, Any]:
    """Media, readings, verdicts, scores of a modality; also writes its answers, sheet and page."""
    from nextgpt.cli.generation_media import load_array, make_media, media_path, rebuilt
    from nextgpt.cli.show import tracker
    from nextgpt.nano.media_judges.suites import SUITES, chosen_items, shares, shuffled, verdicts

    suite, seed = SUITES[modality], options["seed"]
    items = chosen_items(suite, "combination", sizes["limit"], seed)
    unknown = chosen_items(suite, "name", sizes["names"], seed) if sizes["names"] else []
    extra = compared_items(suite, sizes["distances"] if suite.compared else 0, seed)
    open_once = cache(lambda: open_for(config))
    everything = list({item.id: item for item in (*items, *unknown, *extra)}.values())
    make_media(open_once, modality, everything, out, options, tracker(f"{modality} making"))

    def load(item: Any) -> Any:
        return load_array(modality, media_path(out, modality, item))

    def true(item: Any) -> Any:
        return suite.render(item.scene)

    held = first_of_each_kind(suite, items, sizes["control"])
    real = read(suite, held, map(true, held), tracker(f"{modality} true media"))
    again = read(suite, held, in_chunks(held, true, lambda some: rebuilt(open_once(), modality, some)),
                 tracker(f"{modality} reconstructions"))  # fmt: skip
    made = read(suite, items, map(load, items), tracker(f"{modality} samples"))
    new = read(suite, unknown, map(load, unknown), tracker(f"{modality} held-out names"))
    beside = true_beside(suite, items, held, real)
    judged = verdicts(suite, items, made, beside)
    others = shuffled(suite, held, seed)
    table = {
        "real": shares(judged),
        "ceiling": shares(verdicts(suite, held, real, real)),
        "rebuilt": shares(verdicts(suite, held, again, real)),
        "chance": shares(verdicts(suite, others, real, true_beside(suite, others, held, real))),
        "name": shares(verdicts(suite, unknown, new, true_beside(suite, unknown, [], []))),
    }
    write_answers(out, modality, items, judged, options)
    write_sheets(out, modality, suite, items, judged)
    record: dict[str, Any] = {"rows": rows_of(table, suite.bars), **options, "sizes": sizes}
    readings = {"made": made, "true": real, "rebuilt": again}
    record |= {name: {of: mean_of(name, some) for of, some in readings.items()} for name in suite.means}
    if extra:
        record["distances"] = measured_distances(suite, extra, load, true, open_once, seed)
    return record


def open_for(config: Any) -> Any:
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    return load_decoder(config, fetch_part)


def compared_items(suite: Any, number: int, seed: int) -> list[Any]:
    """The first items of the held-out combinations as they come: their kinds have their natural shares."""
    from itertools import islice

    return list(islice(suite.items("combination", seed), number))


def first_of_each_kind(suite: Any, items: Sequence[Any], count: int) -> list[Any]:
    from collections import Counter

    counts: Counter[str] = Counter()
    chosen = []
    for item in items:
        counts[suite.kind(item)] += 1
        if counts[suite.kind(item)] <= count:
            chosen.append(item)
    return chosen


def in_chunks(
    items: Sequence[Any], true: Callable[[Any], Any], change: Callable[[list[Any]], list[Any]]
) -> Iterable[Any]:
    """Changed true media, a few at a time: all of them would fill the memory."""
    for start in range(0, len(items), CHUNK):
        yield from change([true(item) for item in items[start : start + CHUNK]])


def read(suite: Any, items: Sequence[Any], arrays: Iterable[Any], track: Track) -> list[Any]:
    """A reading of each item's medium, in order."""
    from itertools import islice

    source, readings = iter(arrays), []
    if not items:
        return []
    for start in track(range(0, len(items), CHUNK)):
        some = items[start : start + CHUNK]
        readings += suite.read(list(islice(source, len(some))), [suite.kind(item) for item in some])
    return readings


def true_beside(suite: Any, items: Sequence[Any], held: Sequence[Any], real: Sequence[Any]) -> list[Any]:
    """Readings of the items' true media where a judge compares with them: effects, whose label YAMNet gives."""
    known = {item.id: reading for item, reading in zip(held, real)}
    found = []
    for item in items:
        if suite.kind(item) == "effect" and item.id not in known:
            known[item.id] = suite.read([suite.render(item.scene)], ["effect"])[0]
        found.append(known.get(item.id))
    return found


def rows_of(table: dict[str, dict[str, tuple[int, int]]], bars: dict[str, float]) -> list[dict[str, Any]]:
    """Rows for score_table: the samples' share with its interval, the bar, shares of the other columns."""
    from nextgpt.evaluation.intervals import wilson

    rows = []
    for task, (right, n) in sorted(table["real"].items()):
        low, high = wilson(right, n)
        row = {"task": task, "n": n, "score": right / n, "low": low, "high": high, "bar": bars.get(task)}
        for column in COLUMNS:
            good, count = table[column].get(task, (0, 0))
            row |= {column: good / count, f"n_{column}": count} if count else {}
        rows.append(row)
    return rows


def mean_of(name: str, readings: Sequence[Any]) -> float | None:
    values = [value for one in readings if (value := getattr(one, name)) is not None]
    return sum(values) / len(values) if values else None


def measured_distances(
    suite: Any, items: Sequence[Any], load: Any, true: Any, open_once: Callable[[], Any], seed: int
) -> dict[str, Any]:
    """KD-EffNetLite0 and FD-EffNetLite0 to as many true scenes of another seed: of samples, of the same scenes'
    reconstructions and of the true scenes themselves (the floor)."""
    from nextgpt.cli.generation_media import rebuilt
    from nextgpt.cli.show import tracker
    from nextgpt.nano.media_judges.distances import frechet_distance, kernel_distance, kernel_distance_spread
    from nextgpt.nano.media_judges.suites import picture_gallery

    def features(arrays: Iterable[Any], name: str) -> Any:
        gallery, source = picture_gallery(), iter(arrays)
        rows = [gallery.features([next(source)]) for _ in tracker(f"features of {name}")(range(len(items)))]
        import torch

        return torch.cat(rows).double().numpy()

    target = features(map(true, compared_items(suite, len(items), seed + 1000)), "true pictures")
    sets = {
        "samples": map(load, items),
        "rebuilt": in_chunks(items, true, lambda some: rebuilt(open_once(), "image", some)),
        "true": map(true, items),
    }
    found: dict[str, Any] = {"n": len(items)}
    for name, arrays in sets.items():
        rows = features(arrays, name)
        found[name] = {
            "KD-EffNetLite0": kernel_distance(rows, target),
            "KD spread": kernel_distance_spread(rows, target),
            "FD-EffNetLite0": frechet_distance(rows, target),
        }
    return found
