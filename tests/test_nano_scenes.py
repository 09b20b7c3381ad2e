"""Pictures and clips: what is drawn is what the caption says."""

import json
import random

import numpy as np
import pytest

from nextgpt.errors import DataError
from nextgpt.nano import captions, split
from nextgpt.nano.clips import MOTIONS, ClipScene, Pose, Track, render_clip, sample_clip_scene
from nextgpt.nano.scenes import KINDS, ImageScene, Sprite, render_image, sample_image_scene
from nextgpt.nano.sources import COLOURS, STYLE_PARTS, is_held_out_label, key_of_name, load_rgba, things
from nextgpt.parts import PARTS, is_complete

PARTS_NEEDED = (*STYLE_PARTS.values(), "unicode-emoji")
pytestmark = pytest.mark.skipif(
    not all(is_complete(PARTS[name]) for name in PARTS_NEEDED), reason="drawings are not in the cache"
)
APPLE, CAT, ROCKET = "1f34e", "1f408", "1f680"


def changed(picture: np.ndarray, colour: str) -> np.ndarray:
    """Where the picture is not its background."""
    return np.abs(picture.astype(int) - COLOURS[colour]).max(axis=-1) > 12


def num_islands(mask: np.ndarray) -> int:
    """Connected parts, by flooding."""
    left, islands = {tuple(point) for point in np.argwhere(mask)}, 0
    while left:
        islands += 1
        border = [left.pop()]
        while border:
            y, x = border.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            border += near
    return islands


def centroid(mask: np.ndarray) -> tuple[float, float]:
    y, x = np.argwhere(mask).mean(axis=0)
    return float(x), float(y)


def test_styles_have_names() -> None:
    assert len(things("fluent-3d")) > 1350
    for style in STYLE_PARTS:
        names = {thing.code: thing.name for thing in things(style)}
        assert names[APPLE] == "red apple" and names[CAT] == "cat"
        art = load_rgba(style, CAT)
        assert art.mode == "RGBA" and 100 < max(art.size) <= 256
    assert is_held_out_label("Bell") and not is_held_out_label("Violin")
    assert key_of_name("violin") == "1f3bb" and key_of_name("clarinet") == "clarinet"


def test_unknown_thing_is_a_sentence() -> None:
    scene = ImageScene("single", "flat", "blue", (Sprite("ffff", 0.5, 0.5, 0.5),))
    with pytest.raises(DataError, match="draws no ffff"):
        captions.image_slots(scene)


def test_background_and_place() -> None:
    for place in ("left", "right", "top", "bottom"):
        rng = random.Random(place)
        scene = sample_image_scene(rng, "single", "train", "noto", place=place)
        picture = render_image(scene, 64)
        assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
        x, y = centroid(changed(picture, scene.colour))
        assert {"left": x < 28, "right": x > 36, "top": y < 28, "bottom": y > 36}[place]
        corner = picture[-1 if y < 32 else 0, -1 if x < 32 else 0]
        assert tuple(corner) == COLOURS[scene.colour]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_count_is_the_number_of_islands(count: int) -> None:
    rng = random.Random(count)
    apple = next(thing for thing in things("fluent-3d") if thing.code == APPLE)
    for _ in range(200):
        scene = sample_image_scene(rng, "count", "train", "fluent-3d", apple)
        if len(scene.sprites) == count:
            break
    else:
        pytest.skip(f"{count} apples are held out")
    assert num_islands(changed(render_image(scene, 128), scene.colour)) == count


@pytest.mark.parametrize("seed", range(12))
def test_pair_relation(seed: int) -> None:
    scene = sample_image_scene(random.Random(seed), "pair", "train", "flat")
    first, second = scene.sprites
    assert {
        "left": first.x < second.x - 0.3,
        "right": first.x > second.x + 0.3,
        "above": first.y < second.y - 0.3,
        "below": first.y > second.y + 0.3,
    }[scene.relation]


