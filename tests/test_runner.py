"""Asking a model: batches by ids, answers that survive any interruption, several processes, faults."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmark_data import make, picture, write_json

from nextgpt.errors import DataError, MediaError, NotTrainedError
from nextgpt.evaluation.plan import chosen_rows, groups_of
from nextgpt.evaluation.processes import Processes, processes
from nextgpt.evaluation.runner import Settings, answer, prepare
from nextgpt.evaluation.tasks import TASKS, Row
from nextgpt.files import locked
from nextgpt.testing.speakers import Herd, Painter, Speaker

WORKER = Path(__file__).with_name("eval_worker.py")


def many_questions(folder: Path, count: int = 20) -> Path:
    make("vqav2", folder)
    asked, known = [], []
    for number in range(count):
        common = {"question_id": number, "image_id": 262148}
        asked.append({**common, "question": f"Is it {number}?"})
        known.append(
            {**common, "answers": [{"answer": "yes"}] * 10, "answer_type": "yes/no", "question_type": "is it"}
        )
    write_json(folder / "v2_OpenEnded_mscoco_val2014_questions.json", {"questions": asked})
    write_json(folder / "v2_mscoco_val2014_annotations.json", {"annotations": known})
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return many_questions(tmp_path_factory.mktemp("vqa"))


def run(data, out, model, **settings):
    prepared = prepare(TASKS["vqav2"], data, out, Settings(**{"batch_size": 3, **settings}))
    return answer(prepared, lambda: model, identity="model")


def said(answered):
    return {one.row.id: one.answer for one in answered}


def yes():
    return Speaker(lambda text: "yes")


# ---- order and batches


def rows(count):
    return [Row(str(number), ("question",)) for number in range(count)]


def test_a_limit_takes_a_sample_that_a_larger_one_begins_with():
    ten, all_of_them = chosen_rows(rows(50), 10, 0), chosen_rows(rows(50), None, 0)
    assert all_of_them[:10] == ten and len(all_of_them) == 50
    assert [row.id for row in ten] != [str(number) for number in range(10)]
    assert chosen_rows(reversed(rows(50)), 10, 0) == ten  # a function of ids, not of the file's order
    assert chosen_rows(rows(50), 10, 1) != ten


def test_rows_of_a_unit_stay_together():
    torn = [Row(f"{n}", ("q",), unit=str(n % 5)) for n in range(15)]
    units = [row.unit for row in chosen_rows(torn, 2, 0)]
    assert len(units) == 6 and len(set(units)) == 2


def test_a_batch_is_known_by_its_ids():
    first, second = groups_of(rows(6), 3), groups_of(rows(7), 3)
    assert [group.key for group in first] == [group.key for group in second[:2]]
    assert second[2].key not in {group.key for group in first}


def test_two_rows_with_one_id_are_an_error():
    with pytest.raises(DataError, match="Two rows have the id '3'"):
        chosen_rows([*rows(5), rows(4)[3]], None, 0)


# ---- answers


def test_answers_come_in_the_order_of_the_rows_and_lie_on_disk(data, tmp_path):
    answered = run(data, tmp_path, yes())
    assert len(answered) == 20 and {one.answer for one in answered} == {"yes"}
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [one.row.id for one in answered]
    assert not list(tmp_path.glob("answers-*.jsonl"))


def test_a_rerun_asks_nothing_and_a_larger_limit_what_is_missing(data, tmp_path):
    first = run(data, tmp_path, yes(), limit=6)
    again = yes()
    assert said(run(data, tmp_path, again, limit=6)) == said(first) and again.asked == 0
    more = yes()
    assert len(run(data, tmp_path, more, limit=12)) == 12 and more.asked == 6


def test_no_model_is_opened_when_all_is_answered(data, tmp_path):
    run(data, tmp_path, yes())
    prepared = prepare(TASKS["vqav2"], data, tmp_path, Settings(batch_size=3))
    assert len(answer(prepared, pytest.fail, identity="model")) == 20


def test_an_unfinished_batch_is_asked_again_whole(data, tmp_path):
    whole = said(run(data, tmp_path / "a", Herd(str)))
    run(data, tmp_path / "b", Herd(str))
    path = tmp_path / "b" / "answers.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + lines[7][:20])  # two batches, a line of the third, a torn line
    model = Herd(str)
    assert said(run(data, tmp_path / "b", model)) == whole
    assert model.asked == 20 - 6


def test_other_neighbours_would_change_the_answers(data, tmp_path):
    """Herd is a fair judge: with other batches its answers are others."""
    assert said(run(data, tmp_path / "a", Herd(str))) != said(
        run(data, tmp_path / "b", Herd(str), batch_size=4)
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [({"seed": 1}, "seed"), ({"prompt": "{question}!"}, "prompt"), ({"max_new_tokens": 3}, "options")],
)
def test_answers_with_other_settings_are_not_mixed(data, tmp_path, change, what):
    run(data, tmp_path, yes())
    with pytest.raises(DataError, match=f"another {what}.*--fresh"):
        run(data, tmp_path, yes(), **change)


def test_answers_of_another_model_or_other_data_are_not_mixed(data, tmp_path):
    run(data, tmp_path, yes())
    prepared = prepare(TASKS["vqav2"], data, tmp_path, Settings(batch_size=3))
    with pytest.raises(DataError, match="another model"):
        answer(prepared, yes, identity="other")
    with pytest.raises(DataError, match="another data"):
        run(many_questions(tmp_path / "data", 21), tmp_path, yes())


def test_a_fault_of_one_row_is_recorded_and_the_rest_go_on(data, tmp_path):
    class Faulty(Speaker):
        def reply(self, message, how):
            return super().reply(message, how)

        def replies(self, conversations, options):
            found = super().replies(conversations, options)
            return [
                MediaError("x: is damaged.") if "Is it 7?" in c[0].text else f
                for c, f in zip(conversations, found)
            ]

    answered = run(data, tmp_path, Faulty(lambda text: "yes"))
    assert [one.row.id for one in answered if one.error] == ["7"]
    assert sum(one.answer == "yes" for one in answered) == 19


def test_a_model_that_is_not_trained_for_it_stops_the_run(data, tmp_path):
    class Untrained(Speaker):
        def replies(self, conversations, options):
            return [NotTrainedError("input_projectors.image is untrained.")] * len(conversations)

    with pytest.raises(NotTrainedError):
        run(data, tmp_path, Untrained(str))


def test_an_empty_reply_is_an_empty_answer(data, tmp_path):
    assert set(said(run(data, tmp_path, Speaker(lambda text: "")))) and not any(
        one.answer or one.error for one in answered_empty(data, tmp_path / "again")
    )


def answered_empty(data, out):
    return run(data, out, Speaker(lambda text: ""))


def test_media_are_kept_and_are_those_of_the_seed(tmp_path):
    make("coco-30k", tmp_path / "data")

    def files(out, seed):
        prepared = prepare(TASKS["coco-30k"], tmp_path / "data", tmp_path / out, Settings(seed=seed))
        answered = answer(prepared, Painter, identity="painter")
        assert all(one.media and one.media[0].is_file() for one in answered)
        return {one.row.id: one.media[0].read_bytes() for one in answered}

    first = files("a", 0)
    assert first == files("b", 0) and len(set(first.values())) == len(first)
    assert first.keys() == files("c", 1).keys() and first != files("c", 1)


# ---- killed


def test_killing_at_any_time_changes_nothing(data, tmp_path):
    """SIGKILL at random moments until a run comes through; a model that depends on its neighbours judges."""
    whole = said(run(data, tmp_path / "whole", Herd(str)))
    moments, killed = random.Random(5), 0
    for _ in range(30):
        worker = start_worker(data, tmp_path / "killed", 0.01)
        lines = iter(worker.stdout.readline, b"")
        seen = [
            next(lines, b"") for _ in range(2 + moments.randint(0, 2))
        ]  # ready, done 0, and a few batches
        time.sleep(moments.uniform(0.0, 0.04))  # in the middle of one, or while its lines are written
        worker.send_signal(signal.SIGKILL)
        if worker.wait() == 0 or b"done 20\n" in seen:
            break
        killed += 1
    assert killed >= 2
    last = start_worker(data, tmp_path / "killed", 0)
    assert last.wait() == 0
    lines = (tmp_path / "killed" / "vqav2" / "answers.jsonl").read_text().splitlines()
    assert {line["id"]: line["reply"] for line in map(json.loads, lines)} == whole


def start_worker(data, out, seconds):
    command = [sys.executable, str(WORKER), str(data), str(out), str(seconds)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_the_second_run_into_a_folder_is_told_so(data, tmp_path):
    with locked(tmp_path):
        worker = subprocess.run(
            [sys.executable, str(WORKER), str(data), str(tmp_path), "0"],
            capture_output=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert b"Another process writes into" in worker.stderr and worker.returncode != 0


# ---- several processes


def test_one_process_needs_no_accelerate(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert type(processes()) is Processes
    assert Processes().gather([1]) == [1] and Processes().by_main(lambda: 3) == 3


def test_two_processes_by_accelerate_answer_as_one(data, tmp_path):
    pytest.importorskip("accelerate", reason="accelerate is in the extra `train`")
    whole = said(run(data, tmp_path / "one", Herd(str)))
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        "--rdzv_backend",
        "c10d",
    ]
    launch += ["--rdzv_endpoint", "localhost:0", str(WORKER), str(data), str(tmp_path / "two"), "0.001"]
    here = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(launch, capture_output=True, text=True, timeout=600, env=here)
    assert done.returncode == 0, done.stderr
    counts = sorted(line for line in done.stdout.splitlines() if line.startswith("20 "))
    assert counts == ["20 11", "20 9"]  # seven batches of three: four and three, the last one of two rows
    lines = (tmp_path / "two" / "vqav2" / "answers.jsonl").read_text().splitlines()
    assert {line["id"]: line["reply"] for line in map(json.loads, lines)} == whole


# ---- data at fault


def test_data_are_looked_at_before_the_model(data, tmp_path):
    make("vqav2", tmp_path / "data")
    path = tmp_path / "data" / "val2014" / "COCO_val2014_000000262148.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"000000262148\.jpg.*expected is an image for row"):
        prepare(TASKS["vqav2"], tmp_path / "data", tmp_path / "out", Settings())
    picture(path)
    assert prepare(TASKS["vqav2"], tmp_path / "data", tmp_path / "out", Settings()).rows
