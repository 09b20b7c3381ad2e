"""How fast do the small decoders make media, and what of it comes from steps, dtype and code?

    python bench/decoders.py [--modality image] [--batch 1] [--threads 2] [--folder FOLDER]

Each row is timed in this run, load excluded, the fastest of three. `plain` is diffusers' own way: its scheduler's
loop over its transformer with its default attention, then its autoencoder, in fp32. The last line tells where the time
goes; both loops pay once for what is not the transformer.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nextgpt.cli.memory import keep_buffers
from nextgpt.nn.decoders import decoder_folder, open_decoder
from nextgpt.nn.sampling import draw_noise, item_generators, velocity_of_sample
from nextgpt.parts import fetch_part

PROMPTS = {
    "image": "a red apple on a blue background",
    "video": "a rocket moving up on a black background",
    "audio": "three notes of a flute",
}


def plain(folder: Path, dtype: torch.dtype) -> Callable[[Any, int, int], Any]:
    """diffusers' loop: every call to its classes, nothing of nextgpt's sampling but the reader's plan."""
    decoder = open_decoder(folder, fetch_part, dtype=dtype)
    decoder.vae.to(memory_format=torch.contiguous_format)
    from diffusers.models.attention_processor import AttnProcessor2_0

    decoder.transformer.set_attn_processor(AttnProcessor2_0())

    @torch.no_grad()
    def run(conditioning: Any, steps: int, batch: int) -> Any:
        read = decoder.reader.read(conditioning.to(None, dtype))
        plan, draft = decoder.reader.plan_and_draft(read)
        scheduler = type(decoder.scheduler).from_config(decoder.scheduler.config)
        scheduler.set_timesteps(steps)
        latents = draw_noise(decoder.config.latent_shape, item_generators(range(batch)))
        for timestep in scheduler.timesteps:
            output = decoder.transformer(
                torch.cat([latents.to(dtype), plan], 1),
                encoder_hidden_states=read.sequence_BQC,
                timestep=timestep.expand(batch),
                return_dict=False,
            )[0]
            clean = (draft + output).float()
            velocity = velocity_of_sample(scheduler, latents, timestep.expand(batch), clean)
            latents = scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        latents = decoder.unpack(latents / decoder.vae.config.scaling_factor)
        return decoder.to_media(decoder.vae.decode(latents.to(dtype)).sample.float())

    return run


def ours(folder: Path, dtype: torch.dtype) -> Callable[[Any, int, int], Any]:
    decoder = open_decoder(folder, fetch_part, dtype=dtype)
    return lambda conditioning, steps, batch: decoder.decode(conditioning, seeds=range(batch), steps=steps)


def fastest(run: Callable[[Any, int, int], Any], conditioning: Any, steps: int, batch: int) -> float:
    """Seconds, the fastest of three after one to warm up."""
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        run(conditioning, steps, batch)
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def where_it_goes(folder: Path, conditioning: Any, batch: int) -> dict[str, float]:
    """Milliseconds by step of `decode`, the mean of five after one to warm up."""
    decoder = open_decoder(folder, fetch_part, dtype=torch.bfloat16)
    spent: dict[str, float] = {}

    def watch(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def call(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            found = original(*args, **options)
            key = type(owner).__name__ if name == "forward" else name
            spent[key] = spent.get(key, 0.0) + 200 * (time.perf_counter() - began)
            return found

        setattr(owner, name, call)

    decoder.decode(conditioning, seeds=range(batch))
    for owner, name in (
        (decoder.reader, "read"),
        (decoder.reader, "plan_and_draft"),
        (decoder.transformer, "forward"),
        (decoder, "decode_latents"),
        (decoder, "to_media"),
    ):
        watch(owner, name)
    for _ in range(5):
        decoder.decode(conditioning, seeds=range(batch))
    return spent


def measure(modality: str, folder: Path, batch: int) -> None:
    decoder = open_decoder(folder, fetch_part)
    conditioning, steps = decoder.encode_prompt([PROMPTS[modality]] * batch), decoder.config.steps
    rows = [
        ("plain, fp32, 50 steps", plain(folder, torch.float32), 50),
        (f"plain, fp32, {steps} steps", plain(folder, torch.float32), steps),
        (f"plain, bf16, {steps} steps", plain(folder, torch.bfloat16), steps),
        (f"nextgpt, bf16, {steps} steps", ours(folder, torch.bfloat16), steps),
    ]
    print(f"{modality}, batch {batch}, {torch.get_num_threads()} threads")
    baseline = None
    for name, run, count in rows:
        seconds = fastest(run, conditioning, count, batch)
        baseline = baseline or seconds
        print(f"  {name:28} {1000 * seconds:8.0f} ms  {baseline / seconds:6.2f} times", flush=True)
    goes = where_it_goes(folder, conditioning, batch)
    print("  of it: " + ", ".join(f"{name} {spent:.1f} ms" for name, spent in goes.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this process: {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--modality", choices=list(PROMPTS), action="append")
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="a decoder's folder instead of the shipped one")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_buffers()
    for modality in given.modality or PROMPTS:
        folder = given.folder or decoder_folder(f"weights:nano/decoders/{modality}")
        for batch in given.batch or (1, 8):
            measure(modality, folder, batch)


if __name__ == "__main__":
    main()
