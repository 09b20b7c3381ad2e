"""nextgpt as a model of lmms-eval: its requests become conversations, its media ours, its stop words are kept.

lmms-eval finds this by the entry point `lmms_eval.models`; its class is lmms_eval_model.py. Nothing here imports it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nextgpt.errors import MessageError, NextGPTError
from nextgpt.evaluation.tasks.folder import SOUNDS, VIDEOS
from nextgpt.generation.options import GenerationOptions
from nextgpt.media import Audio, Image, Medium, Video
from nextgpt.messages import Message

NAME = "nextgpt"
DEFAULT_TOKENS = 64
Docs = Mapping[str, Mapping[str, Any]]  # task -> split -> documents by number


def manifest() -> Any:
    """What the entry point gives: where lmms-eval finds the class."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(NAME, simple_class_path="nextgpt.evaluation.lmms_eval_model.NextGPT")


def medium_of(visual: Any) -> Medium:
    """Of what tasks give: a Pillow image, a path, {"array", "sampling_rate"}, or a decoder of `datasets`."""
    if isinstance(visual, str | Path):
        suffix = Path(visual).suffix.lower()
        kind = Video if suffix in VIDEOS else Audio if suffix in SOUNDS else Image
        return kind.from_path(visual)
    if isinstance(visual, Mapping) and "array" in visual:
        return Audio.from_array(visual["array"], int(visual["sampling_rate"]))
    if hasattr(visual, "get_all_samples"):
        samples = visual.get_all_samples()
        return Audio.from_array(samples.data.numpy().T, int(samples.sample_rate))
    if hasattr(visual, "convert"):
        return Image.from_pil(visual)
    raise MessageError(f"lmms-eval gave a {type(visual).__name__}; nextgpt takes images, paths and sounds.")


def flat(visuals: Any) -> list[Any]:
    """Tasks give one visual, a list, a list of lists, or None."""
    if visuals is None:
        return []
    if isinstance(visuals, list | tuple):
        return [one for some in visuals for one in flat(some)]
    return [visuals]


def message_of(text: str, visuals: Any) -> Message:
    """Media first, then the text without the places that lmms-eval marks by <image>."""
    return Message.user(*map(medium_of, flat(visuals)), text.replace("<image>", "").strip() or " ")


def options_of(settings: Mapping[str, Any]) -> GenerationOptions:
    """Of an Instance's generation_kwargs. Text alone is asked for; greedy unless the task samples."""
    samples = bool(settings.get("do_sample")) or float(settings.get("temperature") or 0) > 0
    return GenerationOptions(
        seed=0,
        max_new_tokens=int(settings.get("max_new_tokens") or DEFAULT_TOKENS),
        temperature=float(settings.get("temperature") or 1.0) if samples else 0.0,
        top_p=float(settings.get("top_p") or 1.0),
        modalities=(),
    )


def stopped(text: str, until: Any) -> str:
    """The text before the first stop word."""
    words = [until] if isinstance(until, str) else list(until or ())
    for word in words:
        text = text.split(word)[0] if word else text
    return text


def answer_requests(
    pipeline: Any,
    requests: Sequence[Any],
    docs: Docs,
    batch_size: int,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[str]:
    """One text a request, in their order. args of a request: (context, generation_kwargs, doc_to_visual, doc_id,
    task, split), as lmms-eval's simple models get them.
    Raises what a request at fault raises: a run with holes would be no score."""
    found: list[str] = []
    for start in track(range(0, len(requests), batch_size)):
        some = [request.args for request in requests[start : start + batch_size]]
        asked = [[message_of(text, look(docs[task][split][doc]))] for text, _, look, doc, task, split in some]
        replies = pipeline.replies(asked, [options_of(settings) for _, settings, *_ in some])
        found += [text_of(reply, settings) for reply, (_, settings, *_) in zip(replies, some)]
    return found


def text_of(reply: Any, settings: Mapping[str, Any]) -> str:
    if isinstance(reply, NextGPTError):
        raise reply
    return stopped(reply.message.text if reply.message else "", settings.get("until")).strip()
