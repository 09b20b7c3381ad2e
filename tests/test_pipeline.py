"""Messages in, ordered messages out: parts, seeds, history, streaming, faults."""

import threading

import numpy as np
import pytest

from nextgpt.errors import MessageError, NextGPTError, NotTrainedError
from nextgpt.generation.events import Finished, MediaOpened, MediaProgress, MediaReady, TextDelta
from nextgpt.generation.options import GenerationOptions
from nextgpt.generation.pipeline import AnyToAnyPipeline
from nextgpt.media import Audio, Image, Video
from nextgpt.messages import ImagePart, Message, TextPart
from nextgpt.testing.tiny import echo_decoders, favour, tiny_model

OPTIONS = {"seed": 7, "max_new_tokens": 12}


def picture(number: int = 0) -> Image:
    return Image.from_array(np.full((8, 8, 3), number, np.uint8))


def sound() -> Audio:
    return Audio.from_array(np.linspace(-0.5, 0.5, 1600, dtype=np.float32), 16000)


def clip() -> Video:
    return Video.from_array(np.zeros((4, 16, 16, 3), np.uint8), 8.0)


@pytest.fixture
def pipeline():
    return make_pipeline()


def make_pipeline(seconds_per_step=0.0, **biases):
    model, processor = tiny_model()
    favour(model, **(dict(image=6.0, audio=6.0, video=6.0) | biases))
    return AnyToAnyPipeline(model, processor, decoders=echo_decoders(seconds_per_step))


def everything(pipeline):
    return [Message.user("All at once:", clip(), picture(), "and", sound(), picture(9))]


def test_any_mix_goes_in_and_an_ordered_mix_comes_out(pipeline):
    reply = pipeline(everything(pipeline), **OPTIONS)
    assert reply.role == "assistant"
    kinds = [str(part.modality) for part in reply.content]
    assert len({"image", "audio", "video"} & set(kinds)) >= 1 and "text" in kinds
    assert all(part.seed is not None for part in reply.media_parts)


def test_the_same_seed_is_the_same_reply_and_another_is_not(pipeline):
    first, again, other = (pipeline(everything(pipeline), **(OPTIONS | {"seed": s})) for s in (7, 7, 8))
    assert first == again
    assert first.text == other.text and first != other  # greedy text, other noise


def test_media_of_one_reply_have_different_seeds(pipeline):
    seeds = [part.seed for part in pipeline("Draw.", **OPTIONS).media_parts]
    assert seeds[0] == 7 and len(set(seeds)) == len(seeds) > 1


def test_a_batch_gives_what_single_calls_give(pipeline):
    asked = [[Message.user("Draw a fox.")], everything(pipeline), [Message.user("x", picture(3))]]
    together = pipeline.batch(asked, **OPTIONS)
    assert together == [make_pipeline()(messages, **OPTIONS) for messages in asked]


def test_streamed_text_and_media_are_those_of_the_reply(pipeline):
    events = list(pipeline.stream(everything(pipeline), **OPTIONS))
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.finish_reason == "length" and finished.seed == 7
    assert finished.message == make_pipeline()(everything(pipeline), **OPTIONS)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert text.replace(" ", "") == finished.message.text.replace(" ", "")
    ready = [event for event in events if isinstance(event, MediaReady)]
    opened = [(event.number, event.modality) for event in events if isinstance(event, MediaOpened)]
    assert sorted((e.number, str(e.part.modality)) for e in ready) == opened
    steps = [event for event in events if isinstance(event, MediaProgress) and event.number == 1]
    assert [(event.done, event.steps) for event in steps] == [(1, 2), (2, 2)]
    assert finished.usage.completion_tokens == 12


def test_modalities_that_are_not_allowed_do_not_come(pipeline):
    for allowed in (["text"], [], ["audio"], ["image", "video"]):
        reply = pipeline("Draw.", modalities=allowed, **OPTIONS)
        assert {str(part.modality) for part in reply.media_parts} <= set(allowed)
    assert len(pipeline("Draw.", max_media=2, **OPTIONS).media_parts) == 2
    assert pipeline("Draw.", max_media=0, **OPTIONS).media_parts == ()


def test_a_medium_is_encoded_once(pipeline):
    encoder = pipeline.model.encoders["image"]
    pipeline([Message.user("a", picture(1), picture(2), picture(1))], **OPTIONS)
    pipeline([Message.user("b", picture(2))], **OPTIONS)
    assert encoder.calls == 2


def test_a_chat_extends_its_cache(pipeline):
    """The second turn computes only what the first has not, and says what a fresh pipeline says."""
    history = [Message.user("Hello fox", picture())]
    history.append(pipeline(history, modalities=[], **OPTIONS))
    history.append(Message.user("and then?"))
    computed = count_positions(pipeline)
    reply = pipeline(history, modalities=[], **OPTIONS)
    whole = len(pipeline.processor.row(history, generate=True).ids)
    first = len(pipeline.processor.row(history[:1], generate=True).ids)
    assert computed[0] <= whole - first
    assert reply == make_pipeline()(history, modalities=[], **OPTIONS)


def test_moving_a_pipeline_starts_it_afresh(pipeline):
    before = pipeline("Draw.", **OPTIONS)
    assert pipeline.to("cpu")("Draw.", **OPTIONS) == before
    assert pipeline.engine.machine.body is not None and not pipeline.input_media.embeddings
    with pytest.raises(NextGPTError, match="warp"):
        pipeline.to("warp")


