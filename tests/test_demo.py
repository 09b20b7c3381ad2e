"""The demo's conversation on a tiny random model: every turn is asked, media come back, the page shows them."""

import json

import numpy as np
import pytest

from nextgpt.cli import demo as verb
from nextgpt.generation.pipeline import AnyToAnyPipeline
from nextgpt.media import Audio, Image, Video
from nextgpt.messages import TextPart
from nextgpt.testing.tiny import echo_decoders, favour, tiny_base, tiny_model, tiny_tokenizer


@pytest.fixture
def files(tmp_path):
    """A folder with every file that the demo shows, made here; no part is fetched."""
    values = {
        "image": Image.from_array(np.full((16, 16, 3), 90, np.uint8)),
        "audio": Audio.from_array(np.zeros(16_000, np.float32), 16_000),
        "video": Video.from_array(np.zeros((8, 16, 16, 3), np.uint8), 8.0),
    }
    for turn in verb.TURNS:
        if turn.modality:
            values[turn.modality].save(tmp_path / turn.file)
    return tmp_path


def test_the_demo_from_the_first_question_to_the_page(files, tmp_path, monkeypatch, capsys):
    tokenizer = tiny_tokenizer()
    base = tiny_base(len(tokenizer), max_position_embeddings=8192)
    model, processor = tiny_model(base=base, tokenizer=tokenizer)
    favour(model, image=4.0, audio=4.0, video=4.0)
    pipeline = AnyToAnyPipeline(model, processor, decoders=echo_decoders())
    monkeypatch.setattr(verb, "open_pipeline", lambda *placement: pipeline)
    monkeypatch.setattr("nextgpt.parts.fetch_part", lambda name: files)
    verb.demo(out=tmp_path / "out")
    told = capsys.readouterr().out
    assert all(str(turn) in told for turn in verb.TURNS)
    conversation = json.loads((tmp_path / "out" / "conversation.json").read_text())
    roles = [message["role"] for message in conversation]
    assert roles == ["user", "assistant"] * len(verb.TURNS)
    page = (tmp_path / "out" / "index.html").read_text()
    paths = [part["path"] for m in conversation for part in m["content"] if "path" in part]
    assert len(paths) > 3 and all((tmp_path / "out" / path).is_file() and path in page for path in paths)
    assert told.rstrip().endswith("/out/index.html")


def test_the_demo_shows_one_file_of_each_kind_and_asks_for_one_of_each():
    kinds = [turn.modality for turn in verb.TURNS]
    assert sorted(filter(None, kinds)) == ["audio", "image", "video"] and kinds.count("") == 4
    requests = [turn.message() for turn in verb.TURNS if not turn.modality]
    assert all(isinstance(part, TextPart) for message in requests for part in message.content)


def test_what_the_demo_shows_comes_from_listed_packages_of_pypi():
    from nextgpt.parts import PARTS

    for turn in verb.TURNS:
        assert not turn.part or (PARTS[turn.part].address.scheme, PARTS[turn.part].group) == ("pypi", "demo")
