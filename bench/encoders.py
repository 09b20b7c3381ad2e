"""How many media a second the frozen encoders take: our dtype and layout beside plain fp32, in one run.

python bench/encoders.py [--batch 16] [--threads 2]
"""

import argparse
import time

import torch

from nextgpt.generation.placement import resolve_dtype
from nextgpt.nn.encoders import load_encoder
from nextgpt.parts import fetch_part
from nextgpt.presets import preset


def example(config, batch):
    """Random inputs of an encoder's shape."""
    if config.type == "yamnet":
        return {"samples": 0.1 * torch.randn(batch, 160_400), "num_windows": torch.full((batch,), 20)}
    shape = (batch, config.num_frames, config.image_size, config.image_size, 3)
    return {"pixels": torch.randint(0, 256, shape, dtype=torch.uint8)}


def seconds(encoder, inputs, repeats=3):
    """The best of some runs, after one to warm up."""
    with torch.inference_mode():
        times = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            encoder(**inputs)
            times.append(time.perf_counter() - start)
    return min(times[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ours = resolve_dtype("auto", torch.device("cpu"))
    print(f"{'modality':<10}{'media/s fp32':>14}{'media/s ' + str(ours)[6:]:>20}{'ratio':>8}")
    for name, one in preset("nano").inputs.items():
        inputs = example(one.encoder, arguments.batch)
        plain = seconds(load_encoder(one.encoder, fetch_part(one.encoder.part)), inputs)
        quick = seconds(load_encoder(one.encoder, fetch_part(one.encoder.part)).to(ours), inputs)
        print(
            f"{name:<10}{arguments.batch / plain:>14.1f}{arguments.batch / quick:>20.1f}{plain / quick:>8.2f}"
        )


if __name__ == "__main__":
    main()
