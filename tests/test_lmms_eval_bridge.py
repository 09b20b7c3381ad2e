"""nextgpt behind lmms-eval's interface: by requests of its form, and in the real harness where it is installed."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmark_data import clip, sound

from nextgpt.errors import MediaError, MessageError
from nextgpt.evaluation.lmms_eval_bridge import (
    answer_requests,
    medium_of,
    message_of,
    options_of,
    stopped,
)
from nextgpt.media import Audio, Image, Video
from nextgpt.testing.speakers import Knowing, Speaker

ROOT = Path(__file__).parents[1]


def pixels(number=0):
    from PIL import Image as PILImage

    return PILImage.fromarray(np.full((8, 8, 3), number, np.uint8))


def request(text, doc, settings=None, split="val"):
    """As lmms_eval.api.instance.Instance: args of a simple model."""
    return SimpleNamespace(
        request_type="generate_until",
        args=(text, settings or {"max_new_tokens": 8}, lambda doc: [doc["image"]], doc, "toy", split),
    )


DOCS = {"toy": {"val": [{"image": pixels(0)}, {"image": pixels(1)}, {"image": pixels(2)}]}}


def test_requests_are_answered_in_their_order_whatever_the_batch():
    asked = [request("<image>\nWhat is b?", 1), request("What is a?", 0), request("What is c?", 2)]
    model = Knowing({"is a": "first", "is b": "second", "is c": "third"})
    for batch in (1, 2, 8):
        assert answer_requests(model, asked, DOCS, batch) == ["second", "first", "third"]


def test_the_picture_of_the_document_goes_before_the_text():
    seen = []

    class Recorder(Speaker):
        def reply(self, message, how):
            seen.append(([str(part.modality) for part in message.content], message.text, how))
            return super().reply(message, how)

    answer_requests(Recorder(lambda text: "x"), [request("<image> What?", 2)], DOCS, 1)
    ((kinds, text, how),) = seen
    assert (kinds, text) == (["image", "text"], "What?")
    assert how.max_new_tokens == 8 and how.modalities == () and how.temperature == 0


def test_stop_words_end_an_answer():
    model = Speaker(lambda text: "a dog\n\nASSISTANT: more")
    asked = [request("What?", 0, {"until": ["ASSISTANT:", "\n\n"]})]
    assert answer_requests(model, asked, DOCS, 1) == ["a dog"]
    assert stopped("abc", None) == "abc" and stopped("abc", "b") == "a" and stopped("abc", [""]) == "abc"


def test_settings_of_tasks():
    assert options_of({}).max_new_tokens == 64
    sampled = options_of({"do_sample": True, "temperature": 0.7, "top_p": 0.9, "num_beams": 1})
    assert (sampled.temperature, sampled.top_p) == (0.7, 0.9)
    assert options_of({"temperature": 0, "do_sample": False}).temperature == 0


def test_media_of_every_kind_that_tasks_give(tmp_path):
    assert isinstance(medium_of(pixels()), Image)
    assert isinstance(medium_of(str(clip(tmp_path / "a.mp4"))), Video)
    assert isinstance(medium_of(sound(tmp_path / "a.wav")), Audio)
    heard = medium_of({"array": np.zeros(1600, np.float32), "sampling_rate": 16000})
    assert isinstance(heard, Audio) and heard.seconds == pytest.approx(0.1)
    assert len(message_of("x", [[pixels()], pixels(1)]).media_parts) == 2
    assert message_of("x", None).media_parts == ()
    with pytest.raises(MessageError, match="gave a int"):
        medium_of(3)


def test_a_request_at_fault_stops_the_run():
    class Faulty(Speaker):
        def replies(self, conversations, options):
            return [MediaError("x: is damaged.")] * len(conversations)

    with pytest.raises(MediaError):
        answer_requests(Faulty(str), [request("What?", 0)], DOCS, 1)


def test_the_entry_point_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["lmms_eval.models"] == {
        "nextgpt": "nextgpt.evaluation.lmms_eval_bridge:manifest"
    }


def test_in_the_real_harness(monkeypatch):
    """The class that lmms-eval makes, with its own Instances and a tiny model in nano's place."""
    reason = "lmms-eval is not installed (docs/running-evaluations.md says how)"
    instance = pytest.importorskip("lmms_eval.api.instance", reason=reason, exc_type=ImportError)
    model = pytest.importorskip("lmms_eval.api.model", reason=reason, exc_type=ImportError)
    from nextgpt.evaluation.lmms_eval_model import NextGPT
    from nextgpt.generation.pipeline import AnyToAnyPipeline
    from nextgpt.testing.tiny import echo_decoders, tiny_model

    tiny = AnyToAnyPipeline(*tiny_model(), decoders=echo_decoders())
    monkeypatch.setattr(AnyToAnyPipeline, "from_pretrained", lambda *args, **kwargs: tiny)
    made = NextGPT.create_from_arg_string("pretrained=nano", {"batch_size": 2, "device": "cpu"})
    assert isinstance(made, model.lmms) and made.batch_size == 2
    made.task_dict = DOCS
    asked = [
        instance.Instance(
            "generate_until",
            request(f"What {n}?", n).args,
            n,
            metadata={"task": "toy", "doc_id": n, "repeats": 1},
        )
        for n in range(3)
    ]
    answers = made.generate_until(asked)
    assert len(answers) == 3 and all(isinstance(one, str) for one in answers)
    with pytest.raises(Exception, match="generate_until"):
        made.loglikelihood(asked)
