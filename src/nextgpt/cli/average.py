"""nextgpt average: weights between those of two checkpoints of one model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.errors import CheckpointError


def average(
    checkpoint: Annotated[str, typer.Argument(help="a checkpoint's folder, or nano")],
    other: Annotated[str, typer.Argument(help="one that it was trained on from, or trained beside")],
    out: Annotated[Path, typer.Option(help="where the checkpoint goes")],
    share: Annotated[float, typer.Option(help="of the other's weights, 0 to 1")] = 0.5,
) -> None:
    """Weights between two checkpoints: what further training has cost comes back, most of what it gave stays.

    Every learned tensor becomes (1 - share) * checkpoint + share * other (WiSE-FT: Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models"). Output projectors read signal states, so train `states-*` behind it.
    """
    from nextgpt import checkpoint as checkpoints

    if not 0 <= share <= 1:
        raise CheckpointError(f"--share must be between 0 and 1, not {share}.")
    model, _, info = checkpoints.load_pretrained(checkpoint)
    second, _, info_of_other = checkpoints.load_pretrained(other)
    if (info.config, set(info.trained)) != (info_of_other.config, set(info_of_other.trained)):
        raise CheckpointError(
            f"{checkpoint} and {other} differ in their configs or in what they have trained."
        )
    blend(model, second, share)
    checkpoints.save(model, out, with_record(info, info_of_other, share))
    typer.echo(f"Written to {out}.")


def blend(model: Any, other: Any, share: float) -> None:
    """Move the learned parameters of `model` towards those of `other`."""
    import torch

    from nextgpt.checkpoint import module_of

    theirs = dict(other.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if module_of(name):
                parameter.lerp_(theirs[name], share)


def with_record(info: Any, other: Any, share: float) -> Any:
    """The history is the first checkpoint's; the other is named by the digest of its own."""
    from dataclasses import replace

    from nextgpt.cli.train import commit
    from nextgpt.training.run import digest

    record = {"stage": "average", "share": share, "other": digest(other.stages), "seed": 0, "jobs": []}
    return replace(info, stages=(*info.stages, {**record, "commit": commit()}))
