"""Judges of free answers: what they are asked, how their words are read, and that judge and prompt are recorded."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nextgpt.errors import ConfigError, DataError
from nextgpt.evaluation.judging import (
    PROMPT,
    Question,
    judge_all,
    load_judge,
    parse_verdict,
    read_prompt,
)
from nextgpt.evaluation.scoring import score

QUESTIONS = [
    Question("1", "What is it?", "a dog", "a puppy"),
    Question("2", "What is it?", "a dog", "a {answer} cat"),
    Question("3", "What is it?", "a dog", " "),
    Question("4", "What is it?", "a dog", "hm"),
]


class Fake:
    name, version = "fake", "7"

    def __init__(self):
        self.prompts = []

    def __call__(self, prompts):
        self.prompts += prompts
        return [self.reply(prompt.split("Predicted answer: ")[1]) for prompt in prompts]

    @staticmethod
    def reply(said):
        if "puppy" in said:
            return "{'pred': 'yes', 'score': 4.5}"
        return '{"pred": "no", "score": 1}' if "cat" in said else "I cannot tell."


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("{'pred': 'yes', 'score': 4}", (True, 4.0)),
        ('{"pred": "No", "score": "2.5"}', (False, 2.5)),
        ("Yes.", (True, None)),
        ("Nobody knows", (None, None)),
        ("score: 9", (None, None)),
    ],
)
def test_verdicts(reply, verdict):
    if reply == "score: 9":
        assert parse_verdict(reply)[0] is None
    else:
        assert parse_verdict(reply) == verdict


def test_a_judge_is_asked_about_what_was_answered():
    judge, seen = Fake(), []
    found = judge_all(judge, PROMPT, QUESTIONS, 2, lambda *progress: seen.append(progress))
    assert found.right == {"1": 1.0, "2": 0.0, "3": 0.0, "4": 0.0}
    assert found.mean_score == pytest.approx((4.5 + 1 + 0) / 3)
    assert len(judge.prompts) == 3 and "Predicted answer: a {answer} cat\n" in judge.prompts[1]
    assert seen == [(2, 3), (3, 3)]
    assert "Judge fake, version 7; prompt" in found.notes[0] and "ours" in found.notes[0]
    assert "1 verdicts say neither" in found.notes[1] and "1 answers are empty" in found.notes[2]


def test_prompts_of_files(tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_text("{question} {answer} {prediction}: {'pred': 'yes'}")
    assert read_prompt(path).endswith("{'pred': 'yes'}") and read_prompt(None) == PROMPT
    path.write_text("{question}")
    with pytest.raises(ConfigError, match=r"lacks \{answer\}, \{prediction\}"):
        read_prompt(path)


@pytest.fixture
def server():
    """A server that speaks as much of OpenAI's protocol as a judge needs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = Fake.reply(asked["messages"][0]["content"].split("Predicted answer: ")[1])
            body = {"model": asked["model"] + "-2026", "choices": [{"message": {"content": reply}}]}
            self.send_response(200 if self.path == "/v1/chat/completions" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/v1"
    made.shutdown()
    made.server_close()


def activitynet(folder):
    rows = [{"question_id": one.id, "answer": one.answer, "type": 3} for one in QUESTIONS]
    asked = [{"question_id": one.id, "question": one.question} for one in QUESTIONS]
    said = {one.id: one.prediction for one in QUESTIONS}
    for name, value in (("test_a.json", rows), ("test_q.json", asked), ("said.json", said)):
        (folder / name).write_text(json.dumps(value))
    return folder / "said.json", folder / "test_a.json", folder / "test_q.json"


def test_activitynet_by_a_remote_judge(tmp_path, server):
    said, annotations, questions = activitynet(tmp_path)
    found = score("activitynet-qa-judged", said, annotations, questions=(questions,), judge=f"{server}#gpt")
    assert found.value == 0.25 and found.metric == "judged accuracy (gpt)"
    assert found.breakdown["mean score of 0 to 5"] == pytest.approx(5.5 / 3)
    assert any("Judge gpt, version gpt-2026" in note for note in found.notes)
    with pytest.raises(ConfigError, match="--questions is missing"):
        score("activitynet-qa-judged", said, annotations, judge=f"{server}#gpt")


def test_a_remote_judge_that_is_down():
    judge = load_judge("http://127.0.0.1:9/v1#gpt")
    with pytest.raises(DataError, match="did not answer"):
        judge(["hello"])
    with pytest.raises(ConfigError, match="names no model"):
        load_judge("http://127.0.0.1:9/v1")


def test_activitynet_by_a_local_judge(tmp_path):
    """A part is a judge too; this small one is no good judge, which is why its name is in the metric's."""
    said, annotations, questions = activitynet(tmp_path)
    found = score(
        "activitynet-qa-judged", said, annotations, questions=(questions,), judge="smollm2-135m-instruct"
    )
    assert (
        found.metric == "judged accuracy (smollm2-135m-instruct)" and 0 <= found.value <= 1 and found.n == 4
    )
