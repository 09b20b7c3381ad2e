"""`nextgpt train`: the three stages one after the other, on a world of a few items with a random tiny model."""

import json

import pytest
import torch
from safetensors.torch import load_file

from nextgpt import presets
from nextgpt.checkpoint import read_info
from nextgpt.cli import run
from nextgpt.config import (
    AnyToAnyConfig,
    ConceptBranchConfig,
    DecoderConfig,
    EfficientNetLiteConfig,
    InputConfig,
    InputProjectorConfig,
    LanguageModelConfig,
    LoraConfig,
    OutputConfig,
    OutputProjectorConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
    YamnetConfig,
)
from nextgpt.data.features import encoder_cache
from nextgpt.data.manifest import Items, dialogue_from
from nextgpt.files import locked
from nextgpt.nano.recipe import data_folder
from nextgpt.nn.outputs import Conditioning, EncoderOutput
from nextgpt.testing.tiny import tiny_base, tiny_tokenizer
from nextgpt.training.stages import STAGES

LABELS = [["tench"], ["owl"], ["kite"]]
SLOTS = {
    "image": {
        "count": "",
        "relation": "right",
        "place": "",
        "colour": "red",
        "name_a": "fox",
        "name_b": "car",
    },
    "audio": {"count": "two", "pitch": "", "direction": "", "first": "bell", "second": ""},
    "video": {"motion": "moving", "direction": "left", "colour": "", "name": "fox"},
}


SETTLED_SLOTS = {
    "image": {**SLOTS["image"], "size": ""},
    "audio": {**SLOTS["audio"], "kind": "scale", "rhythm": "", "note": "60 62", "chord": "", "speed": "fast"},
    "video": {**SLOTS["video"], "kind": "one", "motion": "left"},
}


def words(number):
    return {"colour": ("red", "blue", "green")[number], "pitch": ("low", "high", "")[number]}


ENCODERS = {
    "image": EfficientNetLiteConfig("image-part", grid=1, feature_dim=6, num_scores=3),
    "audio": YamnetConfig("audio-part", max_seconds=1.5, mel_steps=0, num_scores=3),
    "video": EfficientNetLiteConfig("image-part", grid=1, num_frames=2, feature_dim=6, num_scores=3),
}


def config():
    inputs = {}
    for name, encoder in ENCODERS.items():
        queries = 1 if name == "video" else 2
        branches = (
            ResamplerBranchConfig(8, width=8, num_layers=1, num_heads=2),
            ConceptBranchConfig(("", "car", "fox", "bell"), queries, tokens_per_name=2, rank=4),
            PosteriorBranchConfig(tokens_per_class=2),
        )
        inputs[name] = InputConfig(encoder, InputProjectorConfig(branches, 0.1))
    decoder = DecoderConfig("echo", "", length=3, width=5)
    outputs = {name: OutputConfig(decoder, OutputProjectorConfig(8, 1, 1), 2) for name in ENCODERS}
    return AnyToAnyConfig(LanguageModelConfig("language", LoraConfig(rank=2)), inputs, outputs)


def rows():
    """Dialogues of every source that the mixtures name."""
    for n in range(3):
        for modality in ENCODERS:
            shown = [{"type": modality, "item": f"{modality}-{n}"}, {"type": "text", "text": "What?"}]
            made = [
                {"type": "text", "text": "Here:"},
                {"type": modality, "item": f"{modality}-{n}", "caption": "a fox"},
            ]
            yield f"{modality}-name", shown, "A fox."
            yield f"gen-{modality}", "Draw a fox.", made
            task = {"image": "photo", "audio": "recording", "video": "film"}[modality]
            yield task, [{**shown[0], "posterior": {"class": n, "seed": n}}, shown[1]], "I see {label}."
        yield "fit", [{"type": "image", "item": "image-0"}, {"type": "audio", "item": "audio-0"}], "Yes."


def record(number, task, asked, answer):
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return json.dumps({"id": f"row-{number}", "task": task, "messages": messages, "expected": ""})


def follow_up(number):
    """A second turn that speaks of what stands before it."""
    row = json.loads(record(number, "mosit", "Draw one.", "Here."))
    turns = [{"cell": "text->image"}, {"cell": "image->text"}]
    return json.dumps({**row, "messages": row["messages"] * 2, "tasks": ["a", "b"], "turns": turns})


def replies(modality, number, seed=0):
    """In place of settled ones, whose art PyPI does not have."""
    made = [n for n, (task, _, _) in enumerate(rows()) if task == f"gen-{modality}"]
    return [dialogue_from(json.loads(record(n, *list(rows())[n]))) for n in made]


class Decoder:
    reader = None

    def decode(self, conditioning, *, seeds):
        return [float(seed) for seed in seeds]

    def encode_prompt(self, captions):
        values = torch.stack([torch.full((3, 5), float(len(caption))) for caption in captions])
        return Conditioning(
            values + torch.randn(3, 5, generator=torch.Generator().manual_seed(0)),
            torch.ones(len(captions), 3).bool(),
        )


