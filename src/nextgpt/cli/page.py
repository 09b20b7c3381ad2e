"""A conversation as a folder: index.html, its media beside it under relative paths, and conversation.json."""

import html
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from nextgpt.media import Medium
from nextgpt.messages import ContentPart, Message, TextPart, media_part, message_to_dict
from nextgpt.modalities import MODALITIES

SHOWN_BY_BROWSERS = {
    "image": {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"},
    "audio": {".wav", ".mp3", ".ogg", ".flac", ".m4a"},
    "video": {".mp4", ".webm"},
}
TAGS = {
    "image": '<img src="{source}" alt="{name}">',
    "audio": '<audio controls src="{source}"></audio>',
    "video": '<video controls loop muted playsinline src="{source}"></video>',
}
LINK = '<a href="{source}">{name}</a>'  # of a modality that browsers do not know
STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #22211f; --faint: #8a867f; --user: #e9e5dd; }
@media (prefers-color-scheme: dark) { :root { --paper: #191817; --ink: #e9e6e1; --user: #2b2926; } }
body { margin: 0 auto; max-width: 46rem; padding: 2.5rem 1.25rem; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif; }
article { margin: 1.4rem 0; }
article.user { background: var(--user); border-radius: .8rem; padding: .7rem 1.1rem; margin-left: 15%; }
p { margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: .7rem 0; }
img, video { display: block; width: 16rem; max-width: 100%; border-radius: .5rem; }
audio { display: block; width: 100%; }
figcaption, footer, h2 { color: var(--faint); font-size: .8rem; font-weight: 500; margin: .2rem 0; }
h2 { text-transform: uppercase; letter-spacing: .06em; }
"""


def write_conversation(messages: Sequence[Message], folder: Path, title: str = "nextgpt") -> Path:
    """Save the conversation into the folder; returns index.html."""
    placed = [_placed(message, folder, number) for number, message in enumerate(messages, 1)]
    values = [message_to_dict(message, folder) for message in placed]
    text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
    (folder / "conversation.json").write_text(text, "utf-8")
    page = folder / "index.html"
    page.write_text(render(placed, title), "utf-8")
    return page


def medium_name(message: int, number: int) -> str:
    """File name of the number-th medium of a message, both counted from 1."""
    return f"{message}-{number}"


def _placed(message: Message, folder: Path, number: int) -> Message:
    count = 0
    content: list[ContentPart] = []
    for part in message.content:
        count += not isinstance(part, TextPart)
        content.append(place(part, folder, medium_name(number, count)))
    return Message(message.role, tuple(content))


def place(part: ContentPart, folder: Path, name: str) -> ContentPart:
    """The part with its medium in the folder, in a format that browsers show."""
    if isinstance(part, TextPart) or (part.media.path and part.media.path.parent == folder):
        return part
    modality, path = str(part.modality), part.media.path
    if path is not None and path.suffix.lower() in SHOWN_BY_BROWSERS.get(modality, ()):
        target = folder / f"{name}{path.suffix.lower()}"
        shutil.copyfile(path, target)
    else:
        target = save_part(part.media, modality, folder, name, part.seed)
    return media_part(MODALITIES[modality].media_type.from_path(target), seed=part.seed)


def save_part(medium: Medium, modality: str, folder: Path, name: str, seed: int | None = None) -> Path:
    """Write a PNG, WAV or MP4. The seed is stored inside the file."""
    metadata: dict[str, str | int] = (
        {"software": "nextgpt"} if seed is None else {"software": "nextgpt", "seed": seed}
    )
    return medium.save(folder / f"{name}.{MODALITIES[modality].file_suffix}", metadata)


def render(messages: Sequence[Message], title: str) -> str:
    """The page. Media must lie in the page's folder."""
    body = "\n".join(_article(message) for message in messages)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n{body}\n<footer>made with nextgpt</footer>\n</html>\n"
    )


def _article(message: Message) -> str:
    parts = "\n".join(_part(part) for part in message.content)
    return f'<article class="{message.role}">\n<h2>{message.role}</h2>\n{parts}\n</article>'


def _part(part: ContentPart) -> str:
    if isinstance(part, TextPart):
        return f"<p>{html.escape(part.text.strip())}</p>"
    path = part.media.path
    assert path is not None, "place() puts every medium into a file"
    tag = TAGS.get(str(part.modality), LINK).format(
        source=html.escape(quote(path.name)), name=html.escape(path.name)
    )
    caption = "" if part.seed is None else f"<figcaption>{path.name} · seed {part.seed}</figcaption>"
    return f"<figure>{tag}{caption}</figure>"
