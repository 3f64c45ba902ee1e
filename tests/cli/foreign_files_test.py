"""Files with more arrays than needed, in other shapes and types than ours: the needed arrays are read."""
import json

import numpy as np
import pytest

from program import PENGUINS

import safetensors_io

UNREAD = ["F8_E4M3", "F8_E5M2", "F4", "C64", "I128", "F99"]
EXTRAS = {
    "objects": np.array([{"a": 1}], dtype=object),
    "text": np.array(["a", "bc"]),
    "complex": np.zeros(3, dtype=complex),
    "dates": np.array(["2020"], dtype="M8[s]"),
    "structures": np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]),
    "columns": np.asfortranarray(np.ones((3, 4))),
    "big_endian": np.ones(3, dtype=">f4"),
}


def add_foreign_tensor(path, dtype, name="foreign"):
    """A tensor of three bytes and of that type, first in the header and last in the data."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    entry = {"dtype": dtype, "shape": [3], "data_offsets": [len(data), len(data) + 3]}
    text = json.dumps({name: entry, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data + b"???")


@pytest.fixture
def saved(stratoscope, tiny_model):
    """The arrays of a run of the tiny model, and the result of a run that starts from a file of such arrays."""
    stratoscope.succeeds("run", PENGUINS, "--save", "whole.npz", "--model", tiny_model)
    with np.load(stratoscope.folder / "whole.npz") as arrays:
        whole = dict(arrays)

    def start_from(file):
        stratoscope.succeeds("run", "--start-at", 0, "--from", file, "--save", "again.npz", "--model", tiny_model)
        with np.load(stratoscope.folder / "again.npz") as arrays:
            return arrays["logits"].tobytes() == whole["logits"].tobytes()

    return whole, start_from


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "deflated"])
@pytest.mark.parametrize("extra", EXTRAS)
def test_a_start_with_more_arrays(stratoscope, saved, extra, save):
    arrays, start_from = saved
    save(stratoscope.folder / "a.npz", **{extra: EXTRAS[extra]}, **arrays, zz=EXTRAS[extra])
    assert start_from("a.npz")


@pytest.mark.parametrize("dtype", UNREAD)
def test_a_start_with_tensors_of_other_types(stratoscope, saved, dtype):
    arrays, start_from = saved
    path = stratoscope.folder / "a.safetensors"
    safetensors_io.save(path, arrays)
    add_foreign_tensor(path, dtype)
    assert start_from("a.safetensors")


@pytest.mark.parametrize("dtype", ["<u2", "<u4", "<u8", "<i2", ">i4", ">u8"])
def test_token_ids_are_any_integers(stratoscope, saved, dtype):
    arrays, start_from = saved
    arrays["input_ids"] = arrays["input_ids"].astype(dtype)
    np.savez(stratoscope.folder / "a.npz", **arrays)
    assert start_from("a.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"input_ids": lambda x: x[None]},
        {"hidden_states": lambda x: x[:, None]},
        {"input_ids": lambda x: x[None], "hidden_states": lambda x: x[:, None]},
        {"hidden_states": np.asfortranarray},
        {"hidden_states": lambda x: np.asfortranarray(x[:, None])},
        {"hidden_states": lambda x: x.astype(">f4")},
        {"hidden_states": lambda x: x.astype("f8")},
    ],
    ids=["ids of a batch", "states of a batch", "both", "columns", "columns of a batch", "big-endian", "doubles"],
)
def test_a_start_in_another_layout(stratoscope, saved, change):
    arrays, start_from = saved
    arrays.update({name: how(arrays[name]) for name, how in change.items()})
    np.savez(stratoscope.folder / "a.npz", **arrays)
    assert start_from("a.npz")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input_ids": lambda x: np.stack([x, x])}, ["input_ids is I64 [2, ", "row_offsets marks where each begins"]),
        ({"input_ids": lambda x: x[:, None]}, "expected one row of integers"),
        ({"input_ids": lambda x: x[None, None]}, "expected one row of integers"),
        ({"input_ids": lambda x: x.astype("f4")}, "expected one row of integers"),
        ({"input_ids": lambda x: x.astype(object)}, "array 'input_ids': holds Python objects"),
        ({"hidden_states": lambda x: np.stack([x, x], 1)}, "expected 3 axes"),
        ({"hidden_states": lambda x: x.astype(complex)}, "array 'hidden_states': holds numbers of the type '<c16'"),
    ],
)
def test_a_start_that_is_none(stratoscope, saved, tiny_model, change, says):
    arrays, _ = saved
    arrays.update({name: how(arrays[name]) for name, how in change.items()})
    np.savez(stratoscope.folder / "a.npz", **arrays)
    command = ["run", "--start-at", 0, "--from", "a.npz", "--save", "b.npz", "--model", tiny_model]
    stratoscope.fails(*command, says=says)


def edited(stratoscope, model, vector):
    return stratoscope.json("predict", "~", "--edit", f"resid_post.0 += {vector}", "--model", model)["predictions"]


def test_vectors_in_any_layout(stratoscope, tiny_model):
    vector = np.linspace(-1, 1, 48, dtype="f4")
    np.save(stratoscope.folder / "plain.npy", vector)
    plain = edited(stratoscope, tiny_model, "plain.npy")
    assert plain != stratoscope.json("predict", "~", "--model", tiny_model)["predictions"]
    other = {"rows": vector[None], "columns": np.asfortranarray(vector[None]), "columns of one": vector[:, None],
             "big": vector.astype(">f4"), "doubles": vector.astype("f8"), "big doubles": vector.astype(">f8")}
    for layout, array in other.items():
        np.save(stratoscope.folder / "v.npy", array)
        assert edited(stratoscope, tiny_model, "v.npy") == plain, layout


@pytest.mark.parametrize("dtype", UNREAD)
def test_vectors_beside_tensors_of_other_types(stratoscope, tiny_model, dtype):
    path = stratoscope.folder / "v.safetensors"
    safetensors_io.save(path, {"v": np.linspace(-1, 1, 48, dtype="f4")})
    plain = edited(stratoscope, tiny_model, "v.safetensors:v")
    add_foreign_tensor(path, dtype)
    assert edited(stratoscope, tiny_model, "v.safetensors:v") == plain
    edit = "resid_post.0 += v.safetensors:foreign"
    stratoscope.fails("predict", "~", "--edit", edit, "--model", tiny_model, says=f"'foreign' is stored as '{dtype}'")


def test_directions_beside_tensors_of_other_types(stratoscope, tiny_model):
    steer = ["steer", "~", "--max-new", "0", "--model", tiny_model]
    stratoscope.succeeds(*steer, "--positive", "~~", "--negative", "!", "--save", "d.safetensors")
    values = stratoscope.json(*steer, "--vectors", "d.safetensors")["results"]
    add_foreign_tensor(stratoscope.folder / "d.safetensors", "F8_E4M3")
    assert stratoscope.json(*steer, "--vectors", "d.safetensors")["results"] == values


@pytest.mark.parametrize("dtype", UNREAD)
def test_a_checkpoint_with_a_tensor_of_another_type(stratoscope, forged, dtype):
    plain = stratoscope.json("predict", "~", "--model", forged)["predictions"]
    add_foreign_tensor(forged.weights, dtype, "quantization.scale")
    result = stratoscope.succeeds("predict", "~", "--json", "--model", forged)
    assert json.loads(result.out)["predictions"] == plain
    assert "quantization.scale" in result.err
    stratoscope.succeeds("info", "--model", forged)


def test_a_checkpoint_whose_own_tensor_is_of_another_type(stratoscope, forged):
    content = forged.weights.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["transformer.ln_f.bias" if "transformer.ln_f.bias" in header else "ln_f.bias"]["dtype"] = "F99"
    text = json.dumps(header).encode()
    forged.write("model.safetensors", len(text).to_bytes(8, "little") + text + content[8 + length :])
    stratoscope.fails("predict", "~", "--model", forged, says=["'ln_f.bias' is stored as 'F99'"])
