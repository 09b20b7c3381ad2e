"""Every benchmark on a small folder in its official layout: rows, messages, result files; and data at fault."""

import json
import shutil
from pathlib import Path

import pytest
from benchmark_data import MAKERS, clip, make, picture, sound

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.runner import Settings, answer, prepare
from nextgpt.evaluation.tasks import TASKS
from nextgpt.evaluation.tasks.choices import chosen, listed
from nextgpt.evaluation.tasks.span import Frames, Span
from nextgpt.media import Image, Video
from nextgpt.messages import ImagePart, TextPart, VideoPart
from nextgpt.testing.speakers import Knowing, Painter, Speaker

ROWS = {"vqav2": 3, "okvqa": 3, "mmbench": 3, "mvbench": 40}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """task -> folder with its data; tests that damage files copy it."""
    root = tmp_path_factory.mktemp("benchmarks")
    return {task: make(task, root / task) for task in MAKERS}


def prepared(task, data, out, **settings):
    return prepare(TASKS[task], data, out, Settings(batch_size=2, **settings))


def results(task, data, out, model, name="results.json"):
    ready = prepared(task, data, out)
    answered = answer(ready, lambda: model, identity="model")
    return json.loads(json.dumps(ready.task.files(answered)[name]))


def test_every_task_has_a_data_set_here():
    assert MAKERS.keys() == TASKS.keys()


@pytest.mark.parametrize("task", TASKS)
def test_rows_become_messages_and_replies_answers(task, made, tmp_path):
    ready = prepared(task, made[task], tmp_path)
    assert len(ready.rows) == ready.total == ROWS.get(task, 2)
    model = Painter() if ready.task.makes_media else Speaker(lambda text: "A.")
    answered = answer(ready, lambda: model, identity="model")
    for one in answered:
        message = one.row.message()
        assert message.text and one.row.expected and not one.error
        kinds = [str(part.modality) for part in message.content]
        assert kinds == ["text"] if ready.task.makes_media else len(kinds) == 2 and kinds[1] == "text"
        assert bool(one.media) == ready.task.makes_media
    files = json.loads(json.dumps(ready.task.files(answered)))
    assert all(len(json.dumps(content)) > 10 for content in files.values())


# ---- result files, as the benchmarks want them


def test_results_of_vqa_are_those_of_its_site(made, tmp_path):
    model = Knowing({"Where": "down", "sunny": "Yes", "cups": "2"})
    found = results("vqav2", made["vqav2"], tmp_path, model)
    assert sorted(found, key=lambda one: one["question_id"]) == [
        {"question_id": 262148000, "answer": "down"},
        {"question_id": 262148001, "answer": "Yes"},
        {"question_id": 393225000, "answer": "2"},
    ]


def test_results_of_vizwiz_name_the_image(made, tmp_path):
    found = results("vizwiz", made["vizwiz"], tmp_path, Speaker(lambda text: " unanswerable\n"))
    assert {one["image"]: one["answer"] for one in found}["VizWiz_val_00000001.jpg"] == "unanswerable"


def test_answers_of_gqa_are_lower_case_without_a_full_stop(made, tmp_path):
    found = results("gqa", made["gqa"], tmp_path, Knowing({"overcast": "No.", "dress": "Woman"}))
    assert {one["questionId"]: one["prediction"] for one in found} == {
        "201189340": "no",
        "201189341": "woman",
    }


def test_activitynet_maps_questions_to_answers(made, tmp_path):
    found = results(
        "activitynet-qa", made["activitynet-qa"], tmp_path, Knowing({"ground?": "Yes", "colour": "red"})
    )
    assert found == {"v_1QIUV7WYKXg_0": "yes", "v_a-ZZ_1": "red"}


def test_nextqa_counts_choices_from_nought(made, tmp_path):
    found = results("next-qa", made["next-qa"], tmp_path, Knowing({"bend": "B. to sing", "after": "no idea"}))
    assert found == {
        "4010069381_6": {"prediction": 1, "answer": 1},
        "4010069381_7": {"prediction": -1, "answer": 2},
    }


def test_captions_are_coco_results(made, tmp_path):
    found = results(
        "coco-captions", made["coco-captions"], tmp_path, Speaker(lambda text: "\n A bike. \n\nDone!")
    )
    assert sorted(one["image_id"] for one in found) == [60623, 391895]
    assert {one["caption"] for one in found} == {"A bike."}


def test_references_are_those_of_the_rows_that_were_asked(made, tmp_path):
    ready = prepared("coco-captions", made["coco-captions"], tmp_path, limit=1)
    answered = answer(ready, lambda: Speaker(lambda text: "A bike."), identity="m")
    references = ready.task.files(answered)["references.json"]
    assert [one["id"] for one in references["images"]] == [int(answered[0].row.id)]
    assert {one["caption"] for one in references["annotations"]} == set(answered[0].row.expected)


