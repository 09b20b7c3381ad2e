"""The nano world's side of training: caches of its encoders, and for each job a function step -> batch."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

# A job comes about so often to each reply whose signal states it learns from, so that a name comes several times. One
# of so many stands at the end of a dialogue: signal states differ with what has been said and shown before.
# Half of the steps are of the longest captions.
STATE_EPOCHS = 20
ALONE_TO_LATER = 5
LONGEST = 0.3
SETTLED_ROWS = 6000  # of each modality, for tuning
MADE_A_STEP = 2  # media of decoders that an input projector learns from


# type of an encoder -> what its scores are, and how its classes stand in a sentence
SCORES = {"yamnet": ("sigmoid", "plain"), "efficientnet-lite": ("softmax", "article")}


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
        features = encoder_cache(cache_root(), one.encoder, part_record(one.encoder.part)["sha256"])
        found[name] = ModalityData(features, names, *SCORES[one.encoder.type])
    return found


def nano_batches(config: Any, processor: Any, folder: Path, targets: dict[str, Any]) -> Any:
    from nextgpt.data.batches import Batches
    from nextgpt.data.manifest import Items

    items = Items(folder, tuple(config.inputs), [switching_folder(folder)])
    return Batches(processor, items, modality_data(config), targets)


def switching_folder(folder: Path) -> Path:
    """Where the dialogues that switch modality lie, beside the small world's own data."""
    from nextgpt.nano.recipe import data_folder

    return data_folder(folder.parent.parent, "mosit")


def slot_batches(model: Any, batches: Any, folder: Path, job: Any, seed: int) -> Callable[[int], Any]:
    """Of both worlds, and of what the decoders make: projectors that were taught one of them mishear the others."""
    from nextgpt.cli.features import encode_items
    from nextgpt.cli.made_items import made_items
    from nextgpt.data.mixture import Mixture

    (modality,) = job.mixture
    items = batches.items
    rows = [one for one in items.by_modality[modality] + items.beside[modality] if one["split"] == "train"]
    settings, cache = model.config.inputs[modality].encoder, batches.modalities[modality].features
    encode_items(settings, modality, cache, items, (item["id"] for item in rows))
    rows += made_items(model.config, batches, modality, "train", MADE_A_STEP * job.steps, seed)
    data, told = slot_data(model, batches, modality, rows)
    mixture = Mixture({modality: told}, job.mixture, job.batch_size, seed)
    return lambda step: data.batch(mixture.rows(step))


def slot_data(model: Any, batches: Any, modality: str, rows: Any) -> tuple[Any, list[dict[str, Any]]]:
    """What the modality's projector should say of items, and the items in one set of words."""
    from nextgpt.data.slots import SlotData
    from nextgpt.nano.slots import NAMES, WORDS, canonical

    names = model.input_projectors[modality].branches["concepts"].config.names
    told = [{**row, "slots": canonical(modality, row)} for row in rows]
    return SlotData(batches, modality, told, WORDS[modality], NAMES[modality], names), told


