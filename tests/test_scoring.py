"""nextgpt score on small files in the official layouts, and the sentences for files that are not as they should be."""

import csv
import json
import subprocess
import sys

import pytest

from nextgpt.cli import run
from nextgpt.cli.score import interval
from nextgpt.errors import ConfigError, DataError, UserError
from nextgpt.evaluation.scores import Scores
from nextgpt.evaluation.scoring import SCORERS, Inputs, score
from nextgpt.evaluation.scoring.streaming import CHUNK, stream_array

PEOPLE = [{"answer": "yes", "answer_confidence": "yes", "answer_id": n} for n in range(1, 11)]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def table(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def printed(capsys, *arguments):
    """(exit code, stdout, stderr) of `nextgpt score ...`."""
    code = run(["score", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


# ---- VQA v2, OK-VQA, VizWiz


def vqa_files(folder):
    people = [{**one, "answer": "two" if one["answer_id"] < 4 else "3"} for one in PEOPLE]
    annotations = {
        "info": {"version": "2.0", "lists": [[1], {"a": "]"}]},
        "license": {},
        "data_type": "mscoco",
        "annotations": [
            {
                "question_id": 11,
                "image_id": 1,
                "answers": PEOPLE,
                "answer_type": "yes/no",
                "question_type": "is it",
            },
            {
                "question_id": 12,
                "image_id": 1,
                "answers": people,
                "answer_type": "number",
                "question_type": "how many",
            },
        ],
    }
    questions = {"questions": [{"question_id": id, "image_id": 1, "question": "Is it?"} for id in (11, 12)]}
    results = [{"question_id": 12, "answer": "2"}, {"question_id": 11, "answer": "Yes"}]
    return (
        write(folder / "results.json", results),
        write(folder / "annotations.json", annotations),
        write(folder / "questions.json", questions),
    )


def test_vqa_prints_the_official_table(tmp_path, capsys):
    results, annotations, questions = vqa_files(tmp_path)
    code, out, err = printed(
        capsys, "vqav2", "--predictions", results, "--annotations", annotations, "--questions", questions
    )
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("VQA accuracy: 45.00 (n = 2, 95 % interval ")
    assert lines[1:5] == [
        "  perAnswerType: yes/no: 0.00",
        "  perAnswerType: number: 90.00",
        "  perQuestionType: is it: 0.00",
        "  perQuestionType: how many: 90.00",
    ]
    assert lines[5].startswith("Note: Where all people said the same")


def test_vqa_as_json(tmp_path, capsys):
    results, annotations, _ = vqa_files(tmp_path)
    code, out, _ = printed(capsys, "vqav2", "--predictions", results, "--annotations", annotations, "--json")
    record = json.loads(out)
    assert code == 0 and len(out.splitlines()) == 1
    assert {"task", "metric", "value", "n", "breakdown", "unavailable", "notes"} <= record.keys()
    assert (record["task"], record["value"], record["n"]) == ("vqav2", pytest.approx(45), 2)


def test_okvqa_names_its_question_types(tmp_path):
    results, annotations, _ = vqa_files(tmp_path)
    whole = json.loads(annotations.read_text())
    whole["question_types"] = {"is it": "Sports and Recreation"}
    found = score("okvqa", results, write(annotations, whole))
    assert found.metric == "OK-VQA accuracy" and "perQuestionType: Sports and Recreation" in found.breakdown


def test_vizwiz_goes_by_pictures(tmp_path):
    people = [{"answer": "basil", "answer_confidence": "yes"}] * 10
    rows = [{"image": "a.jpg", "question": "?", "answers": people, "answer_type": "other", "answerable": 1}]
    annotations = write(tmp_path / "val.json", rows)
    found = score("vizwiz", write(tmp_path / "r.json", [{"image": "a.jpg", "answer": "basil"}]), annotations)
    assert found.value == 100 and found.breakdown == {"perAnswerType: other": 100}


# ---- GQA


def gqa_files(folder):
    def one(answer, balanced=True):
        return {
            "question": "What is it?", "answer": answer, "isBalanced": balanced, "imageId": "1", "entailed": ["2"],
            "types": {"structural": "query", "semantic": "obj", "detailed": "x"}, "groups": {"global": None},
            "semantic": [], "annotations": {"question": {}, "fullAnswer": {}},
        }  # fmt: skip

    questions = {"1": one("dog"), "2": one("cat", balanced=False)}
    rows = [{"questionId": "1", "prediction": "dog"}, {"questionId": "2", "prediction": "dog"}]
    return (
        write(folder / "testdev_predictions.json", rows),
        write(folder / "questions.json", questions),
        questions,
    )


def test_gqa_with_what_its_script_also_has(tmp_path, capsys):
    results, questions, rows = gqa_files(tmp_path)
    choices = write(tmp_path / "choices.json", {id: {"valid": ["dog"], "plausible": []} for id in rows})
    code, out, _ = printed(
        capsys, "gqa", "--predictions", results, "--annotations", questions, "--choices", choices
    )
    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].startswith("accuracy: 100.00 (n = 1")
    assert {"Consistency: 0.00", "Validity: 100.00", "Plausibility: 0.00", "Open: 100.00"} <= set(lines)
    assert any(line.startswith("Grounding: not available") for line in lines)


def test_gqa_reads_chunks_and_grounding(tmp_path):
    results, _, rows = gqa_files(tmp_path)
    for id, row in rows.items():
        write(tmp_path / "all" / f"all_{id}.json", {id: row})
    scenes = write(tmp_path / "scenes.json", {"1": {"width": 2, "height": 2, "objects": {}}})
    maps = write(tmp_path / "maps.json", [{"questionId": id, "attention": [[0.5, 0.5]] * 2} for id in rows])
    found = score("gqa", results, tmp_path / "all", scenes=scenes, attentions=maps)
    assert found.breakdown["Grounding"] == 0 and "Grounding" not in found.unavailable


# ---- MVBench


def mvbench_files(folder):
    rows = [
        {"video": "a.mp4", "question": "?", "candidates": ["up", "down"], "answer": "down"},
        {"video": "b.mp4", "question": "?", "candidates": ["up", "down"], "answer": "up"},
    ]
    write(folder / "json" / "action_sequence.json", rows)
    write(folder / "json" / "fine_grained_pose.json", rows[:1])
    entries = [
        {"pred": "(B) down", "gt": "(B) down"},
        {"pred": "", "gt": "(A) up"},
        {"pred": "(A)", "gt": "(B) down"},
    ]
    counts = {"Action Sequence": [2, 2], "Fine-grained Pose": [0, 1]}
    results = write(folder / "mvbench.json", {"acc_dict": counts, "res_list": entries})
    return results, folder / "json"


def test_mvbench_of_the_notebook(tmp_path, capsys):
    results, folder = mvbench_files(tmp_path)
    code, out, _ = printed(capsys, "mvbench", "--predictions", results, "--annotations", folder)
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0 and lines[0].startswith("mean accuracy over tasks: 25.00 (n = 3")
    assert {"Action Sequence: 50.00", "Fine-grained Pose: 0.00", "empty answers dropped: 50.00"} <= set(lines)


def test_mvbench_of_rows(tmp_path):
    rows = "\n".join(json.dumps({"task_type": "x", "pred": "(A)", "gt": f"({one}) it"}) for one in "AB")
    assert score("mvbench", write(tmp_path / "r.jsonl", rows)).value == 50


def test_mvbench_with_other_answers_or_counts(tmp_path):
    results, folder = mvbench_files(tmp_path)
    whole = json.loads(results.read_text())
    whole["res_list"][1]["gt"] = "(B) up"
    with pytest.raises(DataError, match=r"not those of json/action_sequence.json"):
        score("mvbench", write(results, whole), folder)
    whole["acc_dict"].pop("Fine-grained Pose")
    with pytest.raises(DataError, match="3 entries without a task_type, and its acc_dict counts 2"):
        score("mvbench", write(results, whole))


# ---- questions about videos


def activitynet_files(folder):
    rows = [
        {"question_id": "v_1_0", "answer": "yes", "type": 3},
        {"question_id": "v_1_1", "answer": "red", "type": 4},
        {"question_id": "v_1_2", "answer": "left", "type": 1},
    ]
    return write(folder / "p.json", {"v_1_0": "yes", "v_1_1": "Red"}), write(folder / "test_a.json", rows)


def test_activitynet_in_both_forms(tmp_path, capsys):
    results, annotations = activitynet_files(tmp_path)
    code, out, _ = printed(capsys, "activitynet-qa", "--predictions", results, "--annotations", annotations)
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0 and lines[0].startswith("exact match: 0.3333 (n = 3")
    assert {"yes/no: 1.0000", "color: 0.0000", "spatial relation: 0.0000"} <= set(lines)
    assert "Note: 1 of the 3 questions have no answer and count as wrong, as in the official script." in lines
    rows = [{"question_id": id, "answer": text} for id, text in json.loads(results.read_text()).items()]
    assert score("activitynet-qa", write(tmp_path / "list.json", rows), annotations).value == pytest.approx(
        1 / 3
    )
    assert score("activitynet-qa", results, annotations, subset=True).value == pytest.approx(1 / 2)


def test_msvd_and_msrvtt(tmp_path):
    rows = [
        {"id": 1, "question": "what is it?", "answer": "dog", "video_id": 5},
        {"id": 2, "question": "who is it?", "answer": "man", "video_id": 5},
    ]
    annotations = write(tmp_path / "test_qa.json", rows)
    for task in ("msvd-qa", "msrvtt-qa"):
        found = score(task, write(tmp_path / "p.json", {"1": "dog", "2": "boy"}), annotations)
        assert found.value == 0.5 and found.breakdown == {"what": 1, "who": 0}


def test_next_qa(tmp_path):
    rows = [
        {"video": 7, "qid": n, "type": kind, "question": "?", "answer": 2} | {f"a{k}": "x" for k in range(5)}
        for n, kind in enumerate(["CW", "TP"])
    ]
    annotations = table(tmp_path / "test.csv", rows)
    said = {"7_0": {"prediction": 2, "answer": 2}, "7_1": 1}
    found = score("next-qa", write(tmp_path / "p.json", said), annotations)
    assert found.value == 50 and found.breakdown["Acc_T"] == 0
    with pytest.raises(DataError, match="no answer to 1 of the 2 questions"):
        score("next-qa", write(tmp_path / "p.json", {"7_0": 2}), annotations)


# ---- several choices


def test_mmbench(tmp_path):
    base = {"question": "?", "A": "cat", "B": "dog", "C": "", "D": "nan", "category": "c", "l2-category": "l"}
    rows = [
        {"index": 1, **base, "answer": "A"},
        {"index": 1_000_001, **base, "A": "dog", "B": "cat", "answer": "B"},
    ]
    rows = [{**row, "image": "x" * 200_000} for row in rows]
    annotations = table(tmp_path / "mmbench_dev.tsv", rows, "\t")
    said = [{"index": 1, "prediction": "a cat"}, {"index": 1_000_001, "prediction": "A"}]
    found = score("mmbench", table(tmp_path / "p.tsv", said, "\t"), annotations)
    assert found.value == 0 and found.n == 1
    assert found.breakdown == {"l2-category: l": 0, "category: c": 0, "vanilla": 100}


def test_seed_bench(tmp_path):
    row = {"choice_a": "cat", "choice_b": "dog", "answer": "B", "question_type_id": 1, "data_type": "image"}
    whole = {"question_type": {"Scene Understanding": 1}, "questions": [{"question_id": "9", **row}]}
    lines = json.dumps({"q_id": "9", "prediction": "B", "gt": "B", "q_type_id": 1}) + "\n"
    found = score(
        "seed-bench", write(tmp_path / "p.jsonl", lines), write(tmp_path / "SEED-Bench.json", whole)
    )
    assert found.value == 100 and found.breakdown == {
        "dimension: Scene Understanding": 100,
        "data: image": 100,
    }


# ---- captions


TEXTS = ("a dog runs on the grass", "a man plays a guitar", "two cats sleep on a sofa")


@pytest.fixture(autouse=True)
def _quick_java(monkeypatch):
    """Java takes seconds to start; test_metrics_captions.py runs it."""
    monkeypatch.setattr("nextgpt.evaluation.metrics.java_captions.missing_java", lambda: "not asked for")


def coco(folder, **facts):
    images = [{"id": n, **{name: values[n] for name, values in facts.items()}} for n in range(3)]
    rows = [{"id": n, "image_id": n, "caption": text} for n, text in enumerate(TEXTS)]
    return write(folder / "captions.json", {"images": images, "annotations": rows})


def test_coco_captions(tmp_path, capsys):
    said = [{"image_id": n, "caption": text} for n, text in enumerate(TEXTS)]
    code, out, _ = printed(
        capsys,
        "coco-captions",
        "--predictions",
        write(tmp_path / "p.json", said),
        "--annotations",
        coco(tmp_path),
    )
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0 and lines[0].startswith("CIDEr-D: 10.000 (n = 3")
    assert {"Bleu_4: 1.000", "ROUGE_L: 1.000", "CIDEr: 10.000"} <= set(lines)
    assert "METEOR: not available: not asked for" in lines
    assert any(line.startswith("Note: Tokens are this package's own") for line in lines)


def test_coco_captions_need_every_picture_unless_a_subset_is_meant(tmp_path):
    results = write(tmp_path / "p.json", [{"image_id": n, "caption": TEXTS[n]} for n in (0, 1)])
    with pytest.raises(DataError, match="no answer to 1 of the 3 items, the first 2"):
        score("coco-captions", results, coco(tmp_path))
    assert score("coco-captions", results, coco(tmp_path), subset=True).n == 2


def test_nocaps_by_domain(tmp_path):
    annotations = coco(tmp_path, domain=["in-domain", "in-domain", "out-domain"])
    said = [{"image_id": n, "caption": TEXTS[n] if n else "a cow"} for n in range(3)]
    found = score("nocaps", write(tmp_path / "p.json", said), annotations)
    assert found.breakdown["in-domain: Bleu_1"] < found.breakdown["out-domain: Bleu_1"] == pytest.approx(1)


def test_flickr_in_the_form_of_karpathy(tmp_path):
    images = [
        {"filename": f"{n}.jpg", "split": "val" if n == 2 else "test", "sentences": [{"raw": TEXTS[n]}]}
        for n in range(3)
    ]
    annotations = write(tmp_path / "dataset_flickr30k.json", {"images": images, "dataset": "flickr30k"})
    said = write(tmp_path / "p.json", [{"image_id": n, "caption": TEXTS[n]} for n in range(2)])
    assert score("flickr30k", said, annotations).breakdown["Bleu_4"] == pytest.approx(1)
    with pytest.raises(DataError, match="no captions of this split"):
        score("flickr30k", said, annotations, split="nothing")


def test_captions_of_sounds(tmp_path):
    rows = [
        {"audiocap_id": n, "youtube_id": f"y{n // 2}", "start_time": 1, "caption": text}
        for n, text in enumerate((*TEXTS, TEXTS[0]))
    ]
    said = write(tmp_path / "p.json", {"y0": TEXTS[1], "y1": TEXTS[2]})
    assert score("audiocaps", said, table(tmp_path / "test.csv", rows)).breakdown["Bleu_4"] == pytest.approx(
        1
    )
    rows = [{"file_name": f"{n}.wav"} | {f"caption_{k}": TEXTS[n] for k in range(1, 6)} for n in range(2)]
    answers = [{"file_name": f"{n}.wav", "caption_predicted": TEXTS[n]} for n in range(2)]
    found = score("clotho", table(tmp_path / "p.csv", answers), table(tmp_path / "clotho.csv", rows))
    assert found.value == pytest.approx(10)


def test_captions_of_clips(tmp_path):
    whole = {
        "videos": [{"video_id": f"video{n}", "split": "test" if n else "train"} for n in range(3)],
        "sentences": [{"video_id": f"video{n}", "caption": TEXTS[n], "sen_id": n} for n in range(3)],
    }
    result = [{"video_id": f"video{n}", "caption": TEXTS[n]} for n in (1, 2)]
    said = write(tmp_path / "p.json", {"version": "VERSION 1.0", "result": result})
    assert score("msrvtt-captions", said, write(tmp_path / "videodatainfo.json", whole)).n == 2


# ---- what is wrong is named


def results_of(value):
    return lambda folder: write(folder / "results.json", value)


BROKEN = {
    "cut": ('[{"question_id": 11, "answer": "ye', "ends in the middle of its JSON"),
    "cut between": ('[{"question_id": 11, "answer": "yes"},', "ends in the middle of its JSON"),
    "no json": ("question_id,answer\n11,yes\n", "does not hold a list"),
    "empty": ("", "is empty"),
    "an object": ({"11": "yes"}, "does not hold a list"),
    "a list of lists": ([[11, "yes"]], "entry 1, is a list"),
    "a web page": ("<!DOCTYPE html><html></html>", "is a web page"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
    "a zip": ("PK\x03\x04 and so on", "a zip archive"),
    "no answer": ([{"question_id": 11}], "has no 'answer'"),
    "an answer that is a list": (
        [{"question_id": 11, "answer": ["yes"]}, {"question_id": 12, "answer": "2"}],
        "is a list; expected a string",
    ),
    "twice": ([{"question_id": 11, "answer": "a"}] * 2, "has 1 ids more than once, the first 11"),
    "missing": ([{"question_id": 11, "answer": "a"}], "no answer to 1 of the 2 questions, the first 12"),
    "unknown": (
        [{"question_id": n, "answer": "a"} for n in (11, 12, 13)],
        "1 of the 3 questions in .* are not in the annotations",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_results_are_named(name, tmp_path, capsys):
    _, annotations, _ = vqa_files(tmp_path)
    value, wanted = BROKEN[name]
    results = write(tmp_path / "results.json", value)
    with pytest.raises(DataError, match=wanted) as caught:
        score("vqav2", results, annotations)
    assert "results.json" in str(caught.value)
    code, out, err = printed(capsys, "vqav2", "--predictions", results, "--annotations", annotations)
    assert code == 2 and not out and err.startswith("nextgpt: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda text: text[: len(text) // 2], "ends in the middle of its JSON"),
        (lambda text: text[:-1], "ends in the middle of its JSON"),
        (lambda text: text.replace('"annotations"', '"questions"'), "has no list 'annotations'"),
        (lambda text: text.replace('"answers"', '"answer"'), "has no 'answers'"),
        (lambda text: text.replace('"question_id": 12', '"question_id": 11'), "has the question 11 twice"),
        (lambda text: text.replace("[{", "[[", 1), "no JSON|is a list"),
    ],
)
def test_broken_annotations_are_named(change, wanted, tmp_path):
    results, annotations, _ = vqa_files(tmp_path)
    annotations.write_text(change(annotations.read_text()))
    with pytest.raises(DataError, match=wanted) as caught:
        score("vqav2", results, annotations)
    assert "annotations.json" in str(caught.value)


def test_questions_of_another_split_are_refused(tmp_path):
    results, annotations, questions = vqa_files(tmp_path)
    write(questions, {"questions": [{"question_id": 99, "question": "?"}]})
    with pytest.raises(DataError, match=r"2 of the 2 questions .* are not in the annotations"):
        score("vqav2", results, annotations, questions=(questions,))


def test_files_that_are_not_there(tmp_path, capsys):
    results, annotations, _ = vqa_files(tmp_path)
    for task, scorer in SCORERS.items():
        with pytest.raises((DataError, ConfigError)):
            scorer(Inputs(tmp_path / "nothing.json", (tmp_path / "nowhere.json",)))
        if task != "mvbench":
            with pytest.raises(ConfigError, match=r"--annotations is missing|--judge|Give --features|needs"):
                scorer(Inputs(results))
    with pytest.raises(DataError, match="is a folder"):
        score("vqav2", tmp_path, annotations)
    code, _, err = printed(capsys, "vqav22", "--predictions", results)
    assert code == 2 and "There is no task 'vqav22' to score; choose one of vqav2" in err


def test_ids_that_stand_twice_in_an_object_are_named(tmp_path):
    _, annotations = activitynet_files(tmp_path)
    results = write(tmp_path / "p.json", '{"v_1_0": "yes", "v_1_0": "no"}')
    with pytest.raises(DataError, match="has 1 ids more than once, the first v_1_0"):
        score("activitynet-qa", results, annotations)


def test_tables_with_rows_of_another_width_are_named(tmp_path):
    annotations = write(tmp_path / "test.csv", "youtube_id,caption\ny1,a dog\ny2\n")
    with pytest.raises(DataError, match="a row of another width"):
        score("audiocaps", write(tmp_path / "p.json", {"y1": "a dog"}), annotations)


def nodes(value, path=()):
    """Every place in a JSON value, two of each list."""
    yield path
    inside = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, one in inside:
        yield from nodes(one, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def seed_files(folder):
    row = {"question_id": "9", "choice_a": "cat", "choice_b": "dog", "answer": "B", "question_type_id": 1}
    whole = {"question_type": {"Scene Understanding": 1}, "questions": [row]}
    return write(folder / "p.json", [{"q_id": "9", "prediction": "B"}]), write(folder / "seed.json", whole)


def coco_files(folder):
    said = [{"image_id": n, "caption": text} for n, text in enumerate(TEXTS)]
    return write(folder / "p.json", said), coco(folder, domain=["in-domain"] * 3)


def flickr_files(folder):
    images = [{"filename": "0.jpg", "split": "test", "sentences": [{"raw": TEXTS[0]}]}]
    return write(folder / "p.json", {"0": TEXTS[0]}), write(folder / "flickr.json", {"images": images})


def msrvtt_files(folder):
    whole = {
        "videos": [{"video_id": "v", "split": "test"}],
        "sentences": [{"video_id": "v", "caption": "a dog"}],
    }
    return write(folder / "p.json", {"result": [{"video_id": "v", "caption": "a"}]}), write(
        folder / "a.json", whole
    )


FILES = {
    "vqav2": vqa_files, "gqa": gqa_files, "activitynet-qa": activitynet_files,
    "mvbench": lambda folder: mvbench_files(folder)[:1], "seed-bench": seed_files, "nocaps": coco_files,
    "flickr30k": flickr_files, "msrvtt-captions": msrvtt_files,
}  # fmt: skip


@pytest.mark.parametrize("task", FILES)
def test_whatever_stands_in_a_file_ends_in_a_score_or_a_sentence(task, tmp_path):
    files = FILES[task](tmp_path)[:2]
    sound = [json.loads(path.read_text()) for path in files]
    tried = 0
    for path, value in zip(files, sound):
        for place in nodes(value):
            for new in (None, 7, "x", [], {}, [[]], {"x": None}):
                write(path, json.dumps(replaced(value, place, new)))
                try:
                    score(task, *files)
                except UserError as error:
                    assert "\n" not in str(error)
                tried += 1
        write(path, value)
    assert tried > 50 and score(task, *files).value is not None


# ---- streams


def test_streams_cross_the_borders_of_their_window(tmp_path):
    rows = [{"n": n, "text": 'é]}"' * (n % 7 * 3000)} for n in range(200)]
    path = write(tmp_path / "long.json", {"before": [1, [2]], "rows": rows, "after": {"x": [3]}})
    assert path.stat().st_size > 5 * CHUNK
    assert list(stream_array(path, "rows", "rows")) == rows
    assert list(stream_array(write(tmp_path / "list.json", json.dumps(rows, indent=1)), "rows")) == rows
    assert list(stream_array(write(tmp_path / "none.json", " [ ] "), "rows")) == []


# ---- the verb


def test_every_scorer_is_there_and_in_the_help(capsys):
    import nextgpt.evaluation.scoring as scoring

    for scorer in SCORERS.values():
        module, _, name = scorer.function.partition(".")
        assert callable(getattr(__import__(f"{scoring.__name__}.{module}", fromlist=[name]), name))
    code, out, _ = printed(capsys, "--help")
    assert code == 0 and all(f"  {task} " in out for task in SCORERS)


def test_answers_are_scored_without_torch(tmp_path):
    results, annotations, _ = vqa_files(tmp_path)
    captions = write(tmp_path / "p.json", [{"image_id": n, "caption": text} for n, text in enumerate(TEXTS)])
    script = f"""
import sys
from nextgpt.cli import run
from nextgpt.evaluation.metrics import java_captions
java_captions.missing_java = lambda: "not asked for"
assert run(["score", "vqav2", "--predictions", {str(results)!r}, "--annotations", {str(annotations)!r}]) == 0
assert run(["score", "coco-captions", "--predictions", {str(captions)!r}, "--annotations",
            {str(coco(tmp_path))!r}]) == 0
print(*{{"torch", "transformers", "PIL", "rich"}} & set(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr


def test_intervals_are_those_of_means():
    per_item = {str(n): float(n % 2) for n in range(100)}
    low, high = interval(Scores("m", 0.5, 100, per_item=per_item))
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * 0.0502519, rel=0.1)  # the normal approximation's width
    assert interval(Scores("m", 0.5, 2, per_item={"a": 0.0, "b": 1.0}))[0] >= 0, "never outside the scale"
    assert interval(Scores("m", 0.7, 100, per_item=per_item)) is None
    assert interval(Scores("m", None, 0)) is None