def test_generated_media_stand_beside_real_ones(made, tmp_path):
    for task in ("coco-30k", "audiocaps-generation", "msrvtt-generation"):
        pairs = results(task, made[task], tmp_path / task, Painter(), "pairs.json")
        media = tmp_path / task / "media"
        assert all((media / one["generated"]).is_file() and Path(one["real"]).is_file() for one in pairs)
        assert all(one["caption"] for one in pairs)


def test_a_reply_without_a_medium_is_told(made, tmp_path):
    pairs = results("coco-30k", made["coco-30k"], tmp_path, Speaker(lambda text: "no"), "pairs.json")
    assert [one["generated"] for one in pairs] == [None, None]


# ---- parts of messages


def test_the_picture_comes_first_and_the_question_is_in_the_prompt(made, tmp_path):
    row = next(row for row in prepared("vqav2", made["vqav2"], tmp_path).rows if row.id == "262148001")
    picture_part, text = row.message().content
    assert (
        isinstance(picture_part, ImagePart)
        and picture_part.image.path.name == "COCO_val2014_000000262148.jpg"
    )
    assert text == TextPart("Is it sunny?\nAnswer the question using a single word or phrase.")


def test_a_prompt_may_be_replaced(made, tmp_path):
    row = prepared("vqav2", made["vqav2"], tmp_path, prompt="Q: {question}").rows[0]
    assert row.text.startswith("Q: ") and "single word" not in row.text
    with pytest.raises(ConfigError, match="unknown field 'quest'"):
        prepared("vqav2", made["vqav2"], tmp_path, prompt="Q: {quest}")


def test_mvbench_shows_the_span_and_frames_of_a_folder(made, tmp_path):
    rows = {row.id: row for row in prepared("mvbench", made["mvbench"], tmp_path).rows}
    span = rows["Action Sequence-0"].parts[0]
    assert isinstance(span, Span) and (span.start, span.end) == (0.5, 1.5)
    assert span.load().num_frames == 6 and span.load().seconds == pytest.approx(1.0)
    frames = rows["Episodic Reasoning-0"].parts[0]
    assert (
        isinstance(frames, Frames) and frames.load().num_frames == 3
    )  # 1.5 s to 4.5 frames, from the second on
    assert isinstance(rows["Action Count-0"].message().content[0], VideoPart)


def test_a_span_beyond_the_end_is_what_is_there(tmp_path):
    video = Video.from_path(clip(tmp_path / "a.mp4", frames=12))
    assert Span(video, 1.9, 99.0).load().num_frames >= 1
    assert Span(video, 50.0, 99.0).load().num_frames == 1


def test_mmbench_finds_the_picture_of_a_rotation_and_keeps_rotations_together(made, tmp_path):
    rows = {row.id: row for row in prepared("mmbench", made["mmbench"], tmp_path).rows}
    assert isinstance(rows["1000241"].parts[0], Image) and rows["1000241"].unit == rows["241"].unit == "241"
    assert rows["252"].text.startswith("Look closely.\nWhich shape?\nA. round")
    assert "C." not in rows["241"].text
    assert len(prepared("mmbench", made["mmbench"], tmp_path, limit=1).rows) in (1, 2)


def test_long_clips_of_a_data_set_are_accepted(made, tmp_path):
    clip_part = prepared("activitynet-qa", made["activitynet-qa"], tmp_path).rows[0].parts[0]
    assert clip_part.limits.max_seconds >= 3600


def test_seed_asks_pictures_alone(made, tmp_path):
    assert {row.group for row in prepared("seed-bench", made["seed-bench"], tmp_path).rows} == {
        "Instances Counting"
    }


def test_captions_for_generation_are_the_same_everywhere(made, tmp_path):
    first = {row.id: row.expected for row in prepared("coco-30k", made["coco-30k"], tmp_path).rows}
    assert first == {
        row.id: row.expected for row in prepared("coco-30k", made["coco-30k"], tmp_path, seed=4).rows
    }


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("(B)", "B"),
        ("B. a dog", "B"),
        ("The answer is B.", "B"),
        ("a dog", "B"),
        ("A or B", ""),
        ("", ""),
    ],
)
def test_letters_are_read_from_replies(reply, letter):
    assert chosen(reply, ["a cat", "a dog"]) == letter
    assert listed(["a cat", "a dog"]) == "A. a cat\nB. a dog"


# ---- data at fault: named with the file and what was expected, before any model is there


def copied(made, task, folder) -> Path:
    shutil.copytree(made[task], folder)
    return folder


