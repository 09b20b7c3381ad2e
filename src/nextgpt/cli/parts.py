"""nextgpt parts: what there is, fetch it, check it, delete it."""

from typing import Annotated

import typer

from ..errors import PartError
from ..parts import PARTS, Part, fetch_part, get_part, is_complete, part_folder
from ..parts.lock import GROUPS

app = typer.Typer(help="Pretrained parts and data: list, pull, verify, clean.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of parts, see `list`.")]


@app.command("list")
def list_parts() -> None:
    """Show every part: what it is, its licence, its size and whether it is in the cache."""
    from rich.console import Console
    from rich.table import Table

    from ..parts.progress import format_size

    table = Table(box=None, pad_edge=False)
    for header in ("part", "licence", "download", "state"):
        table.add_column(header, no_wrap=True)
    table.add_column("what")
    for part in PARTS.values():
        licence = part.licence if part.commercial else f"{part.licence} (non-commercial)"
        table.add_row(part.name, licence, format_size(part.size), _state(part), part.role)
    Console().print(table)


@app.command()
def pull(
    names: Names = None,
    nano: Annotated[bool, typer.Option("--nano", help="What the nano model and its demo need.")] = False,
    data: Annotated[bool, typer.Option("--data", help="What the nano model's data are made of.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every part.")] = False,
) -> None:
    """Fetch parts into the cache; those that are there already are left alone."""
    from ..parts.fetchers import check_clients
    from ..parts.progress import format_size

    parts = _chosen(names or [], {"nano": nano, "data": data, "all": everything})
    missing = [part for part in parts if not is_complete(part)]
    check_clients(missing)
    typer.echo(f"{len(missing)} of {len(parts)} parts to fetch, {format_size(sum(p.size for p in missing))}")
    for part in parts:
        typer.echo(f"{part.name}  {fetch_part(part)}")


@app.command()
def verify(names: Names = None) -> None:
    """Hash the files of parts (without names: of all in the cache) again; exit code 1 if any changed."""
    from ..parts.hashing import differences

    chosen = [get_part(name) for name in names] if names else [p for p in PARTS.values() if is_complete(p)]
    damaged = False
    for part in chosen:
        problems = differences(part_folder(part)) if is_complete(part) else ["not in the cache"]
        damaged |= bool(problems)
        typer.echo(f"{part.name}  {_summary(problems)}")
    if damaged:
        typer.echo("Run `nextgpt parts clean NAME` and `nextgpt parts pull NAME` for those.", err=True)
        raise typer.Exit(1)


@app.command()
def clean(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Every part, also of earlier versions.")] = False,
) -> None:
    """Delete parts from the cache and say how much was freed."""
    from ..parts.progress import format_size
    from ..parts.store import clean_part, clean_unknown

    freed = clean_unknown() if everything else 0
    for part in _chosen(names or [], {"all": everything}):
        size = clean_part(part)
        freed += size
        if size:
            typer.echo(f"{part.name}  {format_size(size)}")
    typer.echo(f"freed {format_size(freed)}")


# option -> groups of parts.lock
OPTION_GROUPS = {"nano": ("nano", "demo"), "data": ("data",), "all": GROUPS}


def _chosen(names: list[str], options: dict[str, bool]) -> list[Part]:
    """The named parts, then those of the options that were given, each once.

    Raises:
        PartError: nothing was chosen, or an unknown name.
    """
    groups = {group for option, given in options.items() if given for group in OPTION_GROUPS[option]}
    chosen = {name: get_part(name) for name in names}
    chosen |= {part.name: part for part in PARTS.values() if part.group in groups}
    if not chosen:
        raise PartError(f"name one or more parts, or give {', '.join('--' + name for name in options)}.")
    return list(chosen.values())


def _state(part: Part) -> str:
    """Size in the cache, or what stands against fetching it."""
    from ..parts.fetchers import find_client
    from ..parts.progress import folder_size, format_size

    if is_complete(part):
        return f"ready, {format_size(folder_size(part_folder(part)))}"
    try:
        find_client(part)
    except PartError:
        return f"no client for {part.address.scheme}:"
    return "not fetched"


def _summary(problems: list[str]) -> str:
    """All well, or the first three problems."""
    if not problems:
        return "ok"
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "DAMAGED: " + ", ".join(problems[:3]) + more
