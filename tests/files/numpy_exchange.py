"""NumPy's side of numpy_test.cpp: `write FOLDER` makes files for the test, `check FOLDER` reads the test's files."""

import json
import struct
import sys
from pathlib import Path

import numpy as np

SHAPES = {"scalar": (), "vector": (7,), "matrix": (3, 5), "cube.with.dots": (2, 3, 4), "none": (0, 4)}
TYPES = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1", "BOOL": "?"}


def values(dtype, shape):
    """Entry i is i * 7 mod 23 (less 5 unless unsigned, in eighths if floating; true where that is odd)."""
    numbers = np.arange(int(np.prod(shape))) * 7 % 23
    if dtype == "BOOL":
        numbers = numbers % 2
    elif dtype != "U8":
        numbers = numbers - 5
    if dtype.startswith("F"):
        numbers = numbers / 8
    return numbers.astype(TYPES[dtype]).reshape(shape)


def arrays():
    return {f"{dtype}.{name}": values(dtype, shape) for dtype in TYPES for name, shape in SHAPES.items()}


def write(folder):
    np.savez(folder / "stored.npz", **arrays())
    np.savez_compressed(folder / "deflated.npz", **arrays())
    for name, array in arrays().items():
        np.save(folder / f"{name}.npy", array)


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__") == {"text": "“cute”"}
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype=TYPES[entry["dtype"]])
        found[name] = flat.reshape(entry["shape"])
    return found


def check(folder):
    wanted = arrays()
    one_by_one = {name: np.load(folder / f"{name}.npy") for name in wanted}
    with np.load(folder / "arrays.npz") as archive:
        packed = dict(archive)
    for found in (one_by_one, packed, read_safetensors(folder / "arrays.safetensors")):
        assert list(found) == list(wanted), list(found)
        for name, array in wanted.items():
            assert found[name].dtype == array.dtype, name
            assert found[name].shape == array.shape, name
            assert np.array_equal(found[name], array), name


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](Path(sys.argv[2]))
