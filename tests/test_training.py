"""Resume law: a killed training ends with the bits of one that was not stopped. And what the loop promises."""

import json
import logging
import math
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

if __name__ != "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
from worlds import batches, world

from nextgpt.errors import CheckpointError, NextGPTError
from nextgpt.training import loop
from nextgpt.training.loop import Trainer, learning_rate, make_optimizer, prefetch
from nextgpt.training.losses import slot_losses
from nextgpt.training.stages import STAGES, Job, apply_stage
from nextgpt.training.state import check_run, read_record

JOBS = {
    "slots": ("encoder-alignment", Job("slots", "slots", 7, 6, 1e-2, warmup_steps=2)),
    "model": (
        "instruction-tuning",
        Job("model", "model", 7, 3, 1e-3, warmup_steps=2, gradient_accumulation=2, rates={"lora": 1e-2}),
    ),
    "states": (
        "instruction-tuning",
        Job("states", "states", 7, 6, 1e-2, modules=("output_projectors.audio",)),
    ),
}
KILLED_AT = 5


def trainer(name, folder, **options):
    which, job = JOBS[name]
    model, processor = world()
    apply_stage(model, STAGES[which], job)
    return Trainer(
        model, job, batches(processor, job.objective), Path(folder) / f"{name}.safetensors", **options
    )


def train_and_die(name, folder):
    """State is saved after every step; the process kills itself behind step 5, before that step is saved."""
    loop.SAVE_SECONDS = -1.0

    def die(step):
        if step == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    trainer(name, folder, on_step=die).run()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder with the states that a process with another hash seed left; each job died in a fork of its own."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, folder], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(JOBS, -signal.SIGKILL)
    return folder


@pytest.mark.parametrize("name", JOBS)
def test_resume_law(name, killed, tmp_path, caplog):
    path = killed / f"{name}.safetensors"
    assert read_record(path)["step"] == KILLED_AT - 1
    straight, resumed, steps = trainer(name, tmp_path), trainer(name, killed), []
    straight.run()
    resumed.on_step = steps.append
    with caplog.at_level(logging.WARNING):
        resumed.run()
    assert steps == [5, 6, 7] and not caplog.records
    for (key, one), (_, other) in zip(
        straight.model.named_parameters(), resumed.model.named_parameters(), strict=True
    ):
        assert torch.equal(one, other), key
    wanted, found = load_file(tmp_path / path.name), load_file(path)
    assert wanted.keys() == found.keys() and all(torch.equal(wanted[key], found[key]) for key in wanted)
    assert any(key.startswith("exp_avg/") for key in wanted)
    record = read_record(path)
    assert record == read_record(tmp_path / path.name) and record["step"] == 7
    assert record["environment"]["torch"] == torch.__version__


def test_a_finished_job_is_not_trained_again(tmp_path):
    trainer("slots", tmp_path).run()
    before, steps = load_file(tmp_path / "slots.safetensors"), []
    again = trainer("slots", tmp_path, on_step=steps.append)
    again.run()
    assert steps == []
    parameters = {
        f"parameter/{name}": value for name, value in again.model.named_parameters() if value.requires_grad
    }
    assert all(torch.equal(before[name], value) for name, value in parameters.items())
    assert all(
        torch.equal(before[name], value) for name, value in load_file(tmp_path / "slots.safetensors").items()
    )


def test_another_environment_is_warned_of(tmp_path, monkeypatch, caplog):
    first = trainer("slots", tmp_path)
    first.save(3)
    monkeypatch.setattr(
        loop, "environment", lambda: {**read_record(first.state_path)["environment"], "threads": 64}
    )
    with caplog.at_level(logging.WARNING):
        assert trainer("slots", tmp_path)._resume() == 3
    assert "not bit for bit" in caplog.text and "64" in caplog.text


def test_the_state_of_another_run_is_refused(tmp_path):
    trainer("slots", tmp_path).save(3)
    (tmp_path / "slots.safetensors").rename(tmp_path / "states.safetensors")
    with pytest.raises(CheckpointError, match=r"state of another run \(differs in .*--fresh"):
        trainer("states", tmp_path).run()


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"seed": 1}, "seed"),
        ({"origin": "other"}, "origin"),
        ({"job": replace(JOBS["slots"][1], rates={"lora": 1.0})}, "rates"),
    ],
)
def test_a_state_goes_on_in_its_own_run_alone(changed, differs, tmp_path):
    one = trainer("slots", tmp_path)
    one.save(3)
    run = {"seed": 0, "origin": "", "job": replace(one.job, steps=9)} | changed
    with pytest.raises(CheckpointError, match=rf"differs in {differs}\)"):
        check_run(one.state_path, **run | {"job": asdict(run["job"])})
    check_run(one.state_path, seed=0, origin="", job=asdict(replace(one.job, steps=9)))


