"""Models for tests of what asks models: they answer `replies` as AnyToAnyPipeline does, without torch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nextgpt.generation.events import Finished, Usage
from nextgpt.media import Audio, Image, Medium, Video
from nextgpt.messages import Message


class Speaker:
    """Says what `say` makes of the question's text. `asked` counts conversations; each takes `seconds`."""

    def __init__(self, say: Callable[[str], str], seconds: float = 0.0) -> None:
        self.say, self.seconds, self.asked = say, seconds, 0

    def replies(self, conversations: Sequence[Any], options: Sequence[Any]) -> list[Finished]:
        found = []
        for messages, how in zip(conversations, options, strict=True):
            time.sleep(self.seconds)
            self.asked += 1
            found.append(Finished(self.reply(messages[-1], how), "stop", Usage(1, 1), how.seed))
        return found

    def reply(self, message: Message, how: Any) -> Message | None:
        for part in message.media_parts:
            part.media.check()
        text = self.say(message.text)
        return Message.assistant(text) if text else None


class Knowing(Speaker):
    """Answers by the question that a text starts with; anything else is answered by `default`."""

    def __init__(self, answers: Mapping[str, str], default: str = "", seconds: float = 0.0) -> None:
        super().__init__(lambda text: next((a for q, a in answers.items() if q in text), default), seconds)


class Painter(Speaker):
    """Makes the medium that it is allowed to make, noise of the request's seed, behind a word."""

    def __init__(self) -> None:
        super().__init__(lambda text: "Here:")

    def reply(self, message: Message, how: Any) -> Message:
        return Message.assistant("Here:", *(noise(str(one), how.seed) for one in how.modalities[:1]))


class Herd(Speaker):
    """Answers by all that stands in the batch: neighbours change a reply here more than any bfloat16 does."""

    def replies(self, conversations: Sequence[Any], options: Sequence[Any]) -> list[Finished]:
        together = hashlib.sha256("|".join(one[-1].text for one in conversations).encode()).hexdigest()
        self.say = lambda text: ("yes", "no")[
            int(hashlib.sha256((together + text).encode()).hexdigest(), 16) % 2
        ]
        return super().replies(conversations, options)


def noise(modality: str, seed: int | Sequence[int]) -> Medium:
    """A small medium of that seed."""
    return NOISE[modality](np.random.default_rng(seed))


def noise_frames(generator: np.random.Generator) -> np.ndarray:
    return generator.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)


NOISE: dict[str, Callable[[np.random.Generator], Medium]] = {
    "image": lambda generator: Image.from_array(noise_frames(generator)[0]),
    "audio": lambda generator: Audio.from_array(
        (0.1 * generator.standard_normal(1600)).astype(np.float32), 16000
    ),
    "video": lambda generator: Video.from_array(noise_frames(generator), 8.0),
}
