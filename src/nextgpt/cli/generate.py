"""`nextgpt generate "What is this?" --image a.jpg`; for many requests `--batch requests.jsonl --out folder`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.model_options import (
    Device,
    Dtype,
    Model,
    Threads,
    dated_folder,
    make_folder,
    model_identity,
    open_pipeline,
)
from nextgpt.errors import MessageError

Media = Annotated[list[Path] | None, typer.Option(help="A file to show; may be given again.")]
Parts = Annotated[list[str] | None, typer.Argument(help="The message; text and files keep their order.")]
Out = Annotated[Path | None, typer.Option(help="Folder for media and a page of the conversation.")]


def generate(
    ctx: typer.Context,
    text: Parts = None,
    image: Media = None,
    audio: Media = None,
    video: Media = None,
    out: Out = None,
    batch: Annotated[Path | None, typer.Option(help="A file of requests, a JSON object a line.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="With --batch: answer all again.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="With --batch: requests at once.")] = 16,
    system: Annotated[str | None, typer.Option(help="What the model is told before the message.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same reply.")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="At most so many tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0: the likeliest token.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the best tokens of this mass.")] = None,
    modality: Annotated[
        list[str] | None, typer.Option(help="Allowed in the reply; may be given again.")
    ] = None,
    max_media: Annotated[int | None, typer.Option(help="At most so many media in the reply.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps of the decoders.")] = None,
    guidance: Annotated[float | None, typer.Option(help="How closely media follow the text.")] = None,
    model: Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    threads: Threads = None,
) -> None:
    """Answer one message, or a file of requests with --batch."""
    given: dict[str, Any] = dict(seed=seed, max_new_tokens=max_new_tokens, temperature=temperature)
    given |= dict(top_p=top_p, modalities=modality, max_media=max_media, steps=steps, guidance=guidance)
    options = {name: value for name, value in given.items() if value is not None}
    placement = (model, device, dtype, threads)
    if batch is not None:
        if text or image or audio or video or system:
            raise MessageError("--batch takes its messages from the file; leave text and media out.")
        _batch(batch, out, options, placement, batch_size, fresh)
    else:
        typed = ctx.obj.arguments if ctx.obj else ()
        _single(conversation(typed, ctx.command.params, system), out, options, placement)


def conversation(typed: Any, parameters: Any, system: str | None) -> list[Any]:
    """What was typed, as messages."""
    from nextgpt.cli.arguments import parts_in_order, user_message
    from nextgpt.messages import Message

    parts = parts_in_order(typed, parameters)
    if not parts:
        raise MessageError("There is nothing to answer; give a text, --image, --audio, --video or --batch.")
    return [*([Message.system(system)] if system else []), user_message(parts)]


def _single(messages: list[Any], out: Path | None, options: dict[str, Any], placement: Any) -> None:
    from nextgpt.cli.page import write_conversation
    from nextgpt.cli.printing import print_reply
    from nextgpt.generation.options import GenerationOptions

    GenerationOptions.from_dict(options)
    check_media(messages)
    folder = dated_folder("reply") if out is None else make_folder(out)
    pipeline = open_pipeline(*placement)
    finished = print_reply(pipeline.stream(messages, **options), folder, len(messages) + 1)
    if out is not None and finished.message is not None:
        page = write_conversation([*messages, finished.message], folder)
        typer.echo(f"Wrote {page}", err=True)


def check_media(messages: list[Any]) -> None:
    """A bad file is named before the model is loaded."""
    for message in messages:
        for part in message.media_parts:
            part.media.check()


def _batch(
    file: Path, out: Path | None, options: dict[str, Any], placement: Any, batch_size: int, fresh: bool
) -> None:
    from nextgpt.cli.batch_run import answer_all, start_again
    from nextgpt.cli.printing import counting
    from nextgpt.cli.requests import read_requests
    from nextgpt.generation.options import GenerationOptions

    if out is None:
        raise MessageError("--batch needs --out, the folder for replies.jsonl and media.")
    GenerationOptions.from_dict(options)
    requests = read_requests(file, options)
    folder = make_folder(out)
    if fresh:
        start_again(folder)
    with counting("replies") as report:
        errors = answer_all(
            lambda: open_pipeline(*placement),
            requests,
            folder,
            identity=f"{model_identity(placement[0])} {sorted(options.items())}",
            batch_size=batch_size,
            on_done=report,
        )
    typer.echo(f"{len(requests)} replies in {folder / 'replies.jsonl'}, {errors} of them errors.", err=True)
