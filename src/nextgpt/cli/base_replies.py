"""What the base model itself says to plain prompts: what tuning rehearses, and what an evaluation compares with."""

from collections.abc import Sequence

BATCH, MAX_TOKENS, TEMPERATURE, TOP_P = 32, 96, 0.7, 0.95


def base_replies(prompts: Sequence[str], seed: int = 0) -> list[str]:
    """A sampled reply to each prompt; prompt i has the seed `seed` + i."""
    import torch

    from nextgpt.cli.show import tracker
    from nextgpt.data.manifest import Text, Turn
    from nextgpt.generation.engine import Engine
    from nextgpt.generation.sampling import Sampling
    from nextgpt.generation.steps import Decoding
    from nextgpt.model import build_model
    from nextgpt.parts import fetch_part
    from nextgpt.presets import preset

    model, processor = build_model(preset("nano"), fetch_part, dtype=torch.bfloat16)
    engine = Engine(model, processor)
    replies = []
    for start in tracker("the base model's replies")(range(0, len(prompts), BATCH)):
        part = prompts[start : start + BATCH]
        rows = [processor.row([Turn("user", (Text(prompt),))], generate=True) for prompt in part]
        sampling = Sampling(TEMPERATURE, TOP_P)
        how = [Decoding(MAX_TOKENS, sampling, seed=seed + start + i) for i in range(len(part))]
        replies += [engine.text(made.ids) for made in engine.generate(engine.prompts(rows, {}), how)]
    return replies
