"""The command line with a tiny model: order of arguments, the batch format to the letter, chat, exit codes."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nextgpt.cli import VERBS, run
from nextgpt.cli.arguments import parts_in_order
from nextgpt.cli.requests import clean_name, read_requests
from nextgpt.errors import DataError, optional_library
from nextgpt.media import Audio, Image, Video

HERE = Path(__file__).parent


@pytest.fixture
def media(tmp_path):
    Image.from_array(np.full((8, 8, 3), 90, np.uint8)).save(tmp_path / "a photo.png")
    Audio.from_array(np.linspace(-0.5, 0.5, 1600, dtype=np.float32), 16000).save(tmp_path / "b.wav")
    Video.from_array(np.zeros((4, 16, 16, 3), np.uint8), 8.0).save(tmp_path / "ü.mp4")
    return tmp_path


@pytest.fixture
def tiny(monkeypatch):
    """Commands open the tiny model instead of a checkpoint; the list holds the pipelines that were opened."""
    from nextgpt.cli import chat, generate
    from nextgpt.generation.pipeline import AnyToAnyPipeline
    from nextgpt.testing.tiny import echo_decoders, favour, tiny_model

    opened = []

    def open_tiny(*placement):
        model, processor = tiny_model()
        favour(model, image=5.0, audio=5.0, video=5.0)
        opened.append(AnyToAnyPipeline(model, processor, decoders=echo_decoders()))
        return opened[-1]

    for verb in (generate, chat):
        monkeypatch.setattr(verb, "open_pipeline", open_tiny)
    monkeypatch.setattr(generate, "model_identity", lambda model: model)
    return opened


def lines_of(folder):
    return [json.loads(line) for line in (folder / "replies.jsonl").read_text().splitlines()]


def write_requests(path, *values):
    path.write_text(
        "".join(value if isinstance(value, str) else json.dumps(value) + "\n" for value in values)
    )
    return path


def ask(request_id, *parts, **more):
    return {"id": request_id, "messages": [{"role": "user", "content": list(parts) or "Draw."}], **more}


TEXT = {"type": "text", "text": "What is in this photo?"}
OPTIONS = ("--seed", "1", "--max-new-tokens", "10")


# ---- one reply


def test_help_is_quick_and_heavy_libraries_stay_out():
    code = "import sys; from nextgpt.cli import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert all(f"\n  {verb} " in result.stdout for verb in VERBS)
    for heavy in ("'torch'", "'transformers'", "'numpy'", "'rich'"):
        assert heavy not in result.stderr


def test_order_on_the_command_line_is_kept():
    flags = [type("P", (), {"is_flag": True, "opts": ["--fresh"]})()]
    typed = [
        "Is",
        "--image",
        "a.jpg",
        "--seed",
        "3",
        "louder than",
        "--fresh",
        "--audio=b.wav",
        "--",
        "--image",
    ]
    assert parts_in_order(typed, flags) == [
        ("text", "Is"),
        ("image", "a.jpg"),
        ("text", "louder than"),
        ("audio", "b.wav"),
        ("text", "--image"),
    ]


def test_generate_writes_media_and_a_page(tiny, media, capsys):
    out = media / "out"
    arguments = ["All:", "--video", str(media / "ü.mp4"), "--image", str(media / "a photo.png"), "and"]
    assert run(["generate", *arguments, "--audio", str(media / "b.wav"), "--out", str(out), *OPTIONS]) == 0
    saved = json.loads((out / "conversation.json").read_text())
    assert [part["type"] for part in saved[0]["content"]] == ["text", "video", "image", "text", "audio"]
    paths = [part["path"] for message in saved for part in message["content"] if "path" in part]
    assert len(paths) > 3 and all((out / path).is_file() for path in paths)
    page = (out / "index.html").read_text()
    assert all(f'src="{path}"' in page for path in paths)
    assert {Path(path).suffix for path in paths[3:]} <= {".png", ".wav", ".mp4"}
    assert str(out) in capsys.readouterr().out


def test_a_path_among_the_words_is_no_message(tiny, media, capsys):
    path = media / "a photo.png"
    assert run(["generate", "What is in", str(path), *OPTIONS]) == 2
    error = capsys.readouterr().err
    assert f"'{path}' is a file, not words" in error and f"--image {path}" in error
    assert run(["generate", "What is photo.png?", "--max-media", "0", *OPTIONS]) == 0, (
        "words that name a file"
    )


def test_a_page_escapes_what_people_write(tiny, tmp_path):
    assert run(["generate", "<script>alert(1)</script>", "--out", str(tmp_path), "--max-media", "0"]) == 0
    assert "<script>" not in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to answer"),
        (["x", "--image", "missing.png"], "missing.png"),
        (["x", "--image", "."], "folder"),
        (["x", "--audio", "/dev/zero"], "/dev/zero"),
        (["x", "--temperature", "-1"], "temperature"),
        (["x", "--modality", "smell"], "smell"),
        (["x", "--batch", "b.jsonl"], "--batch"),
        (["--batch", "missing.jsonl", "--out", "o"], "missing.jsonl"),
        (["--batch", "missing.jsonl"], "--out"),
        (["x", "--out", "/dev/null/x"], "/dev/null"),
        (["x", "--model", "no/such/model"], "no/such/model"),
        (["x", "--seed", "abc"], "--seed"),
        (["x", "--nonsense"], "--nonsense"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["generate", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert says in error and "Traceback" not in error
    assert error.count("\n") == 0


# ---- requests


def test_the_example_of_the_format(tiny, media):
    image = {"type": "image", "path": "a photo.png"}
    file = write_requests(media / "requests.jsonl", ask("7", TEXT, image), ask("x/ü", TEXT))
    assert run(["generate", "--batch", str(file), "--out", str(media / "out"), "--max-new-tokens", "10"]) == 0
    first, second = lines_of(media / "out")
    assert [first["id"], second["id"]] == ["7", "x/ü"]
    assert set(first) == {"id", "content", "finish_reason", "usage"}
    for reply in (first, second):
        found = [part["path"] for part in reply["content"] if part["type"] != "text"]
        assert found and all((media / "out" / path).is_file() for path in found)
        assert all("/" not in path for path in found)
        assert all(
            set(part) == {"type", "path", "seed"} for part in reply["content"] if part["type"] != "text"
        )
    assert [part["path"].split(".")[0] for part in first["content"] if "path" in part][:2] == ["7-1", "7-2"]
    assert first["usage"]["completion_tokens"] <= 10 and first["finish_reason"] in ("stop", "length")


def test_faults_are_lines_and_the_others_go_on(tiny, media, capsys):
    file = write_requests(
        media / "requests.jsonl",
        ask("a"),
        "no json\n",
        "[]\n",
        '{"id": "nan", "messages": [{"role": "user", "content": "x"}], "options": {"temperature": NaN}}\n',
        "\n",
        ask("b", colour="red"),
        ask("c", options={"sed": 1}),
        ask("d", TEXT, {"type": "image", "path": "missing.png"}),
        ask("e", {"type": "smell"}),
        ask("a"),
        ask(7),
        ask(""),
        {"id": "f"},
        {"messages": []},
        ask("g", options={"modalities": ["image", "smell"]}),
        ask("h", options=3),
        ask("i", {"type": "image", "path": "b.wav"}),
        '{"id": "\\ud800", "messages": []}\n',
        {"id": "j", "messages": [{"role": "assistant", "content": "x"}]},
        {"id": "k", "messages": [{"role": "user", "content": "long " * 900}]},
        ask("z"),
    )
    out = media / "out"
    assert run(["generate", "--batch", str(file), "--out", str(out), "--batch-size", "4", *OPTIONS]) == 0
    replies = lines_of(out)
    wanted = [
        "a",
        None,
        None,
        "nan",
        "b",
        "c",
        "d",
        "e",
        "a",
        7,
        "",
        "f",
        None,
        "g",
        "h",
        "i",
        "\ud800",
        "j",
        "k",
        "z",
    ]
    assert [reply["id"] for reply in replies] == wanted
    good = [place for place, reply in enumerate(replies) if "content" in reply]
    assert good == [0, len(replies) - 1]
    errors = {str(reply["id"]): reply for reply in replies if "error" in reply}
    assert all(set(reply) == {"id", "error"} and "\n" not in reply["error"] for reply in errors.values())
    assert "colour" in errors["b"]["error"] and "sed" in errors["c"]["error"]
    assert "missing.png" in errors["d"]["error"] and "earlier line" in errors["a"]["error"]
    assert "18 of them errors" in capsys.readouterr().err


def test_a_history_with_media_of_the_assistant_and_options(tiny, media):
    turn = {"role": "assistant", "content": [TEXT, {"type": "image", "path": "a photo.png", "seed": 4}]}
    request = ask("1", options={"seed": 3, "max_new_tokens": 9, "temperature": 0.5, "top_p": 0.9, "steps": 3})
    request["options"] |= {"modalities": ["text", "image"], "max_media": 2, "guidance": 1.5}
    request["messages"] += [turn, {"role": "user", "content": "And now?"}]
    file = write_requests(media / "r.jsonl", request)
    assert run(["generate", "--batch", str(file), "--out", str(media / "out")]) == 0
    (reply,) = lines_of(media / "out")
    kinds = [part["type"] for part in reply["content"]]
    assert set(kinds) <= {"text", "image"} and kinds.count("image") <= 2
    assert reply["usage"]["completion_tokens"] <= 9


def test_seeds_come_from_the_request_or_its_id_and_not_from_the_batch(tiny, media):
    file = write_requests(media / "r.jsonl", ask("a"), ask("b"), ask("c", options={"seed": 5}))
    for size in ("1", "3"):
        out = str(media / size)
        assert run(["generate", "--batch", str(file), "--out", out, "--batch-size", size]) == 0
    assert lines_of(media / "1") == lines_of(media / "3")
    for path in (media / "1").glob("*.png"):
        assert path.read_bytes() == (media / "3" / path.name).read_bytes()
    seeds = [
        next(part["seed"] for part in reply["content"] if "seed" in part) for reply in lines_of(media / "1")
    ]
    assert seeds[2] == 5 and len(set(seeds)) == 3


def test_a_run_goes_on_where_it_was_stopped(tiny, media):
    values = [ask(str(number)) for number in range(6)]
    file = write_requests(media / "r.jsonl", *values)
    whole, part = media / "whole", media / "part"
    batch = ["generate", "--batch", str(file), "--batch-size", "2", *OPTIONS, "--out"]
    assert run([*batch, str(whole)]) == 0
    assert run([*batch, str(part)]) == 0
    lines = (part / "replies.jsonl").read_bytes().splitlines(keepends=True)
    (part / "replies.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert run([*batch, str(part)]) == 0
    assert lines_of(part) == lines_of(whole)

    tiny.clear()
    assert run([*batch, str(part)]) == 0
    assert not tiny, "nothing was left to do"

    write_requests(file, *values, ask("more"))
    assert run([*batch, str(part)]) == 0
    assert len(lines_of(part)) == 7 and lines_of(part)[:6] == lines_of(whole)


def test_a_file_without_requests_has_no_replies(tiny, tmp_path):
    file = write_requests(tmp_path / "r.jsonl", "\n")
    assert run(["generate", "--batch", str(file), "--out", str(tmp_path)]) == 0
    assert lines_of(tmp_path) == [] and not tiny


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EEXIST, "File exists"),
        (errno.ENOTDIR, "Not a directory"),
    ],
)
def test_a_fault_of_the_disk_is_one_sentence(number, says, tiny, media, monkeypatch, capsys):
    from nextgpt.cli import batch_run

    def full(*arguments):
        raise OSError(number, says, "replies.jsonl")

    monkeypatch.setattr(batch_run, "reply_lines", full)
    file = write_requests(media / "r.jsonl", ask("1"))
    assert run(["generate", "--batch", str(file), "--out", str(media / "out")]) == 1
    assert f"{says} (replies.jsonl)" in capsys.readouterr().err


def test_a_folder_with_other_replies_is_refused(tiny, media, capsys):
    file = write_requests(media / "r.jsonl", ask("1"), ask("2"))
    batch = ["generate", "--batch", str(file), "--out", str(media / "out")]
    assert run(batch) == 0
    assert run([*batch, "--seed", "9"]) == 2
    write_requests(file, ask("1", TEXT), ask("2"))
    assert run(batch) == 2
    assert "other requests" in capsys.readouterr().err
    assert run([*batch, "--fresh"]) == 0


SLOW = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from nextgpt.cli.batch_run import answer_all
from nextgpt.cli.requests import read_requests
from test_pipeline import make_pipeline
pipeline = make_pipeline(seconds_per_step=0.05)
folder = Path({folder!r})
answer_all(lambda: pipeline, read_requests(folder / "r.jsonl", {{"max_new_tokens": 10}}), folder / "out",
           identity="tiny", batch_size=2)
"""


