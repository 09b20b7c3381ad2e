"""The ports of the frozen encoders give the numbers of the networks that they port, whatever the batch.

golden/encoders.json was made on 2026-11-23 from the same pinned weights by other code: efficientnet-lite-pytorch
0.1.0's own network, told the size of its input, and a YAMNet on the TensorFlow bundle; both fold no batch norm.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from nextgpt.config import EfficientNetLiteConfig, YamnetConfig
from nextgpt.media import Audio, Image, Video
from nextgpt.nn.encoders import load_encoder
from nextgpt.nn.encoders.efficientnet_lite import EfficientNetLite
from nextgpt.nn.encoders.yamnet import RATE, Yamnet, mel_matrix, samples_for
from nextgpt.parts import fetch_part

GOLDEN = json.loads((Path(__file__).parent / "golden" / "encoders.json").read_text())
SMALL = EfficientNetLiteConfig(width=0.25, depth=0.25, image_size=64, grid=1, feature_dim=32, num_scores=7)


def picture(size):
    """(size, size, 3) uint8: stripes and circles by a formula, so that any library can make them again."""
    y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    circles = ((x - size // 3) ** 2 + (y - size // 2) ** 2) // (9 * (c + 1))
    return ((circles + 3 * x * (c + 1) + 2 * y * (3 - c)) % 256).astype(np.uint8)


def sound(seconds):
    """float32 mono at 16 kHz: a rising tone over a steady fifth, swelling and fading."""
    t = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (220 + 90 * t) * t) + 0.5 * np.sin(2 * np.pi * 660 * t)
    return (0.3 * tone * np.sin(np.pi * t / seconds)).astype(np.float32)


@cache
def encoder(name, size=260, grid=5):
    if name == "yamnet":
        return load_encoder(YamnetConfig(), fetch_part("yamnet"))
    return load_encoder(EfficientNetLiteConfig(image_size=size, grid=grid), fetch_part("efficientnet-lite2"))


def encode(module, *media):
    with torch.inference_mode():
        return module(**module.collate([module.preprocess(medium) for medium in media]))


def close(found, wanted, atol):
    torch.testing.assert_close(torch.as_tensor(found), torch.tensor(wanted), atol=atol, rtol=0)


@pytest.mark.parametrize(("size", "grid"), [(260, 5), (192, 3)])
def test_parity_of_efficientnet(size, grid):
    """Largest difference measured: 6e-5 on features of about 0.1 to 5 (folded batch norms)."""
    golden = GOLDEN[f"efficientnet-lite2 at {size}"]
    output = encode(encoder("efficientnet", size, grid), Image.from_array(picture(size)))
    features, scores = output.features_BNE[0], output.scores_BP[0]
    close(features[[0, grid, -1]][:, golden["channels"]].flatten(), golden["features"], 5e-4)
    close(features.mean(), golden["mean"], 1e-5)
    assert scores.topk(5).indices.tolist() == golden["top"]
    close(scores.topk(5).values, golden["scores"], 1e-5)


def test_parity_of_yamnet():
    golden = GOLDEN["yamnet"]
    output = encode(encoder("yamnet"), Audio.from_array(sound(3.0), RATE))
    features, scores = output.features_BNE[0], output.scores_BP[0]
    # ours pads the last window with zeros where the reference drops it
    assert len(features) == golden["windows"] + 1
    close(features[[0, 2, golden["windows"] - 1]][:, golden["channels"]].flatten(), golden["features"], 5e-4)
    assert [int(scores.argmax())] == golden["top"][:1]


def test_the_log_mel_of_yamnet():
    golden, module = GOLDEN["yamnet"], Yamnet(YamnetConfig())
    patches = module.patches(torch.from_numpy(sound(3.0))[None])[0]
    found, wanted = patches[[0, 2, -1]][:, ::24, ::16].flatten(), torch.tensor(golden["log_mel"])
    # 1e-4 of the level as ever; where it is silent, 1e-6 of amplitude, which the log magnifies a thousandfold
    torch.testing.assert_close(found.exp(), wanted.exp(), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["efficientnet", "yamnet"])
def test_an_encoder_is_frozen_and_knows_its_classes(name):
    module = encoder(name)
    assert not module.training and not any(p.requires_grad for p in module.parameters())
    assert len(module.class_names) == module.config.num_scores == module.classifier.out_features


def small_network():
    torch.manual_seed(0)
    return EfficientNetLite(SMALL).eval()


def noise(number, *shape):
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def test_a_picture_is_the_same_whatever_its_neighbours_and_of_any_shape():
    module = small_network()
    pictures = [Image.from_array(noise(n, 20 + 9 * n, 50, 3)) for n in range(3)]
    together = encode(module, *pictures)
    assert together.features_BNE.shape == (3, 1, 32) and together.mask_BN.all()
    torch.testing.assert_close(together.scores_BP.sum(1), torch.ones(3))
    for row, one in enumerate(pictures):
        alone = encode(module, one)
        torch.testing.assert_close(alone.features_BNE[0], together.features_BNE[row], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(alone.scores_BP[0], together.scores_BP[row], atol=1e-6, rtol=1e-5)


def test_frames_of_a_clip_stand_one_behind_the_other():
    clips = EfficientNetLite(replace(SMALL, num_frames=3)).eval()
    clips.load_state_dict(small_network().state_dict())
    frames = noise(5, 3, 64, 64, 3)
    output = encode(clips, Video.from_array(frames, 3.0))
    alone = [encode(small_network(), Image.from_array(frame)) for frame in frames]
    assert output.features_BNE.shape[1] == clips.config.num_positions == 3
    features = torch.cat([one.features_BNE for one in alone], 1)
    torch.testing.assert_close(output.features_BNE, features, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.scores_BP, torch.stack([one.scores_BP for one in alone]).mean(0))


@pytest.mark.parametrize("module", [small_network, lambda: Yamnet(YamnetConfig())])
def test_forward_on_meta(module):
    module = module().to("meta")
    if isinstance(module, Yamnet):
        samples = torch.zeros(2, samples_for(3), device="meta")
        output = module(samples, torch.tensor([3, 1], device="meta"))
        assert (output.features_BNE.shape, output.mask_BN.shape) == ((2, 3, 1536), (2, 3))
    else:
        output = module(torch.zeros(2, 1, 64, 64, 3, dtype=torch.uint8, device="meta"))
        assert output.features_BNE.shape == (2, 1, 32)
    assert output.scores_BP.shape == (2, module.config.num_scores) and output.scores_BP.device.type == "meta"


def test_mel_filters_are_triangles_over_the_whole_band():
    filters = mel_matrix()
    assert filters.shape == (257, 64) and (filters >= 0).all() and (filters <= 1).all()
    assert not filters[0].any() and not filters[:4].any(), "nothing below 125 Hz"
    assert filters.sum(0).all(), "every band hears something"


@pytest.mark.parametrize(
    ("samples", "windows"),
    [
        (1, 1),
        (samples_for(1), 1),
        (samples_for(1) + 1, 2),
        (48_000, 6),
        (samples_for(61), 61),
        (600 * RATE, 61),
    ],
)
def test_sounds_are_cut_into_whole_windows_up_to_half_a_minute(samples, windows):
    module = Yamnet(YamnetConfig())
    item = module.preprocess(Audio.from_array(np.full(samples, 0.1, np.float32), RATE))
    assert len(item["samples"]) == samples_for(windows)
    assert module.collate([item])["num_windows"].tolist() == [windows]
    assert windows <= module.config.num_positions == 61


def test_sounds_of_unequal_length_do_not_meet():
    module = encoder("yamnet")
    sounds = [Audio.from_array(sound(s), RATE) for s in (3.0, 0.7, 1.6)]
    together = encode(module, *sounds)
    assert together.mask_BN.sum(1).tolist() == [6, 1, 3]
    for row, one in enumerate(sounds):
        alone = encode(module, one)
        count = alone.features_BNE.shape[1]
        torch.testing.assert_close(
            together.features_BNE[row, :count], alone.features_BNE[0], atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(together.scores_BP[row], alone.scores_BP[0], atol=1e-5, rtol=1e-4)


def test_a_single_sample_is_a_sound():
    output = encode(encoder("yamnet"), Audio.from_array(np.array([0.5], np.float32), RATE))
    assert output.features_BNE.shape == (1, 1, 1536) and torch.isfinite(output.features_BNE).all()
    assert (output.scores_BP >= 0).all() and (output.scores_BP <= 1).all()
