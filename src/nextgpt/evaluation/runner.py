"""Running a task: data checked first, then the model asked batch by batch, resumable at any point, then scored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextgpt.errors import ConfigError, DataError, NextGPTError, NotTrainedError
from nextgpt.evaluation.answers import append, check_state, finished, join, read_lines
from nextgpt.evaluation.checking import Track, check_media
from nextgpt.evaluation.naming import digest, file_stem
from nextgpt.evaluation.plan import Group, chosen_rows, groups_of, seed_of
from nextgpt.evaluation.processes import Processes
from nextgpt.evaluation.tasks import Answered, Folder, Row, Task
from nextgpt.generation.options import GenerationOptions
from nextgpt.modalities import MODALITIES
from nextgpt.parts.hashing import file_sha256

MEDIA = "media"
OnDone = Callable[[int, int], None]


@dataclass(frozen=True)
class Settings:
    """limit: how many questions, None for all. prompt, max_new_tokens: the task's own where None."""

    limit: int | None = None
    batch_size: int = 8
    seed: int = 0
    prompt: str | None = None
    max_new_tokens: int | None = None
    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True)
class Prepared:
    """A task whose data were found good. folder: of this run's files; total: rows of the whole set."""

    task: Task
    data: Folder
    folder: Path
    settings: Settings
    rows: tuple[Row, ...]
    total: int

    @property
    def prompt(self) -> str:
        return self.settings.prompt if self.settings.prompt is not None else self.task.prompt

    @property
    def groups(self) -> list[Group]:
        return groups_of(self.rows, self.settings.batch_size)

    def options(self, row: Row) -> GenerationOptions:
        return GenerationOptions(
            seed=seed_of(row, self.settings.seed),
            max_new_tokens=self.settings.max_new_tokens or self.task.max_new_tokens,
            modalities=self.task.reply if self.task.makes_media else (),
            max_media=1,
            steps=self.settings.steps,
            guidance=self.settings.guidance,
        )

    def state(self, identity: str) -> dict[str, Any]:
        """What must be the same for answers to be reused; more questions or other batches are no matter."""
        settings = self.settings
        options = (settings.max_new_tokens, settings.steps, settings.guidance)
        files = {name: file_sha256(path) for name, path in sorted(self.data.used.items())}
        return {
            "task": self.task.name,
            "model": identity,
            "data": digest(*(f"{name} {value}" for name, value in files.items())),
            "prompt": self.prompt,
            "seed": settings.seed,
            "options": list(options),
        }


def prepare(
    task: Task,
    data: Path,
    folder: Path,
    settings: Settings,
    *,
    track: Track = iter,
    look: bool = True,
) -> Prepared:
    """Read the annotations and look at the media of the rows that will be asked. DataError, ConfigError.

    look: False leaves the media unseen, for processes beside the one that looks.
    """
    source = Folder(data, task.name, task.layout, task.source)
    source.check_layout()
    rows = list(_rows(task, source, settings))
    if not rows:
        raise DataError(f"The data of {task.name} in '{data}' have no row to ask; get them again.")
    chosen = chosen_rows(rows, settings.limit, settings.seed)
    if look:
        check_media(chosen, source, track)
    return Prepared(task, source, folder, settings, tuple(chosen), len(rows))


def _rows(task: Task, data: Folder, settings: Settings) -> list[Row]:
    prompt = settings.prompt if settings.prompt is not None else task.prompt
    try:
        return list(task.rows(data, prompt))
    except NextGPTError:
        raise
    except (KeyError, IndexError) as error:
        if settings.prompt is None:
            raise _unexpected(task, data, error) from None
        raise ConfigError(
            f"--prompt {prompt!r:.80} has the unknown field {error}; {task.name} has those of {task.prompt!r}."
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise _unexpected(task, data, error) from None


def _unexpected(task: Task, data: Folder, error: Exception) -> DataError:
    last = next(reversed(data.used), "the folder")
    return DataError(
        f"'{data.path / last}' is not of {task.name}'s official form "
        f"({type(error).__name__}: {error}); get it again from {task.source}."
    )


def answer(
    prepared: Prepared,
    open_model: Callable[[], Any],
    *,
    identity: str,
    processes: Processes | None = None,
    on_done: OnDone = lambda done, total: None,
) -> list[Answered]:
    """Ask what is not answered yet. Every process gets all answers, in the order of the rows."""
    processes = processes or Processes()
    done = processes.by_main(lambda: resume(prepared, identity))
    missing = [group for group in prepared.groups if group.key not in done]
    mine = missing[processes.rank :: processes.count]
    own: list[Any] = []
    count, total = len(prepared.rows) - sum(len(group.rows) for group in missing), len(prepared.rows)
    on_done(count, total)
    path = prepared.folder / f"answers-{processes.rank}.jsonl"
    for group in mine:
        lines = ask(group, open_model(), prepared)
        append(path, lines)
        own += lines
        count = min(total, count + processes.count * len(group.rows))
        on_done(count, total)
    gathered = processes.gather(own)
    return processes.by_main(lambda: collected(prepared, gathered))


def resume(prepared: Prepared, identity: str) -> set[str]:
    """Keys of the batches that are answered. Lines of unfinished ones are dropped from the disk."""
    (prepared.folder / MEDIA).mkdir(parents=True, exist_ok=True)
    check_state(prepared.folder, prepared.state(identity))
    whole = finished(prepared.groups, read_lines(prepared.folder))
    join(prepared.folder, [line for lines in whole.values() for line in lines])
    return set(whole)


def ask(group: Group, model: Any, prepared: Prepared) -> list[dict[str, Any]]:
    """Lines for one batch; its media are saved before they are given. NotTrainedError stops the run."""
    messages = [_message(row) for row in group.rows]
    good = [row for row, message in zip(group.rows, messages) if not isinstance(message, NextGPTError)]
    asked = [[message] for message in messages if not isinstance(message, NextGPTError)]
    results = iter(model.replies(asked, [prepared.options(row) for row in good]))
    lines = []
    for row, message in zip(group.rows, messages):
        result = message if isinstance(message, NextGPTError) else next(results)
        lines.append({"id": row.id, "batch": group.key, **_line(result, row, prepared.folder)})
    return lines


def _message(row: Row) -> Any:
    try:
        return row.message()
    except NextGPTError as error:
        return error


def _line(result: Any, row: Row, folder: Path) -> dict[str, Any]:
    if isinstance(result, NotTrainedError):
        raise result
    if isinstance(result, NextGPTError):
        return {"error": " ".join(str(result).split())}
    if result.message is None:
        return {"reply": "", "media": []}
    media = []
    for number, part in enumerate(result.message.media_parts, 1):
        suffix = MODALITIES[part.modality].file_suffix
        name = f"{MEDIA}/{file_stem(row.id)}-{number}.{suffix}"
        part.media.save(folder / name, {"software": "nextgpt", "seed": part.seed})
        media.append(name)
    return {"reply": result.message.text, "media": media}


def collected(prepared: Prepared, gathered: Sequence[Any]) -> list[Answered]:
    """All answers, joined into one file."""
    whole = finished(prepared.groups, [*read_lines(prepared.folder), *gathered])
    lines = [line for group in prepared.groups for line in whole[group.key]]
    join(prepared.folder, lines)
    return [_answered(row, line, prepared) for row, line in zip(prepared.rows, lines)]


def _answered(row: Row, line: Any, prepared: Prepared) -> Answered:
    reply = line.get("reply", "")
    media = tuple(prepared.folder / name for name in line.get("media", ()))
    return Answered(row, prepared.task.parse(reply, row), reply, media, line.get("error", ""))