def test_a_killed_run_goes_on(media):
    """SIGKILL while media are made, then again: the same lines as without."""
    write_requests(media / "r.jsonl", *(ask(str(number)) for number in range(8)))
    (media / "out").mkdir()
    script = SLOW.format(here=str(HERE), folder=str(media))
    process = subprocess.Popen([sys.executable, "-c", script])
    replies = media / "out" / "replies.jsonl"
    deadline = time.monotonic() + 300
    while not (replies.exists() and replies.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < len(replies.read_bytes().splitlines()) < 8
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)
    assert [reply["id"] for reply in lines_of(media / "out")] == [str(number) for number in range(8)]
    assert all(
        (media / "out" / part["path"]).is_file()
        for reply in lines_of(media / "out")
        for part in reply["content"]
        if "path" in part
    )


@pytest.mark.parametrize("name", ["7", "a-b_c.d", "фото", "写真"])
def test_plain_ids_are_their_own_names(name):
    assert clean_name(name) == name


@pytest.mark.parametrize(
    "name", ["../x", "a/b", ".", "..", ".hidden", "con", "x" * 300, "a b", "-rf", "a\0b", "replies", "x."]
)
def test_other_ids_become_safe_names(name):
    clean = clean_name(name)
    assert clean != name and "/" not in clean and clean[0] not in ".-" and len(clean.encode()) <= 100


