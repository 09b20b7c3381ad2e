"""Checkpoints: everything learned so far and what it was trained on; nothing frozen, nothing pickled.

    config.json                      format, model config, pinned parts, stages done, modules trained
    model.safetensors                learned tensors outside the base model
    adapter/adapter_config.json      LoRA in PEFT's own format, when a stage has trained it
    adapter/adapter_model.safetensors

A module that no stage has trained is not in the file and not in `trained`; using it is a NotTrainedError.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nextgpt.config import AnyToAnyConfig, from_dict, to_dict
from nextgpt.errors import CheckpointError, ConfigError, NotTrainedError

FORMAT = 1
WRITTEN = ("config.json", "model.safetensors", "adapter")
LORA = "lora"
PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True)
class CheckpointInfo:
    """config; parts: name -> {address, sha256}; stages: one record a stage; trained: names of learned modules."""

    config: AnyToAnyConfig
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    stages: tuple[dict[str, Any], ...] = ()
    trained: tuple[str, ...] = ()

    def require(self, module: str, stage: str) -> None:
        """Raise NotTrainedError unless a stage has trained that module."""
        if module not in self.trained:
            raise NotTrainedError(f"{module} is untrained in this checkpoint; run the stage {stage} first.")

    @property
    def output_modalities(self) -> tuple[str, ...]:
        """Modalities whose tokens may be chosen: their rows and their output projectors are trained."""
        if "modality_tokens" not in self.trained:
            return ()
        return tuple(m for m in self.config.outputs if f"output_projectors.{m}" in self.trained)


def part_names(config: AnyToAnyConfig) -> tuple[str, ...]:
    """The pretrained parts that a model of this config is made of."""
    encoders = (one.encoder.part for one in config.inputs.values())
    return tuple(dict.fromkeys((config.language_model.part, *encoders)))


def with_parts(info: CheckpointInfo, parts: dict[str, dict[str, str]]) -> CheckpointInfo:
    return replace(info, parts={**info.parts, **parts})


def module_of(parameter: str) -> str:
    """The learned module that a parameter of AnyToAnyModel belongs to; frozen ones give an empty string."""
    head, _, rest = parameter.partition(".")
    if head in ("input_projectors", "output_projectors"):
        return f"{head}.{rest.partition('.')[0]}"
    if "lora_" in parameter:
        return LORA
    tables = {
        "language_model.boundary_embeddings": "boundary_tokens",
        "language_model.signal_embeddings": "signal_tokens",
        "language_model.modality_embeddings": "modality_tokens",
        "language_model.modality_head.weight": "modality_tokens",
        "language_model.modality_head.bias": "modality_tokens",
    }
    return tables.get(parameter, "")


def learned_tensors(model: Any, trained: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(tensors outside the base model, LoRA tensors under PEFT's names) of the trained modules."""
    own: dict[str, Any] = {}
    lora: dict[str, Any] = {}
    for name, parameter in model.named_parameters():
        module = module_of(name)
        if module in trained:
            target = lora if module == LORA else own
            target[peft_name(name) if module == LORA else name] = parameter.detach().cpu().contiguous()
    return own, lora


def peft_name(parameter: str) -> str:
    return PEFT_PREFIX + parameter.removeprefix("language_model.base.").replace(".default.", ".")


def save(model: Any, folder: Path, info: CheckpointInfo, *, small: bool = False) -> None:
    """Write a checkpoint; the folder appears whole or not at all. small: as it is shipped (see `shrink`)."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        _write(model, work, info, small)
        os.chmod(work, 0o755)
        _replace(work, folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _write(model: Any, work: Path, info: CheckpointInfo, small: bool) -> None:
    from safetensors.torch import save_file

    own, lora = learned_tensors(model, info.trained)
    save_file(shrink(own) if small else own, work / "model.safetensors", metadata={"format": "pt"})
    if lora:
        (work / "adapter").mkdir()
        lora = half(lora) if small else lora  # PEFT reads it too, and knows no int8
        save_file(lora, work / "adapter" / "adapter_model.safetensors", metadata={"format": "pt"})
        _save_adapter_config(info.config, work / "adapter")
    values = {"format": FORMAT, **asdict(info), "config": to_dict(info.config)}
    (work / "config.json").write_text(json.dumps(values, indent=1) + "\n")


def half(tensors: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    return {name: tensor.to(torch.float16) for name, tensor in tensors.items()}


def shrink(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """float16; matrices of more than 200,000 numbers int8 with a scale a row, under `<name>.scale`."""
    import torch

    small = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and tensor.numel() > 200_000:
            scale = tensor.float().abs().amax(1).clamp(min=1e-8) / 127
            small[name] = (tensor.float() / scale[:, None]).round().to(torch.int8)
            small[f"{name}.scale"] = scale
        else:
            small[name] = tensor.to(torch.float16)
    return small


def grow(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of `shrink`, for any file: int8 rows times their scales."""
    scales = {name for name in tensors if name.endswith(".scale") and name.removesuffix(".scale") in tensors}
    return {
        name: tensor.float() * tensors[f"{name}.scale"][:, None] if f"{name}.scale" in scales else tensor
        for name, tensor in tensors.items()
        if name not in scales
    }


