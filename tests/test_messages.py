"""Messages: values, the wire form, the Hugging Face form, and the law that both are read back equal."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextgpt.errors import MessageError
from nextgpt.media import Audio, Image, MediaLimits, Video
from nextgpt.messages import (
    MEDIA_PARTS,
    AudioPart,
    ImagePart,
    Message,
    TextPart,
    VideoPart,
    from_hf_chat,
    media_part,
    message_from_dict,
    message_to_dict,
    messages_from_list,
    messages_to_list,
    to_hf_chat,
)
from nextgpt.modalities import MODALITIES, Modality, modality_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
NAMES = st.text(
    st.characters(categories=["L", "N", "Zs", "P"], exclude_characters="/\\"), min_size=1, max_size=20
)
TYPES = st.sampled_from([spec.media_type for spec in MODALITIES.values()])


@st.composite
def media(draw):
    """From a path or from bytes; nothing is decoded, so any bytes do."""
    media_type = draw(TYPES)
    if draw(st.booleans()):
        return media_type.from_path(f"folder {draw(NAMES)}/{draw(NAMES)}.bin")
    return media_type.from_bytes(draw(st.binary(min_size=1, max_size=40)))


@st.composite
def messages(draw):
    role = draw(st.sampled_from(["user", "assistant", "system"]))
    seeds = st.none() | st.integers(0, 2**63 - 1) if role == "assistant" else st.none()
    parts = st.builds(TextPart, TEXTS) | st.builds(media_part, media(), seeds)
    return Message(role, tuple(draw(st.lists(parts, min_size=1, max_size=4))))


@given(st.lists(messages(), max_size=4))
@settings(max_examples=60, deadline=None)
def test_round_trip_law(conversation):
    through_json = json.loads(json.dumps(messages_to_list(conversation)))
    assert messages_from_list(through_json) == conversation
    assert messages_to_list(messages_from_list(through_json)) == through_json
    chat = json.loads(json.dumps(to_hf_chat(conversation)))
    assert from_hf_chat(chat) == conversation
    assert to_hf_chat(messages_from_list(messages_to_list(from_hf_chat(chat)))) == chat


@given(messages())
@settings(max_examples=50, deadline=None)
def test_paths_are_relative_to_a_base_folder(message):
    base = Path("/data/set")
    absolute = message_from_dict(message_to_dict(message), base_dir=base)
    assert message_to_dict(absolute, base_dir=base) == message_to_dict(message)
    for part in absolute.media_parts:
        assert part.media.path is None or part.media.path.is_relative_to(base)


def test_one_text_is_a_plain_string():
    message = Message.user("hello")
    assert message_to_dict(message) == {"role": "user", "content": "hello"} == to_hf_chat([message])[0]
    assert message_from_dict({"role": "user", "content": [{"type": "text", "text": "hello"}]}) == message


def test_arrays_become_files_of_the_default_format():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    sound = Audio.from_array(np.linspace(-1, 1, 50), 8000)
    clip = Video.from_array(np.stack([pixels.repeat(4, 0).repeat(4, 1)] * 3), 10)
    message = Message.assistant("see", Image.from_array(pixels), sound, clip)
    data = message_to_dict(message)
    kinds = [part.get("data", "").split(";")[0] for part in data["content"]]
    assert kinds == ["", *(f"data:{spec.mime_type}" for spec in MODALITIES.values())]
    again = message_from_dict(data)
    assert np.array_equal(again.content[1].media.array(), pixels)
    assert np.abs(again.content[2].media.samples() - sound.samples()).max() < 1e-4
    assert again.content[3].media.num_frames == 3
    assert message_to_dict(again) == data  # from here on it never changes


def test_values():
    image, sound, clip = Image.from_path("a"), Audio.from_path("b"), Video.from_path("c")
    message = Message.user("x", image, "y", AudioPart(sound), clip)
    assert message.text == "xy" and [part.media for part in message.media_parts] == [image, sound, clip]
    assert message.content == (
        TextPart("x"),
        ImagePart(image),
        TextPart("y"),
        AudioPart(sound),
        VideoPart(clip),
    )
    assert Message.assistant(ImagePart(image, seed=3)).media_parts[0].seed == 3
    assert Message.system("be kind").role == "system"
    assert hash(message) == hash(Message("user", list(message.content)))
    assert len({message, Message("user", message.content)}) == 1
    with pytest.raises(AttributeError):
        message.role = "assistant"
    assert "bytes" in repr(Message.user(Image.from_bytes(bytes(10**6)))) and len(repr(message)) < 500


def test_the_table_is_complete():
    assert list(MODALITIES) == ["image", "audio", "video"] == list(MEDIA_PARTS)
    for name, spec in MODALITIES.items():
        value = spec.media_type.from_bytes(b"x")
        assert modality_of(value) == name == spec.name == media_part(value).modality
        assert media_part(value).media is value and f".{spec.file_suffix}" == spec.media_type.suffixes[0]
    assert Modality.TEXT not in MODALITIES and TextPart.modality == "text"
    with pytest.raises(ValueError, match="no media value"):
        modality_of("text")


def user(*parts):
    return {"role": "user", "content": list(parts)}


BAD = {
    "no message": (7, "JSON object"),
    "a list": ([], "JSON object"),
    "nothing": (None, "JSON object"),
    "no role": ({"content": "x"}, '"role"'),
    "no content": ({"role": "user"}, '"content"'),
    "null content": ({"role": "user", "content": None}, "content"),
    "content of another type": ({"role": "user", "content": 3}, "content"),
    "content of bytes": ({"role": "user", "content": b"x"}, "content"),
    "content of a dict": ({"role": "user", "content": {"type": "text", "text": "x"}}, "content"),
    "wrong role": ({"role": "tool", "content": "x"}, "role 'tool'"),
    "role of another type": ({"role": ["user"], "content": "x"}, "role"),
    "unknown key": ({"role": "user", "content": "x", "name": "me"}, "'name'"),
    "empty text": ({"role": "user", "content": ""}, "empty"),
    "empty list": (user(), "empty"),
    "empty text part": (user({"type": "text", "text": ""}), "empty"),
    "NUL": ({"role": "user", "content": "a\0b"}, "NUL character at position 1"),
    "surrogate": ({"role": "user", "content": "\ud83d"}, "U+D83D"),
    "endless text": ({"role": "user", "content": "x" * 1_000_001}, "limit"),
    "no part": (user("hello"), "type"),
    "no type": (user({"text": "x"}), "type"),
    "wrong type": (user({"type": "picture", "path": "a"}), "'picture'"),
    "type of another type": (user({"type": ["image"], "path": "a"}), "type"),
    "text of another type": (user({"type": "text", "text": 3}), "string"),
    "text part without text": (user({"type": "text"}), '"text"'),
    "unknown key of a text": (user({"type": "text", "text": "x", "path": "a"}), "'path'"),
    "unknown key of a medium": (user({"type": "image", "path": "a", "url": "b"}), "'url'"),
    "no value": (user({"type": "audio"}), "path, data"),
    "two values": (user({"type": "audio", "path": "a", "data": "data:,x"}), "path and data"),
    "path of another type": (user({"type": "image", "path": 3}), "path"),
    "empty path": (user({"type": "image", "path": ""}), "empty"),
    "data that is no data URI": (user({"type": "image", "data": "AAAA"}), "data URI"),
    "bad base64": (user({"type": "image", "data": "data:;base64,@@@@"}), "base64"),
    "http": (user({"type": "image", "path": "http://x/y.png"}), "never fetches"),
    "https as data": (user({"type": "image", "data": "https://x/y.png"}), "never fetches"),
    "data URI as path": (user({"type": "image", "path": "data:,x"}), "data URI"),
    "seed of a user": (user({"type": "image", "path": "a", "seed": 3}), "assistant"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_errors_name_the_place(name):
    value, words = BAD[name]
    with pytest.raises(MessageError) as caught:
        message_from_dict(value, where="request 7, message 2")
    text = str(caught.value)
    assert text.startswith("request 7, message 2: ") and words in text
    assert "\n" not in text and len(text) < 400 and text.endswith(".")


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "3", True, [3]])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(MessageError, match="seed"):
        message_from_dict({"role": "assistant", "content": [{"type": "image", "path": "a", "seed": seed}]})
    with pytest.raises(MessageError, match="seed"):
        ImagePart(Image.from_path("a"), seed=seed)


def test_errors_in_a_conversation_name_the_message_and_the_part():
    good, bad = {"role": "user", "content": "x"}, user({"type": "text", "text": "x"}, {"type": "image"})
    for read in (messages_from_list, from_hf_chat):
        with pytest.raises(MessageError, match=r"^request 7, message 2: part 2: "):
            read([good, bad], where="request 7")
        with pytest.raises(MessageError, match=r"^message 2: part 2: "):
            read([good, bad])
        for wrong in ("text", {"role": "user"}, None, 3):
            with pytest.raises(MessageError, match="list of messages"):
                read(wrong)
    assert messages_from_list([]) == []


def test_values_of_wrong_types():
    for make in (
        lambda: Message("user", ()),
        lambda: Message("user", ("text",)),
        lambda: Message("user", (Image.from_path("a"),)),
        lambda: Message("robot", (TextPart("x"),)),
        lambda: Message.user(),
        lambda: Message.user(3),
        lambda: Message.user(""),
        lambda: TextPart(None),
        lambda: ImagePart(Audio.from_path("a")),
        lambda: VideoPart("clip.mp4"),
        lambda: Message.user(ImagePart(Image.from_path("a"), seed=3)),
    ):
        with pytest.raises(MessageError):
            make()


def test_a_server_reads_no_files():
    with pytest.raises(MessageError, match="send a data URI"):
        message_from_dict(user({"type": "image", "path": "/etc/passwd"}), allow_paths=False)
    for key in ("path", "url", "image"):
        with pytest.raises(MessageError, match="send a data URI"):
            from_hf_chat([user({"type": "image", key: "/etc/passwd"})], allow_paths=False)
    assert message_from_dict(user({"type": "image", "data": "data:,x"}), allow_paths=False)


def test_limits_reach_the_media():
    limits = MediaLimits(max_bytes=10)
    with pytest.raises(MessageError, match="limit"):
        message_from_dict(user({"type": "image", "data": "data:," + "x" * 11}), limits=limits)
    message = message_from_dict(user({"type": "image", "path": "a"}), limits=limits)
    assert message.media_parts[0].media.limits is limits


@pytest.mark.parametrize("key", ["path", "url", "image"])
def test_the_spellings_of_hugging_face(key):
    [message] = from_hf_chat([user({"type": "image", key: "a b.png"}, {"type": "text", "text": "what?"})])
    assert message == Message.user(Image.from_path("a b.png"), "what?")
    with pytest.raises(MessageError, match="never fetches"):
        from_hf_chat([user({"type": "image", key: "https://x/a.png"})])


def test_values_in_the_form_of_hugging_face():
    picture = PIL.Image.new("RGB", (3, 2), "red")
    sound = Audio.from_path("a")
    [message] = from_hf_chat(
        [
            user(
                {"type": "image", "image": picture},
                {"type": "image", "image": b"bytes"},
                {"type": "image", "image": Path("a")},
                {"type": "audio", "audio": sound},
                {"type": "video", "url": "data:video/mp4;base64,AAAA"},
            )
        ]
    )
    first, second, third, fourth, fifth = (part.media for part in message.media_parts)
    assert first.array().tolist() == [[[255, 0, 0]] * 3] * 2
    assert second == Image.from_bytes(b"bytes") and third == Image.from_path("a")
    assert fourth is sound and fifth == Video.from_bytes(bytes(3))
    for wrong in (sound, 3, ["a"], {"bytes": 3}):
        with pytest.raises(MessageError):
            from_hf_chat([user({"type": "image", "image": wrong})])


def test_a_medium_is_not_opened_before_it_is_used(tmp_path):
    path = tmp_path / "später.png"
    message = message_from_dict(user({"type": "image", "path": "später.png"}), base_dir=tmp_path)
    Image.from_array(np.zeros((2, 2, 3), np.uint8)).save(path)
    assert message.media_parts[0].media.array().shape == (2, 2, 3)
