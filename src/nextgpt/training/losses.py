"""Objectives: (model, batch) -> losses by name, summed by the loop. OBJECTIVES is the visible table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nextgpt.batch import IGNORE
from nextgpt.nn.outputs import EncoderOutput

SLOT_SCALE = 20.0  # inverse temperature of the cosine, as in contrastive models


@dataclass(frozen=True)
class SlotBatch:
    """Features of one modality and, for each embedding of the projector, the token that it should look like.

    targets_BN: ids of the base vocabulary, IGNORE for a free embedding; vocabulary_V: the ids to choose among.
    """

    modality: str
    output: EncoderOutput
    targets_BN: Tensor
    vocabulary_V: Tensor

    def to(self, device: torch.device | str) -> "SlotBatch":
        moved = (value.to(device) for value in (self.output, self.targets_BN, self.vocabulary_V))
        return SlotBatch(self.modality, *moved)


def slot_losses(model: Any, batch: SlotBatch) -> dict[str, Tensor]:
    """Teach a projector to say the caption's words in the language model's own embeddings, without its body.

    Each embedding is classified among the words' embeddings by cosine, and drawn to the right one in units
    of the embeddings' spread: a cheap start for training through the language model (ours; the idea of
    regressing to the frozen word table is LiMBeR's, arXiv 2209.15162, read backwards).
    """
    branch = model.input_projectors[batch.modality].branches["resampler"]
    tokens_BND = branch(batch.output)[:, : batch.targets_BN.shape[1]]
    words_VD = model.language_model.base.get_input_embeddings().weight[batch.vocabulary_V].float()
    kept = batch.targets_BN != IGNORE
    classes = torch.searchsorted(batch.vocabulary_V, batch.targets_BN[kept])
    states_XD, mean_D = tokens_BND[kept].float(), words_VD.mean(0)
    cosine_XV = F.normalize(states_XD - mean_D, dim=-1) @ F.normalize(words_VD - mean_D, dim=-1).T
    distance = F.mse_loss(states_XD, words_VD[classes]) / words_VD.var(0).mean()
    return {"slot_words": F.cross_entropy(SLOT_SCALE * cosine_XV, classes), "slot_distance": 0.3 * distance}


def model_losses(model: Any, batch: Any) -> dict[str, Tensor]:
    return model(batch).losses


OBJECTIVES: dict[str, Callable[[Any, Any], dict[str, Tensor]]] = {"slots": slot_losses, "model": model_losses}
