"""Decoders at tiny random weights: the contract, the folder, training that resumes. No network, no parts."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from filelock import FileLock
from torch import Tensor
from torch.fx.experimental import _config as fx_config
from typer.testing import CliRunner

from nextgpt.config import DecoderConfig
from nextgpt.errors import CheckpointError, ConfigError, DataError, MessageError, PartError, UserError
from nextgpt.nn.decoders import (
    DECODERS,
    load_decoder,
    mel,
    open_decoder,
    shared_text_encoder,
    untrained_decoder,
)
from nextgpt.nn.decoders.config import (
    ArchitectureConfig,
    AudioFacts,
    AutoencoderConfig,
    ImageFacts,
    LatentDecoderConfig,
    LayeredReaderConfig,
    ScoreReaderConfig,
    TransformerConfig,
    VideoFacts,
    VocoderConfig,
)
from nextgpt.nn.decoders.folder import pack_matrices, write_folder
from nextgpt.nn.decoders.latent_decoder import LatentDecoder
from nextgpt.nn.decoders.text_conditioning import NullPrompt
from nextgpt.nn.outputs import Conditioning, ConditioningSpec, EncoderOutput
from nextgpt.nn.sampling import corrupt, draw_noise, item_generators, sample
from nextgpt.training import decoder_phases
from nextgpt.training.decoder_loop import DecoderTraining
from nextgpt.training.decoder_recipes import RECIPES, DecoderRecipe, recipe_of, scaled
from nextgpt.training.decoder_task import start_decoder
from nextgpt.training.step_runner import PhaseConfig, batch_rows

WORDS = ("a", "red", "blue", "apple", "cat", "on", "two", "##s")
AUTOENCODER = AutoencoderConfig(latent_channels=4, channels=(4, 4, 8, 8), decoder_layers=(0, 1, 1, 1))
TRANSFORMER = TransformerConfig(width=16, num_heads=2, num_layers=1, patch_size=2)
SCORE = ScoreReaderConfig(num_things=3, voice_width=8)
LAYERS = LayeredReaderConfig(
    num_things=3, num_layers=2, canvas=8, sprite_side=4, sprite_channels=4, draw_width=4, plan_channels=2
)
TINY = {
    "image": ArchitectureConfig(
        LatentDecoderConfig("nano-image", ImageFacts(16, patch=1), (4, 2, 2), steps=2),
        AUTOENCODER,
        TRANSFORMER,
        LAYERS,
        prompt_length=6,
        prompt_width=16,
    ),
    "video": ArchitectureConfig(
        LatentDecoderConfig("nano-video", VideoFacts(16, patch=1, num_frames=4, group=2), (8, 4, 2), steps=2),
        AUTOENCODER,
        TRANSFORMER,
        replace(LAYERS, num_frames=4, group=2),
        prompt_length=6,
        prompt_width=16,
    ),
    "audio": ArchitectureConfig(
        LatentDecoderConfig(
            "nano-audio",
            AudioFacts(window=128, hop=64, num_mels=16, num_frames=32, phase_steps=2),
            (4, 2, 4),
            steps=2,
        ),
        replace(AUTOENCODER, in_channels=1),
        TRANSFORMER,
        SCORE,
        prompt_length=6,
        prompt_width=16,
        vocoder=VocoderConfig(width=8, expansion=2, num_layers=1),
    ),
}
MEDIA = {
    "image": np.random.default_rng(0).integers(0, 255, (20, 16, 3), np.uint8),
    "video": np.random.default_rng(0).integers(0, 255, (6, 16, 16, 3), np.uint8),
    "audio": np.random.default_rng(0).standard_normal(1500).astype(np.float32) * 0.1,
}
# Which notes are struck is read from values; meta tensors have none.
on_meta = fx_config.patch(meta_nonzero_assume_all_nonzero=True)
each_modality = pytest.mark.parametrize("modality", list(TINY))


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random text encoder in the real one's format."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("text")
    vocab = folder / "vocab.txt"
    vocab.write_text("\n".join(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)))
    BertTokenizerFast(vocab=str(vocab)).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=13, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def decoders(text_folder: Path) -> dict[str, LatentDecoder]:
    torch.manual_seed(0)
    made = {name: untrained_decoder(config, lambda part: text_folder) for name, config in TINY.items()}
    return {name: decoder.eval() for name, decoder in made.items()}


def prompt(decoder: LatentDecoder, rows: int = 2) -> Conditioning:
    generator = torch.Generator().manual_seed(1)
    spec = decoder.conditioning_spec
    return Conditioning(
        torch.randn(rows, spec.length, spec.width, generator=generator),
        torch.ones(rows, spec.length, dtype=torch.bool),
    )


# --- values ---


def test_records_index_split_stack_and_move() -> None:
    value = ConditioningSpec(3, 2, pooled_dim=4).empty(5)
    assert value.index([4, 0]).sequence_BQC.shape == (2, 3, 2)
    assert Conditioning.stack(value.split()).pooled_BP is not None
    moved = value.to(dtype=torch.bfloat16)
    assert (moved.sequence_BQC.dtype, moved.mask_BQ.dtype) == (torch.bfloat16, torch.bool)
    features = EncoderOutput(None, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 7))
    assert features.index(slice(0, 1)).batch_size == 1
    with pytest.raises(ValueError, match="pooled_BP is set in some"):
        Conditioning.stack([value, ConditioningSpec(3, 2).empty(1)])


# --- the contract of every decoder ---


@each_modality
def test_encode_prompt_has_the_spec_and_pads_with_the_null_vector(
    decoders: dict[str, LatentDecoder], modality: str
) -> None:
    decoder = decoders[modality]
    assert decoder.conditioning_spec == ConditioningSpec(6, 16)
    short, long = decoder.encode_prompt(["a cat", "a red apple on a blue cat"]).split()
    assert short.sequence_BQC.shape == (1, 6, 16) and bool(short.mask_BQ.all())
    null = decoder.prompt.null
    assert torch.equal(short.sequence_BQC[0, 4:], null.expand(2, 16))  # [CLS] a cat [SEP] null null
    assert not (long.sequence_BQC[0] == null).all(-1).any()  # cut to six tokens
    alone = decoder.encode_prompt(["a cat"])
    torch.testing.assert_close(alone.sequence_BQC, short.sequence_BQC, rtol=0, atol=1e-5)
    assert torch.equal(decoder.prompt.unconditional(2).sequence_BQC, null.expand(2, 6, 16))


@each_modality
def test_media_go_to_latents_and_come_back_as_values(
    decoders: dict[str, LatentDecoder], modality: str
) -> None:
    decoder = decoders[modality]
    latents = decoder.encode_media([MEDIA[modality]] * 2)
    assert latents.shape == (2, *decoder.config.latent_shape)
    assert torch.equal(decoder.pack(decoder.unpack(latents)), latents)
    seen: list[tuple[int, int]] = []
    media = decoder.decode(
        prompt(decoder), seeds=[3, 4], on_step=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]
    facts = TINY[modality].decoder.facts
    shapes = {
        "image": lambda image: image.array().shape == (16, 16, 3),
        "video": lambda clip: clip.frames(num=4).shape == (4, 16, 16, 3) and clip.fps == 8,
        "audio": lambda sound: sound.samples().shape == (getattr(facts, "num_samples", 0),),
    }
    assert len(media) == 2 and all(shapes[modality](medium) for medium in media)


@each_modality
def test_an_excerpt_of_latents_is_what_is_decoded_of_the_excerpt(
    decoders: dict[str, LatentDecoder], modality: str
) -> None:
    decoder = decoders[modality]
    stored = torch.stack([decoder.prepare(MEDIA[modality])] * 2)
    latents, taken = decoder.excerpt(decoder.encode_stored(stored), stored, torch.Generator().manual_seed(3))
    encoded = decoder.vae.encode(decoder.to_input(taken)).latent * decoder.vae.config.scaling_factor
    torch.testing.assert_close(decoder.unpack(latents), encoded)


@each_modality
def test_a_seed_gives_the_same_latents_in_any_batch(
    decoders: dict[str, LatentDecoder], modality: str
) -> None:
    decoder = decoders[modality]
    decoder.transformer.proj_out.weight.data.normal_(std=0.5)
    rows = prompt(decoder, 3)
    together = decoder.sample_latents(rows, [7, 8, 7])
    alone = decoder.sample_latents(rows.index([1]), [8])
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-4)
    same = decoder.sample_latents(rows.index([0, 0]), [7, 8])
    torch.testing.assert_close(same[0], together[0], rtol=0, atol=1e-4)
    assert not torch.allclose(same[0], same[1], atol=1e-2)


def test_guidance_mixes_the_two_predictions(decoders: dict[str, LatentDecoder]) -> None:
    decoder = decoders["image"]
    decoder.transformer.proj_out.weight.data.normal_(std=0.5)
    rows, seeds = prompt(decoder), [1, 2]
    nothing = decoder.prompt.unconditional(2)
    plain = decoder.sample_latents(rows, seeds, steps=1, guidance=1.0)
    free = decoder.sample_latents(nothing, seeds, steps=1, guidance=1.0)
    torch.testing.assert_close(decoder.sample_latents(rows, seeds, steps=1, guidance=0.0), free)
    wanted = free + 3 * (plain - free)
    torch.testing.assert_close(decoder.sample_latents(rows, seeds, steps=1, guidance=3.0), wanted)


@each_modality
def test_denoising_loss_reaches_the_conditioning_and_not_a_frozen_decoder(
    decoders: dict[str, LatentDecoder], modality: str
) -> None:
    decoder = decoders[modality].requires_grad_(False)
    rows = prompt(decoder)
    rows.sequence_BQC.requires_grad_()
    latents = torch.randn(2, *decoder.config.latent_shape)
    loss = decoder.denoising_loss(latents, rows, torch.Generator().manual_seed(0))
    loss.backward()
    assert loss.shape == () and rows.sequence_BQC.grad is not None
    assert bool((rows.sequence_BQC.grad.abs().amax(dim=(1, 2)) > 0).all())
    assert all(parameter.grad is None for parameter in decoder.parameters())
    again = decoder.denoising_loss(latents, rows, torch.Generator().manual_seed(0))
    assert torch.equal(loss, again)


@on_meta
@each_modality
def test_forward_passes_on_meta(decoders: dict[str, LatentDecoder], modality: str) -> None:
    decoder = decoders[modality].to("meta")
    rows = prompt(decoder).to("meta")
    latents = decoder.sample_latents(rows, [0, 1])
    assert latents.shape == (2, *decoder.config.latent_shape)
    assert decoder.decode_latents(latents).device.type == "meta"
    assert decoder.encode_media([MEDIA[modality]]).device.type == "meta"
    assert decoder.denoising_loss(latents, rows).device.type == "meta"


def test_a_null_row_is_what_a_dropped_prompt_trains() -> None:
    fill = NullPrompt(4, 3)
    filled = fill(torch.randn(2, 4, 3), torch.tensor([0, 2]))
    assert torch.equal(filled.sequence_BQC[0], fill.unconditional(1).sequence_BQC[0])
    filled.sequence_BQC.sum().backward()
    assert fill.null.grad is not None and bool((fill.null.grad == 6).all())


# --- schedulers: the same loop and loss for every prediction type ---


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample", "flow_prediction"])
def test_the_true_prediction_brings_the_clean_latents_back(kind: str) -> None:
    """A denoiser that knows the answer: sampling must end there, and the loss must ask for its prediction."""
    make = {
        "flow_prediction": diffusers.FlowMatchEulerDiscreteScheduler,
    }.get(
        kind, lambda: diffusers.DDIMScheduler(prediction_type=kind, clip_sample=False, set_alpha_to_one=True)
    )
    scheduler = make()
    clean = torch.randn(2, 3, 4, 4)

    def denoise(latents: Tensor, timesteps: Tensor) -> Tensor:
        if kind == "flow_prediction":
            return (latents - clean) / (timesteps / 1000).view(-1, 1, 1, 1)
        alpha = scheduler.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        noise = (latents - alpha.sqrt() * clean) / (1 - alpha).sqrt()
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        return {"epsilon": noise, "v_prediction": velocity, "sample": clean}[kind]

    noise = draw_noise((3, 4, 4), item_generators([0, 1]))
    torch.testing.assert_close(sample(denoise, noise, scheduler, 8), clean, rtol=0, atol=2e-2)
    noisy, timesteps, target = corrupt(scheduler, clean, torch.Generator().manual_seed(0))
    torch.testing.assert_close(denoise(noisy, timesteps), target, rtol=1e-3, atol=1e-3)


# --- the folder ---


@each_modality
def test_save_and_load_keep_every_bit_and_diffusers_opens_the_parts(
    decoders: dict[str, LatentDecoder], modality: str, tmp_path: Path
) -> None:
    decoder = decoders[modality].to(torch.float16)
    write_folder(decoder, tmp_path)
    loaded = load_decoder(DecoderConfig(f"nano-{modality}", str(tmp_path), 6, 16), dtype=torch.float16)
    assert loaded.config == decoder.config and type(loaded) is DECODERS[f"nano-{modality}"]
    saved = decoder.state_dict()
    assert saved.keys() == loaded.state_dict().keys()
    assert all(torch.equal(value, saved[key]) for key, value in loaded.state_dict().items())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    index = json.loads((tmp_path / "model_index.json").read_text())
    for name in ("transformer", "vae", "scheduler"):
        assert index[name][0] == "diffusers"
        getattr(diffusers, index[name][1]).from_pretrained(tmp_path / name)


def test_a_shared_component_stands_in_another_folder(
    decoders: dict[str, LatentDecoder], tmp_path: Path
) -> None:
    write_folder(decoders["image"], tmp_path / "image")
    with pytest.raises(PartError, match="is missing"):
        start_decoder(
            replace(tiny_recipe("video"), shared={"vae": "../nothing/vae"}), tmp_path / "video", None
        )
    recipe = replace(tiny_recipe("video"), shared={"vae": "../image/vae"}, autoencoder=None)
    decoders["video"].vae = start_decoder(recipe, tmp_path / "video", None).vae
    write_folder(decoders["video"], tmp_path / "video", recipe.shared)
    assert not (tmp_path / "video" / "vae").exists()
    loaded = open_decoder(tmp_path / "video")
    assert torch.equal(loaded.vae.encoder.conv_out.weight, decoders["image"].vae.encoder.conv_out.weight)


def test_a_reader_of_clips_starts_as_the_one_of_pictures(
    decoders: dict[str, LatentDecoder], tmp_path: Path
) -> None:
    write_folder(decoders["image"], tmp_path / "image")
    recipe = replace(tiny_recipe("video"), starts={"reader": "../image/reader"})
    begun = start_decoder(recipe, tmp_path / "video", None)
    mine, known = begun.reader.state_dict(), decoders["image"].reader.state_dict()
    assert {name for name in mine if torch.equal(mine[name], known.get(name, torch.zeros(0)))} >= {
        "memory.weight", "draw.1.weight", "thing_keys", "query.weight",
    }  # fmt: skip
    assert mine["pose_out.weight"].shape != known["pose_out.weight"].shape


def test_reading_leaves_what_draws_as_the_other_reader_had_it(
    decoders: dict[str, LatentDecoder], tmp_path: Path, text_folder: Path
) -> None:
    write_folder(decoders["image"], tmp_path / "image")
    for starts, kept in ({"reader": "../../image/reader"}, True), ({}, False):
        recipe = replace(tiny_recipe("video"), starts=starts)
        made = training("video", tmp_path / f"video-{kept}", text_folder, recipe)
        made.write_items()
        before = {name: value.clone() for name, value in made.decoder.reader.state_dict().items()}
        assert recipe.reading is not None and decoder_phases.reading(made, recipe.reading, None)
        after = made.decoder.reader.state_dict()
        assert torch.equal(before["memory.weight"], after["memory.weight"]) is kept
        assert not torch.equal(before["query.weight"], after["query.weight"])
        assert all(parameter.requires_grad for parameter in made.decoder.reader.parameters())


@each_modality
def test_a_prompt_is_read_alone_and_packing_keeps_the_memory_near(modality: str) -> None:
    torch.manual_seed(0)
    reader: Any = untrained_decoder(TINY[modality]).reader
    rows = torch.randn(3, 6, 16)
    together = reader(rows)
    torch.testing.assert_close(reader(rows[1:2]), together[1:2], rtol=0, atol=1e-5)
    kept = reader.memory.weight.detach().clone()
    reader.pack().memory.to(torch.float32)
    assert (reader.memory.weight - kept).abs().max() < 0.07 * kept.abs().max()


# --- training ---


def tiny_recipe(modality: str) -> DecoderRecipe:
    phase = PhaseConfig(steps=4, batch_size=3, warmup=2, save_every=2, log_every=2)
    vocoder = phase if modality == "audio" else None
    return DecoderRecipe(
        TINY[modality],
        num_items=5,
        draft=phase,
        flow=phase,
        reading=None if modality == "audio" else replace(phase, steps=2),
        autoencoder=replace(phase, steps=3),
        vocoder=vocoder,
        num_waves=4,
        playing=vocoder,
        num_phrases=5,
        detail=phase,
        finish=phase,
        voice=vocoder,
    )


def items_of(modality: str) -> Iterator[tuple[np.ndarray, str]]:
    rng = np.random.default_rng(0)
    for number in range(5):
        scaled = MEDIA[modality] * rng.uniform(0.5, 1)
        yield scaled.astype(MEDIA[modality].dtype), ("a red cat", "two apples")[number % 2]


def layers_of(modality: str) -> Iterator[np.ndarray]:
    """One thing a medium, in the middle, or one stroke at the beginning; the second layer is not used."""
    shape: Any = TINY[modality].reader
    for number in range(5):
        rows = []
        for thing in (number % 2, -1):
            stroke = (20, 2, thing >= 0, *[0] * 31)  # 4 cells, 8 steps
            poses = (0.5, 0.5, -1, 1, 0, thing >= 0) * getattr(shape, "num_frames", 0)
            rows.append((thing, *(poses or stroke)))
        yield np.array(rows, np.float32)


def training(
    modality: str, work: Path, text_folder: Path, recipe: DecoderRecipe | None = None
) -> DecoderTraining:
    return DecoderTraining(
        recipe or tiny_recipe(modality),
        lambda: items_of(modality),
        work,
        work / "out",
        layers=lambda: layers_of(modality),
        phrases=(lambda: items_of(modality), lambda: layers_of(modality)),
        fetch=lambda part: text_folder,
    )


@each_modality
def test_stopped_and_resumed_is_bit_identical_to_unstopped(
    modality: str, tmp_path: Path, text_folder: Path
) -> None:
    straight = training(modality, tmp_path / "a", text_folder).run()
    assert straight is not None
    assert training(modality, tmp_path / "b", text_folder).run(until=2) is None
    assert training(modality, tmp_path / "b", text_folder).run(until=3) is None
    resumed = training(modality, tmp_path / "b", text_folder).run()
    assert resumed is not None
    untrained = training(modality, tmp_path / "c", text_folder).decoder.half().state_dict()
    other = resumed.state_dict()
    assert [key for key, value in straight.state_dict().items() if not torch.equal(value, other[key])] == []
    changed = [key for key, value in straight.state_dict().items() if not torch.equal(value, untrained[key])]
    assert {key.split(".")[0] for key in changed} == {"transformer", "reader", "vae", "prompt"} | (
        {"vocoder"} if modality == "audio" else set()
    )
    opened = open_decoder(tmp_path / "a" / "out", dtype=torch.float16)
    assert opened.vae.config.scaling_factor == straight.vae.config.scaling_factor != 1.0
    lines = [json.loads(line) for line in (tmp_path / "b" / "flow" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]


def test_detail_sees_several_things_as_often_as_the_recipe_says(tmp_path: Path, text_folder: Path) -> None:
    recipe = replace(tiny_recipe("image"), crowded=0.5)
    made = training("image", tmp_path, text_folder, recipe)
    rows = list(layers_of("image"))
    for row in rows[3:]:
        row[1] = row[0]  # the last two of five hold two things
    made.cache.write_rows("layers", lambda: rows)
    config = PhaseConfig(steps=8, batch_size=4)
    seen = [decoder_phases.detail_rows(made, step, config) for step in range(8)]
    assert all(sum(row >= 3 for row in batch) == 2 for batch in seen)
    assert {row for batch in seen for row in batch} == set(range(5)) and seen[0] != seen[1]
    assert seen == [decoder_phases.detail_rows(made, step, config) for step in range(8)]


@each_modality
def test_finish_brings_what_the_sampler_makes_nearer_to_true_media(
    modality: str, tmp_path: Path, text_folder: Path
) -> None:
    made = training(modality, tmp_path, text_folder)
    made.write_items()
    made.write_latents()
    decoder: Any = made.decoder.eval()
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    rows = list(range(5))
    true = decoder.to_input(made.cache.rows("media", rows))

    def off() -> Tensor:
        latents = decoder.sample_latents(made.conditioning(rows), rows)
        return (decoder.decode_latents(latents) - true).abs().mean()

    first = off()
    config = PhaseConfig(steps=60, batch_size=5, learning_rate=1e-2, warmup=1, ema_decay=0.0)
    assert decoder_phases.finish(made, config, None)
    assert off() < 0.95 * first
    changed = {name for name, value in decoder.state_dict().items() if not torch.equal(value, before[name])}
    drawing = tuple(f"reader.{name}." for name in decoder.reader.drawing())
    assert changed and all(name.startswith(("transformer.", *drawing)) for name in changed)


def test_a_state_of_other_settings_is_refused(tmp_path: Path, text_folder: Path) -> None:
    training("image", tmp_path, text_folder).run(until=2)
    recipe = tiny_recipe("image")
    other = replace(recipe, autoencoder=replace(recipe.flow, steps=3, learning_rate=0.5))
    with pytest.raises(CheckpointError, match="other settings"):
        training("image", tmp_path, text_folder, other).run()
    with pytest.raises(DataError, match="holds 5 items, not 9"):
        training("image", tmp_path, text_folder, replace(recipe, num_items=9)).run()


def test_a_broken_write_is_not_taken_for_a_state(tmp_path: Path, text_folder: Path) -> None:
    training("image", tmp_path, text_folder).run(until=2)
    (tmp_path / "autoencoder" / "state-0000009.tmp").mkdir()
    assert training("image", tmp_path, text_folder).run() is not None


def test_latents_and_flow_of_another_autoencoder_are_not_used(tmp_path: Path, text_folder: Path) -> None:
    assert training("image", tmp_path, text_folder).run() is not None
    shutil.rmtree(tmp_path / "autoencoder")
    recipe = tiny_recipe("image")
    other = replace(recipe, autoencoder=replace(recipe.flow, steps=3, seed=1))
    with pytest.raises(CheckpointError, match="other settings or data"):
        training("image", tmp_path, text_folder, other).run()
    assert len(list((tmp_path / "items").glob("latents-*.npy"))) == 2


def test_a_tone_keeps_its_pitch_through_mel_and_griffin_lim() -> None:
    facts = AudioFacts(num_frames=64, phase_steps=16)
    time = torch.arange(facts.num_samples) / facts.rate
    tone = 0.5 * torch.sin(2 * torch.pi * 440 * time)
    sound = mel.invert(mel.log_mel(tone, facts)[None], facts)[0]
    peak = torch.fft.rfft(sound).abs().argmax() * facts.rate / facts.num_samples
    assert abs(float(peak) - 440) < 12
    assert 0.2 < float(sound.abs().max()) < 0.8


def test_two_trainings_do_not_share_a_folder(tmp_path: Path, text_folder: Path) -> None:
    one = training("image", tmp_path, text_folder)
    with FileLock(tmp_path / ".lock"), pytest.raises(MessageError, match="Another process writes into"):
        one.run()


def test_batches_walk_over_whole_epochs() -> None:
    seen = [row for step in range(10) for row in batch_rows(step, 3, 5, seed=1)]
    assert all(sorted(seen[start : start + 5]) == [0, 1, 2, 3, 4] for start in range(0, 30, 5))
    assert seen[:5] != seen[5:10]


@pytest.mark.parametrize("modality", list(RECIPES["nano"]))
def test_a_rehearsal_has_every_phase_and_few_steps(modality):
    """Phases that a recipe lacks stay away; none runs empty."""
    recipe = recipe_of("nano", modality)
    small = scaled(recipe, 1e-9)
    phases = {name: one for name, one in vars(small).items() if isinstance(one, PhaseConfig)}
    assert set(phases) == {name for name, one in vars(recipe).items() if isinstance(one, PhaseConfig)}
    assert {one.steps for one in phases.values()} == {1}
    assert small.num_items == 64 and small.architecture == recipe.architecture
    assert scaled(recipe, 1.0) == recipe and scaled(recipe, 0.5).num_items == recipe.num_items // 2


@on_meta
@pytest.mark.parametrize("modality", list(RECIPES["nano"]))
def test_every_recipe_builds_and_fits_its_own_shapes(modality: str) -> None:
    with torch.device("meta"):
        decoder = untrained_decoder(recipe_of("nano", modality).architecture)
    decoder = decoder.to("meta")
    rows = decoder.conditioning_spec.empty(1, "meta")
    output = decoder.decode_latents(decoder.sample_latents(rows, [0], steps=1))
    latents = decoder.encode_stored(torch.empty_like(decoder.prepare(big_medium(modality)))[None])
    assert latents.shape[1:] == decoder.config.latent_shape
    assert output.shape[1:] == {"image": (48, 32, 32), "video": (48, 32, 32), "audio": (16, 20, 64)}[modality]


def big_medium(modality: str) -> np.ndarray:
    shapes = {"image": (64, 64, 3), "video": (16, 128, 128, 3), "audio": (64_000,)}
    return np.zeros(shapes[modality], np.float32 if modality == "audio" else np.uint8)


def num_bytes(*modules: Any) -> int:
    """On disk: float16, and what was packed in eight bits."""
    return sum(
        value.numel() * min(value.element_size(), 2) for module in modules for value in module.parameters()
    )


@pytest.mark.parametrize(("modality", "megabytes"), [("image", 24), ("video", 20), ("audio", 14)])
def test_each_decoder_fits_its_share_of_the_package(modality: str, megabytes: int) -> None:
    with torch.device("meta"):
        decoder = untrained_decoder(recipe_of("nano", modality).architecture)
    decoder.reader.pack()
    pack_matrices(decoder.transformer)
    assert num_bytes(decoder.transformer, decoder.reader, decoder.prompt) < megabytes << 20


def test_autoencoders_and_vocoder_fit_into_ten_megabytes() -> None:
    with torch.device("meta"):
        image, audio = (
            untrained_decoder(recipe_of("nano", name).architecture) for name in ("image", "audio")
        )
    assert num_bytes(image.vae, audio.vae, audio.get_submodule("vocoder")) < 10 << 20


# --- wrong requests ---


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (lambda decoder: decoder.encode_prompt(["  "]), MessageError),
        (lambda decoder: decoder.decode(prompt(decoder), seeds=[1, 2], steps=-1), MessageError),
        (lambda decoder: decoder.decode(prompt(decoder), seeds=[1, 2], guidance=-1.0), MessageError),
        (lambda decoder: decoder.decode(prompt(decoder), seeds=[1]), ValueError),
        (lambda decoder: decoder.decode(ConditioningSpec(3, 16).empty(1), seeds=[1]), ValueError),
        (lambda decoder: open_decoder(Path("/nowhere")), PartError),
        (lambda decoder: recipe_of("nano", "smell"), ConfigError),
        (lambda decoder: recipe_of("giant", "image"), ConfigError),
    ],
)
def test_wrong_requests_are_one_sentence(decoders: dict[str, LatentDecoder], request_, error) -> None:
    with pytest.raises(error) as caught:
        request_(decoders["image"])
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_folders_of_the_wrong_kind_are_refused(decoders: dict[str, LatentDecoder], tmp_path: Path) -> None:
    write_folder(decoders["image"], tmp_path)
    with pytest.raises(ConfigError, match="holds a nano-image decoder"):
        load_decoder(DecoderConfig("nano-audio", str(tmp_path), 6, 16))
    with pytest.raises(ConfigError, match="length and width"):
        load_decoder(DecoderConfig("nano-image", str(tmp_path), 32, 384))
    index = json.loads((tmp_path / "model_index.json").read_text())
    index["vae"][0] = "os"
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(PartError, match="code of os"):
        open_decoder(tmp_path)
    shutil.rmtree(tmp_path / "vae")
    with pytest.raises(PartError, match="is missing"):
        open_decoder(tmp_path)


def test_decode_writes_files_that_its_seed_names(
    decoders: dict[str, LatentDecoder], tmp_path: Path, text_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    from nextgpt.cli.decode import decode

    tiny = replace(TINY["image"], prompt_length=32, prompt_width=16)
    write_folder(untrained_decoder(tiny), tmp_path / "decoder")
    monkeypatch.setattr("nextgpt.parts.fetch_part", lambda part: text_folder)
    app = typer.Typer()
    app.command()(decode)
    run = CliRunner().invoke
    options = ["--address", str(tmp_path / "decoder"), "-o", str(tmp_path / "out"), "-n", "2", "--seed", "5"]
    monkeypatch.setattr(
        "nextgpt.cli.decode.decoder_config", lambda *_: decoder_config_of(tmp_path / "decoder")
    )
    result = run(app, ["a red cat", *options])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "image-5.png",
        "image-6.png",
        "sheet.png",
    ]
    assert isinstance(run(app, ["a cat", "-n", "0", *options[:4]]).exception, UserError)


def decoder_config_of(folder: Path) -> DecoderConfig:
    return DecoderConfig("nano-image", str(folder), 32, 16)


def test_text_encoder_is_shared(text_folder: Path) -> None:
    assert shared_text_encoder(text_folder, 6) is shared_text_encoder(text_folder, 6)