class Encoder:
    """Of what Decoder makes: features that are the same for any seed."""

    def __init__(self, settings):
        self.config = settings

    def to(self, dtype):
        return self

    preprocess = staticmethod(float)
    collate = staticmethod(lambda values: {"values": torch.tensor(values)})

    def __call__(self, values):
        count, size = len(values), self.config.feature_dim
        return EncoderOutput(torch.ones(count, 1, size), torch.ones(count, 1).bool(), torch.rand(count, 3))


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A cache with parts, data and features; `pins` may be changed to another part's."""
    part, pins = tmp_path / "part", {"address": "file:part", "sha256": "a" * 64}
    tokenizer = tiny_tokenizer()
    tiny_base(len(tokenizer)).save_pretrained(part)
    tokenizer.save_pretrained(part)
    (part / "labels.json").write_text(json.dumps(LABELS))
    monkeypatch.setattr("nextgpt.parts.cache_root", lambda: tmp_path)
    monkeypatch.setattr("nextgpt.parts.fetch_part", lambda name: part)
    monkeypatch.setattr("nextgpt.parts.pinned", lambda name: dict(pins))
    monkeypatch.setattr("nextgpt.nn.decoders.load_decoder", lambda config, fetch, dtype=None: Decoder())
    monkeypatch.setattr("nextgpt.nn.encoders.load_encoder", lambda settings, part: Encoder(settings))
    monkeypatch.setattr("nextgpt.nano.settled_rows.settled_replies", replies)
    monkeypatch.setitem(presets.PRESETS, "tiny", config)
    folder = data_folder(tmp_path)
    folder.mkdir(parents=True)
    for modality, slots in SLOTS.items():
        items = [
            {
                "id": f"{modality}-{n}",
                "split": "train",
                "scene": {"kind": "notes", "number": n},
                "caption": f"{n} foxes",
                "slots": {**slots, **{k: v for k, v in words(n).items() if k in slots}},
            }
            for n in range(3)
        ]
        (folder / f"{modality}.jsonl").write_text("\n".join(map(json.dumps, items)))
    (folder / "dialogues-train.jsonl").write_text("\n".join(record(n, *row) for n, row in enumerate(rows())))
    (folder / "chat-train.jsonl").write_text(record(0, "chat", "Hello", "Hi."))
    switching = data_folder(tmp_path, "mosit")
    switching.mkdir()
    looks_back = record(1, "mosit-missing-image", "What is in my picture?", "You have not shown me one.")
    names = record(2, "names", "Draw a quokka.", "I can not draw it.")
    rows_of_dialogues = [record(0, "mosit", "Hello", "Hi."), looks_back, names, follow_up(3)]
    (switching / "dialogues-train.jsonl").write_text("\n".join(rows_of_dialogues))
    for modality, slots in SETTLED_SLOTS.items():
        item = {"id": f"{modality}-mosit", "split": "train", "scene": {"kind": "scale"}, "caption": "foxes"}
        (switching / f"{modality}.jsonl").write_text(json.dumps({**item, "slots": slots}))
    for modality in ENCODERS:
        encoder, found = ENCODERS[modality], Items(folder, (modality,), [switching])
        items = found.by_modality[modality] + found.beside[modality]
        cache = encoder_cache(tmp_path, encoder, pins["sha256"])
        for item in items:
            features = torch.randn(encoder.num_positions, encoder.feature_dim).half()
            cache.add(
                found.key(item["id"]),
                {"features": features, "count": torch.tensor([1]), "scores": torch.rand(3).half()},
            )
        cache.flush()
    return tmp_path, pins


def train(stage, *options):
    return run(["train", stage, "--preset", "tiny", "--steps-scale", "1e-9", "--threads", "1", *options])


