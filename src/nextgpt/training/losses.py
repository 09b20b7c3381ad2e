"""Objectives: (model, batch) -> losses by name, summed by the loop. OBJECTIVES is the visible table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.batch import IGNORE
from nextgpt.model import conditioning_loss
from nextgpt.nn.outputs import Conditioning, EncoderOutput

SLOT_SCALE = 20.0  # inverse temperature of the cosine, as in contrastive models


@dataclass(frozen=True)
class SlotBatch:
    """Features of one modality and what the branches of its projector should say of them.

    words_BN: for each embedding of the resampler an id of the base vocabulary, IGNORE for a free embedding;
    vocabulary_V: the sorted ids to choose among; names_BQ: for each query of the concepts a class, or IGNORE.
    """

    modality: str
    output: EncoderOutput
    words_BN: Tensor
    vocabulary_V: Tensor
    names_BQ: Tensor

    def to(self, device: torch.device | str) -> "SlotBatch":
        tensors = (self.words_BN, self.vocabulary_V, self.names_BQ)
        return SlotBatch(self.modality, self.output.to(device), *(value.to(device) for value in tensors))


def slot_logits(model: Any, batch: SlotBatch) -> tuple[Tensor, Tensor, Tensor]:
    """What a projector says: embeddings of its words (B, N, D), their cosines with the vocabulary's less its mean
    (B, N, V), and the logits of its names (B, Q, P)."""
    branches = model.input_projectors[batch.modality].branches
    tokens_BND = branches["resampler"](batch.output)[:, : batch.words_BN.shape[1]].float()
    words_VD = model.language_model.words(batch.vocabulary_V).float()
    mean_D = words_VD.mean(0)
    cosine_BNV = F.normalize(tokens_BND - mean_D, dim=-1) @ F.normalize(words_VD - mean_D, dim=-1).T
    return tokens_BND, cosine_BNV, branches["concepts"].logits(batch.output).float()


def slot_losses(model: Any, batch: SlotBatch) -> dict[str, Tensor]:
    """Teach a projector to say the caption's words in the language model's own embeddings, without its body.

    Each embedding of the resampler is classified among the words' embeddings by cosine, and drawn to the right
    one in units of the embeddings' spread: a cheap start for training through the language model (ours).
    The concepts' classifier learns by plain cross-entropy.
    """
    tokens_BND, cosine_BNV, logits_BQP = slot_logits(model, batch)
    kept = batch.words_BN != IGNORE
    classes = torch.searchsorted(batch.vocabulary_V, batch.words_BN[kept])
    words_VD = model.language_model.words(batch.vocabulary_V).float()
    distance = F.mse_loss(tokens_BND[kept], words_VD[classes]) / words_VD.var(0).mean()
    losses = {"words": F.cross_entropy(SLOT_SCALE * cosine_BNV[kept], classes), "distance": 0.3 * distance}
    losses["names"] = F.cross_entropy(
        logits_BQP.flatten(0, 1), batch.names_BQ.flatten(), ignore_index=IGNORE, label_smoothing=0.05
    )
    return losses


@dataclass(frozen=True)
class StatesBatch:
    """Signal states (B, K, D) of one modality and their condition targets. distance(made, true sequence): how
    differently the decoder's frozen reader reads them, where it has one."""

    modality: str
    states_BKD: Tensor
    target: Conditioning
    distance: Callable[[Tensor, Tensor], Tensor] | None = None

    def to(self, device: torch.device | str) -> "StatesBatch":
        return StatesBatch(self.modality, self.states_BKD.to(device), self.target.to(device), self.distance)


def state_losses(model: Any, batch: StatesBatch) -> dict[str, Tensor]:
    """Conditioning loss of an output projector on signal states that were computed once."""
    predicted = model.output_projectors[batch.modality](batch.states_BKD)
    losses = {f"conditioning/{batch.modality}": conditioning_loss(predicted, batch.target)}
    if batch.distance is not None:
        made, true = predicted.sequence_BQC.float(), batch.target.sequence_BQC.float()
        losses[f"reading/{batch.modality}"] = batch.distance(made, true)
    return losses


def model_losses(model: Any, batch: Any) -> dict[str, Tensor]:
    return model(batch).losses


OBJECTIVES: dict[str, Callable[[Any, Any], dict[str, Tensor]]] = {
    "slots": slot_losses,
    "model": model_losses,
    "states": state_losses,
}
