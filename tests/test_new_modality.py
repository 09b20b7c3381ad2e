"""The tutorial of a fifth modality: its blocks run as they stand, and the project's laws hold for it."""

import json
import re
from contextlib import chdir
from pathlib import Path

import pytest
import torch
from tutorial import PAGE, blocks, series_module, tables_as_before

from nextgpt import AnyToAnyPipeline, Message, MessageError
from nextgpt.checkpoint import CheckpointInfo, read_info
from nextgpt.cli.page import write_conversation
from nextgpt.data.batches import Batches, ModalityData
from nextgpt.data.features import compute_features, encoder_cache
from nextgpt.data.manifest import ItemPart, Items
from nextgpt.messages import message_from_dict
from nextgpt.modalities import MODALITIES
from nextgpt.testing.tiny import echo_decoders, tiny_model
from nextgpt.training.run import run_stage
from nextgpt.training.stages import STAGES

# by names of parameters, not by the tables that are tested
TRAINS = {
    "encoder-alignment": ("input_projectors.series", "language_model.boundary_"),
    "decoder-alignment": ("output_projectors.series", "language_model.signal_"),
    "instruction-tuning": (
        "input_projectors.series",
        "output_projectors.series",
        "language_model.boundary_",
        "language_model.signal_",
        "language_model.modality_",
        "lora_",
    ),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What `try_series.py` has at its end; it stands in the folder `page["folder"]`."""
    folder = tmp_path_factory.mktemp("tutorial")
    with series_module(folder) as series:
        names = {"__name__": "try_series"}
        for code in blocks()["try_series.py"]:
            exec(compile(code, str(PAGE), "exec"), names)
        yield {**names, "folder": folder, "series": series}


def test_the_reports_have_a_line_for_each_check(page):
    text = str(page["report"])
    assert text.startswith("CurveDecoder: no fault\nok    runs\n") and text.count("\n") > 15


def test_the_sentence_that_the_page_shows_is_the_report_s(page):
    code = "\n\n".join(blocks()["series.py"])
    broken = code.replace(".to(self.layer.weight.dtype)", "")
    assert broken != code
    names = {"__name__": "series"}
    with tables_as_before():
        exec(compile(broken, str(page["folder"] / "series.py"), "exec"), names)
        encoder = names["SeriesEncoder"](names["SeriesEncoderConfig"]()).eval().requires_grad_(False)
        media = [names["Series"].from_array(one.array()) for one in page["curves"]]
        faults = page["check_encoder"](encoder, media).faults
    shown = re.search(r"^FAULT (\w+) +(.*)$", PAGE.read_text("utf-8"), re.M)
    assert shown and faults == {shown[1]: shown[2]}


def test_a_series_goes_in_and_another_comes_out(page):
    made, series = page["made"], page["series"]
    assert made.modality == "series" and made.seed == 7 and isinstance(made.media, series.Series)
    assert made.media.array().shape == (64,)
    pipeline = AnyToAnyPipeline(
        page["model"], page["processor"], fetch=page["fetch"], decoders=echo_decoders()
    )
    with chdir(page["folder"]):
        assert isinstance(pipeline.input_media._encoder("series"), series.SeriesEncoder)
        assert isinstance(pipeline.output_media.decoder("series"), series.CurveDecoder)


def test_a_reply_hangs_on_the_series_and_on_the_seed(page):
    """In one batch, beside a question about a picture."""
    model, processor = tiny_model(page["config"])
    page["favour"](model, series=50.0)
    pipeline = AnyToAnyPipeline(model, processor, fetch=page["fetch"], decoders=echo_decoders())
    picture = page["echo_decoders"]()["image"]._medium(1, 1.0)
    asked = [Message.user("Go on:", one) for one in (*page["curves"][:2], picture)]
    options = dict(modalities=["text", "series"], max_media=1, max_new_tokens=4)
    with chdir(page["folder"]):
        alone = [pipeline(one, seed=7, **options).media_parts[0].media.array() for one in asked]
        other = pipeline(asked[0], seed=8, **options).media_parts[0].media.array()
        together = pipeline.batch(asked, seed=7, **options)
    assert not torch.allclose(*map(torch.from_numpy, alone[:2]), atol=1e-3)
    assert not torch.allclose(torch.from_numpy(alone[0]), torch.from_numpy(other), atol=1e-3)
    for one, reply in zip(alone, together):
        found = reply.media_parts[0].media.array()
        assert torch.allclose(torch.from_numpy(one), torch.from_numpy(found), atol=1e-3)


@pytest.mark.parametrize("which", STAGES)
def test_a_stage_changes_its_modules_and_nothing_else(page, which, tmp_path):
    model, _ = tiny_model(page["config"])
    stage = page["only_series"](STAGES[which])
    if which == "instruction-tuning":
        model.language_model.add_lora()
    before = {name: value.clone() for name, value in model.named_parameters()}
    info = run_stage(
        model, stage, CheckpointInfo(page["config"]), lambda job: page["batch"], tmp_path, tmp_path / "c"
    )
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    wanted = {name for name in before if any(part in name for part in TRAINS[which])}
    assert changed == wanted - {name for name in wanted if "absent" in name}  # no series without features
    assert not any("absent" in name for name in changed)
    assert info.config == page["config"] == read_info(tmp_path / "c").config


def test_the_checkpoint_brings_back_the_same_bits(page):
    model, trained, info = page["model"], page["trained"], page["info"]
    assert info.output_modalities == ("series",)
    assert [one["stage"] for one in info.stages] == list(STAGES)
    values = dict(trained.named_parameters())
    learned = [
        name for name, _ in model.named_parameters() if any(p in name for p in TRAINS["instruction-tuning"])
    ]
    assert learned and all(torch.equal(values[name], model.get_parameter(name)) for name in learned)
    record = json.loads((page["folder"] / "checkpoint" / "config.json").read_text())
    assert record["config"]["inputs"]["series"]["encoder"]["type"] == "series-windows"


def test_denoising_through_the_decoder_reaches_the_projector_alone(page):
    model, _ = tiny_model(page["config"])
    batch = page["batch"](0)
    batch.targets, batch.latents = {}, {"series": torch.randn(2, 64)}

    def denoising(modality, latents, conditioning):
        return page["decoder"].denoising_loss(latents, conditioning, torch.Generator().manual_seed(0))

    model.requires_grad_(False).output_projectors["series"].requires_grad_(True)
    losses = model(batch, denoising).losses
    losses["denoising/series"].backward()
    assert all(p.grad is not None for p in model.output_projectors["series"].parameters())
    assert not any(p.grad is not None for p in page["decoder"].parameters())


def test_features_are_cached_without_scores(page, tmp_path):
    encoder, curves = page["encoder"], page["curves"]
    cache = encoder_cache(tmp_path, encoder.config, "0" * 64)
    compute_features(encoder, cache, [(f"s{i}", one) for i, one in enumerate(curves)], lambda item: item)
    lines = [json.dumps({"id": f"s{i}", "scene": [i], "caption": "a curve"}) for i in range(3)]
    (tmp_path / "series.jsonl").write_text("\n".join(lines))
    items = Items(tmp_path, ("series",))
    items.key = lambda item: item
    found = Batches(page["processor"], items, {"series": ModalityData(cache, [])}).output(
        ItemPart("series", "s0")
    )
    wanted = encoder(**encoder.collate([encoder.preprocess(curves[0])]))
    assert found.scores_BP is None and int(found.mask_BN.sum()) == 4
    torch.testing.assert_close(found.features_BNE[:, :4].float(), wanted.features_BNE, rtol=0, atol=1e-3)


def test_errors_name_the_fifth_modality_too(page):
    with pytest.raises(MessageError, match=r'"type" is one of text, image, audio, video, series\.$'):
        message_from_dict({"role": "user", "content": [{"type": "smell"}]})
    with pytest.raises(MessageError, match=r"A time series part has the unknown key 'colour'"):
        message_from_dict({"role": "user", "content": [{"type": "series", "colour": 1}]})


def test_a_page_shows_a_series_as_a_link(page, tmp_path):
    text = write_conversation(page["talk"], tmp_path).read_text()
    assert '<a href="2-1.csv">2-1.csv</a>' in text
    assert (tmp_path / "2-1.csv").read_text().startswith('# {"software": "nextgpt", "seed": 7}')


def test_the_tables_are_as_before_when_the_module_is_gone(tmp_path):
    """Each test process has four modalities again behind these tests."""
    before = list(MODALITIES)
    with series_module(tmp_path):
        assert list(MODALITIES) in (before, [*before, "series"]) and "series" in MODALITIES
    assert list(MODALITIES) == before


def test_not_one_line_of_the_package_knows_series():
    source = Path(__file__).parents[1] / "src" / "nextgpt"
    for name in ("model.py", "processor.py", "batch.py", "checkpoint.py", "training", "generation"):
        files = [source / name] if name.endswith(".py") else sorted((source / name).glob("*.py"))
        assert files and not [one for one in files if re.search(r"\b[Ss]eries\b", one.read_text("utf-8"))]