def test_image_captions_golden() -> None:
    def caption(*args, **kwargs) -> set[str]:  # type: ignore[no-untyped-def]
        scene = ImageScene(*args, **kwargs)
        return {captions.image_caption(scene, random.Random(seed)) for seed in range(60)}

    apple, cat = Sprite(APPLE, 0.5, 0.5, 0.6), Sprite(CAT, 0.5, 0.5, 0.6)
    single = caption("single", "flat", "blue", (apple,), place="centre")
    assert {"a red apple on a blue background", "a drawing of a red apple on blue"} <= single
    placed = caption("single", "flat", "orange", (apple,), place="left")
    assert "a red apple on the left on an orange background" in placed
    assert "two cats on a green background" in caption("count", "flat", "green", (cat, cat))
    pair = caption("pair", "flat", "white", (cat, apple), relation="left")
    assert "a cat to the left of a red apple on white" in pair


def test_slots() -> None:
    sprites = (Sprite(CAT, 0.3, 0.5, 0.4), Sprite(APPLE, 0.7, 0.5, 0.4))
    scene = ImageScene("pair", "noto", "white", sprites, relation="left")
    assert captions.image_slots(scene) == {
        "name_a": "cat",
        "count": "one",
        "name_b": "red apple",
        "relation": "left",
        "colour": "white",
        "place": "",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_scene_json_round_trip_and_determinism(kind: str) -> None:
    scene = sample_image_scene(random.Random(5), kind, "train", "noto")
    again = ImageScene.from_dict(json.loads(json.dumps(scene.to_dict())))
    assert again == scene == sample_image_scene(random.Random(5), kind, "train", "noto")
    assert np.array_equal(render_image(again, 64), render_image(scene, 64))


@pytest.mark.parametrize("kind", KINDS)
def test_style_is_checked(kind: str) -> None:
    with pytest.raises(DataError, match="only evaluates"):
        sample_image_scene(random.Random(0), kind, "train", split.HELD_OUT_STYLE)


@pytest.mark.parametrize("motion", MOTIONS)
def test_motion_is_seen(motion: str) -> None:
    scene = sample_clip_scene(random.Random(motion), "train", "fluent-3d", motion=motion)
    frames = render_clip(scene, 64)
    assert frames.shape == (16, 64, 64, 3)
    masks = [changed(frame, scene.colour) for frame in frames]
    areas = [int(mask.sum()) for mask in masks]
    if motion in ("left", "right", "up", "down"):
        (x0, y0), (x1, y1) = centroid(masks[0]), centroid(masks[-1])
        moved = {"left": x0 - x1, "right": x1 - x0, "up": y0 - y1, "down": y1 - y0}[motion]
        assert moved > 15
    if motion in ("grow", "fade-in"):
        assert areas[-1] > 2 * areas[0]
    if motion in ("shrink", "fade-out"):
        assert areas[0] > 2 * areas[-1]
    if motion == "bounce":
        heights = [centroid(mask)[1] for mask in masks]
        assert max(heights) - min(heights) > 15
    assert (motion == "still") == np.array_equal(frames[0], frames[8])


def test_rotation_has_its_direction() -> None:
    """A needle that points up points right after a quarter of a turn clockwise."""
    pose = Pose(0.5, 0.5, 0.6)
    quarter = ClipScene("noto", "white", (Track(ROCKET, "clockwise", pose, Pose(0.5, 0.5, 0.6, angle=90)),))
    first, last = render_clip(quarter, 64, frames=2)
    turned = np.rot90(first, k=-1)
    assert np.abs(turned.astype(int) - last).mean() < np.abs(first.astype(int) - last).mean() / 3


def test_video_caption_golden() -> None:
    pose = Pose(0.5, 0.5, 0.5)
    scene = ClipScene("flat", "black", (Track(ROCKET, "left", pose, pose),))
    said = {captions.video_caption(scene, random.Random(seed)) for seed in range(60)}
    assert {
        "a rocket moving left on a black background",
        "an animation of a rocket moving left on black",
    } <= said
    assert captions.video_slots(scene) == {
        "name": "rocket",
        "motion": "moving",
        "direction": "left",
        "colour": "black",
    }
    assert ClipScene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene
