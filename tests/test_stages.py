"""Stage law: a stage changes every tensor of the modules that it names, and no bit of anything else."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from worlds import CONFIG, batches, model_batch, world

from nextgpt.checkpoint import CheckpointInfo, load, module_of, read_info
from nextgpt.errors import CheckpointError, ConfigError
from nextgpt.training.run import digest, run_stage
from nextgpt.training.stages import STAGES, Job, apply_stage, parameter_table, scaled, stage

PROJECTORS_IN = tuple(f"input_projectors.{name}" for name in CONFIG.inputs)
PROJECTORS_OUT = tuple(f"output_projectors.{name}" for name in CONFIG.outputs)
TABLES = tuple(f"language_model.{name}" for name in ("boundary_embeddings", "signal_embeddings", "modality_"))
# what the design says, by names of parameters and not by the table that is tested
TRAINS = {
    "encoder-alignment": (*PROJECTORS_IN, "language_model.boundary_embeddings"),
    "decoder-alignment": (*PROJECTORS_OUT, "language_model.signal_embeddings"),
    "instruction-tuning": (*PROJECTORS_IN, *PROJECTORS_OUT, *TABLES, "lora_"),
}
MODULES = {
    "encoder-alignment": {*PROJECTORS_IN, "boundary_tokens"},
    "decoder-alignment": {*PROJECTORS_OUT, "signal_tokens"},
    "instruction-tuning": {
        *PROJECTORS_IN, *PROJECTORS_OUT, "boundary_tokens", "signal_tokens", "modality_tokens", "lora",
    },
}  # fmt: skip
# a softmax over positions cancels this bias: its gradient is rounding noise
FREE = "input_projectors.image.branches.concepts.attention.bias"


def learns(name, which):
    """Buffers (tables of class names) never do."""
    return not name.endswith((".table", ".cues")) and any(
        name.startswith(start) or (start == "lora_" and "lora_" in name) for start in TRAINS[which]
    )


def three_steps(which, **changes):
    job = Job("three", "model", 3, 3, 1e-2, warmup_steps=0, **changes)
    return replace(STAGES[which], jobs=(job,))


def tensors(model):
    return {name: value.clone() for name, value in (*model.named_parameters(), *model.named_buffers())}


def changed(before, model):
    after = tensors(model)
    assert after.keys() == before.keys()
    return {name for name, value in after.items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("which", STAGES)
def test_a_stage_changes_its_modules_and_nothing_else(which, tmp_path):
    model, processor = world()
    apply_stage(model, STAGES[which])
    before, modes = tensors(model), []

    def look(step):
        modes.append({name for name, module in model.named_modules() if module.training})

    info = run_stage(
        model, three_steps(which), CheckpointInfo(CONFIG), lambda job: batches(processor, "model"), tmp_path,
        tmp_path / "c", on_step=look,
    )  # fmt: skip
    found = changed(before, model)
    assert {name for name in found if not learns(name, which)} == set()
    assert {name for name in before if learns(name, which)} - found <= {FREE}
    assert len(modes) == 3
    for name in set.union(*modes):  # LoRA has no mode of its own: its dropout is zero
        assert name.startswith(tuple(one for one in TRAINS[which] if "projectors" in one)), (
            f"{name} is not in eval mode"
        )
    assert set(info.trained) == MODULES[which]
    assert_checkpoint_holds(tmp_path / "c", model, which)


def assert_checkpoint_holds(folder, model, which):
    own = load_file(folder / "model.safetensors")
    assert own.keys() == {n for n, _ in model.named_parameters() if learns(n, which) and "lora_" not in n}
    assert (folder / "adapter").exists() == (which == "instruction-tuning")
    info = read_info(folder)
    assert [record["stage"] for record in info.stages] == [which]
    assert (
        info.stages[0]["jobs"][0]["step"] == 3 and info.stages[0]["jobs"][0]["job"]["learning_rate"] == 1e-2
    )
    again, _ = world()
    load(again, folder, info)
    for name, value in again.named_parameters():
        if learns(name, which):
            assert torch.equal(value, dict(model.named_parameters())[name])


def test_later_checkpoints_hold_all_earlier_stages(tmp_path):
    """Each stage starts from the checkpoint before; an untrained module never gets into a file."""
    info, folder = CheckpointInfo(CONFIG), None
    for number, which in enumerate(STAGES, 1):
        model, processor = world()
        if folder:
            load(model, folder, info)
        make = batches(processor, "model")
        folder = tmp_path / which
        run_stage(model, three_steps(which), info, lambda job, make=make: make, tmp_path, folder)
        info = read_info(folder)
        assert [record["stage"] for record in info.stages] == list(STAGES)[:number]
        assert set(info.trained) == set.union(*(MODULES[one] for one in list(STAGES)[:number]))
    assert {module_of(name) for name in load_file(folder / "model.safetensors")} == set(info.trained) - {
        "lora"
    }
    assert info.output_modalities == ("image", "audio", "video")


@pytest.mark.parametrize(
    ("which", "job", "objective", "wanted"),
    [
        ("encoder-alignment", "slots-image", "slots", ("branches.resampler", "branches.concepts")),
        (
            "decoder-alignment",
            "conditioning-audio",
            "model",
            ("output_projectors.audio", "signal_embeddings"),
        ),
        ("instruction-tuning", "states-audio", "states", ("output_projectors.audio",)),
    ],
)
def test_a_job_trains_only_its_own_modules(which, job, objective, wanted, tmp_path):
    model, processor = world()
    apply_stage(model, STAGES[which])
    before = tensors(model)
    jobs = tuple(replace(one, steps=2, warmup_steps=0) for one in STAGES[which].jobs if one.name == job)
    assert len(jobs) == 1 and jobs[0].objective == objective
    make = batches(processor, objective)
    if objective == "model":  # as a conditioning job's rows are: one modality, no language loss
        make = silent(make)
    run_stage(
        model,
        replace(STAGES[which], jobs=jobs),
        CheckpointInfo(CONFIG),
        lambda _: make,
        tmp_path,
        tmp_path / "c",
    )
    found = changed(before, model)
    assert found and all(any(part in name for part in wanted) for name in found)
    assert all(any(part in name for name in found) for part in wanted)


def silent(make):
    def batch(step):
        made = make(step)
        made.labels_BT.fill_(-100)
        made.targets = {"audio": made.targets["audio"]}
        return made

    return batch


def two_jobs(first_steps=2, modules=((), ())):
    jobs = (
        Job(name, "model", steps, 3, 1e-2, warmup_steps=0, modules=own)
        for name, steps, own in zip(("first", "second"), (first_steps, 2), modules)
    )
    return replace(STAGES["instruction-tuning"], jobs=tuple(jobs))


def run_jobs(one, folder, **options):
    model, processor = world()
    make = batches(processor, "model")
    return run_stage(model, one, CheckpointInfo(CONFIG), lambda job: make, folder, folder / "c", **options)


def test_a_later_job_does_not_put_back_what_an_earlier_one_has_trained(tmp_path):
    run_jobs(two_jobs(), tmp_path)
    states = {name: (tmp_path / "instruction-tuning" / f"{name}.safetensors") for name in ("first", "second")}
    before = {name: path.read_bytes() for name, path in states.items()}
    with pytest.raises(CheckpointError, match=r"second.* another run \(differs in origin\)"):
        run_jobs(two_jobs(first_steps=3), tmp_path)
    with pytest.raises(CheckpointError, match=r"first.* has 2 steps already, and this run would end at 1"):
        run_jobs(two_jobs(first_steps=1), tmp_path)
    assert {name: path.read_bytes() for name, path in states.items()} == before, "nothing was trained"

    # --fresh forgets all jobs before the first begins: killed then, none is taken up again
    def killed(job):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(two_jobs(first_steps=3), tmp_path, fresh=True, on_job=killed)
    assert not any(path.exists() for path in states.values())
    run_jobs(two_jobs(first_steps=3), tmp_path)


def test_projectors_of_other_modalities_may_be_trained_for_longer(tmp_path):
    apart = (("output_projectors.image",), ("output_projectors.audio",))
    run_jobs(two_jobs(modules=apart), tmp_path)
    run_jobs(two_jobs(first_steps=3, modules=apart), tmp_path)
    run_jobs(replace(two_jobs(), jobs=two_jobs(modules=apart).jobs[1:]), tmp_path)


def test_a_stage_that_is_run_again_is_the_same_stage(tmp_path, monkeypatch):
    """Also on another machine and at another commit: later stages go on."""
    one = two_jobs()
    first = run_jobs(one, tmp_path, record={"commit": "a"})
    monkeypatch.setattr("nextgpt.training.state.environment", lambda: {"threads": 64})
    again = run_jobs(one, tmp_path, record={"commit": "b"})
    assert first.stages != again.stages and digest(first.stages) == digest(again.stages)
    assert digest(first.stages) != digest(run_jobs(one, tmp_path / "other", seed=1).stages)


def test_the_language_models_own_tables_never_learn():
    for which in STAGES:
        model, _ = world()
        apply_stage(model, STAGES[which])
        learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert learned == {name for name, _ in model.named_parameters() if learns(name, which)}


def test_going_back_to_an_earlier_stage_freezes_lora_again():
    model, _ = world()
    apply_stage(model, STAGES["instruction-tuning"])
    apply_stage(model, STAGES["encoder-alignment"])
    assert not any(parameter.requires_grad for parameter in model.language_model.base.parameters())


def test_the_table_of_parameters_adds_up():
    model, _ = world()
    apply_stage(model, STAGES["decoder-alignment"])
    rows = {name: (count, training) for name, count, training in parameter_table(model)}
    total, training = rows.pop("all")
    assert total == sum(p.numel() for p in model.parameters()) == sum(count for count, _ in rows.values())
    assert training == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert rows["signal_tokens"][0] == rows["signal_tokens"][1] and rows["boundary_tokens"][1] == 0
    assert rows["language_model.base"][1] == 0


@pytest.mark.parametrize("which", STAGES)
def test_every_job_of_the_table_names_modules_of_its_stage(which):
    model, _ = world()
    for job in STAGES[which].jobs:
        whole = set(apply_stage(model, STAGES[which]))
        chosen = set(apply_stage(model, STAGES[which], job))
        assert chosen and chosen <= whole
        assert job.modules == () or len(chosen) == len(job.modules)
        assert job.steps > job.warmup_steps > 0 and job.learning_rate > 0 and job.mixture


@pytest.mark.parametrize(("factor", "steps"), [(1.0, 60), (0.5, 30), (1e-9, 1)])
def test_stages_are_scaled_in_steps(factor, steps):
    one = replace(STAGES["encoder-alignment"], jobs=(Job("a", "model", 60, 8, 1e-3),))
    assert scaled(one, factor).jobs[0].steps == steps


def test_an_unknown_stage_is_answered_with_the_names():
    with pytest.raises(
        ConfigError, match=r"'warm-up'; choose one of encoder-alignment, decoder-alignment, instr"
    ):
        stage("warm-up")


def test_the_world_of_these_tests_reaches_every_special_token():
    model, processor = world()
    ids = set(model_batch(processor, 0).ids_BT.unique().tolist())
    special = model.special
    assert set(range(special.base_vocab_size, special.base_vocab_size + special.num_embedded)) <= ids
