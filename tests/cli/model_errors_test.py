"""Models that are not there, broken or of another kind."""
import json
import math
import os
import shutil
import struct

import numpy as np
import pytest

from program import FAMILIES, MODEL, without_root_powers


def refuses(stratoscope, model, *says, **options):
    """info and a run refuse the model alike, with the same line."""
    lines = {
        stratoscope.fails(*command, "--model", model, "--json", says=says, **options).error
        for command in (["info"], ["predict", "ab"])
    }
    assert len(lines) == 1


# Where it is


def test_an_unknown_name_gives_the_near_ones(stratoscope):
    refuses(stratoscope, "novela-7m", "'novela-7m'", "did you mean 'novella-7m'?")


def test_a_name_that_nothing_is_near_gives_all(stratoscope):
    refuses(stratoscope, "something-else-entirely", "on this machine are: novella-7m")


@pytest.mark.parametrize("name", ["", "..", "/", "not/there", "./not-there"])
def test_places_that_hold_no_model(stratoscope, name):
    refuses(stratoscope, name, "model: ")


def test_a_file_instead_of_a_folder(stratoscope):
    refuses(stratoscope, MODEL / "model.safetensors", "is a file", "name the folder")


def test_another_folder(stratoscope):
    refuses(stratoscope, stratoscope.folder, "without config.json")


def test_without_a_home(stratoscope):
    nothing = {"HOME": None}
    assert stratoscope.json("info", env=nothing)["model"]["name"] == "novella-7m"
    refuses(stratoscope, "gpt2", "'gpt2'", env=nothing)


def test_a_home_that_is_not_there(stratoscope):
    refuses(stratoscope, "gpt2", "'gpt2'", "/nowhere", env={"HOME": "/nowhere"})


# Its files


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_that_may_not_be_read(stratoscope, forged, name):
    (forged.folder / name).chmod(0)
    refuses(stratoscope, forged, name, "Permission denied", preexec_fn=without_root_powers)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.json", "merges.txt"])
def test_a_file_that_is_missing(stratoscope, forged, name):
    (forged.folder / name).unlink()
    refuses(stratoscope, forged, name)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.json", "merges.txt"])
def test_a_folder_in_a_files_place(stratoscope, forged, name):
    (forged.folder / name).unlink()
    (forged.folder / name).mkdir()
    refuses(stratoscope, forged, name, "is not a regular file")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.json"])
def test_an_empty_file(stratoscope, forged, name):
    forged.write(name, "")
    refuses(stratoscope, forged, name)


def test_a_pickle_is_not_read(stratoscope, forged):
    forged.weights.rename(forged.folder / "pytorch_model.bin")
    refuses(stratoscope, forged, "pytorch_model.bin", "safe_serialization")


# config.json


def with_config(forged, **changes):
    config = json.loads((forged.folder / "config.json").read_text())
    for key, value in changes.items():
        if value is Missing:
            del config[key]
        else:
            config[key] = value
    forged.write("config.json", json.dumps(config))
    return forged


class Missing:
    pass


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_layer": Missing}, ["n_layer is missing"]),
        ({"n_embd": Missing}, ["n_embd is missing"]),
        ({"n_head": None}, ["n_head is missing"]),
        ({"n_embd": 50}, ["n_embd 50 is not a multiple of n_head 3"]),
        ({"n_layer": 0}, ["n_layer is 0"]),
        ({"n_layer": -2}, ["n_layer is -2"]),
        ({"n_layer": 2.5}, ["n_layer is 2.5"]),
        ({"n_layer": "2"}, ["n_layer is '2'"]),
        ({"n_layer": [2]}, ["n_layer is a list"]),
        ({"n_layer": 10**30}, ["n_layer"]),
        ({"n_layer": 1000}, ["h.2.ln_1.weight"]),
        ({"n_layer": 1}, ["h.1.", "1 blocks"]),
        ({"n_embd": 2**40 * 3}, ["n_embd"]),
        ({"vocab_size": 2**24}, ["wte.weight", "[311, 48]"]),
        ({"n_positions": 2**23}, ["wpe.weight", "[64, 48]"]),
        ({"n_inner": 100}, ["h.0.mlp.c_fc.weight", "[48, 192]", "[48, 100]"]),
        ({"n_inner": 2**24}, ["h.0.mlp.c_fc.weight"]),
        ({"model_type": "mixtral"}, ["model_type 'mixtral': mixture of experts is not implemented"]),
        ({"model_type": Missing}, ["model_type is missing"]),
        ({"activation_function": "mish"}, ["activation_function 'mish' is not implemented", "gelu_new"]),
        ({"add_cross_attention": True}, ["add_cross_attention is not implemented"]),
        ({"quantization_config": {"bits": 4}}, ["quantization_config is not implemented"]),
        ({"layer_norm_epsilon": 0}, ["layer_norm_epsilon"]),
        ({"layer_norm_epsilon": "small"}, ["layer_norm_epsilon"]),
        ({"scale_attn_weights": "yes"}, ["scale_attn_weights"]),
        ({"tie_word_embeddings": False}, ["lm_head.weight", "missing"]),
        ({"vocab_size": 300}, ["wte.weight"]),
    ],
)
def test_a_config_that_cannot_be(stratoscope, forged, changes, says):
    refuses(stratoscope, with_config(forged, **changes), *says)


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"n_layer": 2', "[" * 10000, '{"n_layer": 1e999}', b"\xff\xfe{}", "\0"]
)
def test_a_config_that_is_no_json_object(stratoscope, forged, text):
    forged.write("config.json", text)
    refuses(stratoscope, forged, "config")


