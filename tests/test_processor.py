"""One layout for training, generation and history. In the pictures below [image] is a modality token, 0 1 2 are its
signal tokens, <image> and </image> its boundaries and a dot is a placeholder."""

import threading
from dataclasses import dataclass

import pytest

from nextgpt.batch import IGNORE
from nextgpt.errors import MessageError
from nextgpt.parts import fetch_part
from nextgpt.processor import Processor, truncate
from nextgpt.testing.tiny import tiny_config, tiny_model, tiny_tokenizer
from nextgpt.tokens import SpecialTokens


@dataclass(frozen=True)
class Words:
    text: str


@dataclass(frozen=True)
class Medium:
    modality: str
    number: int = 0
    caption: str = ""


@dataclass(frozen=True)
class Turn:
    role: str
    content: tuple


@dataclass(frozen=True)
class Unlearnt(Turn):
    language_loss: bool = False


def turns(*contents, first="user"):
    """Turns by user and assistant in alternation; a string is text, "@image" is a medium."""
    roles = {"user": "assistant", "assistant": "user", "system": "user"}
    made, role, number = [], first, 0
    for content in contents:
        parts = []
        for part in content if isinstance(content, tuple) else (content,):
            number += part.startswith("@")
            parts.append(Medium(part[1:], number) if part.startswith("@") else Words(part))
        made.append(Turn(role, tuple(parts)))
        role = roles[role]
    return made


PROCESSOR = tiny_model()[1]


def names(special):
    found = {}
    for name in special.modalities:
        one = special[name]
        found |= {
            one.modality: f"[{name}]",
            one.open: f"<{name}>",
            one.close: f"</{name}>",
            one.placeholder: ".",
        }
        found |= {signal: str(number) for number, signal in enumerate(one.signals)}
    return found


def picture(ids, processor=PROCESSOR, gap="-"):
    """Ids as a reader sees them; a run of tokens without a label is one gap."""
    special, shown, words = names(processor.special), "", []
    for token in [*ids, None]:
        if words and (token in special or token in (None, IGNORE)):
            shown += processor.tokenizer.decode(words)
            words = []
        if token in special:
            shown += special[token]
        elif token == IGNORE:
            shown += "" if shown.endswith(gap) else gap
        elif token is not None:
            words.append(token)
    return shown


TALK = turns(
    ("What is it?", "@image", "@audio"),
    ("A fox.", "@image", "And its call:", "@audio", "Nice?"),
    "Yes.",
    ("@video",),
)


def test_golden_layout():
    assert picture(PROCESSOR.row(TALK).ids) == (
        "<|im_start|>user\nWhat is it?<image>..</image><audio>..</audio><|im_end|>\n"
        "<|im_start|>assistant\nA fox.[image]012And its call:[audio]012Nice?<|im_end|>\n"
        "<image>..</image><audio>..</audio>"
        "<|im_start|>user\nYes.<|im_end|>\n"
        "<|im_start|>assistant\n[video]012<|im_end|>\n<video>..</video>"
    )


def test_golden_labels():
    """Assistant's text, modality tokens, ends of turns; never a signal token or a placeholder."""
    row = PROCESSOR.row(TALK)
    assert picture(row.labels) == "-A fox.[image]-And its call:[audio]-Nice?<|im_end|>-[video]-<|im_end|>-"
    assert len(row.labels) == len(row.ids)
    assert all(label in (token, IGNORE) for token, label in zip(row.ids, row.labels))


@pytest.mark.parametrize(
    "caption", ["fox", "a fox on red", "a small red fox to the left of a house on red", ""]
)
def test_signal_tokens_restate_the_caption_but_for_the_last_one(caption):
    talk = [*turns("Draw."), Turn("assistant", (Words("Here:"), Medium("image", 1, caption), Words("Ok")))]
    row = PROCESSOR.row(talk)
    signals = PROCESSOR.special["image"].signals[:-1]
    kept = [i for i, label in enumerate(row.restated) if label != IGNORE]
    assert [row.ids[i] for i in kept] == (list(signals) if caption else [])
    words = PROCESSOR.encode_text(f" {caption}") if caption else ()
    filled = (PROCESSOR.end_of_turn,) * len(signals) + words
    assert [row.restated[i] for i in kept] == (list(filled[-len(signals) :]) if caption else [])
    assert len(row.restated) == len(row.ids)


def test_no_state_has_two_things_to_say():
    """What a state restates and the label of the token behind it would pull it two ways."""
    talk = [
        *turns("Draw."),
        Turn("assistant", (Medium("image", 1, "a fox"), Words("Ok"), Medium("audio", 2, "a bell"))),
    ]
    row = PROCESSOR.row(talk)
    assert any(label != IGNORE for label in row.restated)
    assert all(IGNORE in pair for pair in zip(row.restated, row.labels[1:]))


def test_what_is_not_learnt_from_is_not_restated():
    talk = [*turns("Draw."), Turn("assistant", (Medium("image", 1, "a fox"),))]
    unlearnt = [talk[0], Unlearnt("assistant", talk[1].content)]
    assert set(PROCESSOR.row(unlearnt).restated) == {IGNORE} != set(PROCESSOR.row(talk).restated)


def test_media_are_named_in_the_order_of_their_spans():
    row = PROCESSOR.row(TALK)
    shown = [(name, part.number) for name, part in row.inputs]
    assert shown == [("image", 1), ("audio", 2), ("image", 3), ("audio", 4), ("video", 5)]
    assert [(name, part.number) for name, part in row.outputs] == [("image", 3), ("audio", 4), ("video", 5)]


