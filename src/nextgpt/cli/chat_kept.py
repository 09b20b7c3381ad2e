"""nextgpt eval nano-chat: how far a tuned model's chat is from the base model's."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import WorkThreads, use_threads

SEED = 1_000_003  # other samples than those that replay has made for training
BATCH = 16


def nano_chat(
    model: Annotated[str, typer.Option(help="a checkpoint's folder, or nano")] = "nano",
    samples: Annotated[int, typer.Option(help="replies sampled from the base for each prompt")] = 3,
    out: Annotated[Path | None, typer.Option(help="folder for the replies and the score")] = None,
    seed: int = 0,
    threads: WorkThreads = 0,
) -> None:
    """KL(base || tuned) in nats a token on the base model's own replies to held-out prompts, over all words and
    modality tokens."""
    from nextgpt.cli.base_replies import base_replies
    from nextgpt.nano.chat_prompts import chat_prompts

    use_threads(threads)
    prompts = [row["text"] for row in chat_prompts() if row["split"] != "train"] * samples
    replies = base_replies(prompts, SEED + seed)
    sums = divergences(model, prompts, replies)
    found = summary(sums, seed) | {"model": model, "seed": seed, "samples": samples}
    typer.echo(
        f"KL(base || tuned): {found['mean']:.4f} nats a token ({found['low']:.4f} to {found['high']:.4f}; bar 0.05), "
        f"{found['conversations']} conversations, {found['tokens']} tokens; of that by modality tokens "
        f"{found['modality']:.5f}."
    )
    if out is not None:
        from nextgpt.files import replace_text

        out.mkdir(parents=True, exist_ok=True)
        rows = [
            {"prompt": prompt, "reply": reply, "nats": nats, "tokens": tokens}
            for prompt, reply, (nats, tokens, _lost) in zip(prompts, replies, sums)
        ]
        replace_text(out / "replies.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        replace_text(out / "scores.json", json.dumps(found, indent=1))


def divergences(model: str, prompts: Sequence[str], replies: Sequence[str]) -> list[tuple[float, int, float]]:
    """Of each conversation: nats in all, tokens, and the probability in all that modality tokens take."""
    import torch

    from nextgpt.checkpoint import load_pretrained
    from nextgpt.cli.show import tracker

    loaded, processor, _info = load_pretrained(model, dtype=torch.bfloat16)
    pairs = list(zip(prompts, replies))
    found: list[tuple[float, int, float]] = []
    for start in tracker("KL(base || tuned)")(range(0, len(pairs), BATCH)):
        found += _batch(loaded, processor, pairs[start : start + BATCH])
    return found


def _batch(model: Any, processor: Any, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int, float]]:
    import torch

    from nextgpt.batch import collate_rows
    from nextgpt.data.manifest import Text, Turn
    from nextgpt.model import said

    rows = [
        processor.row([Turn("user", (Text(prompt),)), Turn("assistant", (Text(reply),))])
        for prompt, reply in pairs
    ]
    batch = collate_rows(rows)
    with torch.inference_mode():
        embeddings = model.embed(batch.ids_BT, {})
        states = model.language_model(embeddings, batch.mask_BT).last_hidden_state
        place = said(batch)
        nats = model.divergence(states, embeddings, batch, place)
        words = model.special.base_vocab_size
        lost = model.language_model.logits(states[place]).float().softmax(-1)[:, words:].sum(-1)
    counts = place.sum(1).tolist()
    return [
        (float(one.sum()), count, float(other.sum()))
        for one, other, count in zip(nats.split(counts), lost.split(counts), counts)
    ]


def summary(sums: Sequence[tuple[float, int, float]], seed: int, draws: int = 2000) -> dict[str, Any]:
    """Mean over tokens with a 95 % bootstrap interval over conversations."""

    def mean(rows: Sequence[tuple[float, int, float]]) -> float:
        return sum(row[0] for row in rows) / max(1, sum(row[1] for row in rows))

    rng = random.Random(seed)
    means = sorted(mean(rng.choices(sums, k=len(sums))) for _ in range(draws))
    tokens = sum(row[1] for row in sums)
    return {
        "mean": mean(sums),
        "low": means[int(0.025 * draws)],
        "high": means[int(0.975 * draws)],
        "conversations": len(sums),
        "tokens": tokens,
        "modality": sum(row[2] for row in sums) / max(1, tokens),
    }
