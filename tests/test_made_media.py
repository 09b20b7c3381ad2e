"""Folders of made media against real ones, extractors by address, and edits."""

import json
import math

import numpy as np
import pytest
import torch
from tiny_clip import save_tiny_clip
from torch import nn

from nextgpt.cli import run
from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.extractors import NotAvailableError, load_extractor
from nextgpt.evaluation.extractors.clip_folder import load_clip
from nextgpt.evaluation.scoring import score
from nextgpt.media import Audio, Image, Video

CAPTIONS = ("a red dog", "two cats", "a man")


class Mean(nn.Module):
    """Mean colours, with three classes; reached by the address test_made_media:mean."""

    def forward(self, images):
        return images.double().mean((2, 3))

    def class_scores(self, features):
        return features.softmax(-1)


def mean():
    return Mean()


def number():
    return 7


def pictures(folder, seed, n=5, size=(20, 30)):
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for k in range(n):
        pixels = rng.integers(0, 40 * (k + 2), (*size, 3), dtype=np.uint8)
        Image.from_array(pixels).save(folder / f"{k}.png")
    return folder


def sounds(folder, shift=0.0, n=3):
    folder.mkdir()
    time = np.arange(16_000) / 16_000
    for k in range(n):
        wave = 0.3 * np.sin(2 * math.pi * (220 * (k + 1) + shift) * time)
        Audio.from_array(wave.astype(np.float32), 16_000).save(folder / f"{k}.wav")
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return save_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny-clip")