FAULTS = {
    "no folder": ("vqav2", lambda d: shutil.rmtree(d), "There is no folder.*data of vqav2.*v2_OpenEnded.*visualqa.org"),
    "missing file": ("gqa", lambda d: (d / "questions/testdev_balanced_questions.json").unlink(),
                     "lack questions/testdev_balanced_questions.json.*should hold.*images"),
    "half a download": ("vizwiz", lambda d: (d / "Annotations/val.json").rename(d / "Annotations/val.json.part"),
                        "val.json.part' is a download that was not finished"),
    "cut off": ("vqav2", lambda d: cut(d / "v2_mscoco_val2014_annotations.json"),
                "annotations.json' is damaged or cut off at line 1.*ten people's answers"),
    "empty": ("next-qa", lambda d: (d / "test.csv").write_text(""), "test.csv' is empty; expected is questions"),
    "other file": ("okvqa", lambda d: (d / "mscoco_val2014_annotations.json").write_text("{}"),
                   "has no list under 'annotations'"),
    "no text": ("clotho", lambda d: (d / "clotho_captions_evaluation.csv").write_bytes(b"\xff\xfe\x00"), "no UTF-8"),
    "lacks a column": ("audiocaps", lambda d: (d / "test.csv").write_text("audiocap_id,caption\n1,x\n"),
                       "test.csv': row 1 lacks youtube_id, start_time"),
    "other type": ("gqa", lambda d: (d / "questions/testdev_balanced_questions.json").write_text("[1]"),
                   "is no object of questions"),
    "odd values": ("next-qa", lambda d: (d / "test.csv").write_text(
        "video,question,answer,qid,type,a0,a1,a2,a3,a4\n4010069381,q,nine,1,CW,a,b,c,d,e\n"),
        "not of next-qa's official form.*nine"),
    "do not belong together": ("vqav2", lambda d: (d / "v2_mscoco_val2014_annotations.json").write_text(json.dumps(
        {"annotations": [{"question_id": 1, "image_id": 1, "answers": []}]})),
        "says nothing of 262148000; do the files belong together"),
    "missing picture": ("nocaps", lambda d: (d / "val/0013ea2087020900.jpg").unlink(),
                        "0013ea2087020900.jpg' is not there; expected is an image for row 0 of nocaps"),
    "half a picture": ("vqav2", lambda d: cut(d / "val2014/COCO_val2014_000000393225.jpg"),
                       "393225.jpg.*damaged or cut off.*expected is an image"),
    "a web page": ("vqav2", lambda d: (d / "val2014/COCO_val2014_000000393225.jpg").write_text("<html>404"),
                   "393225.jpg.*expected is an image"),
    "empty picture": ("flickr30k", lambda d: (d / "flickr30k-images/1007092010.jpg").write_bytes(b""),
                      "1007092010.jpg' is empty"),
    "half a sound": ("clotho", lambda d: cut(d / "evaluation/Santa 1.wav"), "Santa 1.wav' has .* bytes of"),
    "half a clip": ("msrvtt-captions", lambda d: cut(d / "TestVideo/video7011.mp4"), "video7011.mp4' has .* bytes of"),
    "picture still loading": ("seed-bench", lambda d: (d / "SEED-Bench-image/45432_1").rename(
        d / "SEED-Bench-image/45432_1.crdownload"), "crdownload' is a download that was not finished"),
    "real picture missing": ("coco-30k", lambda d: (d / "val2014/COCO_val2014_000000060623.jpg").unlink(),
                             "60623.jpg' is not there"),
    "picture in a cell": ("mmbench", lambda d: spoil_cell(d / "mmbench_dev_en_20231003.tsv"), "row 252 is no base64"),
    "frames not unpacked": ("mvbench", lambda d: empty(d / "video/tvqa/frames_fps3_hq/friends_s01"), "has no frames"),
}  # fmt: skip


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def spoil_cell(path: Path) -> None:
    lines = path.read_text().splitlines()
    cells = lines[3].split("\t")
    lines[3] = "\t".join("!" * 80 if len(cell) > 200 else cell for cell in cells)
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("fault", FAULTS)
def test_data_at_fault_are_named(fault, made, tmp_path):
    task, damage, sentence = FAULTS[fault]
    data = copied(made, task, tmp_path / "data")
    damage(data)
    with pytest.raises(DataError, match=f"(?s){sentence}"):
        prepared(task, data, tmp_path / "out")


@pytest.mark.parametrize("cut_at", [0.1, 0.5, 0.9, 0.99])
def test_media_that_end_too_early_are_found(cut_at, tmp_path):
    from nextgpt.evaluation.checking import check_media
    from nextgpt.evaluation.tasks import Folder, Row

    files = (
        picture(tmp_path / "a.jpg"),
        picture(tmp_path / "a.png"),
        sound(tmp_path / "a.wav"),
        clip(tmp_path / "a.mp4"),
    )
    folder = Folder(tmp_path, "t", {}, "there")
    for path, kind in zip(files, ("image", "image", "audio", "video")):
        medium = getattr(folder, kind)(path.name)
        check_media([Row("1", (medium,))], folder)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * cut_at)])
        with pytest.raises(DataError, match=path.name):
            check_media([Row("1", (getattr(folder, kind)(path.name),))], folder)


def test_a_picture_with_something_behind_its_end_is_whole(tmp_path):
    from nextgpt.evaluation.checking import check_media
    from nextgpt.evaluation.tasks import Folder, Row

    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"\0" * 9000)
    folder = Folder(tmp_path, "t", {}, "there")
    check_media([Row("1", (folder.image("a.jpg"),))], folder)
