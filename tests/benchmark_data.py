"""Small data sets in the true official layouts of the benchmarks, two or three rows each."""

import base64
import csv
import json
from pathlib import Path

import numpy as np

from nextgpt.media import Audio, Image, Video


def picture(path: Path, number: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.from_array(pixels).save(path)


def sound(path: Path, number: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).standard_normal(4000).astype(np.float32)
    return Audio.from_array(0.1 * noise, 16000).save(path)


def clip(path: Path, number: int = 0, frames: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (frames, 32, 32, 3), dtype=np.uint8)
    return Video.from_array(pixels, 6.0).save(path)


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_table(path: Path, rows: list[dict], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def people(*answers: str) -> list[dict]:
    """Ten answers as VQA has them; the last given one is repeated."""
    ten = [*answers, *[answers[-1]] * (10 - len(answers))]
    return [
        {"answer": text, "answer_confidence": "yes", "answer_id": number + 1}
        for number, text in enumerate(ten)
    ]


# ---- questions about pictures


def vqa(folder: Path, questions: str, annotations: str) -> None:
    rows = [
        (262148000, 262148, "Where is he looking?", people("down", "down", "down", "at table"), "other"),
        (262148001, 262148, "Is it sunny?", people("yes"), "yes/no"),
        (393225000, 393225, "How many cups?", people("2", "2", "3"), "number"),
    ]
    asked = [{"question_id": q, "image_id": i, "question": text} for q, i, text, _, _ in rows]
    known = [
        {
            "question_id": q, "image_id": i, "answers": a, "answer_type": kind,
            "question_type": text.split()[0].lower(), "multiple_choice_answer": a[0]["answer"],
        }
        for q, i, text, a, kind in rows
    ]  # fmt: skip
    write_json(folder / questions, {"info": {}, "data_type": "mscoco", "questions": asked})
    write_json(folder / annotations, {"info": {}, "data_type": "mscoco", "annotations": known})
    for number in (262148, 393225):
        picture(folder / f"val2014/COCO_val2014_{number:012d}.jpg", number)


def vqav2(folder: Path) -> None:
    vqa(folder, "v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json")


def okvqa(folder: Path) -> None:
    vqa(folder, "OpenEnded_mscoco_val2014_questions.json", "mscoco_val2014_annotations.json")


def vizwiz(folder: Path) -> None:
    rows = [
        {
            "image": f"VizWiz_val_0000000{number}.jpg", "question": text, "answers": people(*answers),
            "answer_type": kind, "answerable": int(kind != "unanswerable"),
        }
        for number, text, answers, kind in (
            (0, "Can you tell me what this medicine is please?", ("night time",), "other"),
            (1, "What is the title of this book?", ("dog years", "unanswerable"), "unanswerable"),
        )
    ]  # fmt: skip
    write_json(folder / "Annotations/val.json", rows)
    for row in rows:
        picture(folder / "val" / row["image"])


def gqa(folder: Path) -> None:
    rows = {}
    for number, (text, answer, kind) in enumerate(
        (("Is it overcast?", "no", "verify"), ("Who is wearing the dress?", "woman", "query"))
    ):
        rows[f"20118934{number}"] = {
            "imageId": f"n16131{number}", "question": text, "answer": answer, "isBalanced": True,
            "fullAnswer": f"It is {answer}.", "entailed": [], "equivalent": [f"20118934{number}"],
            "groups": {"global": None, "local": "13-place"}, "semanticStr": "select: scene->verify weather: cloudy [0]",
            "types": {"structural": kind, "semantic": "global", "detailed": "weatherVerify"},
            "semantic": [
                {"operation": "select", "argument": "scene", "dependencies": []},
                {"operation": "verify weather", "argument": "cloudy", "dependencies": [0]},
            ],
        }  # fmt: skip
        picture(folder / f"images/n16131{number}.jpg", number)
    write_json(folder / "questions/testdev_balanced_questions.json", rows)


def mmbench(folder: Path) -> None:
    """One question in two rotations, the second with the picture of the first, and another question."""
    data = base64.b64encode(picture(folder / "one.jpg").read_bytes()).decode()
    common = {"hint": "", "category": "object_localization", "l2-category": "finegrained", "split": "dev"}
    rows = [
        {"index": 241, "question": "What is left?", "A": "a cat", "B": "a dog", "C": "", "D": "", "answer": "A",
         "image": data, **common},
        {"index": 1000241, "question": "What is left?", "A": "a dog", "B": "a cat", "C": "", "D": "", "answer": "B",
         "image": "241", **common},
        {"index": 252, "question": "Which shape?", "A": "round", "B": "square", "C": "star", "D": "none",
         "answer": "C", "image": data, **common, "hint": "Look closely."},
    ]  # fmt: skip
    write_table(folder / "mmbench_dev_en_20231003.tsv", rows, "\t")


def seed_bench(folder: Path) -> None:
    options = {"choice_a": "One", "choice_b": "Two", "choice_c": "Three", "choice_d": "Four"}
    rows = [
        {"question_id": f"10166{n}", "question": "How many towels are there?", "answer": "BA"[n],
         "data_id": f"45432_{n}", "data_type": "image", "question_type_id": 5, **options}
        for n in range(2)
    ]  # fmt: skip
    rows.append({**rows[0], "question_id": "v0", "data_type": "video", "data_id": "clip.webm"})
    write_json(folder / "SEED-Bench.json", {"questions": rows, "question_type": {"Instances Counting": 5}})
    for number in range(2):
        _bare(folder, number)


def _bare(folder: Path, number: int) -> None:
    """SEED's pictures have no suffix."""
    made = picture(folder / f"SEED-Bench-image/45432_{number}.jpg", number)
    made.rename(made.with_suffix(""))


# ---- questions about clips


def activitynet_qa(folder: Path) -> None:
    rows = [
        ("1QIUV7WYKXg", "does the car park on a flat ground", "yes", 3),
        ("a-ZZ", "what colour is it", "red", 4),
    ]
    asked = [
        {"question": q, "video_name": v, "question_id": f"v_{v}_{n}"} for n, (v, q, _, _) in enumerate(rows)
    ]
    known = [{"answer": a, "type": t, "question_id": f"v_{v}_{n}"} for n, (v, _, a, t) in enumerate(rows)]
    write_json(folder / "test_q.json", asked)
    write_json(folder / "test_a.json", known)
    clip(folder / "videos/v_1QIUV7WYKXg.mp4")
    clip(folder / "videos/v_a-ZZ.mp4", 1)


def msvd_qa(folder: Path) -> None:
    rows = [
        {"id": 43307, "video_id": 1, "question": "what is chewing on a nut?", "answer": "animal"},
        {"id": 43308, "video_id": 2, "question": "who plays?", "answer": "man"},
    ]
    write_json(folder / "test_qa.json", rows)
    (folder / "youtube_mapping.txt").write_text("-4wsuPCjDBc_5_15 vid1\n-7KMZQEsJW4_205_208 vid2\n")
    clip(folder / "video/-4wsuPCjDBc_5_15.mp4")
    clip(folder / "video/-7KMZQEsJW4_205_208.mp4", 1)


def msrvtt_qa(folder: Path) -> None:
    rows = [
        {"id": 158581, "video_id": 7010, "category_id": 14, "question": "what are three people doing?",
         "answer": "sitting"},
        {"id": 158582, "video_id": 7010, "category_id": 14, "question": "how many men?", "answer": "three"},
    ]  # fmt: skip
    write_json(folder / "test_qa.json", rows)
    clip(folder / "video/video7010.mp4")


def nextqa(folder: Path) -> None:
    options = {"a0": "to drink", "a1": "to sing", "a2": "run away", "a3": "cry", "a4": "jump"}
    common = {"video": "4010069381", "frame_count": 369, "width": 640, "height": 480, **options}
    rows = [
        {**common, "question": "why did he bend down", "answer": 1, "qid": 6, "type": "CW"},
        {**common, "question": "what happened after", "answer": 2, "qid": 7, "type": "TN"},
    ]
    write_table(folder / "test.csv", rows)
    write_json(folder / "map_vid_vidorID.json", {"4010069381": "1164/4010069381"})
    clip(folder / "NExTVideo/1164/4010069381.mp4")


def mvbench(folder: Path) -> None:
    """Two questions a task: with a span where the task has one, as frames for Episodic Reasoning."""
    from nextgpt.evaluation.tasks.mvbench import SUBTASKS, file_of

    for number, (name, (place, bounded)) in enumerate(SUBTASKS.items()):
        frames = place.startswith("tvqa")
        video = "friends_s01" if frames else f"{number}.mp4"
        one = {"video": video, "question": f"What happens in {name}?", "candidates": ["a run", "a jump"],
               "answer": "a jump"}  # fmt: skip
        span = {"start": 0.5, "end": 1.5} if bounded else {}
        write_json(folder / file_of(name), [{**one, **span}, {**one, **span, "answer": "a run"}])
        where = folder / "video" / place / video
        if frames:
            for frame in range(6):
                picture(where / f"{frame + 1:05d}.jpg", frame)
        else:
            clip(where, number)


# ---- captions


def coco(folder: Path) -> None:
    ids = (391895, 60623)
    captions = [
        {"id": 5 * n + k, "image_id": i, "caption": text}
        for n, i in enumerate(ids)
        for k, text in enumerate(("A man rides a red bike.", "A man on a bike.", "Someone rides.")[: 3 - n])
    ]
    images = [{"id": i, "file_name": f"COCO_val2014_{i:012d}.jpg"} for i in ids]
    write_json(folder / "annotations/captions_val2014.json", {"images": images, "annotations": captions})
    split = [
        {"cocoid": i, "filepath": "val2014", "filename": f"COCO_val2014_{i:012d}.jpg", "split": "test",
         "sentences": []}
        for i in ids
    ]  # fmt: skip
    split.append({**split[0], "cocoid": 1, "filename": "not there.jpg", "split": "train"})
    write_json(folder / "dataset_coco.json", {"dataset": "coco", "images": split})
    for number in ids:
        picture(folder / f"val2014/COCO_val2014_{number:012d}.jpg", number)


def nocaps(folder: Path) -> None:
    images = [
        {
            "id": n,
            "file_name": f"0013ea208702090{n}.jpg",
            "domain": domain,
            "open_images_id": f"0013ea208702090{n}",
        }
        for n, domain in enumerate(("in-domain", "out-domain"))
    ]
    captions = [{"id": n, "image_id": n // 2, "caption": f"A thing number {n}."} for n in range(4)]
    write_json(folder / "nocaps_val_4500_captions.json", {"images": images, "annotations": captions})
    for one in images:
        picture(folder / "val" / one["file_name"], one["id"])


def flickr30k(folder: Path) -> None:
    sentences = [{"raw": "Two men in green shirts.", "tokens": []}, {"raw": "Two guys.", "tokens": []}]
    images = [
        {"imgid": n, "filename": f"100709201{n}.jpg", "split": split, "sentences": sentences}
        for n, split in enumerate(("test", "test", "val"))
    ]
    write_json(folder / "dataset_flickr30k.json", {"dataset": "flickr30k", "images": images})
    for number in range(2):
        picture(folder / f"flickr30k-images/100709201{number}.jpg", number)


def audiocaps(folder: Path) -> None:
    rows = [
        {"audiocap_id": 103548 + k, "youtube_id": name, "start_time": 30, "caption": f"{text} {k}"}
        for name, text in (("rqfQRErjfk8", "A bell rings"), ("-6cS0FDUM-g", "A dog barks"))
        for k in range(5)
    ]
    write_table(folder / "test.csv", rows)
    sound(folder / "audio/rqfQRErjfk8.wav")
    sound(folder / "audio/Y-6cS0FDUM-g.flac", 1)


def clotho(folder: Path) -> None:
    rows = [
        {"file_name": f"Santa {n}.wav", **{f"caption_{k}": f"A machine whines {k}" for k in range(1, 6)}}
        for n in range(2)
    ]
    write_table(folder / "clotho_captions_evaluation.csv", rows)
    for number in range(2):
        sound(folder / f"evaluation/Santa {number}.wav", number)


def msrvtt(folder: Path) -> None:
    videos = [{"video_id": f"video{n}", "split": "test", "category": 9} for n in (7010, 7011)]
    videos.append({"video_id": "video0", "split": "train", "category": 9})
    sentences = [
        {"caption": f"a girl sings {k}", "video_id": one["video_id"], "sen_id": 20 * n + k}
        for n, one in enumerate(videos)
        for k in range(3)
    ]
    write_json(folder / "test_videodatainfo.json", {"info": {}, "videos": videos, "sentences": sentences})
    for number in (7010, 7011):
        clip(folder / f"TestVideo/video{number}.mp4", number)


MAKERS = {
    "vqav2": vqav2,
    "okvqa": okvqa,
    "vizwiz": vizwiz,
    "gqa": gqa,
    "mmbench": mmbench,
    "seed-bench": seed_bench,
    "mvbench": mvbench,
    "activitynet-qa": activitynet_qa,
    "msvd-qa": msvd_qa,
    "msrvtt-qa": msrvtt_qa,
    "next-qa": nextqa,
    "coco-captions": coco,
    "nocaps": nocaps,
    "flickr30k": flickr30k,
    "audiocaps": audiocaps,
    "clotho": clotho,
    "msrvtt-captions": msrvtt,
    "coco-30k": coco,
    "audiocaps-generation": audiocaps,
    "msrvtt-generation": msrvtt,
}


def make(task: str, folder: Path) -> Path:
    MAKERS[task](folder)
    return folder
