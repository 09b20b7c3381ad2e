"""Tiny worlds. One to train in: every branch and modality, cached features with holes, batches that are a function
of the step. One to ask about: items in caches, two of each modality."""

from dataclasses import replace

import torch

from nextgpt.batch import collate_rows, media_in_order
from nextgpt.config import (
    ConceptBranchConfig,
    EfficientNetLiteConfig,
    InputConfig,
    InputProjectorConfig,
    LanguageModelConfig,
    LoraConfig,
    MlpBranchConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
)
from nextgpt.data.batches import Batches, ModalityData
from nextgpt.data.feature_cache import FeatureCache
from nextgpt.data.manifest import Dialogue, ItemPart, Items, Text, Turn
from nextgpt.nn.outputs import Conditioning, EncoderOutput
from nextgpt.testing.tiny import LENGTH, WIDTH, tiny_config, tiny_model
from nextgpt.training.losses import SlotBatch, StatesBatch

N, E, P = 4, 6, 5
ENCODER = EfficientNetLiteConfig(grid=2, feature_dim=E, num_scores=P)
BRANCHES = (
    ResamplerBranchConfig(2, width=8, num_layers=1, num_heads=2),
    ConceptBranchConfig(("", "fox", "car"), tokens_per_name=1, rank=8),
    PosteriorBranchConfig(tokens_per_class=1),
    MlpBranchConfig(1, hidden_dim=8),
)
IMAGE = InputConfig(ENCODER, InputProjectorConfig(BRANCHES, branch_dropout=0.2))
CONFIG = replace(
    tiny_config(),
    inputs={**tiny_config().inputs, "image": IMAGE},
    language_model=LanguageModelConfig("tiny", LoraConfig(rank=2)),
)


def world():
    """Model and processor; learned tensors, frozen ones and class tables are random, the same at every call."""
    model, processor = tiny_model(CONFIG)
    torch.manual_seed(2)
    for branch in model.input_projectors["image"].branches.values():
        if hasattr(branch, "table"):
            branch.table.normal_()
    return model, processor


def generator(*numbers):
    return torch.Generator().manual_seed(hash(numbers) % 2**31)


def talk(step, row):
    """Every modality goes in and comes out, with text behind each."""
    part = {name: ItemPart(name, f"{step}-{row}") for name in CONFIG.inputs}
    return (
        Turn("user", (Text("What is " + "it? " * row), part["image"], part["audio"], part["video"])),
        Turn(
            "assistant",
            (Text("A fox."), part["image"], Text("and"), part["audio"], part["video"], Text("there.")),
        ),
    )


def features(modality, count, noise):
    """Cached outputs; the second medium has no scores and the third no features."""
    encoder = CONFIG.inputs[modality].encoder
    positions, width = encoder.num_positions, encoder.feature_dim
    mask = torch.ones(count, positions, dtype=torch.bool)
    scores = torch.rand(count, encoder.num_scores, generator=noise) if modality == "image" else None
    if scores is not None:
        scores[1::3] = 0.0
    mask[2::3] = False
    return EncoderOutput(torch.randn(count, positions, width, generator=noise), mask, scores)


def model_batch(processor, step, size=3):
    rows = [processor.row(talk(step, row)) for row in range(size)]
    batch, noise = collate_rows(rows), generator(step, 1)
    for name, media in media_in_order(rows, "inputs").items():
        batch.inputs[name] = features(name, len(media), noise)
    for name, media in media_in_order(rows, "outputs").items():
        batch.targets[name] = target(len(media), noise)
    return batch


def target(count, noise):
    mask = torch.ones(count, LENGTH, dtype=torch.bool)
    return Conditioning(torch.randn(count, LENGTH, WIDTH, generator=noise), mask)


def slot_batch(step, size=6):
    noise = generator(step, 2)
    words = torch.randint(10, 14, (size, 2), generator=noise)
    names = torch.randint(0, 3, (size, 1), generator=noise)
    return SlotBatch("image", features("image", size, noise), words, torch.arange(10, 14), names)


def states_batch(step, size=6):
    noise = generator(step, 3)
    return StatesBatch("audio", torch.randn(size, 3, 32, generator=noise), target(size, noise))


def batches(processor, objective):
    """micro step -> batch, for a row of OBJECTIVES."""
    made = {"model": lambda step: model_batch(processor, step), "slots": slot_batch, "states": states_batch}
    return made[objective]


CLASSES = {
    "image": ["Egyptian cat", "tench", "ice cream"],
    "audio": ["Speech", "Dog"],
    "video": ["kite", "owl"],
}


def cached_batches(folder, processor):
    """Two items a modality: item n has n + 1 positions, whose first feature is n + 1, and its encoder's class is n."""
    modalities = {}
    for modality, one in tiny_config().inputs.items():
        cache, lines = FeatureCache(folder / modality), []
        for number in (0, 1):
            lines.append(
                f'{{"id": "{modality}-{number}", "split": "train", "scene": ["{modality}", {number}], '
                f'"caption": "{modality} number {number}"}}'
            )
            scores = torch.zeros(len(CLASSES[modality])).half()
            scores[number] = 0.75
            features = torch.randn(2, one.encoder.feature_dim, generator=generator(number)).half()
            features[:, 0] = number + 1
            row = {"features": features, "count": torch.tensor([number + 1]), "scores": scores}
            cache.add(f"{modality}-{number}", row)
        (folder / f"{modality}.jsonl").write_text("\n".join(lines))
        kind = ("sigmoid", "plain") if modality == "audio" else ("softmax", "article")
        modalities[modality] = ModalityData(cache, CLASSES[modality], *kind)
    items = Items(folder, tuple(modalities))
    items.key = lambda item: item
    return Batches(processor, items, modalities)


def dialogue(*contents, **record):
    roles = ("user", "assistant") * len(contents)
    turns = (Turn(role, c if isinstance(c, tuple) else (Text(c),)) for role, c in zip(roles, contents))
    return Dialogue("d", "task", tuple(turns), record)