def test_other_media_at_the_same_place_are_not_taken_from_the_cache(pipeline):
    for number in (1, 2):
        messages = [Message.user(picture(number), "what?")]
        assert pipeline(messages, **OPTIONS) == make_pipeline()(messages, **OPTIONS)


def count_positions(pipeline) -> list[int]:
    counts: list[int] = []
    body = pipeline.engine.machine.body
    forward = body.forward

    def counted(x, mask, cache):
        counts.append(x.shape[1])
        return forward(x, mask, cache)

    body.forward = counted
    return counts


def test_generated_media_stay_in_the_history(pipeline):
    history = [Message.user("Draw a fox.")]
    for _ in range(2):
        history.append(pipeline(history, **OPTIONS))
        history.append(Message.user("Again, with a bell."))
    assert pipeline(history, **OPTIONS).content
    assert history[1].media_parts


def test_cancel_between_tokens_and_between_denoising_steps(pipeline):
    stop = threading.Event()
    seen = []
    for event in pipeline.stream("Draw.", cancel=stop, **OPTIONS):
        seen.append(event)
        stop.set()
    assert seen[-1].finish_reason == "cancelled" and seen[-1].usage.completion_tokens <= 2

    stop, pipeline = threading.Event(), make_pipeline(seconds_per_step=0.02)
    for event in pipeline.stream("Draw.", cancel=stop, steps=50, **OPTIONS):
        if isinstance(event, MediaProgress):
            stop.set()
    assert event.finish_reason == "cancelled" and event.message.text


def test_leaving_a_stream_early_leaves_a_usable_pipeline():
    pipeline = make_pipeline(seconds_per_step=0.02)
    before = threading.active_count()
    for kind in (TextDelta, MediaProgress):
        for event in pipeline.stream("Draw.", steps=50, **OPTIONS):
            if isinstance(event, kind):
                break
    assert pipeline("Draw.", **OPTIONS) == make_pipeline()("Draw.", **OPTIONS)
    assert threading.active_count() <= before


def test_a_request_at_fault_does_not_stop_the_others(pipeline, tmp_path):
    bad = [Message.user("x", Image.from_path(tmp_path / "missing.png"))]
    long = [Message.user("word " * 600)]
    results = pipeline.replies(
        [[Message.user("a")], bad, long, [Message.user("b")]], [GenerationOptions(seed=1)] * 4
    )
    assert [isinstance(result, Finished) for result in results] == [True, False, False, True]
    assert "missing.png" in str(results[1]) and "tokens" in str(results[2])
    with pytest.raises(NextGPTError, match=r"missing\.png"):
        pipeline.batch([bad])


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": True},
        {"seed": 1.5},
        {"max_new_tokens": 0},
        {"temperature": -1},
        {"temperature": float("nan")},
        {"top_p": 2},
        {"modalities": ["smell"]},
        {"modalities": 3},
        {"max_media": -1},
        {"steps": 0},
        {"guidance": "high"},
    ],
)
def test_options_out_of_range_are_one_sentence(options):
    with pytest.raises(MessageError) as error:
        GenerationOptions(**options)
    assert next(iter(options)).rstrip("s") in str(error.value).lower() or "modality" in str(error.value)


def test_unknown_options_and_odd_conversations(pipeline):
    with pytest.raises(MessageError, match="unknown key 'sed'"):
        GenerationOptions.from_dict({"sed": 1})
    for conversation in ([], [Message.assistant("hello")], [3]):
        with pytest.raises(MessageError):
            pipeline(conversation)


class Info:
    """As of a checkpoint after encoder-alignment, images only."""

    output_modalities = ()
    trained = ("input_projectors.image",)

    def require(self, module, stage):
        if module not in self.trained:
            raise NotTrainedError(f"{module} is untrained in this checkpoint; run the stage {stage} first.")


def test_what_is_untrained_is_neither_chosen_nor_used():
    model, processor = tiny_model()
    favour(model, image=50.0)
    pipeline = AnyToAnyPipeline(model, processor, Info(), decoders=echo_decoders())
    assert all(isinstance(part, TextPart) for part in pipeline("Draw.", **OPTIONS).content)
    with pytest.raises(NotTrainedError, match=r"input_projectors.audio .* encoder-alignment"):
        pipeline([Message.user("x", sound())])
    with pytest.raises(NotTrainedError, match=r"output_projectors.image .* decoder-alignment"):
        pipeline("Draw.", modalities=["image"])
    with pytest.raises(NotTrainedError, match="decoder-alignment"):
        pipeline([Message.user("a"), Message.assistant(picture()), Message.user("b")])


def test_a_missing_decoder_is_named(tmp_path):
    model, processor = tiny_model()
    favour(model, image=50.0)
    pipeline = AnyToAnyPipeline(model, processor, fetch=lambda name: tmp_path / name)
    with pytest.raises(NextGPTError, match="decoder"):
        pipeline("Draw.", **OPTIONS)


def test_parts_carry_their_place_in_the_reply(pipeline):
    """Text that follows a medium stands behind it."""
    reply = make_pipeline(image=4.5, audio=-50.0, video=-50.0)("Draw a fox.", seed=1, max_new_tokens=20)
    places = [isinstance(part, ImagePart) for part in reply.content]
    assert any(places) and not all(places)