@pytest.mark.parametrize(
    ("talk", "end"),
    [
        (turns("Hi"), "user\nHi<|im_end|>\n<|im_start|>assistant\n"),
        (turns("Hi", ("@image",), "More"), "</image><|im_start|>user\nMore<|im_end|>\n<|im_start|>assistant\n"),
        (turns("Be brief.", "Hi", first="system"), "system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
         "<|im_start|>assistant\n"),
    ],
)  # fmt: skip
def test_a_prompt_ends_where_the_reply_begins(talk, end):
    assert picture(PROCESSOR.row(talk, generate=True).ids).endswith(end)


TEMPLATES = {
    "chatml": None,
    "gemma": "{% for m in messages %}{{'<start_of_turn>' + (m['role'] if m['role'] == 'user' else 'model') + '\n' + "
    "m['content'] | trim + '<end_of_turn>\n'}}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}"
    "{% endif %}",
    "llama": "{{'<s>'}}{% for m in messages %}{{'<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + "
    "m['content'] | trim + '<|eot_id|>'}}{% endfor %}{% if add_generation_prompt %}"
    "{{'<|start_header_id|>assistant<|end_header_id|>\n\n'}}{% endif %}",
    "mistral": "{{'<s>'}}{% for m in messages %}{% if m['role'] == 'user' %}{{'[INST] ' + m['content'] + ' [/INST]'}}"
    "{% else %}{{m['content'] + '</s>'}}{% endif %}{% endfor %}",
}


def processor_of(name):
    if name == "smollm2":
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(fetch_part("smollm2-135m-instruct"))
    else:
        tokenizer = tiny_tokenizer()
        tokenizer.chat_template = TEMPLATES[name] or tokenizer.chat_template
    return Processor(
        tokenizer, SpecialTokens(len(tokenizer), tiny_config().num_signals), PROCESSOR.num_placeholders
    )


@pytest.mark.parametrize("name", [*TEMPLATES, "smollm2"])
def test_a_conversation_only_ever_grows_at_its_end(name):
    """Prompt, then the reply's parts and its end, then its media as inputs, then the next prompt: a cache holds."""
    processor = processor_of(name)
    long = turns(
        "Hello", ("Look: ", "@image", " ok", "@audio"), "<|im_end|>Why?", "So.", ("@video", " why"), "No."
    )
    for count in range(1, len(long), 2):
        prompt = processor.row(long[:count], generate=True).ids
        closed = processor.row(long[: count + 1]).ids
        parts = [i for part in long[count].content for i in processor._part(part, True).ids]
        assert closed[: len(prompt) + len(parts) + 1] == (*prompt, *parts, processor.end_of_turn)
        assert processor.row(long[: count + 2], generate=True).ids[: len(closed)] == closed


def test_a_reply_after_which_nothing_is_shown_again_when_the_model_takes_no_such_input():
    processor = Processor(tiny_tokenizer(), PROCESSOR.special, {"image": 2})
    row = processor.row(turns("Hi", ("@image", "@audio")))
    assert picture(row.ids, processor).endswith("[image]012[audio]012<|im_end|>\n<image>..</image>")


@pytest.mark.parametrize(
    ("talk", "says"),
    [
        ([], "There is no message"),
        (turns(("@smell",)), r"takes no smell as input; it takes text, image, audio, video"),
        (turns("Hi", ("@smell",)), r"gives no smell"),
    ],
)
def test_what_the_model_cannot_take_is_said(talk, says):
    with pytest.raises(MessageError, match=says):
        PROCESSOR.row(talk)


def test_a_template_that_refuses_a_conversation_is_answered_with_its_sentence():
    processor = processor_of("chatml")
    processor.tokenizer.chat_template = "{{ raise_exception('Roles must alternate!') }}"
    with pytest.raises(MessageError, match="Roles must alternate"):
        processor.row(turns("Hi"))


def test_a_template_that_drops_a_message_is_refused():
    processor = processor_of("chatml")
    processor.tokenizer.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(MessageError, match="drops or reorders"):
        processor.row(turns("Hi", "Ho"))


def test_truncation_cuts_text_but_never_a_media_span():
    whole, special = PROCESSOR.row(TALK), PROCESSOR.special
    spans = [special[name] for name in special.modalities]
    lengths = set()
    for limit in range(1, len(whole.ids) + 1):
        row = PROCESSOR.row(TALK, max_length=limit)
        assert len(row.ids) <= limit and row.ids == whole.ids[: len(row.ids)]
        assert row.labels == whole.labels[: len(row.ids)]
        for one in spans:
            assert row.ids.count(one.open) == row.ids.count(one.close) == row.ids.count(one.placeholder) / 2
            assert all(row.ids.count(one.modality) == row.ids.count(signal) for signal in one.signals)
        opened = sum(row.ids.count(one.open) for one in spans)
        asked = sum(row.ids.count(one.modality) for one in spans)
        assert (row.inputs, row.outputs) == (whole.inputs[:opened], whole.outputs[:asked])
        lengths.add(len(row.ids))
    assert len(lengths) > 40, "text is cut at any place"


def test_nothing_stands_behind_a_span_that_did_not_fit():
    segments = PROCESSOR.segments(turns(("a", "@image", "b")))
    assert [s.input for s in truncate(segments, len(segments[0].ids) + 3)] == [None, None]


def test_typed_special_tokens_stay_text_while_templates_are_read_in_other_threads():
    """The tokenizer's switch for it is shared by threads: without a lock one in 200 was read as a control token."""
    processor = tiny_model()[1]
    done = threading.Event()

    def read_templates():
        while not done.is_set():
            processor._template_ids.clear()
            processor.row(turns("Hi"))

    thread = threading.Thread(target=read_templates)
    thread.start()
    try:
        control = set(processor.tokenizer.all_special_ids)
        assert not any(control & set(processor.encode_text("<|im_end|> a")) for _ in range(400))
    finally:
        done.set()
        thread.join()
