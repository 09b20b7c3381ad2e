"""`nextgpt decoders train image|video|audio`: train a small decoder on the small world, or go on with it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nextgpt.cli.decoder_card import card
from nextgpt.cli.model_options import finite

app = typer.Typer(help="The small decoders of the nano model.", no_args_is_help=True)
app.command()(card)


@app.callback()
def decoders() -> None:
    """The small decoders of the nano model."""


@app.command()
def train(
    modality: Annotated[str, typer.Argument(help="image, video or audio. Train image before video.")],
    preset: Annotated[str, typer.Option(help="Row of the recipe table.")] = "nano",
    output: Annotated[
        Path | None, typer.Option(help="Folder for the decoder; inside the package if unset.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for cached items and states; in the cache.")
    ] = None,
    until: Annotated[int | None, typer.Option(help="Stop each phase after so many steps.")] = None,
    scale: Annotated[
        float, typer.Option(help="Fewer or more items and steps.", min=0, callback=finite)
    ] = 1.0,
    fresh: Annotated[bool, typer.Option(help="Forget cached items and states first.")] = False,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 1,
) -> None:
    """Train a decoder; run it again to go on after a stop."""
    import torch

    from nextgpt.cli.memory import keep_buffers
    from nextgpt.nn.decoders import decoder_folder
    from nextgpt.parts import cache_root, fetch_part
    from nextgpt.training.decoder_loop import DecoderTraining
    from nextgpt.training.decoder_recipes import recipe_of, scaled

    keep_buffers()
    recipe = scaled(recipe_of(preset, modality), scale)
    torch.set_num_threads(threads)
    work = work or cache_root() / "training" / "decoders" / modality
    output = output or decoder_folder(f"weights:{preset}/decoders/{modality}")
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    with Bars() as bars:
        items = nano_items(modality, recipe.num_items)
        training = DecoderTraining(
            recipe,
            items,
            work,
            output,
            waves=nano_waves(recipe.num_waves) if recipe.vocoder else None,
            layers=nano_layers(modality, recipe),
            phrases=nano_phrases(recipe) if recipe.playing else None,
            fetch=fetch_part,
            on_progress=bars,
        )
        done = training.run(until)
    typer.echo(f"Wrote {output}." if done is not None else f"Stopped; the state is in {work}.")


class Bars:
    """One progress bar a name; called as bars(name, done, total)."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress, self.tasks = Progress(*columns), dict[str, Any]()

    def __enter__(self) -> "Bars":
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def __call__(self, name: str, done: int, total: int) -> None:
        if name not in self.tasks:
            self.tasks[name] = self.progress.add_task(name, total=total)
        self.progress.update(self.tasks[name], completed=done)


def nano_items(modality: str, num_items: int) -> Callable[[], Iterator[tuple[Any, str]]]:
    """The small world's settled training scenes of a modality, drawn, with their sentences."""
    from nextgpt.nano.settled import SETTLED

    source = SETTLED[modality]

    def items() -> Iterator[tuple[Any, str]]:
        for item in source.items("train", num_items):
            yield source.render(item.scene), item.caption

    return items


def nano_layers(modality: str, recipe: Any) -> Callable[[], Iterator[Any]]:
    """What each of these scenes holds, for a reader that takes sentences apart."""
    from nextgpt.nano.settled import SETTLED

    source, reader = SETTLED[modality], recipe.architecture.reader
    return lambda: (source.truth(item.scene, reader) for item in source.items("train", recipe.num_items))


def nano_phrases(recipe: Any) -> tuple[Callable[[], Iterator[Any]], Callable[[], Iterator[Any]]]:
    """Sounds of phrases that no sentence asks for, and their scores."""
    from nextgpt.nano.free_phrases import free_phrases
    from nextgpt.nano.settled_scores import settled_score
    from nextgpt.nano.sounds import render_sound

    number, reader = recipe.num_phrases, recipe.architecture.reader

    def sounds() -> Iterator[tuple[Any, str]]:
        return ((render_sound(scene), "") for scene in free_phrases(number, reader))

    def scores() -> Iterator[Any]:
        return (settled_score(scene, reader) for scene in free_phrases(number, reader))

    return sounds, scores


def nano_waves(num_waves: int) -> Callable[[], Iterator[tuple[Any, str]]]:
    """What a vocoder learns from: settled sounds and any notes of the training soundfonts."""
    from nextgpt.nano.settled_sounds import vocoder_scenes
    from nextgpt.nano.sounds import render_sound

    return lambda: ((render_sound(scene), "") for scene in vocoder_scenes(num_waves))
