"""nextgpt train STAGE: one of the three stages on the nano world, resumable at any point."""

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer


def part_record(name: str) -> dict[str, str]:
    from nextgpt.parts import pinned

    return {key: pinned(name)[key] for key in ("address", "sha256")}


def modality_data(config: Any) -> dict[str, Any]:
    """Feature caches, class names and kinds of scores of the encoders that a config names."""
    from nextgpt.data.batches import ModalityData
    from nextgpt.data.features import encoder_cache
    from nextgpt.parts import cache_root, fetch_part

    found = {}
    for name, one in config.inputs.items():
        folder = fetch_part(one.encoder.part)
        names = [row[0] for row in json.loads((folder / "labels.json").read_text())]
        cache = encoder_cache(cache_root(), one.encoder, part_record(one.encoder.part)["sha256"])
        kind = ("sigmoid", "plain") if one.encoder.type == "yamnet" else ("softmax", "article")
        found[name] = ModalityData(cache, names, *kind)
    return found


STATE_ROWS = 1000


def stage_batches(
    config: Any, model: Any, processor: Any, folder: Path, targets: Any, seed: int
) -> Callable[[Any], Any]:
    """job -> (micro step -> batch) on the nano world."""
    from nextgpt.cli.data import tracker
    from nextgpt.data.batches import Batches
    from nextgpt.data.manifest import Items, read_dialogues
    from nextgpt.data.mixture import LengthGrouped, Mixture
    from nextgpt.data.signal_states import SignalStates, asks_for
    from nextgpt.data.slots import SlotData
    from nextgpt.nano.recipe import by_source, caption_rows
    from nextgpt.nano.slots import NAMES, WORDS, canonical

    items = Items(folder, tuple(config.inputs))
    batches = Batches(processor, items, modality_data(config), targets)

    def make(job: Any) -> Callable[[int], Any]:
        if job.objective == "slots":
            (modality,) = job.mixture
            rows = [item for item in items.by_modality[modality] if item["split"] == "train"]
            rows = [{**item, "slots": canonical(item["slots"])} for item in rows]
            mixture = Mixture({modality: rows}, job.mixture, job.batch_size, seed)
            names = concept_names_of(config, modality)
            data = SlotData(batches, modality, rows, WORDS[modality], NAMES[modality], names)
            return lambda step: data.batch(mixture.rows(step))
        if job.objective == "states":
            (modality,) = job.mixture
            rows = by_source(read_dialogues(folder / "dialogues-train.jsonl"))["reply"]
            rows = [row for row in rows if asks_for(row, modality)][:STATE_ROWS]

            @cache
            def states() -> tuple[SignalStates, Mixture]:
                found = SignalStates(model, batches, rows, modality, tracker(f"signal states, {modality}"))
                numbers = range(len(found.states_MKD))
                return found, Mixture({modality: numbers}, job.mixture, job.batch_size, seed)

            return lambda step: states()[0].batch(states()[1].rows(step))
        sources: dict[str, list[Any]] = (
            caption_rows(items, "train")
            if job.name.startswith("conditioning-")
            else by_source(read_dialogues(folder / "dialogues-train.jsonl") + chat_rows(folder))
        )
        grouped = LengthGrouped(Mixture(sources, job.mixture, job.batch_size, seed), lambda row: row.length)
        return lambda step: batches.batch(grouped.rows(step))

    return make


def concept_names_of(config: Any, modality: str) -> tuple[str, ...]:
    branches = config.inputs[modality].projector.branches
    return next(branch.names for branch in branches if branch.type == "concepts")


def chat_rows(folder: Path) -> list[Any]:
    """The base model's own answers to plain prompts, where `nextgpt data replay` has made them."""
    from nextgpt.data.manifest import read_dialogues

    path = folder / "chat-train.jsonl"
    return read_dialogues(path) if path.exists() else []


def commit() -> str:
    """The work tree's commit, for the checkpoint's record."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def condition_targets(config: Any) -> dict[str, Any]:
    """modality -> (captions -> Conditioning): what the decoder's own text encoding makes of them."""
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    @cache
    def decoder(name: str) -> Any:
        return load_decoder(config.outputs[name].decoder, fetch_part)

    return {
        name: lambda captions, name=name: decoder(name).encode_prompt(captions) for name in config.outputs
    }


def train(
    stage: Annotated[str, typer.Argument(help="encoder-alignment, decoder-alignment or instruction-tuning")],
    preset: Annotated[str, typer.Option(help="configuration to start from")] = "nano",
    start: Annotated[Path | None, typer.Option("--from", help="checkpoint of the stages before")] = None,
    out: Annotated[Path | None, typer.Option(help="where the checkpoint goes")] = None,
    seed: int = 0,
    steps_scale: Annotated[float, typer.Option(help="shorten or lengthen every job")] = 1.0,
    threads: Annotated[int, typer.Option(help="CPU threads, 0 for all cores")] = 0,
) -> None:
    """Train one stage; run it again after an interruption and it goes on where it was."""
    import torch

    torch.set_num_threads(threads or os.cpu_count() or 1)
    run(stage, preset, start, out, seed, steps_scale)


def run(stage: str, preset: str, start: Path | None, out: Path | None, seed: int, steps_scale: float) -> None:
    import torch

    from nextgpt import checkpoint
    from nextgpt.cli.show import print_parameters, training_progress
    from nextgpt.data.manifest import read_lines
    from nextgpt.model import build_model
    from nextgpt.nano.recipe import data_folder
    from nextgpt.parts import cache_root, fetch_part
    from nextgpt.presets import preset as get_preset
    from nextgpt.training.run import run_stage
    from nextgpt.training.stages import scaled
    from nextgpt.training.stages import stage as get_stage

    one = scaled(get_stage(stage), steps_scale)
    folder = data_folder(cache_root())
    info = checkpoint.read_info(start) if start else checkpoint.CheckpointInfo(get_preset(preset))
    torch.manual_seed(seed)
    model, processor = build_model(info.config, fetch_part, dtype=torch.bfloat16, attention="eager")
    if start:
        checkpoint.load(model, start, info)
    targets = condition_targets(info.config) if "output_projectors.*" in one.modules else {}
    parts = {name: part_record(name) for name in checkpoint.part_names(info.config)}
    with training_progress(one) as progress:

        def start_job(job: Any) -> None:
            print_parameters(model)
            progress.start(job)
            for modality in job.mixture if job.name.startswith("conditioning-") else ():
                sample = list(read_lines(folder / f"{modality}.jsonl"))[:256]
                target = targets[modality]([item["caption"] for item in sample])
                model.output_projectors[modality].start_from(target)

        run_stage(
            model,
            one,
            checkpoint.with_parts(info, parts),
            stage_batches(info.config, model, processor, folder, targets, seed),
            cache_root() / "training" / preset,
            out or cache_root() / "checkpoints" / preset / stage,
            seed=seed,
            on_job=start_job,
            on_log=progress.log,
            on_step=progress.step,
            record={"commit": commit(), "preset": preset},
        )
