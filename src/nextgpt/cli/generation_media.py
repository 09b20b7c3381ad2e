"""Media of an evaluation on disk: made once each, lossless, found again when a run goes on.

<out>/media/<modality>-<split>/<id>.png     a picture, or a clip as a film strip (H, F * W)
<out>/media/audio-<split>/<id>.flac
<out>/settings-<modality>.json              decoder, steps, guidance, seed: media of others are not mixed in
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextgpt.cli.requests import seed_of
from nextgpt.errors import ConfigError

AT_ONCE = 8
RATE = 16_000


def item_seed(item: Any, seed: int) -> int:
    """One seed a sample: nothing is selected."""
    return seed_of(f"{seed}:{item.id}")


@dataclass(frozen=True)
class Kept:
    """How media of a modality are read by judges, and lie on disk: array(medium), save(array, path), load(path);
    on a page it is shown as the tag of `shown`."""

    suffix: str
    array: Callable[[Any], np.ndarray]
    save: Callable[[np.ndarray, Path], None]
    load: Callable[[Path], np.ndarray]
    shown: str = "image"


def save_picture(picture: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path, "PNG")


def load_picture(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def save_clip(frames: np.ndarray, path: Path) -> None:
    save_picture(np.concatenate(list(frames), axis=1), path)


def load_clip(path: Path) -> np.ndarray:
    strip = load_picture(path)
    return np.stack(np.split(strip, strip.shape[1] // strip.shape[0], axis=1))


def save_sound(samples: np.ndarray, path: Path) -> None:
    import soundfile

    soundfile.write(path, np.clip(samples, -1, 1), RATE, format="FLAC", subtype="PCM_16")


def load_sound(path: Path) -> np.ndarray:
    import soundfile

    return np.asarray(soundfile.read(path, dtype="float32")[0])


KEPT = {
    "image": Kept("png", lambda medium: np.asarray(medium.array()), save_picture, load_picture),
    "video": Kept("png", lambda medium: np.asarray(medium.frames(medium.num_frames)), save_clip, load_clip),
    "audio": Kept(
        "flac",
        lambda medium: np.asarray(medium.samples(RATE), np.float32),
        save_sound,
        load_sound,
        "audio",
    ),
}
SUFFIX = {modality: kept.suffix for modality, kept in KEPT.items()}


def array_of(modality: str, medium: Any) -> np.ndarray:
    """A decoder's medium as what judges read."""
    return KEPT[modality].array(medium)


def save_array(modality: str, array: np.ndarray, path: Path) -> None:
    partial = path.with_name(f".{path.name}.tmp")
    KEPT[modality].save(array, partial)
    partial.replace(path)


def load_array(modality: str, path: Path) -> np.ndarray:
    return KEPT[modality].load(path)


def media_path(out: Path, modality: str, item: Any) -> Path:
    return out / "media" / f"{modality}-{item.split}" / f"{item.id}.{SUFFIX[modality]}"


def make_media(
    decoder: Callable[[], Any],
    modality: str,
    items: Sequence[Any],
    out: Path,
    options: dict[str, Any],
    track: Callable[[Iterable[Any]], Iterable[Any]],
) -> None:
    """Make what is not there. decoder: opens it, if there is something to make. options: steps, guidance, seed."""
    todo = [item for item in items if not media_path(out, modality, item).exists()]
    if not todo:
        return
    made_by = decoder()
    for folder in {media_path(out, modality, item).parent for item in todo}:
        folder.mkdir(parents=True, exist_ok=True)
    for start in track(range(0, len(todo), AT_ONCE)):
        some = todo[start : start + AT_ONCE]
        media = made_by.decode(
            made_by.encode_prompt([item.caption for item in some]),
            seeds=[item_seed(item, options["seed"]) for item in some],
            steps=options["steps"],
            guidance=options["guidance"],
        )
        for item, medium in zip(some, media):
            save_array(modality, array_of(modality, medium), media_path(out, modality, item))


def rebuilt(decoder: Any, modality: str, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays through the autoencoder alone: what the decoder could reach at best."""
    made = []
    for start in range(0, len(arrays), AT_ONCE):
        latents = decoder.encode_media(arrays[start : start + AT_ONCE])
        made += [array_of(modality, medium) for medium in decoder.to_media(decoder.decode_latents(latents))]
    return made


def check_settings(out: Path, modality: str, settings: dict[str, Any]) -> None:
    """Remember what the media are made with. ConfigError if the folder holds media made otherwise."""
    path = out / f"settings-{modality}.json"
    if path.exists() and json.loads(path.read_text("utf-8")) != settings:
        raise ConfigError(
            f"{out} holds {modality} media made with other settings ({path.name}); choose another --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    partial.replace(path)