def state_batches(model: Any, batches: Any, folder: Path, job: Any, seed: int) -> Callable[[int], Any]:
    """Signal states are computed first, or found where another run has left them."""
    from nextgpt.cli.features import encode_shown
    from nextgpt.cli.show import tracker
    from nextgpt.data.mixture import Mixture
    from nextgpt.data.signal_states import SignalStates
    from nextgpt.nano.settled_rows import behind, settled_replies
    from nextgpt.parts import cache_root

    (modality,) = job.mixture
    number = job.steps * job.batch_size // STATE_EPOCHS
    replies = settled_replies(modality, number, seed)
    before = dialogues_that_make(folder, modality, number // ALONE_TO_LATER, seed)
    rows = behind(before, replies) + replies[len(before) :]
    encode_shown(model.config, batches, rows)
    track, kept = tracker(f"signal states, {modality}"), cache_root() / "signal-states"
    distance = reading_distance(model.config, modality)
    found = SignalStates(model, batches, rows, modality, track, distance=distance, kept=kept)
    model.output_projectors[modality].start_from(found.target)
    sources = {"all": range(len(found.captions)), "longest": found.longest(LONGEST)}
    mixture = Mixture(sources, {"all": 0.5, "longest": 0.5}, job.batch_size, seed)
    return lambda step: found.batch(mixture.rows(step))


def dialogues_that_make(folder: Path, modality: str, number: int, seed: int) -> list[Any]:
    """Of those that switch modality, up to `number`: half of them those with the longest captions."""
    from nextgpt.data.signal_states import captions_of

    rows = rows_if_there(switching_folder(folder) / "dialogues-train.jsonl")

    def most_words(row: Any) -> int:
        return max((len(caption.split()) for caption in captions_of(row, modality)), default=0)

    making = sorted(filter(most_words, rows), key=most_words, reverse=True)
    longest, others = making[: number // 2], making[number // 2 :]
    more = min(number - number // 2, len(others))
    return longest + random.Random(f"{seed}:{modality}").sample(others, more)


def dialogue_batches(model: Any, batches: Any, folder: Path, job: Any, seed: int) -> Callable[[int], Any]:
    from nextgpt.cli.features import encode_shown
    from nextgpt.data.manifest import read_dialogues
    from nextgpt.data.mixture import LengthGrouped, Mixture
    from nextgpt.nano.recipe import by_source, caption_rows
    from nextgpt.nano.settled_rows import settled_replies

    if job.name.startswith("conditioning-"):
        sources = caption_rows(batches.items, "train")
    else:
        switching = rows_if_there(switching_folder(folder) / "dialogues-train.jsonl")
        chat = rows_if_there(folder / "chat-train.jsonl")
        sources = by_source(read_dialogues(folder / "dialogues-train.jsonl") + chat + switching)
    if "settled" in job.mixture:
        made = [settled_replies(modality, SETTLED_ROWS, seed) for modality in model.config.outputs]
        sources["settled"] = list(chain.from_iterable(made))
    learnt = {
        name: of for name, of in (batches.targets or {}).items() if job.trains(f"output_projectors.{name}")
    }
    batches = replace(batches, targets=learnt)
    grouped = LengthGrouped(Mixture(sources, job.mixture, job.batch_size, seed), lambda row: row.length)
    steps = range(job.steps * job.gradient_accumulation)
    encode_shown(model.config, batches, chain.from_iterable(grouped.rows(step) for step in steps))
    return lambda step: batches.batch(grouped.rows(step))


def rows_if_there(path: Path) -> list[Any]:
    """Of `nextgpt data replay` and `nextgpt data build mosit`: a mixture that names them says when they are not."""
    from nextgpt.data.manifest import read_dialogues

    return read_dialogues(path) if path.exists() else []


# objective of a job -> (model, batches, folder, job, seed) -> micro step -> batch
BATCHES: dict[str, Callable[..., Callable[[int], Any]]] = {
    "slots": slot_batches,
    "states": state_batches,
    "model": dialogue_batches,
}


def reading_distance(config: Any, modality: str) -> Callable[[Any, Any], Any] | None:
    """How the modality's decoder tells two conditionings apart; None where it has no reader."""
    from nextgpt.nn.decoders import load_decoder
    from nextgpt.parts import fetch_part

    reader = load_decoder(config.outputs[modality].decoder, fetch_part).reader
    return None if reader is None else reader.float().distance


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


def start_projectors(model: Any, batches: Any, job: Any) -> None:
    """What a job's projectors begin with: output projectors the spread of some condition targets, the concepts of an
    input projector those that another one, trained before it, has for the same encoder."""
    for modality in job.mixture if job.name.startswith("conditioning-") else ():
        captions = [item["caption"] for item in batches.items.by_modality[modality][:256]]
        model.output_projectors[modality].start_from(batches.condition_target(modality, captions))
    for modality in job.mixture if job.objective == "slots" else ():
        parts = {name: one.encoder.part for name, one in model.config.inputs.items()}
        earlier = [
            name for name in list(parts)[: list(parts).index(modality)] if parts[name] == parts[modality]
        ]
        for other in earlier[:1]:
            concepts = [model.input_projectors[name].branches["concepts"] for name in (modality, other)]
            concepts[0].start_from(concepts[1])