def recorded(capsys, *arguments):
    code = run(["score", *map(str, arguments), "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def test_pictures_by_a_module_of_ones_own(tmp_path, capsys):
    real, made = pictures(tmp_path / "real", 0), pictures(tmp_path / "made", 1)
    (made / "protocol.json").write_text('{"steps": 20, "resize": "bicubic"}')
    found = recorded(
        capsys, "image-generation", "--predictions", made, "--annotations", real,
        "--features", "test_made_media:mean", "--size", 16, "--batch", 2,
    )  # fmt: skip
    assert found["metric"] == "FD-mean" and found["n"] == 5 and found["value"] > 0
    assert {"FD-mean", "KD-mean", "IS-mean", "KD-mean: std", "IS-mean: splits"} <= found["breakdown"].keys()
    assert any("Features: mean, test_made_media.Mean, 16 x 16 bicubic" in note for note in found["notes"])
    assert 'Protocol: {"resize": "bicubic", "steps": 20}' in found["notes"]
    same = score("image-generation", real, real, features="test_made_media:mean", size=16)
    assert same.value == pytest.approx(0, abs=1e-9)
    assert any("how these were made" in note for note in same.notes)


def test_pictures_and_clips_by_the_encoder_of_nano(tmp_path):
    real, made = pictures(tmp_path / "real", 0, n=2), pictures(tmp_path / "made", 1, n=2)
    found = score("image-generation", made, real, features="efficientnet-lite2")
    assert found.metric == "FD-EffNetLite2" and found.value > 0 and "IS-EffNetLite2" in found.breakdown
    for seed, folder in enumerate((tmp_path / "a", tmp_path / "b")):
        folder.mkdir()
        for k in range(2):
            frames = np.random.default_rng(10 * seed + k).integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
            Video.from_array(frames, fps=4).save(folder / f"{k}.mp4")
    found = score("video-generation", tmp_path / "a", tmp_path / "b", features="efficientnet-lite2", batch=1)
    assert found.metric == "FD-EffNetLite2" and found.n == 2 and found.value > 0


def test_the_encoders_features_are_their_own_mean(tmp_path):
    """One vector a picture: the mean over the grid, which is what the classifier reads."""
    picture = Image.from_path(pictures(tmp_path / "real", 0, n=1) / "0.png")
    extractor = load_extractor("efficientnet-lite2")
    got = extractor([picture])
    classifier = extractor.encoder.classifier
    logits = torch.from_numpy(got.features) @ classifier.weight.T + classifier.bias
    assert np.allclose(logits.softmax(-1).detach().numpy(), got.scores, atol=1e-6)
    assert (
        got.features.shape == (1, 1280)
        and extractor.version == extractor.version.lower()
        and len(extractor.version) == 64
    )


def test_sounds_by_yamnet(tmp_path):
    real, made = sounds(tmp_path / "real"), sounds(tmp_path / "made", shift=30)
    found = score("audio-generation", made, real, features="yamnet")
    assert found.metric == "FD-YAMNet" and found.value > 0
    assert found.breakdown["KL-YAMNet"] > 0 and found.breakdown["KL-YAMNet: sigmoid"] > 0
    assert "IS-YAMNet" not in found.breakdown  # its scores are sigmoids, no distribution
    same = score("audio-generation", real, real, features="yamnet")
    assert same.breakdown["KL-YAMNet"] == pytest.approx(0, abs=1e-6)
    (made / "2.wav").rename(made / "other.wav")
    assert score("audio-generation", made, real, features="yamnet").breakdown["KL-YAMNet"] > 0


def test_the_names_fid_and_kid_are_inceptions_alone(tmp_path, capsys):
    real = pictures(tmp_path / "real", 0, n=2)
    found = recorded(
        capsys, "image-generation", "--predictions", real, "--annotations", real, "--features", "inception"
    )
    assert found["value"] is None and "not available: FID, KID and IS need" in found["unavailable"]
    code = run(["score", "image-generation", "--predictions", str(real), "--annotations", str(real),
                "--features", "inception"])  # fmt: skip
    assert code == 0 and "not available" in capsys.readouterr().out


# ---- a CLIP


def test_embeddings_are_those_of_the_model(clip_folder, tmp_path):
    from transformers import CLIPModel

    clip, model = load_clip(clip_folder), CLIPModel.from_pretrained(clip_folder).eval()
    picture = Image.from_path(pictures(tmp_path / "real", 0, n=1) / "0.png")
    pixels = clip.processor(images=[picture.array()], return_tensors="pt")["pixel_values"]
    tokens = clip.tokenizer([CAPTIONS[0]], return_tensors="pt")
    with torch.no_grad():
        output = model(pixel_values=pixels, **tokens)
    ours = clip.images([picture])
    assert np.allclose(ours / np.linalg.norm(ours), output.image_embeds.numpy(), atol=1e-6)
    ours = clip.texts([CAPTIONS[0]])
    assert np.allclose(ours / np.linalg.norm(ours), output.text_embeds.numpy(), atol=1e-6)
    assert clip.texts(["a very long caption " * 50]).shape == (1, 16)
    assert np.allclose(clip.texts(list(CAPTIONS))[:1], ours, atol=1e-5)  # padding changes nothing


def test_clip_scores_of_folders(clip_folder, tmp_path):
    real, made = pictures(tmp_path / "real", 0, n=3), pictures(tmp_path / "made", 1, n=3)
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps({f"{n}.png": text for n, text in enumerate(CAPTIONS)}))
    found = score("image-generation", made, real, clip=clip_folder, captions=captions, batch=2)
    assert found.metric == "CLIPScore (tiny-clip)" and found.n == 3
    assert found.breakdown["CMMD (tiny-clip)"] > 0
    clip = load_clip(clip_folder)
    picture, text = clip.images([Image.from_path(made / "1.png")])[0], clip.texts([CAPTIONS[1]])[0]
    cosine = float(picture @ text / np.linalg.norm(picture) / np.linalg.norm(text))
    assert found.per_item["1"] == pytest.approx(100 * max(0, cosine), abs=1e-3)
    captions.write_text(json.dumps({"0": "a dog"}))
    with pytest.raises(DataError, match="no caption for 2 files, the first 1"):
        score("image-generation", made, real, clip=clip_folder, captions=captions)


def test_clip_similarity_of_clips(clip_folder, tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    frames = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8)
    Video.from_array(frames, fps=4).save(folder / "a.mp4")
    captions = tmp_path / "captions.json"
    captions.write_text(json.dumps([{"video_id": "a", "caption": "a dog"}]))
    found = score("video-generation", folder, folder, clip=clip_folder, captions=captions)
    assert found.metric == "CLIPSIM (tiny-clip)" and -1 <= found.value <= 1 and found.n == 1
    with pytest.raises(ConfigError, match="CLIPSIM needs --captions"):
        score("video-generation", folder, folder, clip=clip_folder)


def test_edits_by_direction(clip_folder, tmp_path):
    before, after = pictures(tmp_path / "before", 0, n=2), pictures(tmp_path / "after", 1, n=2)
    captions = tmp_path / "edits.json"
    rows = [{"id": f"{n}.png", "before": "a dog", "after": "a red dog"} for n in range(2)]
    captions.write_text(json.dumps(rows))
    found = score("image-editing", after, before, clip=clip_folder, captions=captions)
    assert found.n == 2 and -1 <= found.value <= 1 and "image similarity" in found.breakdown
    (after / "1.png").rename(after / "7.png")
    with pytest.raises(DataError, match=r"1 of the 2 files .* have no partner of that name .* the first 7"):
        score("image-editing", after, before, clip=clip_folder, captions=captions)
    with pytest.raises(ConfigError, match="needs --clip FOLDER and --captions FILE"):
        score("image-editing", after, before)
    found = score("image-editing", before, before, clip=tmp_path, captions=captions)
    assert found.value is None and "is no folder of a CLIP: it lacks config.json" in found.unavailable


def test_edits_of_speech(tmp_path):
    real, made = sounds(tmp_path / "real"), sounds(tmp_path / "made", shift=200)
    assert score("speech-editing", real, real).value == pytest.approx(0)
    found = score("speech-editing", made, real)
    assert found.metric == "MCD-MFCC13" and found.value > 1 and found.n == 3


# ---- addresses and folders


@pytest.mark.parametrize(
    ("address", "modality", "error", "wanted"),
    [
        ("resnet", "image", ConfigError, "no extractor 'resnet'; an address is one of PART"),
        ("yamnet", "image", ConfigError, "takes audio, not image"),
        ("efficientnet-lite2", "audio", ConfigError, "takes image and video, not audio"),
        ("nowhere.at_all:x", "image", ConfigError, "cannot be made: No module named"),
        ("test_made_media:nothing", "image", ConfigError, "cannot be made"),
        ("test_made_media:number", "image", ConfigError, "gives a int, neither"),
        ("test_made_media:mean", "audio", ConfigError, "a torch module on images; for audio"),
        ("inception", "image", NotAvailableError, "not available: FID, KID and IS need"),
    ],
)
def test_addresses_that_name_nothing(address, modality, error, wanted):
    with pytest.raises(error, match=wanted):
        load_extractor(address, modality)


def test_folders_that_hold_nothing(tmp_path):
    real = pictures(tmp_path / "real", 0, n=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"has no file that ends in \.png"):
        score("image-generation", tmp_path / "empty", real, features="efficientnet-lite2")
    with pytest.raises(DataError, match="There is no folder"):
        score("image-generation", real, tmp_path / "nowhere", features="efficientnet-lite2")
    with pytest.raises(ConfigError, match="Give --features ADDRESS"):
        score("image-generation", real, real)
    with pytest.raises(ConfigError, match="for sounds give --features"):
        score("audio-generation", sounds(tmp_path / "sounds"), tmp_path / "sounds", clip=tmp_path)


def test_one_file_alone_is_named_before_any_network_is_opened(tmp_path):
    pictures(tmp_path / "made", 0)
    pictures(tmp_path / "real", 1, n=1)
    with pytest.raises(DataError, match=r"one real file alone, .*distances need two"):
        score("image-generation", tmp_path / "made", [tmp_path / "real"], features="nowhere:nothing")
