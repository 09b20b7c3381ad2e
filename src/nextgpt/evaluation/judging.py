"""A language model as judge of free answers: a local one, or a remote one that speaks OpenAI's protocol.

A judged figure belongs to its judge: name, version and the hash of the prompt are kept with it. The prompt here is
ours; the published one of Video-ChatGPT (arXiv 2306.05424) can be given as a file, with {question}, {answer} and
{prediction} where they belong, and the verdict in the form that it asks for is understood.
"""

import json
import os
import re
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from nextgpt.errors import ConfigError, DataError

PROMPT = """You compare a predicted answer to a question about a video with the correct answer.
Synonyms and paraphrases match; what contradicts the correct answer or leaves it open does not.

Question: {question}
Correct answer: {answer}
Predicted answer: {prediction}

Reply with one line of JSON and nothing else: {"pred": "yes" or "no", "score": 0 to 5}"""
FIELDS = re.compile(r"\{(question|answer|prediction)\}")
KEY = "NEXTGPT_JUDGE_KEY"  # environment variable of a remote judge
TIMEOUT = 120
MOST_TOKENS = 40


@dataclass(frozen=True)
class Question:
    id: str
    question: str
    answer: str
    prediction: str


@dataclass(frozen=True)
class Verdicts:
    """right: id -> 1.0 or 0.0; mean_score of 0 to 5 over those that gave one."""

    right: dict[str, float]
    mean_score: float
    notes: tuple[str, ...]


class Judge(Protocol):
    name: str
    version: str

    def __call__(self, prompts: Sequence[str]) -> list[str]: ...


class RemoteJudge:
    """POST {url}/chat/completions. The version is what the server says that it ran."""

    def __init__(self, address: str) -> None:
        self.url, _, self.name = address.partition("#")
        if not self.name:
            raise ConfigError(f"The judge {address!r} names no model; write {address}#model.")
        self.version = "unknown"

    def __call__(self, prompts: Sequence[str]) -> list[str]:
        return [self._ask(prompt) for prompt in prompts]

    def _ask(self, prompt: str) -> str:
        body = {"model": self.name, "messages": [{"role": "user", "content": prompt}], "temperature": 0}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                reply = json.load(answer)
            self.version = str(reply.get("model") or self.version)
            return str(reply["choices"][0]["message"]["content"])
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise DataError(
                f"The judge at {self.url} did not answer ({error}); is it up, and {KEY} set?"
            ) from error


class LocalJudge:
    """A causal language model of a transformers folder, greedy."""

    def __init__(self, folder: Path, name: str, version: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.name, self.version = name, version
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        self.model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()

    def __call__(self, prompts: Sequence[str]) -> list[str]:
        import torch

        inputs = self.tokenizer([self._chat(prompt) for prompt in prompts], padding=True, return_tensors="pt")
        with torch.inference_mode():
            ids = self.model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=MOST_TOKENS,
                do_sample=False,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        return self.tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)

    def _chat(self, prompt: str) -> str:
        if not self.tokenizer.chat_template:
            return prompt
        turns = [{"role": "user", "content": prompt}]
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def load_judge(address: str) -> Judge:
    """A folder of transformers, the name of a part, or https://host/v1#model."""
    if address.startswith(("http://", "https://")):
        return RemoteJudge(address)
    folder = Path(address)
    if folder.is_dir():
        weights = sorted(folder.glob("*.safetensors"))
        if not weights:
            raise ConfigError(f"The judge's folder {address!r} has no .safetensors in it.")
        return LocalJudge(folder, folder.resolve().name, sha256(weights[0].read_bytes()).hexdigest()[:12])
    from nextgpt.parts import fetch_part, get_part

    return LocalJudge(fetch_part(address), address, get_part(address).sha256[0][:12])


def read_prompt(path: Path | None) -> str:
    """The prompt of a file, or ours. ConfigError where a field is missing."""
    if path is None:
        return PROMPT
    text = path.read_text("utf-8") if path.is_file() else ""
    missing = [name for name in ("{question}", "{answer}", "{prediction}") if name not in text]
    if missing:
        raise ConfigError(f"The judge's prompt {str(path)!r} lacks {', '.join(missing)}.")
    return text


def parse_verdict(reply: str) -> tuple[bool | None, float | None]:
    """(yes or no, score) of a reply like {'pred': 'yes', 'score': 4}; None for what is not there."""
    words = re.search(r"\b(yes|no)\b", reply, re.I)
    score = re.search(r"score['\"]?\s*[:=]\s*['\"]?([0-5](?:\.\d+)?)", reply, re.I)
    verdict = words[1].lower() == "yes" if words else None
    return verdict, float(score[1]) if score else None


def judge_all(
    judge: Judge, prompt: str, questions: Sequence[Question], batch: int, progress: Callable[[int, int], None]
) -> Verdicts:
    """Ask about each question that was answered; what was not answered is wrong without asking."""
    right: dict[str, float] = {one.id: 0.0 for one in questions}
    asked = [one for one in questions if one.prediction.strip()]
    scores, unclear = [0.0] * (len(questions) - len(asked)), 0
    for start in range(0, len(asked), batch):
        some = asked[start : start + batch]
        for one, reply in zip(some, judge([_filled(prompt, one) for one in some])):
            verdict, score = parse_verdict(reply)
            unclear += verdict is None
            right[one.id] = float(bool(verdict))
            scores += [] if score is None else [score]
        progress(start + len(some), len(asked))
    mean = sum(scores) / len(scores) if scores else 0.0
    return Verdicts(right, mean, _notes(judge, prompt, unclear, len(questions) - len(asked)))


def _filled(prompt: str, one: Question) -> str:
    """Only the three fields are replaced; other braces, also those of answers, are let be."""
    return FIELDS.sub(lambda field: str(getattr(one, field[1])), prompt)


def _notes(judge: Judge, prompt: str, unclear: int, empty: int) -> tuple[str, ...]:
    digest = sha256(prompt.encode()).hexdigest()[:12]
    own = "ours, not the published one" if prompt == PROMPT else "given"
    notes = [f"Judge {judge.name}, version {judge.version}; prompt {digest} ({own}), greedy."]
    if unclear:
        notes.append(f"{unclear} verdicts say neither yes nor no and count as no.")
    if empty:
        notes.append(f"{empty} answers are empty or missing and count as wrong without asking.")
    return tuple(notes)