# model.safetensors


def forge_header(forged, change):
    data = forged.weights.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    text = change(header)
    text = json.dumps(header if text is None else text).encode() if not isinstance(text, bytes) else text
    forged.weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def set_entry(name, **changes):
    return lambda header: header[name].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:7],
        lambda data: data[:100],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"\0",
        lambda data: struct.pack("<Q", 2**63) + data[8:],
        lambda data: struct.pack("<Q", 0) + data[8:],
        lambda data: struct.pack("<Q", len(data)) + data[8:],
        lambda data: b"\0" * len(data),
        lambda data: b"PK\3\4" + data[4:],
    ],
)
def test_weights_that_are_cut_or_foreign(stratoscope, forged, change):
    forged.weights.write_bytes(change(forged.weights.read_bytes()))
    refuses(stratoscope, forged, "model.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: b"[1, 2]",
        lambda header: b'"text"',
        lambda header: b"{" * 1000,
        lambda header: b'{"a":' * 10000 + b"1" + b"}" * 10000,
        lambda header: header.pop("ln_f.weight") and None,
        lambda header: {name: 7 for name in header},
        set_entry("ln_f.weight", data_offsets=[0, 192]),
        set_entry("ln_f.weight", data_offsets=[-192, 0]),
        set_entry("ln_f.weight", data_offsets=[2**62, 2**62 + 192]),
        set_entry("ln_f.weight", data_offsets=[2**64 - 1, 2**64]),
        set_entry("ln_f.weight", data_offsets=[192]),
        set_entry("ln_f.weight", data_offsets="0:192"),
        set_entry("ln_f.weight", dtype="F8"),
        set_entry("ln_f.weight", dtype="I32"),
        set_entry("ln_f.weight", dtype=4),
        set_entry("ln_f.weight", shape=[47]),
        set_entry("ln_f.weight", shape=[48, 2**63]),
        set_entry("ln_f.weight", shape=[-48]),
        set_entry("ln_f.weight", shape=48),
    ],
)
def test_a_header_that_cannot_be(stratoscope, forged, change):
    forge_header(forged, change)
    refuses(stratoscope, forged, "model.safetensors")


def test_a_tensor_that_is_missing_is_named(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors.pop("h.1.mlp.c_fc.bias"))
    refuses(stratoscope, forged, "'h.1.mlp.c_fc.bias' is missing", "GPT-2")


def test_a_tensor_of_another_shape_is_named(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors.update({"ln_f.bias": np.ones((2, 24), np.float32)}))
    refuses(stratoscope, forged, "'ln_f.bias' has shape [2, 24], expected [48]")


def test_weights_of_whole_numbers_are_refused(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors.update({"ln_f.bias": np.ones(48, np.int64)}))
    refuses(stratoscope, forged, "'ln_f.bias' is stored as 'I64'")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_a_warning_and_nulls(stratoscope, forged, value):
    def spoil(tensors):
        tensors["h.1.mlp.c_fc.weight"][7, 5] = value

    forged.change_tensors(spoil)
    arguments = ["activations", "abcd", "--model", forged]
    result = stratoscope.succeeds(*arguments, "--json")
    assert any("'h.1.mlp.c_fc.weight' holds NaN or infinity" in warning for warning in result.warnings)
    assert any("null" in warning for warning in result.warnings)
    layers = stratoscope.json(*arguments)["layers"]
    assert layers[0]["variance"] is not None and layers[2]["variance"] is None
    assert "nan" in stratoscope.prints(*arguments).lower()


