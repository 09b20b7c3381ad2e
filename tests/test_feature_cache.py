"""Feature caches: rows come back, a shard is whole or not there, several may write, old ones go first."""

import json
import os

import pytest
import torch

from nextgpt.config import EfficientNetLiteConfig, YamnetConfig
from nextgpt.data import feature_cache
from nextgpt.data.feature_cache import FeatureCache, caches, clean, content_key
from nextgpt.data.features import compute_features, encoder_cache
from nextgpt.errors import DataError
from nextgpt.nn.outputs import EncoderOutput


def row(number):
    return {
        "features": torch.full((2, 3), float(number), dtype=torch.float16),
        "count": torch.tensor([number]),
    }


def filled(folder, numbers, flush=True):
    cache = FeatureCache(folder)
    for number in numbers:
        cache.add(f"key-{number}", row(number))
    if flush:
        cache.flush()
    return cache


def numbers(cache, *wanted):
    return cache.get([f"key-{number}" for number in wanted])["count"].flatten().tolist()


def test_rows_come_back_in_the_order_asked_from_memory_and_from_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "SHARD_ROWS", 4)
    cache = filled(tmp_path, range(10), flush=False)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2 and len(cache) == 10
    assert numbers(cache, 9, 0, 5) == [9, 0, 5]
    cache.flush()
    again = FeatureCache(tmp_path)
    assert numbers(again, 9, 0, 5) == [9, 0, 5] and len(again) == 10
    found = again.get(["key-3", "key-4"])
    assert found["features"].dtype == torch.float16 and torch.equal(found["features"][1], row(4)["features"])
    assert "key-3" in again and "key-10" not in again


def test_a_key_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"key-7 is not in the cache .*nextgpt data features"):
        filled(tmp_path, [1]).get(["key-7"])


@pytest.mark.parametrize("written", ["nothing", "tensors", "partial index", "foreign"])
def test_a_run_that_died_while_writing_loses_one_shard_at_most(tmp_path, written):
    filled(tmp_path, [1, 2])
    cache = filled(tmp_path, [3], flush=False)
    if written == "tensors":  # the index is what makes a shard exist
        cache.flush()
        next(path for path in tmp_path.glob("*.json") if "key-3" in path.read_text()).unlink()
    elif written == "partial index":
        (tmp_path / f"abc.{os.getpid()}.tmp").write_text('["key-3"')
    elif written == "foreign":
        (tmp_path / "notes.txt").write_text("mine")
    after = FeatureCache(tmp_path)
    assert "key-3" not in after and numbers(after, 1, 2) == [1, 2]
    filled(tmp_path, [3])
    assert numbers(FeatureCache(tmp_path), 3, 2) == [3, 2]


@pytest.mark.parametrize("step", [1, 2])
def test_a_flush_that_fails_leaves_the_rows_in_memory(tmp_path, monkeypatch, step):
    cache, calls = filled(tmp_path, [1, 2], flush=False), []

    def fail(source, target, replace=os.replace):
        calls.append(target)
        if len(calls) == step:
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        cache.flush()
    monkeypatch.undo()
    assert len(FeatureCache(tmp_path)) == 0 and numbers(cache, 2) == [2]
    cache.flush()
    assert numbers(FeatureCache(tmp_path), 1, 2) == [1, 2]


def test_two_writers_do_not_meet(tmp_path):
    """Different rows, some the same rows, and the very same shard at once."""
    one, other, third = (FeatureCache(tmp_path) for _ in range(3))
    for cache, keys in ((one, (1, 2)), (other, (2, 3)), (third, (1, 2))):
        for number in keys:
            cache.add(f"key-{number}", row(number))
    for cache in (one, other, third):
        cache.flush()
    assert len(FeatureCache(tmp_path)) == 3
    assert "key-3" not in one
    one.refresh()
    assert numbers(one, 3, 1, 2) == [3, 1, 2]


def test_keys_are_of_the_content_not_of_its_order():
    assert (
        content_key({"a": 1, "b": [2]}) == content_key({"b": [2], "a": 1}) != content_key({"a": 1, "b": [3]})
    )
    assert len(content_key("x")) == 24


