"""`nextgpt chat`: a conversation in the terminal, or with lines from a pipe.

A line is a turn. Lines that begin with / are commands; media that they attach go before the next line's text.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import Device, Dtype, Model, Threads, dated_folder, make_folder, open_pipeline
from nextgpt.errors import MessageError, UserError

HELP = """\
/image FILE   attach a picture to the next message      /clear        forget the conversation
/audio FILE   attach a sound                            /save FOLDER  write it as a page with its media
/video FILE   attach a clip                             /quit         leave (or Ctrl-D)
Ctrl-C stops a reply."""


def chat(
    out: Annotated[Path | None, typer.Option(help="Folder for media of the replies.")] = None,
    system: Annotated[str | None, typer.Option(help="What the model is told before the first turn.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same conversation.")] = None,
    temperature: Annotated[float, typer.Option(help="0: the likeliest token.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Draw from the best tokens of this mass.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(help="At most so many tokens a reply.")] = 512,
    model: Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = None,
) -> None:
    """Talk in the terminal, media in both directions. /help lists the commands."""
    from nextgpt.generation.options import GenerationOptions

    options = dict(seed=seed, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)
    GenerationOptions.from_dict(options)
    folder = out or dated_folder("chat")
    pipeline = open_pipeline(model, device, dtype, threads)
    Chat(pipeline, folder, options, system).run()


class Chat:
    """history: the messages so far; attached: media that wait for the next text."""

    def __init__(
        self, pipeline: Any, folder: Path, options: dict[str, Any], system: str | None = None
    ) -> None:
        self.pipeline, self.folder, self.options, self.system = pipeline, folder, options, system
        self.history: list[Any] = []
        self.attached: list[Any] = []
        self.clear()

    def run(self) -> None:
        if sys.stdin.isatty():
            print("Type a message; /help lists the commands.")
        while (line := read_line()) is not None:
            try:
                if not self.take(line.strip()):
                    return
            except UserError as error:
                print(f"{error}", file=sys.stderr)

    def take(self, line: str) -> bool:
        """Handle a line; False ends the chat."""
        if line.startswith("/"):
            return self.command(line)
        if line or self.attached:
            self.turn(line)
        return True

    def command(self, line: str) -> bool:
        from nextgpt.modalities import MODALITIES

        name, _, rest = line[1:].partition(" ")
        if name in ("quit", "exit"):
            return False
        if name == "help":
            print(HELP)
        elif name == "clear":
            self.clear()
        elif name == "save":
            self.save(rest)
        elif name in MODALITIES:
            self.attach(name, rest)
        else:
            raise MessageError(f"There is no command /{name}; /help lists them.")
        return True

    def clear(self) -> None:
        from nextgpt.messages import Message

        self.history = [Message.system(self.system)] if self.system else []
        self.attached = []

    def attach(self, modality: str, path: str) -> None:
        from nextgpt.messages import media_part
        from nextgpt.modalities import MODALITIES

        medium = MODALITIES[modality].media_type.from_path(unquoted(path))
        medium.check()
        self.attached.append(media_part(medium))
        if sys.stdin.isatty():
            print(f"[{modality} attached; now type what to say about it]")

    def save(self, folder: str) -> None:
        from nextgpt.cli.page import write_conversation

        if not self.history:
            raise MessageError("There is no conversation to save yet.")
        print(f"Wrote {write_conversation(self.history, make_folder(Path(unquoted(folder) or self.folder)))}")

    def turn(self, text: str) -> None:
        """One message and its reply. A turn that fails or is stopped before its reply leaves no trace."""
        from nextgpt.cli.printing import print_reply
        from nextgpt.messages import Message

        message = Message.user(*self.attached, *([text] if text else []))
        self.attached = []
        messages = [*self.history, message]
        options = self.options | {"seed": self.next_seed(len(messages))}
        finished = print_reply(stoppable(self.pipeline, messages, options), self.folder, len(messages) + 1)
        if finished.message is not None:
            self.history = [*messages, finished.message]

    def next_seed(self, number: int) -> int | None:
        """Every turn has its own, or the same words would give the same picture again."""
        return None if self.options["seed"] is None else self.options["seed"] + number


def stoppable(pipeline: Any, messages: list[Any], options: dict[str, Any]) -> Any:
    """The stream of a reply that Ctrl-C ends early instead of ending the program."""
    import signal
    import threading

    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield from pipeline.stream(messages, cancel=stop, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def read_line() -> str | None:
    """The next line, None at the end. A prompt is shown to people only."""
    try:
        if sys.stdin.isatty():
            import readline  # noqa: F401  # input() edits lines and remembers them

            return input("\n> ")
        return input()
    except EOFError:
        return None


def unquoted(path: str) -> str:
    """A path as typed: with quotes around it, with escaped spaces, or plain."""
    path = path.strip()
    try:
        words = shlex.split(path)
    except ValueError:
        return path
    return words[0] if len(words) == 1 else path