def test_names_that_differ_only_in_case_do_not_collide(tmp_path):
    file = write_requests(tmp_path / "r.jsonl", ask("a"), ask("A"))
    first, second = read_requests(file)
    assert first.name.casefold() != second.name.casefold()


# ---- chat


def chat(monkeypatch, capsys, *lines, arguments=()):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert run(["chat", *OPTIONS, *arguments]) == 0
    return capsys.readouterr()


def test_chat_from_a_pipe(tiny, media, monkeypatch, capsys):
    saved = media / "saved conversation"
    output = chat(
        monkeypatch,
        capsys,
        f"/image {media / 'a photo.png'}",
        "What is this?",
        "/audio missing.wav",
        "/nonsense",
        f'/save "{saved}"',
        "/clear",
        "/save",
        "Hello",
        "/quit",
        "never",
        arguments=("--out", str(media / "chat")),
    )
    assert (
        "missing.wav" in output.err
        and "no command /nonsense" in output.err
        and "no conversation" in output.err
    )
    conversation = json.loads((saved / "conversation.json").read_text())
    assert [part["type"] for part in conversation[0]["content"]] == ["image", "text"]
    assert len(conversation) == 2 and (saved / "index.html").is_file()
    assert list((media / "chat").iterdir())


def test_a_fault_in_a_turn_does_not_end_the_chat(tiny, monkeypatch, capsys, tmp_path):
    output = chat(monkeypatch, capsys, "word " * 600, "Hello", arguments=("--out", str(tmp_path)))
    assert "tokens" in output.err and output.out.strip()


