"""How fast are replies, beside transformers on the same weights?

    python bench/generation.py [--model nano] [--dtype bfloat16] [--threads 1] [--tokens 64] [--only speed]

Prints tokens per second of Engine.generate and of transformers' generate (greedy, batch 1 and 8, the same prompt
lengths, both without an end of turn), whether the tokens are the same, seconds to the first token of a fresh process
beside importing torch and transformers and one forward pass, and seconds of `nextgpt --help`. Where other programs
keep the machine busy, compare the seconds of processor time, which are printed too.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

BASELINE = """
import torch; from transformers import AutoModelForCausalLM
torch.set_num_threads({threads})
model = AutoModelForCausalLM.from_pretrained({folder!r}, dtype=torch.{dtype})
model(torch.arange(40)[None])
"""
COMMAND = (sys.executable, "-c", "from nextgpt.cli import main; main()")
PROMPTS = ("Tell me a long story about a fox and a bell.", "What is a lighthouse for, and who keeps it?")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds by the clock, seconds of this process's processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def speed(dtype: str, threads: int, tokens: int) -> None:
    """On the base model, without LoRA, which transformers would have to compute beside it."""
    import torch

    from nextgpt.generation.engine import Engine
    from nextgpt.model import build_model
    from nextgpt.parts import fetch_part
    from nextgpt.presets import preset

    torch.set_num_threads(threads)
    model, processor = build_model(preset("nano"), fetch_part, dtype=getattr(torch, dtype))
    engine = Engine(model, processor)
    engine.machine = replace(engine.machine, stop_ids=())  # both go on to the last token
    for batch in (1, 8):
        compare(engine, prompt_ids(processor, batch), tokens)


def prompt_ids(processor: Any, batch: int) -> Any:
    """(batch, length): prompts of one length, since transformers is to have no padding either."""
    import torch

    from nextgpt import Message

    texts = [PROMPTS[i % len(PROMPTS)] for i in range(batch)]
    rows = [processor.row([Message.user(text)], generate=True).ids for text in texts]
    length = min(map(len, rows))
    return torch.tensor([row[-length:] for row in rows])


def compare(engine: Any, ids: Any, tokens: int) -> None:
    import torch

    from nextgpt.batch import Row
    from nextgpt.generation.steps import Decoding

    base = engine.model.language_model.base
    batch, length = ids.shape

    def ours() -> list[list[int]]:
        engine._kept = None
        prompts = engine.prompts([Row(tuple(one), tuple(one)) for one in ids.tolist()], {})
        return [one.ids for one in engine.generate(prompts, Decoding(max_new_tokens=tokens))]

    def theirs() -> list[list[int]]:
        options = dict(max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
        with torch.inference_mode():
            return base.generate(ids, attention_mask=torch.ones_like(ids), **options)[:, length:].tolist()

    ours(), theirs()  # packing and first-call work
    mine, my_clock, my_processor = min((timed(ours) for _ in range(3)), key=lambda one: one[2])
    their, their_clock, their_processor = min((timed(theirs) for _ in range(3)), key=lambda one: one[2])
    total = batch * tokens
    same = sum(a == b for x, y in zip(mine, their) for a, b in zip(x, y)) / total
    print(f"batch {batch}: ours {total / my_clock:.1f} tokens/s, transformers {total / their_clock:.1f}")
    by_clock, by_processor = their_clock / my_clock, their_processor / my_processor
    print(
        f"  ratio {by_clock:.2f} by the clock, {by_processor:.2f} by processor time; same tokens {same:.1%}"
    )


def process(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock and of processor time that a command takes."""
    import resource

    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - clock, seconds


def best(command: list[str], times: int = 3) -> str:
    runs = [process(command) for _ in range(times)]
    return f"{min(run[0] for run in runs):.2f} s by the clock, {min(run[1] for run in runs):.2f} s of processor time"


def starts(model_name: str, dtype: str, threads: int) -> None:
    from nextgpt.checkpoint import read_info, resolve
    from nextgpt.parts import fetch_part

    folder = fetch_part(read_info(resolve(model_name)).config.language_model.part)
    code = BASELINE.format(folder=str(folder), dtype=dtype, threads=threads)
    print("import torch, transformers, one forward pass:", best([sys.executable, "-c", code]))
    generate = [*COMMAND, "generate", "Hello", "--max-new-tokens", "1"]
    generate += ["--model", model_name, "--dtype", dtype, "--threads", str(threads)]
    print("first token of a fresh process:", best(generate))
    print("nextgpt --help:", best([*COMMAND, "--help"], 5), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="nano")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float32"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--only", choices=("speed", "starts"))
    chosen = parser.parse_args()
    if chosen.only != "starts":
        speed(chosen.dtype, chosen.threads, chosen.tokens)
    if chosen.only != "speed":
        starts(chosen.model, chosen.dtype, chosen.threads)


if __name__ == "__main__":
    main()
