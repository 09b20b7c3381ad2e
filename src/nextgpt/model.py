"""The composite. `AnyToAnyModel.forward` in five steps:

1  encode    inputs of each modality -> EncoderOutput   (frozen, or read from a cache)
2  project   EncoderOutput -> embeddings (B, N', D)
3  join      token embeddings, with projected embeddings at the placeholders, in order
4  body      the language model -> states (B, T, D)
5  losses    next token on the labels; signal states -> conditioning -> target, and through the decoder
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nextgpt.batch import IGNORE, Batch
from nextgpt.config import AnyToAnyConfig
from nextgpt.nn.encoders import load_encoder
from nextgpt.nn.input_projector import InputProjector
from nextgpt.nn.language_model import LanguageModel, load_base
from nextgpt.nn.output_projector import OutputProjector
from nextgpt.nn.outputs import Conditioning, ConditioningSpec, EncoderOutput
from nextgpt.processor import Processor
from nextgpt.tokens import SpecialTokens

LOGITS_CHUNK = 256  # rows of (V + M) logits held at once: 256 x 49k x 4 bytes = 50 MB


@dataclass(frozen=True)
class ModelOutput:
    """states (B, T, D); losses by name, each a scalar; conditioning by modality, in span order."""

    states_BTD: Tensor
    losses: dict[str, Tensor]
    conditioning: dict[str, Conditioning]


class AnyToAnyModel(nn.Module):
    """Encoders and decoders are frozen and may be absent: training reads caches, generation loads lazily."""

    def __init__(
        self,
        config: AnyToAnyConfig,
        language_model: LanguageModel,
        input_projectors: dict[str, InputProjector],
        output_projectors: dict[str, OutputProjector],
    ) -> None:
        super().__init__()
        self.config = config
        self.language_model = language_model
        self.input_projectors = nn.ModuleDict(input_projectors)
        self.output_projectors = nn.ModuleDict(output_projectors)
        self.encoders = nn.ModuleDict()

    def train(self, mode: bool = True) -> "AnyToAnyModel":
        """Training mode for what trains; frozen modules stay in eval mode."""
        super().train(False)
        for module in (*self.input_projectors.values(), *self.output_projectors.values()):
            module.train(mode and any(p.requires_grad for p in module.parameters()))
        return self

    @property
    def special(self) -> SpecialTokens:
        return self.language_model.special

    def encode(self, modality: str, inputs: dict[str, Tensor] | EncoderOutput) -> EncoderOutput:
        """Step 1. A cached EncoderOutput passes through."""
        if isinstance(inputs, EncoderOutput):
            return inputs
        with torch.no_grad():
            return self.encoders[modality](**inputs)

    def project(self, modality: str, inputs: dict[str, Tensor] | EncoderOutput) -> Tensor:
        """Steps 1 and 2: (B, N', D) of the media of one modality."""
        output = self.encode(modality, inputs)
        projector = self.input_projectors[modality]
        dtype = next(projector.parameters()).dtype
        return projector(output.to(self.language_model.device, dtype))

    def embed(self, ids_BT: Tensor, projected: dict[str, Tensor]) -> Tensor:
        """Step 3. projected: modality -> (media, N', D) in the order of their spans in ids, row by row."""
        embeddings = self.language_model.embed(ids_BT)
        for modality in self.special.modalities:
            place_BT = ids_BT == self.special[modality].placeholder
            values = projected.get(modality, embeddings.new_zeros(0, 0, embeddings.shape[-1]))
            count = int(place_BT.sum())
            if count != values.shape[0] * values.shape[1]:
                raise ValueError(
                    f"{count} {modality} placeholders in the batch, but {values.shape[0]} media with "
                    f"{values.shape[1]} embeddings each: the processor's num_placeholders or the order of media "
                    "does not fit the projector."
                )
            if count:
                flat = rearrange(values, "m n d -> (m n) d").to(embeddings.dtype)
                embeddings = embeddings.masked_scatter(place_BT[..., None], flat)
        return embeddings

    def signal_states(self, ids_BT: Tensor, states_BTD: Tensor, modality: str) -> Tensor:
        """States at the signal tokens of one modality: (media, K, D), in span order."""
        signals = self.special[modality].signals
        place_BT = (ids_BT >= signals[0]) & (ids_BT <= signals[-1])
        return rearrange(states_BTD[place_BT], "(m k) d -> m k d", k=len(signals))

    def forward(self, batch: Batch, denoising: Callable[..., Tensor] | None = None) -> ModelOutput:
        """denoising(modality, latents, conditioning) -> scalar, for stages that train through a decoder."""
        projected = {name: self.project(name, inputs) for name, inputs in batch.inputs.items()}
        embeddings = self.embed(batch.ids_BT, projected)
        states = self.language_model(embeddings, batch.mask_BT).last_hidden_state
        losses = {}
        if bool((batch.labels_BT != IGNORE).any()):
            place = said(batch)
            losses["language"] = self.language_loss(states[place], batch.labels_BT.roll(-1, 1)[place])
        if bool((batch.restated_BT != IGNORE).any()):
            place = batch.restated_BT != IGNORE
            losses["restating"] = self.language_loss(states[place], batch.restated_BT[place])
        if batch.rehearsed_B is not None and bool(batch.rehearsed_B.any()):
            place = said(batch) & batch.rehearsed_B[:, None]
            losses["rehearsal"] = self.divergence(states, embeddings, batch, place).mean()
        conditioning = {}
        for name in dict.fromkeys([*batch.targets, *batch.latents]):
            conditioning[name] = self.output_projectors[name](self.signal_states(batch.ids_BT, states, name))
        for name, target in batch.targets.items():
            losses[f"conditioning/{name}"] = conditioning_loss(conditioning[name], target)
        if denoising is not None:
            for name, latents in batch.latents.items():
                losses[f"denoising/{name}"] = denoising(name, latents, conditioning[name])
        return ModelOutput(states, losses, conditioning)

    def language_loss(self, states_XD: Tensor, labels_X: Tensor) -> Tensor:
        """Mean cross-entropy of the tokens that some states should say."""
        total = states_XD.new_zeros((), dtype=torch.float32)
        for states, labels in zip(states_XD.split(LOGITS_CHUNK), labels_X.split(LOGITS_CHUNK)):
            total = total + F.cross_entropy(
                self.language_model.logits(states).float(), labels, reduction="sum"
            )
        return total / max(1, len(labels_X))

    def divergence(
        self, states_BTD: Tensor, embeddings_BTD: Tensor, batch: Batch, place_BT: Tensor
    ) -> Tensor:
        """(X,) KL(base || tuned) in nats of each token at place_BT, over words and modality tokens, which the base
        never says. place_BT[:, t] is of the state that says token t + 1."""
        with torch.no_grad(), self.language_model.untuned():
            base_BTD = self.language_model(embeddings_BTD, batch.mask_BT).last_hidden_state
        chunks = zip(*(x[place_BT].split(LOGITS_CHUNK) for x in (base_BTD, states_BTD)))
        return torch.cat([self._divergence(base, tuned) for base, tuned in chunks])

    def _divergence(self, base_XD: Tensor, tuned_XD: Tensor) -> Tensor:
        wanted = self.language_model.base_logits(base_XD).float().log_softmax(-1)
        found = self.language_model.logits(tuned_XD).float().log_softmax(-1)[:, : wanted.shape[1]]
        return F.kl_div(found, wanted, reduction="none", log_target=True).sum(-1)


def said(batch: Batch) -> Tensor:
    """(B, T) bool: states whose next token is labelled."""
    return F.pad(batch.labels_BT[:, 1:] != IGNORE, (0, 1))


def conditioning_loss(predicted: Conditioning, target: Conditioning) -> Tensor:
    """Mean squared error over all positions, each channel in units of the target's deviation (decision 3)."""
    goal = target.sequence_BQC.float()
    scale = goal.flatten(0, 1).std(0).clamp(min=1e-3)
    loss = ((predicted.sequence_BQC.float() - goal) / scale).square().mean()
    if predicted.pooled_BP is not None and target.pooled_BP is not None:
        loss = loss + F.mse_loss(predicted.pooled_BP.float(), target.pooled_BP.float())
    return loss


def build_model(
    config: AnyToAnyConfig,
    fetch: Callable[[str], Path],
    *,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    base: Any = None,
) -> tuple[AnyToAnyModel, Processor]:
    """Join the modules that the config names. fetch: name of a part -> its converted folder.

    The learned modules are fresh: `checkpoint.load` fills them. base: a causal LM to use as it is (tests).
    """
    folder = fetch(config.language_model.part)
    base = load_base(folder, dtype, attention) if base is None else base
    special = SpecialTokens(base.config.vocab_size, config.num_signals)
    language_model = LanguageModel(config.language_model, base, special)
    language_model.check_base()
    dim = language_model.embedding_dim
    inputs = {name: InputProjector(one.projector, one.encoder, dim) for name, one in config.inputs.items()}
    outputs = {
        name: OutputProjector(
            one.projector,
            one.num_signal_tokens,
            dim,
            ConditioningSpec(one.decoder.length, one.decoder.width),
        )
        for name, one in config.outputs.items()
    }
    model = AnyToAnyModel(config, language_model, inputs, outputs)
    placeholders = {name: one.projector.num_tokens for name, one in config.inputs.items()}
    processor = Processor.from_folder(folder, special, placeholders)
    for name in config.inputs:
        fill_class_tables(model, processor, name, fetch)
    return model, processor


def fill_class_tables(
    model: AnyToAnyModel, processor: Processor, modality: str, fetch: Callable[[str], Path]
) -> None:
    """Give the branches that speak of classes the language model's embeddings of the classes' names."""
    branches: Any = model.input_projectors[modality].branches
    if "posterior" in branches:
        part = model.config.inputs[modality].encoder.part
        names = [row[0] for row in json.loads((fetch(part) / "labels.json").read_text())]
        branch = branches["posterior"]
        texts = [f"{branch.config.cue} {name}" if name else "" for name in names]
        fill_table(branch.table, texts, model.language_model, processor)
    if "concepts" in branches:
        branch = branches["concepts"]
        texts = [f" {name}" if name else "" for name in branch.config.names]
        fill_table(branch.table, texts, model.language_model, processor)
        fill_table(branch.cues, branch.config.cues, model.language_model, processor)


def fill_table(
    table_PLD: Tensor, texts: Sequence[str], language_model: LanguageModel, processor: Processor
) -> None:
    """Row p: the embeddings of the first L tokens of text p, zeros behind."""
    for row, text in enumerate(texts):
        ids = processor.encode_text(text)[: table_PLD.shape[1]] if text else ()
        words_LD = language_model.words(torch.tensor(ids, dtype=torch.long, device=language_model.device))
        table_PLD[row, : len(ids)] = words_LD.detach().to(table_PLD.dtype)


def load_encoders(model: AnyToAnyModel, fetch: Callable[[str], Path], dtype: torch.dtype) -> None:
    for name, one in model.config.inputs.items():
        model.encoders[name] = load_encoder(one.encoder, fetch(one.encoder.part)).to(dtype)
