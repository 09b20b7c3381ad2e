"""`nextgpt eval TASK...` from data to report, with fakes and with a tiny random model of everything; `compare`."""

import json
import re

import pytest
from benchmark_data import make

from nextgpt.cli import run as run_cli
from nextgpt.evaluation.tasks import TASKS
from nextgpt.testing.speakers import Knowing, Painter, Speaker

UNDERSTANDING = [name for name, task in TASKS.items() if not task.makes_media]


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    """METEOR by Java takes seconds a call; tests/test_metrics_captions.py has it."""
    monkeypatch.setattr("nextgpt.evaluation.metrics.java_captions.missing_java", lambda: "Java is off here")


@pytest.fixture
def command(monkeypatch, tmp_path):
    """command(model, *words) -> exit code; the model stands in the place of the one by name."""

    def call(model, *words):
        monkeypatch.setattr("nextgpt.cli.model_options.open_pipeline", lambda *placement: model)
        return run_cli(["eval", *map(str, words)])

    return call


def record(folder, name="run.json"):
    return json.loads((folder / name).read_text())


# ---- a run


@pytest.mark.parametrize("task", UNDERSTANDING)
def test_a_task_from_data_to_report(task, command, tmp_path, capsys):
    data, out = make(task, tmp_path / "data"), tmp_path / "out"
    assert command(Speaker(lambda text: "yes"), task, "--data", data, "--out", out, "--batch", 2) == 0
    run = record(out / task)
    (one,) = run["metrics"]
    assert one["value"] is not None and one["n"] == len(record(out / task, "items.json")[one["metric"]])
    assert run["n"] == run["data"]["asked"] == run["data"]["of"] and run["errors"] == 0
    assert task in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert ("<svg" in page and "Examples" in page) or "best" in page or "worst" in page


def test_the_score_is_the_official_one(command, tmp_path):
    data, out = make("vqav2", tmp_path / "data"), tmp_path / "out"
    model = Knowing({"Where": "down", "sunny": "yes", "cups": "3"})
    assert command(model, "vqav2", "--data", data, "--out", out) == 0
    (one,) = record(out / "vqav2")["metrics"]
    # people: down 3 of 10 -> 0.9; yes 10 of 10 -> 1; "3" 8 of 10 -> 1
    assert one["value"] == pytest.approx(100 * (0.9 + 1 + 1) / 3)
    assert record(out / "vqav2", "items.json")["VQA accuracy"]["262148000"] == pytest.approx(90)
    low, high = one["interval"]
    assert 90 <= low < one["value"] < high <= 100


