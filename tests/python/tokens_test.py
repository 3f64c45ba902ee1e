"""Tokens, the model's page, weights, and functions of numbers."""
import json
import pickle
import shutil

import numpy as np
import pytest
import stratoscope as st
from conftest import SENTENCE, command_line


def test_tokens(model):
    tokens = model.tokenize(SENTENCE)
    document = command_line("tokens", SENTENCE)
    assert list(tokens) == document["tokens"]
    assert list(tokens.ids) == document["ids"]
    assert tokens.ids.dtype == np.int32
    assert tokens.offsets.tolist() == document["offsets"]
    assert len(tokens) == 10
    assert tokens[1] == " wise" and tokens[-2:] == [" cute", "."]
    assert tokens == pickle.loads(pickle.dumps(tokens))
    assert tokens != model.tokenize("The")
    assert b"".join(SENTENCE.encode()[a:b] for a, b in tokens.offsets).decode() == SENTENCE


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "naïve 🐧 snow", "<b>&</b>", "line\nbreak\ttab"])
def test_texts_of_any_kind(model, text):
    tokens = model.tokenize(text)
    assert sum(end - begin for begin, end in tokens.offsets) == len(text.encode())
    page = tokens._repr_html_()
    assert page.count("<span") == len(tokens)
    assert "<b>" not in page
    repr(tokens)


def test_bos(model):
    assert len(model.tokenize("The", bos=True)) == 1 + len(model.tokenize("The", bos=False))
    assert model.tokenize("The", bos=True).bos is True


def test_token_id(model):
    assert model.token_id(" insect") == model.tokenize(" insect").ids[0]
    with pytest.raises(ValueError, match="tokens"):
        model.token_id("Penguins are")
    with pytest.raises(ValueError):
        model.token_id("")


def test_config(model):
    info = command_line("info")
    assert model.info == {**info, "folder": model.info["folder"]}
    for name, value in info["config"].items():
        assert getattr(model.config, name) == value
    assert model.config.n_layers == 12
    with pytest.raises(AttributeError, match="nonsense"):
        model.config.nonsense
    assert [point.name for point in model.hook_points] == [point["name"] for point in info["hook_points"]]
    assert model.hook_points[0].shape == ("pos", 192)


def test_page_of_a_model(model):
    page = model._repr_html_()
    assert "7,009,920" in page
    assert "blocks.0 … blocks.11" in page
    assert page.count("hook_mlp_out") == 1
    text = repr(model)
    assert "n_layers" in text and "    hook_mlp_out [pos, 192]" in text


def test_weights(model):
    weights = model.weights
    name = "h.3.mlp.c_fc.weight"
    name = name if name in weights else "transformer." + name
    assert weights[name].shape == (192, 768)
    assert weights[name].dtype == np.float16
    assert not weights[name].flags.writeable
    assert len(weights) == len(list(weights)) > 100
    assert sum(weights[n].size for n in weights) >= 7_009_920
    with pytest.raises(KeyError, match="did you mean"):
        weights[name[:-1]]
    with pytest.raises(ValueError):
        weights[name][0, 0] = 1


def test_weights_are_the_model_s(model):
    embedded = model.run(SENTENCE, capture="hook_embed")["hook_embed"]
    name = next(n for n in model.weights if n.endswith("wte.weight"))
    np.testing.assert_array_equal(embedded, model.weights[name][model.tokenize(SENTENCE).ids].astype(np.float32))


def test_log_softmax(model):
    logits = model.run(SENTENCE).logits
    exact = logits.astype(np.float64)
    exact = exact - exact.max(-1, keepdims=True)
    exact -= np.log(np.exp(exact).sum(-1, keepdims=True))
    np.testing.assert_allclose(st.log_softmax(logits), exact, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(st.log_softmax(logits[3]), st.log_softmax(logits)[3])
    np.testing.assert_array_equal(st.log_softmax(logits[:, ::2])[1], st.log_softmax(logits[1, ::2].copy()))
    predicted = model.predict(SENTENCE, top=5)
    np.testing.assert_array_equal(st.log_softmax(logits[-1])[predicted["ids"]], predicted["log_probs"])


def test_cosine():
    vectors = np.random.default_rng(2).standard_normal((7, 33)).astype(np.float32)
    exact = vectors.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(st.cosine(vectors), exact @ exact.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("numbers", [np.float32(1), np.ones(3), np.ones(3, np.complex64), ["a"], None, [[1], [2, 3]]])
def test_numbers_that_are_not_taken(numbers):
    with pytest.raises(ValueError):
        st.log_softmax(numbers)
    with pytest.raises(ValueError):
        st.cosine(numbers)


def test_empty_numbers():
    assert st.log_softmax(np.empty((0, 5), np.float32)).shape == (0, 5)
    assert st.cosine(np.empty((0, 5), np.float32)).shape == (0, 0)
    assert st.log_softmax(np.empty((3, 0), np.float32)).shape == (3, 0)
    with pytest.raises(ValueError):
        st.cosine(np.ones(3, np.float32))


def in_bfloat16(folder):
    """Rewrites the checkpoint's float16 tensors as bfloat16, cut off; gives the numbers by name."""
    path = folder / "model.safetensors"
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    data = bytearray(content[8 + size :])
    numbers = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F16":
            begin, end = entry["data_offsets"]
            bits = np.frombuffer(data[begin:end], np.float16).astype(np.float32).view(np.uint32) >> 16
            data[begin:end] = bits.astype(np.uint16).tobytes()
            numbers[name] = (bits << 16).view(np.float32).reshape(entry["shape"])
            entry["dtype"] = "BF16"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return numbers


def test_weights_in_bfloat16(model, tmp_path):
    folder = shutil.copytree(model.info["folder"], tmp_path / "model")
    numbers = in_bfloat16(folder)
    own = st.load(folder)
    assert len(numbers) > 100
    for name, expected in numbers.items():
        bits = own.weights[name]
        assert bits.dtype == np.uint16
        np.testing.assert_array_equal((bits.astype(np.uint32) << 16).view(np.float32), expected)
    name = next(n for n in numbers if n.endswith("wte.weight"))
    np.testing.assert_array_equal(
        own.run("The king", capture="hook_embed")["hook_embed"], numbers[name][own.tokenize("The king").ids]
    )


def test_a_name_and_a_folder(tmp_path, model):
    folder = shutil.copytree(model.info["folder"], tmp_path / "copied")
    for place in (str(folder), folder, "novella-7m"):
        with st.load(place) as opened:
            np.testing.assert_array_equal(opened.run("The king").logits, model.run("The king").logits)
        assert opened.closed
        assert repr(opened) == "Model(closed)"


@pytest.mark.parametrize("text", ["naïve 🐧 snow", " leading", ""])
def test_decode(model, text):
    assert model.decode(model.tokenize(text).ids) == text


def test_texts_in_tokens(model):
    compared = model.compare_tokens(["The king", "Der König"], labels=["English", "German"])
    assert compared.json == command_line("tokens", "The king", "Der König", "--labels", "English,German")
    assert list(compared.values) == [len(model.tokenize("The king")), len(model.tokenize("Der König"))]
    assert list(compared["characters"]) == [8, 9] and compared.data["label"] == ["English", "German"]
    assert compared.has_figure()
    for wrong in ("text", ["one"]):
        with pytest.raises(ValueError, match="two texts"):
            model.compare_tokens(wrong)