def _save_adapter_config(config: AnyToAnyConfig, folder: Path) -> None:
    from peft import LoraConfig

    lora = config.language_model.lora
    adapter = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=0.0, task_type="CAUSAL_LM")
    # As an argument it would become a set, and the file another one each time.
    adapter.target_modules = list(lora.target_modules)
    adapter.save_pretrained(str(folder))


def _replace(work: Path, folder: Path) -> None:
    """Put the new folder in the old one's place, with the old one's files that it doesn't write (a model card)."""
    if not folder.exists():
        os.replace(work, folder)
        return
    for path in folder.iterdir():
        if path.name not in WRITTEN:
            _link(path, work / path.name)
    aside = work.with_name(work.name + ".old")
    os.replace(folder, aside)
    try:
        os.replace(work, folder)
    except BaseException:
        os.replace(aside, folder)
        raise
    shutil.rmtree(aside)


def _link(source: Path, target: Path) -> None:
    """The same file or folder under another name, copied where the file system has no links."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda one, other: _link(Path(one), Path(other)))
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def read_info(folder: Path) -> CheckpointInfo:
    """config.json of a checkpoint. Raises CheckpointError for a missing or foreign file."""
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} can't be read as a checkpoint's config: {error}.") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of format {FORMAT}; was it made by another program?")
    try:
        info = from_dict(CheckpointInfo, {key: value for key, value in values.items() if key != "format"})
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    for name, record in info.parts.items():
        if not {"address", "sha256"} <= record.keys():
            raise CheckpointError(f"{path}: config.parts.{name} lacks its address or its sha256.")
    return info


def load(model: Any, folder: Path, info: CheckpointInfo) -> None:
    """Fill the model's learned modules. Raises CheckpointError that names every missing or unexpected key."""
    if LORA in info.trained and not model.language_model.has_lora:
        model.language_model.add_lora()
    own, lora = learned_tensors(model, info.trained)
    found = grow(_read(folder / "model.safetensors"))
    if lora:
        found |= _read(folder / "adapter" / "adapter_model.safetensors")
    check_keys({**own, **lora}, found, folder)
    for name, parameter in model.named_parameters():
        module = module_of(name)
        if module in info.trained:
            parameter.data.copy_(found[peft_name(name) if module == LORA else name])


def _read(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} can't be read as learned tensors: {error}.") from error


def check_keys(wanted: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> None:
    missing, unexpected = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    shapes = [n for n in wanted.keys() & found.keys() if wanted[n].shape != found[n].shape]
    if missing or unexpected or shapes:
        raise CheckpointError(
            f"{folder} does not fit the model: missing {missing or 'nothing'}, unexpected "
            f"{unexpected or 'nothing'}, other shapes {shapes or 'none'}."
        )


def resolve(name_or_path: str) -> Path:
    """A name of shipped weights ("nano") or a folder -> the folder."""
    shipped = Path(__file__).parent / "weights" / name_or_path
    for folder in (shipped, Path(name_or_path)):
        if (folder / "config.json").is_file():
            return folder
    raise CheckpointError(
        f"There is no checkpoint {name_or_path!r}: give a folder that holds config.json, or the name nano."
    )


def check_parts(info: CheckpointInfo, pinned: Callable[[str], dict[str, str]]) -> None:
    """Refuse parts that the checkpoint was not trained on. pinned: part name -> {address, sha256}."""
    for name, record in info.parts.items():
        now = pinned(name)
        if now["sha256"] != record["sha256"]:
            raise CheckpointError(
                f"The checkpoint was trained on {name} {record['address']} (sha256 {record['sha256'][:12]}), but "
                f"here {name} is {now['address']} ({now['sha256'][:12]}); install the version it was trained on."
            )


def load_pretrained(
    name_or_path: str, *, device: Any = "cpu", dtype: Any = None, fetch: Callable[[str], Path] | None = None
) -> tuple[Any, Any, CheckpointInfo]:
    """(model, processor, info) of a checkpoint, in eval mode and frozen. dtype: the language model's.

    Encoders and decoders are not loaded here: whoever needs one loads it when the first medium comes.
    """
    import torch

    from nextgpt.model import build_model
    from nextgpt.parts import fetch_part, pinned

    folder = resolve(name_or_path)
    info = read_info(folder)
    check_parts(info, pinned)
    model, processor = build_model(info.config, fetch or fetch_part, dtype=dtype or torch.float32)
    load(model, folder, info)
    return model.to(device).eval().requires_grad_(False), processor, info