def test_three_stages_one_after_the_other(world, capsys):
    root, pins = world
    folders = {stage: root / "checkpoints" / "tiny" / stage for stage in STAGES}
    before = []
    for stage, folder in folders.items():
        assert train(stage, *before) == 0
        before = ["--from", str(folder)]
    printed = capsys.readouterr().out
    assert "input_projectors.image" in printed and "frozen" in printed
    info = read_info(folders["instruction-tuning"])
    assert [one["stage"] for one in info.stages] == list(STAGES)
    assert all(one["preset"] == "tiny" and one["commit"] for one in info.stages)
    assert info.parts == {name: pins for name in ("language", "image-part", "audio-part")}
    assert info.output_modalities == tuple(ENCODERS) and (folders["instruction-tuning"] / "adapter").is_dir()
    for stage in STAGES:
        state = root / "training" / "tiny" / stage
        for job in STAGES[stage].jobs:
            lines = (state / f"{job.name}.jsonl").read_text().splitlines()
            assert json.loads(lines[-1])["step"] == 1 and (state / f"{job.name}.safetensors").exists()

    # run again, a finished stage only writes its checkpoint anew
    first = load_file(folders["encoder-alignment"] / "model.safetensors")
    assert train("encoder-alignment") == 0
    again = load_file(folders["encoder-alignment"] / "model.safetensors")
    assert again.keys() == first.keys() and all(torch.equal(again[name], first[name]) for name in first)

    # some jobs alone: what they do not train is not said to be trained
    words = root / "words"
    alone = ("--from", str(folders["encoder-alignment"]), "--jobs", "restating", "--out", str(words))
    capsys.readouterr()
    assert train("instruction-tuning", *alone) == 2 and not words.exists()
    assert "restating.safetensors is the state of another run (differs in origin)" in capsys.readouterr().err
    assert train("instruction-tuning", *alone, "--fresh", "--seed", "3") == 0
    assert train("instruction-tuning", *alone, "--seed", "3") == 0, "the same run goes on"
    with locked(root / "training" / "tiny" / "instruction-tuning", "restating"):
        assert train("instruction-tuning", *alone, "--seed", "3") == 2
    assert "Another process writes into" in capsys.readouterr().err
    trained = read_info(words).trained
    assert "modality_tokens" in trained and not any(name.startswith("output") for name in trained)

    # shipped, small, with a card
    scores = root / "scores.json"
    row = {"task": "image-name", "n": 10, "score": 0.9, "low": 0.6, "high": 0.98, "bar": 0.85, "chance": 0.01}
    scores.write_text(json.dumps({"rows": [row]}))
    shipping = [
        "ship",
        str(folders["instruction-tuning"]),
        "--name",
        "tiny",
        "--weights",
        str(root / "weights"),
    ]
    assert run([*shipping, "--scores", str(scores)]) == 0
    card = (root / "weights" / "tiny" / "README.md").read_text()
    assert "| image-name | 10 | 90.0 (60.0 to 98.0) | 85.0 | 1.0 |" in card and "fluent-emoji-3d" in card
    assert read_info(root / "weights" / "tiny") == info

    # between two checkpoints
    first, other, between = folders["instruction-tuning"], root / "other", root / "between"
    again = ("--from", str(folders["decoder-alignment"]), "--seed", "5", "--fresh", "--out", str(other))
    assert train("instruction-tuning", *again) == 0
    assert run(["average", str(first), str(other), "--share", "0.25", "--out", str(between)]) == 0
    one, two, mean = (load_file(folder / "model.safetensors") for folder in (first, other, between))
    assert any(not torch.equal(one[name], two[name]) for name in one)
    assert all(torch.allclose(mean[name], 0.75 * one[name] + 0.25 * two[name], atol=1e-6) for name in one)
    assert read_info(between).stages[:-1] == info.stages and read_info(between).stages[-1]["share"] == 0.25
    for second, share, says in (
        (folders["encoder-alignment"], "0.5", "differ in their configs or in what they have trained"),
        (other, "2", "--share must be between 0 and 1, not 2.0"),
    ):
        assert run(["average", str(first), str(second), "--share", share, "--out", str(root / "no")]) == 2
        assert says in capsys.readouterr().err and not (root / "no").exists()

    # a checkpoint is not trained further on another part
    pins["sha256"] = "b" * 64
    assert train("decoder-alignment", "--from", str(folders["encoder-alignment"])) == 2
    assert "was trained on language file:part" in capsys.readouterr().err


def test_slots_are_scored_by_where_media_come_from(world, capsys):
    root, _ = world
    assert train("encoder-alignment") == 0
    folder = root / "checkpoints" / "tiny" / "encoder-alignment"
    options = ("--model", str(folder), "--out", str(root / "slots"), "--split", "train", "--limit", "2")
    assert run(["eval", "nano-slots", *options, "--threads", "1"]) == 0
    rows = {row["task"]: row for row in json.loads((root / "slots" / "scores.json").read_text())["rows"]}
    assert {task.split(", ")[1] for task in rows} == {"world", "settled", "made"}
    assert rows["video-motion, world"]["n"] == 2 and rows["video-motion, made"]["n"] == 1
    assert "audio-speed, settled" in rows and "audio-speed, world" not in rows, "no word, nothing to score"
    assert all(0 <= row["score"] <= 1 and row["chance"] >= 0.5 for row in rows.values())
    assert "video-direction, made" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "warm-up"], "There is no stage 'warm-up'"),
        (["train", "encoder-alignment", "--preset", "mega"], "There is no preset 'mega'"),
        (["train", "encoder-alignment", "--from", "absent"], "absent/config.json can't be read"),
        (["eval", "nano-slots", "--split", "half"], "There is no split 'half'; choose one of train,"),
        (["eval", "nano-slots", "--limit", "0"], "--limit must be 1 at least, not 0"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(arguments, says, capsys):
    assert run([*arguments, "--threads", "1"]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