@pytest.mark.parametrize(
    ("task", "scorer", "annotations"),
    [
        ("vqav2", "vqav2", "annotations.json"),
        ("gqa", "gqa", "questions.json"),
        ("mmbench", "mmbench", "annotations.tsv"),
        ("seed-bench", "seed-bench", "annotations.json"),
        ("next-qa", "next-qa", "annotations.json"),
        ("clotho", "coco-captions", "references.json"),
    ],
)
def test_a_run_can_be_scored_again_from_its_folder_alone(
    task, scorer, annotations, command, tmp_path, capsys
):
    data, out = make(task, tmp_path / "data"), tmp_path / "out"
    command(Speaker(lambda text: "A machine whines, yes"), task, "--data", data, "--out", out, "--limit", 1)
    capsys.readouterr()
    folder = out / task
    words = ["score", scorer, "--predictions", folder / "results.json", "--annotations", folder / annotations]
    assert run_cli([*map(str, words), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (one,) = record(folder)["metrics"]
    assert (found["value"], found["n"]) == (one["value"], one["n"])


def test_several_tasks_and_one_report(command, tmp_path):
    for task in ("vqav2", "coco-captions"):
        make(task, tmp_path / "data" / task)
    words = ("vqav2", "coco-captions", "--data", tmp_path / "data", "--out", tmp_path / "out", "--limit", 2)
    assert command(Speaker(lambda text: "A man rides a red bike."), *words) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "VQAv2" in page and "COCO captions" in page
    assert page.count("data:image/jpeg;base64,") == 4
    assert not re.search(r'(src|href)="(?!data:)', page)  # one file, nothing beside it
    assert record(tmp_path / "out" / "vqav2")["data"]["asked"] == 2


def test_what_a_run_records(command, tmp_path):
    data, out = make("vqav2", tmp_path / "data"), tmp_path / "out"
    command(Speaker(lambda text: "yes"), "vqav2", "--data", data, "--out", out, "--seed", 5, "--limit", 2)
    run = record(out / "vqav2")
    assert run["model"]["name"] == "nano" and len(run["model"]["parts"]) >= 3
    assert all(len(part["sha256"]) == 64 for part in run["model"]["parts"].values())
    assert set(run["data"]["files"]) == set(TASKS["vqav2"].layout) - {"val2014"}
    assert len(run["data"]["ids_sha256"]) == 64 and run["settings"]["seed"] == 5
    assert run["prompt"] == TASKS["vqav2"].prompt and run["interval"]["level"] == 0.95
    assert run["machine"]["cores"] and run["libraries"]["nextgpt"] and run["processes"] == 1
    assert (out / "vqav2" / "results.json").is_file() and run["files"]


GENERATION = [name for name, task in TASKS.items() if task.makes_media]


@pytest.mark.parametrize("task", GENERATION)
def test_made_media_are_compared_with_real_ones(task, command, tmp_path):
    data, out = make(task, tmp_path / "data"), tmp_path / "out"
    words = (task, "--data", data, "--out", out, "--features", "eval_features:summary", "--steps", 3)
    assert command(Painter(), *words) == 0
    (one,) = record(out / task)["metrics"]
    assert one["metric"] == "FD-summary" and one["value"] > 0 and one["interval"] is None
    names = {path.stem for path in (out / task / "real").iterdir()}
    assert {path.stem for path in (out / task / "made").iterdir()} == {*names, "protocol"}
    assert json.loads((out / task / "made" / "protocol.json").read_text())["steps"] == 3
    assert command(Painter(), *words) == 0  # again over the same folders


def test_media_as_good_as_the_real_ones_have_no_distance(command, tmp_path):
    from nextgpt.media import Image
    from nextgpt.messages import Message

    data, out = make("coco-30k", tmp_path / "data"), tmp_path / "out"
    real = iter(sorted((data / "val2014").glob("*.jpg")))

    class Thief(Painter):
        def reply(self, message, how):
            return Message.assistant(Image.from_array(Image.from_path(next(real)).array()))

    words = ("coco-30k", "--data", data, "--out", out, "--features", "eval_features:summary")
    assert command(Thief(), *words) == 0
    assert record(out / "coco-30k")["metrics"][0]["value"] == pytest.approx(0, abs=1e-6)


def test_generated_media_are_kept_and_shown(command, tmp_path):
    data, out = make("coco-30k", tmp_path / "data"), tmp_path / "out"
    assert command(Painter(), "coco-30k", "--data", data, "--out", out) == 0
    run = record(out / "coco-30k")
    assert run["without_medium"] == 0 and len(list((out / "coco-30k" / "media").glob("*.png"))) == 2
    page = (out / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4  # two made ones, beside the two real ones
    for one in run["metrics"]:
        assert one["value"] is not None or one["unavailable"]


def test_replies_without_media_are_told(command, tmp_path, capsys):
    data, out = make("coco-30k", tmp_path / "data"), tmp_path / "out"
    assert command(Speaker(lambda text: "no"), "coco-30k", "--data", data, "--out", out) == 0
    assert "2 of 2 replies had no medium" in capsys.readouterr().out


def test_data_from_the_environment(command, tmp_path, monkeypatch):
    make("vqav2", tmp_path / "all" / "vqav2")
    monkeypatch.setenv("NEXTGPT_DATA", str(tmp_path / "all"))
    assert command(Speaker(lambda text: "yes"), "vqav2", "--out", tmp_path / "out") == 0


def test_a_tiny_model_of_everything_runs_through(command, tmp_path):
    """The true pipeline, random and small: pictures, sounds and clips in, text and media out."""
    from nextgpt.generation.pipeline import AnyToAnyPipeline
    from nextgpt.testing.tiny import echo_decoders, favour, tiny_model

    model, processor = tiny_model()
    favour(model, image=50.0, audio=-50.0, video=-50.0)
    pipeline = AnyToAnyPipeline(model, processor, decoders=echo_decoders())
    tasks = ("vqav2", "clotho", "msrvtt-qa", "coco-30k")
    for task in tasks:
        make(task, tmp_path / "data" / task)
    words = ("--data", tmp_path / "data", "--out", tmp_path / "out", "--max-new-tokens", 4, "--batch", 2)
    assert command(pipeline, *tasks, *words) == 0
    for task in tasks:
        lines = (tmp_path / "out" / task / "answers.jsonl").read_text().splitlines()
        assert all("error" not in json.loads(line) for line in lines)
    assert len(list((tmp_path / "out" / "coco-30k" / "media").glob("*.png"))) == 2
    model = record(tmp_path / "out" / "vqav2")["model"]
    assert (model["device"], model["dtype"]) == ("cpu", "float32")


# ---- faults


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["vqav2"], "Where are the data of vqav2"),
        (["vqav2", "--data", "/nowhere"], "There is no folder '/nowhere'"),
        (["vqav2", "nano-understanding", "--data", "."], "run it by itself"),
        (["vqav2", "vqa3", "--data", "."], "'vqa3' is no benchmark"),
        (["compare", "/nowhere", "/nowhere"], "There is no finished run in '/nowhere'"),
        (["vqav2", "--data", ".", "--model", "nobody"], "There is no checkpoint 'nobody'"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, command, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("NEXTGPT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert command(None, *words) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_bad_data_of_the_second_task_are_named_before_the_model_is_opened(command, tmp_path, capsys):
    for task in ("vqav2", "gqa"):
        make(task, tmp_path / "data" / task)
    (tmp_path / "data" / "gqa" / "images" / "n161311.jpg").unlink()
    words = ("vqav2", "gqa", "--data", tmp_path / "data", "--out", tmp_path / "out")
    assert command(None, *words) == 2  # None could not answer
    assert "n161311.jpg' is not there" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*/answers*.jsonl"))


def test_a_folder_in_use_is_one_sentence(command, tmp_path, capsys):
    from nextgpt.files import locked

    data = make("vqav2", tmp_path / "data")
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"):
        assert command(None, "vqav2", "--data", data, "--out", tmp_path / "out") == 2
    assert "Another process writes into" in capsys.readouterr().err


def test_fresh_asks_again(command, tmp_path):
    data, out = make("vqav2", tmp_path / "data"), tmp_path / "out"
    command(Speaker(lambda text: "yes"), "vqav2", "--data", data, "--out", out)
    again = Speaker(lambda text: "no")
    command(again, "vqav2", "--data", data, "--out", out)
    assert again.asked == 0
    command(again, "vqav2", "--data", data, "--out", out, "--fresh")
    assert again.asked == 3


# ---- help and compare


def test_help_lists_the_suites_and_the_benchmarks(capsys):
    assert run_cli(["eval", "--help"]) == 0
    said = capsys.readouterr().out
    for name in ("nano-understanding", "nano-agreement", "compare", *TASKS):
        assert f" {name} " in said
    assert run_cli(["eval", "gqa", "--help"]) == 0
    assert "questions/testdev_balanced_questions.json" in capsys.readouterr().out


def test_two_runs_are_compared_over_the_same_items(command, tmp_path, capsys):
    data = make("vqav2", tmp_path / "data")
    for name, cups in (("a", "9"), ("b", "3")):
        command(Knowing({"Where": "down", "cups": cups}), "vqav2", "--data", data, "--out", tmp_path / name)
    capsys.readouterr()
    assert command(None, "compare", tmp_path / "a", tmp_path / "b") == 0
    said = capsys.readouterr().out
    assert "+33.3" in said and "signs" in said
    assert command(None, "compare", tmp_path / "a" / "vqav2", tmp_path / "b" / "vqav2") == 0


def test_other_items_are_not_compared(command, tmp_path, capsys):
    data = make("vqav2", tmp_path / "data")
    command(Speaker(lambda text: "yes"), "vqav2", "--data", data, "--out", tmp_path / "a")
    command(Speaker(lambda text: "yes"), "vqav2", "--data", data, "--out", tmp_path / "b", "--limit", 2)
    assert command(None, "compare", tmp_path / "a", tmp_path / "b") == 2
    assert "asked 3 items" in capsys.readouterr().err
