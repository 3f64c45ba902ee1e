"""A minimal safetensors reader and writer (F64, F32, F16, BF16, I64), independent of the C++ one under test.

Layout: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the bytes.
"""
import json
import struct

import numpy as np

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64}
NAMES = {np.dtype(DTYPES[name]): name for name in ("F64", "F32", "F16", "I64")}


def to_bf16_bits(values):
    """float32 -> the bits of the nearest bfloat16, ties to even. NaN is not expected."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16_bits(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def save(path, tensors, store_as=None, metadata=None):
    """Writes {name: ndarray}. `store_as` ("F16", "BF16") is the stored format of every float32 array."""
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        dtype = NAMES[array.dtype]
        if store_as and dtype == "F32":
            dtype = store_as
        stored = to_bf16_bits(array) if dtype == "BF16" else array.astype(DTYPES[dtype])
        blob = np.ascontiguousarray(stored).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(blobs)


def load(path):
    """{name: ndarray}; BF16 becomes float32, the other formats stay as they are stored."""
    data = np.memmap(path, np.uint8, "r")
    (length,) = struct.unpack("<Q", data[:8].tobytes())
    header = json.loads(data[8 : 8 + length].tobytes())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        stored = np.array(data[begin:end]).view(DTYPES[entry["dtype"]])
        values = from_bf16_bits(stored) if entry["dtype"] == "BF16" else stored
        tensors[name] = values.reshape(entry["shape"])
    return tensors