def test_a_broken_state_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "slots.safetensors"
    path.write_bytes(b"no state")
    with pytest.raises(CheckpointError, match=r"slots.safetensors is no whole state .* --fresh"):
        check_run(path, seed=0, origin="", job={})


def test_a_save_that_fails_leaves_the_last_state(tmp_path, monkeypatch):
    one = trainer("slots", tmp_path)
    one.save(2)
    before = one.state_path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        one.save(3)
    monkeypatch.undo()
    assert one.state_path.read_bytes() == before and trainer("slots", tmp_path)._resume() == 2


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (12, 0.55), (20, 0.1), (40, 0.1)]
)
def test_learning_rates_are_a_function_of_the_step(step, share):
    job = Job("j", "model", 20, 1, 1.0, warmup_steps=4)
    assert math.isclose(learning_rate(step, job, 2.0), 2.0 * share)


def test_lora_has_its_own_rate_and_vectors_do_not_decay(tmp_path):
    one = trainer("model", tmp_path)
    groups = make_optimizer(one.model, one.job).param_groups
    names = {id(parameter): name for name, parameter in one.model.named_parameters()}
    for group in groups:
        for parameter in group["params"]:
            lora = "lora_" in names[id(parameter)]
            assert (group["peak"], group["weight_decay"] > 0) == (1e-2 if lora else 1e-3, parameter.ndim > 1)
    assert sum(len(group["params"]) for group in groups) == sum(
        p.requires_grad for p in one.model.parameters()
    )


def test_logged_losses_are_means_over_the_steps_since_the_last_record(tmp_path):
    """Also right behind a resumption in the middle of ten steps."""
    name, (_, job) = "slots", JOBS["slots"]
    records, losses = [], []
    one = trainer(name, tmp_path, on_log=records.append, log_every=3)

    def objective(model, batch):
        found = slot_losses(model, batch)
        if len(losses) % 2:
            found.pop("names")  # as a medium that not every batch holds
        losses.append({key: float(value.detach()) for key, value in found.items()})
        return found

    one.objective = objective
    one.run()
    assert [record["step"] for record in records] == [3, 6, 7] and len(losses) == job.steps
    for record, span in zip(records, (losses[:3], losses[3:6], losses[6:])):
        for key in ("words", "distance", "names"):
            values = [loss[key] for loss in span if key in loss]
            assert math.isclose(record[key], sum(values) / len(values), rel_tol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_stops_the_job_and_leaves_the_last_state(tmp_path, bad, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_SECONDS", -1.0)
    one = trainer("slots", tmp_path)
    steps = iter(range(9))
    one.objective = lambda model, batch: {
        name: value * (bad if next(steps) == 8 else 1.0) for name, value in slot_losses(model, batch).items()
    }
    with pytest.raises(NextGPTError, match=r"slots: the gradient of step 3 is (nan|inf)"):
        one.run()
    assert read_record(one.state_path)["step"] == 2
    assert all(torch.isfinite(value).all() for value in load_file(one.state_path).values())


def test_validation_comes_between_steps_and_training_goes_on(tmp_path):
    seen = []
    one = trainer("slots", tmp_path, validate_every=3)
    one.on_validation = lambda step: (seen.append(step), one.model.eval())
    one.on_step = lambda step: seen.append(one.model.input_projectors["image"].training)
    one.run()
    assert seen == [True, True, True, 3, True, True, True, 6, True]


def test_batches_are_made_one_ahead_and_errors_arrive():
    made = []
    steps = prefetch(lambda step: made.append(step) or 10 * step, 2, 5)
    assert next(steps) == (2, 20)
    assert list(steps) == [(3, 30), (4, 40)] and made == [2, 3, 4]
    assert list(prefetch(lambda step: step, 5, 5)) == []
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda step: 1 // (step - 1), 0, 3))


def test_training_learns_something(tmp_path):
    """Forty steps of each objective at a fixed batch lower the loss."""
    for name in JOBS:
        records = []
        one = trainer(name, tmp_path / "learn", on_log=records.append, log_every=1)
        first = one.batches(0)
        one.batches = lambda step, first=first: first
        one.run()
        keys = [key for key in records[0] if "/" in key or key in ("language", "words", "names")]
        assert sum(records[-1][key] for key in keys) < sum(records[0][key] for key in keys), name


if __name__ == "__main__":  # the process that is killed, a fork for each job
    codes = {}
    for job in JOBS:
        child = os.fork()
        if not child:
            train_and_die(job, sys.argv[1])
            os._exit(0)
        codes[job] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps(codes))
