"""A text continued, whole and piece by piece."""
import gc
import threading
import time

import pytest
import stratoscope as st
from conftest import command_line

PROMPT = "It was the best of times, it was the"


def test_generation(model):
    made = model.generate(PROMPT, max_new=8)
    assert isinstance(made, st.Generation)
    assert made.text == command_line("generate", PROMPT, "--max-new", 8)["text"] == str(made)
    assert len(made.tokens) == 8
    assert [token.id for token in made.tokens] == list(made["ids"])
    assert made.stopped == "length"
    assert made.tokens[0].log_prob == made["log_probs"][0]


def test_stream(model):
    whole = model.generate(PROMPT, max_new=12, temperature=1, seed=1)
    stream = model.generate(PROMPT, max_new=12, temperature=1, seed=1, stream=True)
    pieces = [piece.text for piece in stream]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.text
    assert stream.result.json == whole.json
    assert list(stream) == []


def test_stream_under_edits(model):
    view = model.edited("mlp_out.3 *= 2")
    streamed = view.generate(PROMPT, max_new=5, stream=True).result
    assert streamed.json == view.generate(PROMPT, max_new=5).json
    assert streamed.text != model.generate(PROMPT, max_new=5).text or streamed.effect is not None


def calls_end():
    """Whether no thread of a stream runs any more, soon."""
    for _ in range(500):
        if threading.active_count() == before:
            return True
        time.sleep(0.01)
    return False


before = threading.active_count()


def test_closing_a_stream(model):
    stream = model.generate(PROMPT, max_new=400, ignore_end=True, stream=True)
    assert next(stream).text
    stream.close()
    assert calls_end()
    with pytest.raises(StopIteration):
        next(stream)
    assert model.generate(PROMPT, max_new=1).text


def test_dropping_a_stream(model):
    for _ in model.generate(PROMPT, max_new=400, ignore_end=True, stream=True):
        break
    gc.collect()
    assert calls_end()


def test_errors_of_a_stream(model):
    with pytest.raises(st.EditError):
        list(model.generate(PROMPT, edits="mlp_out.3 =", stream=True))
    with pytest.raises(ValueError):
        model.generate(3, stream=True)


def test_samples(model):
    made = model.generate(PROMPT, max_new=6, temperature=1, seed=2, samples=3)
    for sample in made.samples:
        alone = model.generate(PROMPT, max_new=6, temperature=1, seed=sample.seed)
        assert (sample.text, sample.tokens, sample.stopped) == (alone.text, alone.tokens, alone.stopped)
    assert [sample.seed for sample in made.samples] == [2, 3, 4] and alone.samples == []
    assert made["sample_ids"].shape == (3, 6) and made.has_figure()
    assert f"seed 3: {made.samples[1].text}" in repr(made)
    stream = model.generate(PROMPT, max_new=6, temperature=1, seed=2, samples=2, stream=True)
    assert "".join(piece.text for piece in stream) == made.text