def test_nothing_hangs_or_breaks_on_weights_that_are_no_numbers(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["wte.weight"].fill(np.nan))
    sweep = ["sweep", "abcd", "--edit", "blocks.{layer}.hook_mlp_out = 0", "--over", "layer=all"]
    for command in (
        ["predict", "abcd", "--all"],
        ["similarity", "abcd", "--across", "tokens"],
        ["similarity", "abcd", "--profile"],
        [*sweep, "--target-id", 3],
        [*sweep, "--metric", "kl"],
        ["verify", "abcd"],
        ["run", "abcd", "--save", "x.npz"],
    ):
        stratoscope.json(*command, "--model", forged)
        stratoscope.prints(*command, "--model", forged)
    figure = ["--figure", "x.svg"]
    similarity = ["similarity", "--across", "layers", *figure]
    for command in (["predict", *figure], ["activations", *figure], similarity, ["demo"]):
        result = stratoscope.run(*command, "abcd", "--model", forged)
        assert result.status in (0, 1)
        if result.status == 1:
            assert result.error
        stratoscope.leaves_no_temporary_file()


def test_a_tensor_of_another_kind_is_a_warning(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors.update({"extra.weight": np.ones(3, np.float32)}))
    result = stratoscope.succeeds("predict", "ab", "--model", forged)
    assert any("'extra.weight'" in warning and "ignored" in warning for warning in result.warnings)


# The tokenizer


def test_merges_that_make_words_the_vocabulary_has_not(stratoscope, forged):
    vocabulary = json.loads((forged.folder / "vocab.json").read_text(encoding="utf-8"))
    merged = next(token for token in vocabulary if len(token) == 2)
    vocabulary["never"] = vocabulary.pop(merged)
    forged.write("vocab.json", json.dumps(vocabulary))
    refuses(stratoscope, forged, "tokenizer")


def test_a_vocabulary_beyond_the_configs(stratoscope, forged):
    vocabulary = json.loads((forged.folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary["onemore"] = 311
    forged.write("vocab.json", json.dumps(vocabulary))
    run = stratoscope.succeeds("predict", "ab", "--model", forged)
    assert "1 token of the vocabulary without a row in the weights, such as 'onemore' (id 311)" in run.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocab.json", "[]"),
        ("vocab.json", "{"),
        ("vocab.json", "{}"),
        ("vocab.json", '{"a": -1}'),
        ("vocab.json", '{"a": 0, "b": 0}'),
        ("vocab.json", '{"a": "0"}'),
        ("vocab.json", '{"a": 4294967296}'),
        ("merges.txt", "one two three\n"),
        ("merges.txt", "alone\n"),
        ("merges.txt", b"\xff \xfe\n"),
        ("merges.txt", "a b\na b\n"),
        ("tokenizer.json", "{"),
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"model": {"type": "Unigram"}}'),
    ],
)
def test_a_tokenizer_that_cannot_be(stratoscope, forged, name, content):
    if name == "tokenizer.json":
        (forged.folder / "vocab.json").unlink()
    forged.write(name, content)
    refuses(stratoscope, forged, "tokenizer")


def test_a_model_without_beginning_of_text_refuses_bos(stratoscope, forged):
    text = (forged.folder / "vocab.json").read_text(encoding="utf-8").replace("<|endoftext|>", "<end>")
    forged.write("vocab.json", text)
    config = json.loads((forged.folder / "config.json").read_text())
    forged.write("config.json", json.dumps(config | {"bos_token_id": None}))
    stratoscope.fails("predict", "ab", "--bos", "--model", forged, says="--bos")


# More than the machine's memory


def test_weights_beyond_the_memory_are_refused_before_loading(stratoscope, tmp_path):
    """A file of zeros that takes no room on the disk."""
    width, vocabulary = 16384, 300
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    layers = 2 * memory // (4 * 12 * width**2) + 2
    config = {"model_type": "gpt2", "n_embd": width, "n_head": 16, "n_layer": layers, "n_positions": 64, "vocab_size": vocabulary}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shutil.copy(FAMILIES / "opt" / "tokenizer.json", tmp_path)
    shapes = {"wte.weight": [vocabulary, width], "wpe.weight": [64, width], "ln_f.weight": [width], "ln_f.bias": [width]}
    for layer in range(layers):
        for name, into, out in (("attn.c_attn", 1, 3), ("attn.c_proj", 1, 1), ("mlp.c_fc", 1, 4), ("mlp.c_proj", 4, 1)):
            shapes[f"h.{layer}.{name}.weight"] = [into * width, out * width]
            shapes[f"h.{layer}.{name}.bias"] = [out * width]
        shapes |= {f"h.{layer}.{norm}.{part}": [width] for norm in ("ln_1", "ln_2") for part in ("weight", "bias")}
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    assert stratoscope.json("info", "--model", tmp_path)["memory"]["fp32"] > memory
    for precision in ("fp32", "bf16"):
        stratoscope.fails("predict", "a", "--model", tmp_path, "--precision", precision,
                          says=[f"GiB in {precision}", "of memory are free"])