def test_another_encoder_part_or_preprocessing_has_another_cache(tmp_path):
    image, clip = EfficientNetLiteConfig(), EfficientNetLiteConfig(num_frames=8)
    folders = [
        encoder_cache(tmp_path, config, sha).folder
        for config, sha in ((image, "a"), (image, "b"), (clip, "a"), (YamnetConfig(), "a"))
    ]
    assert len(set(folders)) == 4
    assert encoder_cache(tmp_path, EfficientNetLiteConfig(), "a").folder == folders[0]


def test_cleaning_deletes_the_caches_used_longest_ago_first(tmp_path):
    for age, name in enumerate(("old", "middle", "new")):
        filled(tmp_path / name, range(3))
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    sizes = {name: size for name, _, size in caches(tmp_path)}
    assert [(name, rows) for name, rows, _ in caches(tmp_path)] == [("middle", 3), ("new", 3), ("old", 3)]
    assert clean(tmp_path, sum(sizes.values())) == 0
    FeatureCache(tmp_path / "old").get(["key-1"])  # reading is using
    assert clean(tmp_path, sum(sizes.values()) - 1) == sizes["middle"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]
    assert clean(tmp_path, 0) == sizes["new"] + sizes["old"] and not list(tmp_path.iterdir())
    assert caches(tmp_path / "absent") == []


class CountingEncoder(torch.nn.Module):
    """Features of as many positions as the medium's number says, of four."""

    config = EfficientNetLiteConfig(grid=2, feature_dim=3)

    def __init__(self):
        super().__init__()
        self.seen = []

    def preprocess(self, media):
        self.seen.append(media)
        return {"number": torch.tensor(media)}

    def collate(self, items):
        return {"numbers": torch.stack([item["number"] for item in items])}

    def forward(self, numbers):
        longest = int(numbers.max())
        mask = torch.arange(longest) < numbers[:, None]
        features = mask[..., None] * numbers[:, None, None].float().expand(-1, longest, 3)
        return EncoderOutput(features, mask, torch.nn.functional.one_hot(numbers, 5).float())


def test_features_are_computed_once_and_padded_to_the_encoders_positions(tmp_path):
    encoder, todo = CountingEncoder(), [(f"key-{n}", n) for n in (1, 3, 2, 4, 1)]
    compute_features(encoder, FeatureCache(tmp_path), todo[:3], lambda number: number, batch_size=2)
    compute_features(encoder, FeatureCache(tmp_path), todo, lambda number: number, batch_size=2)
    assert encoder.seen == [1, 3, 2, 4]
    found = FeatureCache(tmp_path).get(["key-1", "key-3"])
    assert found["features"].shape == (2, 4, 3) and found["features"].dtype == torch.float16
    assert found["count"].tolist() == [[1], [3]] and found["scores"].argmax(1).tolist() == [1, 3]
    assert found["features"][..., 0].tolist() == [[1, 0, 0, 0], [3, 3, 3, 0]]


def test_the_index_is_plain_json(tmp_path):
    filled(tmp_path, [1, 2])
    (index,) = tmp_path.glob("*.json")
    assert json.loads(index.read_text()) == ["key-1", "key-2"]


def test_a_run_encodes_the_media_that_its_rows_show_once_and_not_a_last_answer(monkeypatch) -> None:
    from types import SimpleNamespace

    from nextgpt.cli import features
    from nextgpt.data.manifest import Dialogue, ItemPart, Text, Turn

    asked: dict[str, list[str]] = {}
    monkeypatch.setattr(
        features,
        "encode_items",
        lambda settings, modality, cache, items, ids: asked.update({modality: list(ids)}),
    )
    first = (
        Turn("user", (Text("Draw it."), ItemPart("audio", "s1"))),
        Turn("assistant", (ItemPart("image", "p1"),)),
    )
    again = (
        Turn("user", (Text("And now?"), ItemPart("audio", "s1"))),
        Turn("assistant", (ItemPart("image", "p2"),)),
    )
    rows = [
        Dialogue("a", "t", (*first, *again), {}),
        Dialogue("b", "t", first, {}),
        Dialogue("c", "t", first[:1], {}),
    ]
    config = SimpleNamespace(inputs=dict.fromkeys(("image", "audio", "video"), SimpleNamespace(encoder=None)))
    data = dict.fromkeys(config.inputs, SimpleNamespace(features=None))
    features.encode_shown(config, SimpleNamespace(items=None, modalities=data), rows)
    assert asked == {"image": ["p1"], "audio": ["s1"], "video": []}