def test_control_c_has_its_exit_code(monkeypatch):
    from nextgpt.cli import chat as verb

    def interrupted(*placement):
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "open_pipeline", interrupted)
    assert run(["chat"]) == 130


def test_data_are_not_built_over_other_files(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "manifest.json").write_text("{}")  # of some other program
    assert run(["data", "build", "mosit", "--out", str(tmp_path)]) == 2
    assert "holds something else than built data" in " ".join(capsys.readouterr().err.split())
    assert run(["data", "build", "mosit", "--out", str(tmp_path / "thesis.txt")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "thesis.txt"}
    imported = tmp_path / "imported"
    imported.mkdir()
    (imported / "dialogues-train.jsonl").write_text("{}\n")  # as `nextgpt data import` leaves it
    assert run(["data", "build", "mosit", "--out", str(imported)]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "build", "mosit", "--scale", "-1"),
        ("data", "build", "mosit", "--scale", "nan"),
        ("train", "encoder-alignment", "--steps-scale", "-1"),
        ("train", "encoder-alignment", "--steps-scale", "inf"),
        ("train", "encoder-alignment", "--threads", "-1"),
        ("eval", "nano-chat", "--threads", "-2"),
    ],
)
def test_numbers_that_can_not_be_are_refused_before_any_work(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NEXTGPT_CACHE", str(tmp_path / "cache"))
    assert run(list(arguments)) == 2
    assert arguments[-2] in capsys.readouterr().err and not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("resvg_py", "data"),
        ("scipy.ndimage", "eval"),
        ("librosa", "eval"),
        ("accelerate", "train"),
        ("tensorboard", "train"),
    ],
)
def test_a_library_that_an_extra_installs_is_named_with_it(module, extra, monkeypatch):
    """As pyproject.toml has it; `make demo` installs none of them."""
    library = module.partition(".")[0]
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert any(line.startswith(f"{library}>") for line in project["optional-dependencies"][extra])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf"Work needs {library}: pip install 'nextgpt\[{extra}\]'"):
        optional_library(module, extra, "Work")
