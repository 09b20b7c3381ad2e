"""`nextgpt demo`: one conversation about a photo, a recording and a film that nobody here made, then requests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from nextgpt.cli.model_options import Model, Threads, make_folder, open_pipeline
from nextgpt.messages import Message, media_part
from nextgpt.modalities import MODALITIES


@dataclass(frozen=True)
class Turn:
    """What the user says, and the file that is shown with it: its modality, part and name."""

    text: str
    modality: str = ""
    part: str = ""
    file: str = ""

    def message(self) -> Message:
        if not self.modality:
            return Message.user(self.text)
        from nextgpt.parts import fetch_part

        path = fetch_part(self.part) / self.file
        return Message.user(media_part(MODALITIES[self.modality].media_type.from_path(path)), self.text)

    def __str__(self) -> str:
        return f"[{self.modality}: {self.file}] {self.text}" if self.modality else self.text


TURNS = (
    Turn("What is in this photo?", "image", "demo-photos", "chelsea.png"),
    Turn("What do you hear in this recording?", "audio", "demo-sounds", "mini-test.wav"),
    Turn("What is in this film?", "video", "demo-clips", "carphone_pristine.mp4"),
    Turn("Draw a red apple on a blue background."),
    Turn("Play three notes of a flute."),
    Turn("Animate a rocket moving up on black."),
    Turn("Draw a trumpet on red, play its sound, and let it bounce."),
)

MAX_NEW_TOKENS = 96


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the media and the page.")] = Path("out/demo"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same media.")] = 0,
    model: Model = "nano",
    threads: Threads = None,
) -> None:
    """Ask about a photo, a recording and a film; be sent a picture, a sound and a clip."""
    from nextgpt.cli.page import write_conversation
    from nextgpt.cli.printing import print_reply

    folder = make_folder(out)
    questions = [turn.message() for turn in TURNS]
    pipeline = open_pipeline(model, "auto", "auto", threads)
    messages: list[Message] = []
    for turn, question in zip(TURNS, questions):
        messages.append(question)
        print(f"\n> {turn}")
        events = pipeline.stream(messages, seed=seed, max_new_tokens=MAX_NEW_TOKENS)
        reply = print_reply(events, folder, len(messages) + 1).message
        if reply is None:
            messages.pop()
        else:
            messages.append(reply)
    page = write_conversation(messages, folder, "nextgpt: the demo")
    print(f"\nThe conversation with its pictures and sounds is at {page.resolve().as_uri()}")
