"""Judges of made media: right on true drawings and notes, wrong on wrong ones. Shapes and sine tones, no parts."""

import ast
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_decoders import text_folder, training  # noqa: F401

import nextgpt
from nextgpt.nano.clips import MOTIONS
from nextgpt.nano.media_judges.clips import judge_clip, read_clips
from nextgpt.nano.media_judges.distances import frechet_distance, kernel_distance, kernel_distance_spread
from nextgpt.nano.media_judges.gallery import Gallery, scale_of
from nextgpt.nano.media_judges.motion import clip_background, flicker, motion_of, track_of
from nextgpt.nano.media_judges.pictures import judge_picture, read_pictures
from nextgpt.nano.media_judges.segments import background, connected, cut_out, foreground, whole
from nextgpt.nano.settled_clips import settled_track
from nextgpt.nano.settled_pictures import PLACES, RELATIONS
from nextgpt.nano.sources import COLOURS, Thing
from nextgpt.nn.outputs import EncoderOutput
from nextgpt.parts import PARTS, is_complete

SIDE = 128
SHAPES = ("disc", "cross", "corner", "two dots", "bars")
DARK, LIGHT = (20, 60, 60), (240, 240, 200)


def shape(name: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Which points of the square -1..1 a shape covers."""
    inside = np.maximum(abs(u), abs(v)) <= 1
    covers = {
        "disc": u**2 + v**2 <= 1,
        "cross": np.minimum(abs(u), abs(v)) < 0.3,
        "corner": (u < -0.4) | (v > 0.4),
        "two dots": np.minimum((u - 0.6) ** 2, (u + 0.6) ** 2) + v**2 < 0.15,
        "bars": abs(v) > 0.5,
    }
    return inside & covers[name]


def draw(
    colour: str,
    *sprites: tuple[str, float, float, float],
    side: int = SIDE,
    angle: float = 0,
    opacity: float = 1,
) -> np.ndarray:
    """(name, x, y, size) on a colour; half of a shape is dark, half light. angle: degrees clockwise."""
    canvas = np.empty((side, side, 3), np.float32)
    canvas[:] = COLOURS[colour]
    v, u = np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2, indexing="ij")
    turn = np.deg2rad(angle)
    for name, x, y, size in sprites:
        a, b = (u - x) / size * 2, (v - y) / size * 2
        a, b = a * np.cos(turn) + b * np.sin(turn), b * np.cos(turn) - a * np.sin(turn)
        mask = shape(name, a, b)
        ink = np.where((a > 0)[..., None], DARK, LIGHT)
        canvas[mask] = opacity * ink[mask] + (1 - opacity) * canvas[mask]
    return canvas.round().astype(np.uint8)


def noisy(picture: np.ndarray, amount: float = 3.0) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, amount, picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


class Squint(torch.nn.Module):
    """A stand-in for the network: the picture, 12 pixels wide, less its mean."""

    class config:
        image_size, feature_dim = 96, 432

    def forward(self, pixels: torch.Tensor) -> EncoderOutput:
        small = torch.nn.functional.avg_pool2d(pixels[:, 0].float().permute(0, 3, 1, 2), 8).flatten(1)
        return EncoderOutput((small - small.mean(1, keepdim=True))[:, None], torch.ones(len(small), 1).bool())


class ShapeGallery(Gallery):
    def __init__(self) -> None:
        super().__init__([Thing(name, name, "none", "", name) for name in SHAPES], Squint())

    def _stored(self, colour: str, pixels: int) -> torch.Tensor:
        cuts = []
        for name in SHAPES:
            picture = draw(colour, (name, 0.5, 0.5, pixels / SIDE))
            found = background(picture)[1]
            cuts.append(cut_out(picture, whole(foreground(picture, found)).box, found))
        return torch.nn.functional.normalize(self.features(cuts), dim=-1)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return ShapeGallery()


# ---- segments


@pytest.mark.parametrize("colour", list(COLOURS))
def test_the_background_is_named_by_the_border(colour):
    name, found = background(noisy(draw(colour, ("disc", 0.5, 0.5, 0.8))))
    assert name == colour and np.abs(found - COLOURS[colour]).max() < 8


def test_a_thing_at_the_border_does_not_change_the_background():
    assert background(draw("blue", ("disc", 0.1, 0.5, 0.5)))[0] == "blue"


def test_specks_are_no_parts_and_nothing_has_none():
    picture = draw("green", ("disc", 0.3, 0.3, 0.4))
    picture[100:103, 100:103] = 0
    mask = foreground(picture, background(picture)[1])
    assert len(connected(mask)) == 1 and whole(mask).box[2] < 0.6
    empty = draw("green")
    assert not connected(foreground(empty, background(empty)[1]))
    assert whole(foreground(empty, background(empty)[1])).area == 0


# ---- pictures


def verdict(picture, kind, gallery, **slots):
    wanted = {"colour": "pink", "name_a": "disc", "name_b": "cross", "place": "centre", "size": "", **slots}
    (reading,) = read_pictures([noisy(picture)], [kind], gallery)
    return judge_picture(reading, wanted, kind, gallery)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("size", [0.4, 0.8])
def test_a_thing_is_named_and_another_is_not(gallery, name, size):
    picture = draw("pink", (name, 0.48, 0.52, size))
    right = verdict(picture, "single", gallery, name_a=name)
    assert right["image-name-first"] and right["image-name-five"] and right["image-colour"]
    other = SHAPES[SHAPES.index(name) - 1]
    wrong = verdict(picture, "single", gallery, name_a=other, colour="white")
    assert not wrong["image-name-first"] and not wrong["image-colour"] and wrong["seen"]["rank"] > 1


def test_an_empty_picture_is_judged_and_wrong(gallery):
    for kind, slots in (
        ("count", {"count": "two"}),
        ("pair", {"relation": "left"}),
        ("between", {"name_c": "bars"}),
    ):
        judged = verdict(draw("pink"), kind, gallery, **slots)
        assert not any(right for task, right in judged.items() if task not in ("image-colour", "seen"))
    assert verdict(draw("pink"), "single", gallery)["seen"]["parts"] == 1


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("name", ["disc", "two dots", "bars"])
def test_things_are_counted_and_pieces_are_not(gallery, name, number):
    """A thing of two pieces is one; one more or one less is wrong."""
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))[:number]
    picture = draw("pink", *((name, x, y, 0.44) for x, y in places))
    words = ["one", "two", "three", "four", "five"]
    assert [verdict(picture, "count", gallery, count=word)["image-count"] for word in words] == [
        word == words[number - 1] for word in words
    ]


@pytest.mark.parametrize("relation", list(RELATIONS))
def test_a_relation_is_read_and_its_opposite_is_not(gallery, relation):
    a, b = (PLACES[place] for place in RELATIONS[relation])
    picture = draw("pink", ("disc", *a, 0.44), ("cross", *b, 0.44))
    assert verdict(picture, "pair", gallery, relation=relation)["image-relation"]
    assert verdict(picture, "pair", gallery, relation=relation)["image-pair-five"]
    swapped = draw("pink", ("cross", *a, 0.44), ("disc", *b, 0.44))
    assert not verdict(swapped, "pair", gallery, relation=relation)["image-relation"]
    twice = draw("pink", ("disc", *a, 0.44), ("disc", *b, 0.44))
    assert not verdict(twice, "pair", gallery, relation=relation)["image-relation"]
    alone = draw("pink", ("disc", *a, 0.44))
    assert not verdict(alone, "pair", gallery, relation=relation)["image-relation"]


def test_what_is_between_stands_in_the_middle(gallery):
    def row(*names):
        return draw("pink", *((name, x, 0.5, 0.3) for name, x in zip(names, (1 / 6, 0.5, 5 / 6))))

    slots = {"name_a": "disc", "name_b": "cross", "name_c": "corner"}
    assert verdict(row("cross", "disc", "corner"), "between", gallery, **slots)["image-between"]
    assert verdict(row("corner", "disc", "cross"), "between", gallery, **slots)["image-between"]
    assert not verdict(row("disc", "cross", "corner"), "between", gallery, **slots)["image-between"]
    assert not verdict(row("cross", "disc", "cross"), "between", gallery, **slots)["image-between"]


@pytest.mark.parametrize("place", list(PLACES))
def test_a_place_is_read(gallery, place):
    picture = draw("pink", ("disc", *PLACES[place], 0.44))
    judged = {other: verdict(picture, "single", gallery, place=other)["image-place"] for other in PLACES}
    assert judged == {other: other == place for other in PLACES}


@pytest.mark.parametrize(("size", "word"), [(0.4, "small"), (0.8, ""), (0.96, "large")])
def test_a_size_is_read(gallery, size, word):
    picture = draw("pink", ("disc", 0.5, 0.5, size))
    for asked in ("small", "large"):
        assert verdict(picture, "single", gallery, size=asked)["image-size"] == (asked == word)


def test_the_nearest_scale_is_a_ratio():
    assert [scale_of(pixels) for pixels in (0, 30, 44, 46, 75, 77, 300)] == [36, 36, 36, 56, 56, 104, 104]


# ---- clips


def clip_of(motion: str, colour: str = "orange", frames: int = 16, reach: float = 1.0) -> np.ndarray:
    from nextgpt.nano.clips import pose_at

    track, shown = settled_track("x", motion, reach), []
    for time in np.linspace(0, 1, frames):
        pose = pose_at(track, float(time))
        sprite = ("corner", pose.x, pose.y, pose.size)
        shown.append(draw(colour, sprite, side=64, angle=pose.angle, opacity=pose.opacity))
    return np.stack(shown)


def seen_motion(clip: np.ndarray) -> str:
    return motion_of(track_of(clip, clip_background(clip)[1]))


@pytest.mark.parametrize("motion", list(MOTIONS))
def test_a_motion_is_read_and_backwards_it_is_its_opposite(motion):
    opposite = {
        "left": "right", "up": "down", "clockwise": "counterclockwise", "grow": "shrink", "fade-in": "fade-out",
    }  # fmt: skip
    opposite |= {value: key for key, value in opposite.items()}
    clip = noisy(clip_of(motion))
    assert seen_motion(clip) == motion
    assert seen_motion(clip[::-1]) == opposite.get(motion, motion)
    assert seen_motion(noisy(clip_of(motion, frames=8))) == motion, "half a clip, as in two motions"


@pytest.mark.parametrize("motion", ["left", "right", "up", "down"])
def test_slow_things_move_too(motion):
    assert seen_motion(noisy(clip_of(motion, reach=0.5))) == motion


def test_an_empty_clip_is_still_and_its_thing_unknown(gallery):
    empty = np.stack([draw("red", side=64)] * 16)
    (reading,) = read_clips([empty], ["one"], gallery)
    assert reading.motions == ("still",) and reading.flicker == 0 and reading.colour == "red"


def test_a_clip_is_judged_as_a_whole(gallery):
    (reading,) = read_clips([noisy(clip_of("left"))], ["one"], gallery)
    slots = {"colour": "orange", "motion": "left", "name": "corner"}
    right = judge_clip(reading, slots, "one", gallery)
    assert all(
        right[f"video-{task}"] for task in ("colour", "motion", "direction", "name-first", "name-five")
    )
    wrong = judge_clip(reading, {"colour": "red", "motion": "up", "name": "disc"}, "one", gallery)
    assert not any(wrong[f"video-{task}"] for task in ("colour", "motion", "direction", "name-first"))


def test_two_motions_have_an_order_and_crossing_things_have_sides(gallery):
    then = np.concatenate([clip_of("grow", frames=8), clip_of("left", frames=8)])
    (reading,) = read_clips([then], ["then"], gallery)
    slots = {"colour": "orange", "motion": "grow", "second": "left", "name": "corner"}
    assert judge_clip(reading, slots, "then", gallery)["video-then"]
    turned = {**slots, "motion": "left", "second": "grow"}
    assert not judge_clip(reading, turned, "then", gallery)["video-then"]
    for motion, other in (("left", "right"), ("down", "up")):
        across = motion == "left"
        frames = []
        for t in np.linspace(-0.24, 0.24, 16):
            a, b = ((0.5 - t, 0.25), (0.5 + t, 0.75)) if across else ((0.25, 0.5 + t), (0.75, 0.5 - t))
            frames.append(draw("orange", ("corner", *a, 0.44), ("disc", *b, 0.44), side=64))
        (reading,) = read_clips([np.stack(frames)], ["crossing"], gallery)
        slots = {"colour": "orange", "motion": motion, "name": "corner"}
        assert judge_clip(reading, slots, "crossing", gallery)["video-crossing"]
        assert not judge_clip(reading, {**slots, "motion": other}, "crossing", gallery)["video-crossing"]


def test_flicker_is_measured_where_nothing_moves():
    clip = clip_of("left")
    colour = clip_background(clip)[1]
    assert flicker(clip, colour) == 0
    shaking = clip.astype(int) + np.where(np.arange(16) % 2, 4, 0)[:, None, None, None]
    assert flicker(np.clip(shaking, 0, 255).astype(np.uint8), colour) == pytest.approx(4, abs=1)
    assert flicker(np.zeros((4, 8, 8, 3), np.uint8), colour) is None


# ---- sounds

RATE = 16_000


def tone(*notes: tuple[float, float, float], seconds: float = 4.0) -> np.ndarray:
    """(start, seconds, MIDI) with three harmonics and a decay."""
    wave = np.zeros(round(seconds * RATE), np.float32)
    for start, length, midi in notes:
        time = np.arange(round(length * RATE)) / RATE
        hertz = 440 * 2 ** ((midi - 69) / 12)
        sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in (1, 2, 3)) * np.exp(-time) * 0.3
        fade = np.minimum(1, np.minimum(time, length - time) / 0.01)
        at = round(start * RATE)
        wave[at : at + len(time)] += (sound * fade).astype(np.float32)
    return wave


@pytest.fixture
def notes():
    pytest.importorskip("librosa")
    from nextgpt.nano.media_judges import notes

    return notes


@pytest.mark.parametrize("midi", [30, 45, 60, 69, 84, 96])
def test_pitch_is_read_to_a_tenth(notes, midi):
    assert notes.pitch(notes.pitches(tone((0.1, 1.5, midi)))) == pytest.approx(midi, abs=0.15)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(("length", "gap"), [(0.2, 0.3), (0.4, 0.55), (0.65, 0.78)])
def test_notes_are_counted(notes, number, length, gap):
    wave = tone(*((0.1 + gap * k, length, 62) for k in range(number)))
    noise = np.random.default_rng(0).normal(0, 2e-4, len(wave)).astype(np.float32)
    found = notes.onsets(wave + noise)
    assert len(found) == number and found == pytest.approx([0.1 + gap * k for k in range(number)], abs=0.06)


def test_scales_rise_and_fall(notes):
    rising = [(0.1 + 0.55 * k, 0.4, 60 + step) for k, step in enumerate((0, 2, 4, 5, 7))]
    assert notes.slope(notes.pitches(tone(*rising))) > 1
    falling = [(start, length, 127 - midi) for start, length, midi in rising]
    assert notes.slope(notes.pitches(tone(*falling))) < -1
    assert abs(notes.slope(notes.pitches(tone((0.1, 2, 60))))) < 0.1


def test_silence_is_nothing(notes):
    silence = np.zeros(4 * RATE, np.float32)
    heights = notes.pitches(silence)
    assert len(notes.onsets(silence)) == 0 and np.isnan(notes.pitch(heights)) and notes.slope(heights) == 0


def test_a_sound_is_judged_by_its_slots(notes):
    from nextgpt.nano.media_judges.sounds import SoundReading, judge_sound

    reading = SoundReading(("brass", "brass", "reed"), "Crow", 0.9, (0.1, 0.6), 60.4, 2.0)
    slots = {"kind": "note", "first": "tuba", "family": "brass", "second_family": "reed", "count": "two", "note": "61",
             "direction": "up"}  # fmt: skip
    right = judge_sound(reading, slots)
    assert right["audio-family"] and right["audio-pitch"] and right["audio-count"]
    wrong = judge_sound(reading, {**slots, "family": "reed", "note": "62", "count": "one"})
    assert not (wrong["audio-family"] or wrong["audio-pitch"] or wrong["audio-count"])
    assert not judge_sound(replace(reading, pitch=float("nan")), slots)["audio-pitch"]
    for direction in ("up", "down"):
        scale = {**slots, "kind": "scale", "direction": direction}
        assert judge_sound(reading, scale)["audio-direction"] == (direction == "up")
    assert judge_sound(reading, {**slots, "kind": "sequence"})["audio-sequence"]
    turned = {**slots, "kind": "sequence", "family": "reed", "second_family": "brass"}
    assert not judge_sound(reading, turned)["audio-sequence"]


def test_effects_count_where_the_true_sound_is_agreed(notes):
    from nextgpt.nano.media_judges.sounds import SoundReading, judge_sound

    made, slots = SoundReading(("",), "Caw", 0.5, (), 0.0, 0.0), {"kind": "effect", "first": "crow"}
    assert judge_sound(made, slots, replace(made, label="Crow"))["audio-effect"]
    assert not judge_sound(replace(made, label="Dog"), slots, replace(made, label="Crow"))["audio-effect"]
    unheard = judge_sound(made, slots, replace(made, label="Rain"))
    assert "audio-effect" not in unheard and not unheard["audio-effect-same"]


@pytest.mark.skipif(not is_complete(PARTS["yamnet"]), reason="YAMNet is not in the cache")
def test_a_label_is_no_silence(notes):
    from nextgpt.nano.media_judges.sounds import SoundGallery

    gallery = SoundGallery([])
    wave = np.zeros(4 * RATE, np.float32)
    wave[: RATE // 2] = np.random.default_rng(0).normal(0, 0.2, RATE // 2)
    features, scores = gallery.look(wave)
    assert features.shape == (1024,) and scores.shape == (521,)
    label, score = gallery.label_of(scores)
    assert label != "Silence" and 0 < score < 1


# ---- distances


def test_distances_are_nought_for_one_world_and_grow_with_the_gap():
    rng = np.random.default_rng(0)
    first, second = (rng.normal(0, 1, (600, 8)) for _ in range(2))
    near, far = rng.normal(0.3, 1, (600, 8)), rng.normal(1, 1, (600, 8))
    kernel = [kernel_distance(first, other) for other in (second, near, far)]
    assert abs(kernel[0]) < 4 * kernel_distance_spread(first, second) and kernel[0] < kernel[1] < kernel[2]
    frechet = [frechet_distance(first, other) for other in (second, near, far)]
    assert frechet[0] < 0.2 < frechet[1] < frechet[2]


def test_frechet_distance_of_known_gaussians():
    """|m|^2 + sum (s - t)^2 for independent columns; rows are made to have just those moments."""
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (400, 3))
    rows = (rows - rows.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    other = rows * (1, 2, 3) + (1, 0, 2)
    assert frechet_distance(rows, other) == pytest.approx(1 + 4 + 0 + 1 + 4)


def test_the_kernel_distance_is_unbiased():
    """By its definition, with loops."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(0, 1, (5, 3)), rng.normal(1, 1, (4, 3))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    inner = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    outer = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    across = np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(inner + outer - 2 * across)


# ---- apart from what trains

OPENED: list[str] = []
LISTENING = False


def listen(event: str, arguments: tuple) -> None:
    if LISTENING and event in ("open", "import"):
        OPENED.append(str(arguments[0]))


sys.addaudithook(listen)


@pytest.mark.parametrize("modality", ["image", "video", "audio"])
def test_training_and_decoding_open_no_judge(modality, tmp_path, text_folder, monkeypatch):  # noqa: F811
    """Traced while a decoder is trained, reopened and sampled from: files, modules, parts. The cache is empty, so that
    weights which a compiled library would open unseen are not there, and asking for them is seen."""
    global LISTENING
    from nextgpt import parts
    from nextgpt.nn.decoders import open_decoder

    fetched: list[str] = []
    monkeypatch.setenv("NEXTGPT_CACHE", str(tmp_path / "cache"))
    for module in (parts, parts.store):
        monkeypatch.setattr(module, "fetch_part", lambda name, *rest, **more: fetched.append(str(name)))
    for name in [name for name in sys.modules if "media_judges" in name or name.startswith("librosa")]:
        monkeypatch.delitem(sys.modules, name)
    OPENED.clear()
    LISTENING = True
    try:
        job = training(modality, tmp_path / modality, text_folder)
        job.run()
        decoder = open_decoder(job.output, lambda part: text_folder)
        decoder.decode(decoder.encode_prompt(["a red cat"]), seeds=[1])
        imported = sorted(sys.modules)
    finally:
        LISTENING = False
    assert any("model_index.json" in name for name in OPENED), "the trace sees files"
    words = ("lite0", "yamnet", "media_judges", "librosa")
    assert not [name for name in (*OPENED, *imported) if any(word in name for word in ("media_judges",))]
    assert not [name for name in OPENED if any(word in name for word in words)]
    assert not fetched and not (tmp_path / "cache").exists()


JUDGING = ("nano/media_judges/", "nano/matrix/", "evaluation/extractors/")


def test_only_the_evaluation_knows_the_judges():
    """No file but the judges, the verbs, the matrix and the extractors imports them or names their network."""
    package = Path(nextgpt.__file__).parent
    allowed = {"cli/generation_scores.py", "cli/generation_report.py"}
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).as_posix()
        if inside.startswith(JUDGING) or inside in allowed:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        ]
        assert not [name for name in names if "media_judges" in name], inside
        text = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert "efficientnet-lite0" not in text, inside
    assert PARTS["efficientnet-lite0"].group == "evaluation"
