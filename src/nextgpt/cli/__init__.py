"""The command line: `nextgpt VERB`, one file a verb. Only the verb that is asked for is imported.

Here, and only here, errors become exit codes: 2 for a person's mistake (one sentence on stderr), 130 for
Ctrl-C, 1 for a fault of ours that we foresaw. Anything else is a bug and shows its traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from nextgpt.errors import NextGPTError

# verb -> module of nextgpt.cli, which has `app` or a function of the verb's name, and its line in --help
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "A conversation about a photo, a recording and a film, with media back."),
    "generate": ("generate", "Answer text, images, sounds, clips; or a file of them."),
    "chat": ("chat", "Talk in the terminal, media in both directions."),
    "decode": ("decode", "Make media from a sentence by a decoder alone."),
    "parts": ("parts", "Pretrained parts: list, pull, verify, clean."),
    "data": ("data", "Training data: build, show, caches."),
    "train": ("train", "Train a stage of the model."),
    "decoders": ("decoders", "Train the small decoders of the nano model."),
    "eval": ("eval", "Score a model."),
    "score": ("score", "Score answers made anywhere, by each benchmark's official rule."),
    "params": ("params", "How many parameters there are, and which learn."),
    "average": ("average", "Weights between those of two checkpoints."),
    "ship": ("ship", "Write a checkpoint small, as the package carries it."),
}
INTERRUPTED = 130
MACHINE_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.EIO,
                  errno.EEXIST, errno.ENOTDIR)  # fmt: skip


@dataclass(frozen=True)
class Invocation:
    """What a verb finds in `ctx.obj`: the arguments as they were typed, behind the verb."""

    arguments: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the command `nextgpt`."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code."""
    verb = next((one for one in arguments if not one.startswith("-")), "")
    behind = tuple(arguments[arguments.index(verb) + 1 :]) if verb else ()
    try:
        return _exit_code(lambda: _call(build_app(verb), list(arguments), Invocation(behind)))
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def build_app(verb: str) -> typer.Typer:
    """All verbs, of which only `verb` is real; the others are lines of --help."""
    app = typer.Typer(  # rich's help would take 80 of the 150 ms
        name="nextgpt",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(nextgpt)
    for name, (module, text) in VERBS.items():
        if name == verb:
            _mount(app, name, import_module(f"nextgpt.cli.{module}"), text)
        else:
            app.command(name, help=text)(_unreachable)
    return app


def _mount(app: typer.Typer, name: str, module: Any, text: str) -> None:
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name)(getattr(module, name))


def _unreachable() -> None:
    raise AssertionError("a verb that was not asked for")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("nextgpt"))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
]


def nextgpt(version: Version = False) -> None:
    """An any-to-any model: text, images, audio and video in, any mix of them out."""


def _call(app: typer.Typer, arguments: list[str], invocation: Invocation) -> Any:
    command = typer.main.get_command(app)
    return command.main(arguments, prog_name="nextgpt", standalone_mode=False, obj=invocation)


def _exit_code(work: Callable[[], Any]) -> int:
    try:
        code = work()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except NextGPTError as error:
        return _say(str(error), error.exit_code)
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno not in MACHINE_FAULTS:
            raise
        where = f" ({error.filename})" if error.filename else ""
        return _say(f"{error.strerror}{where}.", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer's usage errors have
            raise
        return _say_usage(error)


def _say_usage(error: Any) -> int:
    """A command line that typer refuses. Without any arguments it gives the help as an error."""
    message = error.format_message()
    if "\n" in message:
        print(message)
        return error.exit_code
    command = error.ctx.command_path if getattr(error, "ctx", None) else "nextgpt"
    return _say(f"{message.rstrip('.')}; see `{command} --help`.", error.exit_code)


def _say(sentence: str, code: int) -> int:
    print(f"nextgpt: {' '.join(sentence.split())}", file=sys.stderr)
    return code
