"""What the base model itself says to plain prompts: what tuning rehearses, and what an evaluation compares with."""

from collections.abc import Sequence
from typing import Any

BATCH, MAX_TOKENS, TEMPERATURE, TOP_P = 32, 96, 0.7, 0.95


def base_replies(prompts: Sequence[str], seed: int = 0) -> list[str]:
    """A sampled reply to each prompt; prompt i has the seed `seed` + i."""
    return replies_of(*base_model(), prompts, "the base model's replies", TEMPERATURE, TOP_P, seed)


def base_model() -> tuple[Any, Any]:
    """The nano preset with nothing learnt, and its processor."""
    import torch

    from nextgpt.model import build_model
    from nextgpt.parts import fetch_part
    from nextgpt.presets import preset

    return build_model(preset("nano"), fetch_part, dtype=torch.bfloat16)


def replies_of(
    model: Any,
    processor: Any,
    prompts: Sequence[str],
    told: str,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> list[str]:
    """The words of a reply to each prompt, greedy unless a temperature is given. told: what the progress bar says."""
    from nextgpt.cli.show import tracker
    from nextgpt.data.manifest import Text, Turn
    from nextgpt.generation.engine import Engine
    from nextgpt.generation.sampling import Sampling
    from nextgpt.generation.steps import Decoding

    engine = Engine(model, processor)
    replies = []
    for start in tracker(told)(range(0, len(prompts), BATCH)):
        part = prompts[start : start + BATCH]
        rows = [processor.row([Turn("user", (Text(prompt),))], generate=True) for prompt in part]
        sampling = Sampling(temperature, top_p)
        how = [Decoding(MAX_TOKENS, sampling, seed=seed + start + i) for i in range(len(part))]
        replies += [engine.text(made.ids) for made in engine.generate(engine.prompts(rows, {}), how)]
    return replies
