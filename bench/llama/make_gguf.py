"""Writes a folder of bench/make_checkpoint.py as GGUF, for llama.cpp: make_gguf.py FOLDER FILE.gguf F32|BF16|Q8_0

The matrices are in the named format, everything else in float32. Layout: a header of counts, key-value pairs, the
tensors' names, shapes (innermost first), formats and offsets, and after them the aligned bytes.
"""
import json
import os
import pathlib
import struct
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "oracle" / "gpt2"))
import safetensors_io

FORMATS = {"F32": 0, "Q8_0": 8, "BF16": 30}
UINT32, FLOAT32, STRING, ARRAY, INT32 = 4, 6, 8, 9, 5
ALIGNMENT, NORMAL, CONTROL = 32, 1, 3

GPT2 = {
    "ln_1.weight": "attn_norm.weight", "ln_1.bias": "attn_norm.bias",
    "attn.c_attn.weight": "attn_qkv.weight", "attn.c_attn.bias": "attn_qkv.bias",
    "attn.c_proj.weight": "attn_output.weight", "attn.c_proj.bias": "attn_output.bias",
    "ln_2.weight": "ffn_norm.weight", "ln_2.bias": "ffn_norm.bias",
    "mlp.c_fc.weight": "ffn_up.weight", "mlp.c_fc.bias": "ffn_up.bias",
    "mlp.c_proj.weight": "ffn_down.weight", "mlp.c_proj.bias": "ffn_down.bias",
}
LLAMA = {
    "input_layernorm.weight": "attn_norm.weight", "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}
REST = {
    "wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight", "ln_f.weight": "output_norm.weight",
    "ln_f.bias": "output_norm.bias", "embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(kind, content):
    return {UINT32: lambda: struct.pack("<I", content), INT32: lambda: struct.pack("<i", content),
            FLOAT32: lambda: struct.pack("<f", content), STRING: lambda: string(content)}[kind]()


def pair(key, kind, content):
    return string(key) + struct.pack("<I", kind) + value(kind, content)


def array(key, kind, contents):
    return string(key) + struct.pack("<IIQ", ARRAY, kind, len(contents)) + b"".join(value(kind, c) for c in contents)


def sizes(config):
    """Of either family, by GGUF's names."""
    if config["model_type"] == "gpt2":
        width = config["n_embd"]
        yield "gpt2.context_length", UINT32, config["n_positions"]
        yield "gpt2.embedding_length", UINT32, width
        yield "gpt2.feed_forward_length", UINT32, config["n_inner"] or 4 * width
        yield "gpt2.block_count", UINT32, config["n_layer"]
        yield "gpt2.attention.head_count", UINT32, config["n_head"]
        yield "gpt2.attention.layer_norm_epsilon", FLOAT32, config["layer_norm_epsilon"]
        return
    yield "llama.context_length", UINT32, config["max_position_embeddings"]
    yield "llama.embedding_length", UINT32, config["hidden_size"]
    yield "llama.feed_forward_length", UINT32, config["intermediate_size"]
    yield "llama.block_count", UINT32, config["num_hidden_layers"]
    yield "llama.attention.head_count", UINT32, config["num_attention_heads"]
    yield "llama.attention.head_count_kv", UINT32, config["num_key_value_heads"]
    yield "llama.attention.layer_norm_rms_epsilon", FLOAT32, config["rms_norm_eps"]
    yield "llama.rope.freq_base", FLOAT32, config["rope_theta"]
    yield "llama.rope.dimension_count", UINT32, config["hidden_size"] // config["num_attention_heads"]
    yield "llama.vocab_size", UINT32, config["vocab_size"]


def metadata(folder, config):
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    tokens = sorted(vocabulary, key=vocabulary.get)
    merges = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    return [
        pair("general.architecture", STRING, config["model_type"]),
        *(pair(*size) for size in sizes(config)),
        pair("tokenizer.ggml.model", STRING, "gpt2"),
        pair("tokenizer.ggml.pre", STRING, "gpt-2"),
        array("tokenizer.ggml.tokens", STRING, tokens),
        array("tokenizer.ggml.token_type", INT32, [NORMAL] * (len(tokens) - 1) + [CONTROL]),
        array("tokenizer.ggml.merges", STRING, merges),
        pair("tokenizer.ggml.bos_token_id", UINT32, len(tokens) - 1),
        pair("tokenizer.ggml.eos_token_id", UINT32, len(tokens) - 1),
    ]


def q8_0(matrix):
    """32 numbers as a float16 scale and 32 bytes."""
    blocks = matrix.reshape(-1, 32)
    scales = np.abs(blocks).max(1, keepdims=True) / 127
    quanta = np.rint(np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales > 0)).astype(np.int8)
    return np.hstack([scales.astype(np.float16).view(np.uint8), quanta.view(np.uint8)]).tobytes()


def stored(values, name):
    """The bytes of a tensor in a format."""
    values = np.ascontiguousarray(values, np.float32)
    return {"F32": values.tobytes, "BF16": lambda: safetensors_io.to_bf16_bits(values).tobytes(), "Q8_0": lambda: q8_0(values)}[name]()


def rotated_in_pairs(values, heads):
    """A head's rows (half, j) as GGUF's Llama has them: 2 j + half."""
    return values.reshape(heads, 2, -1, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)


def in_block(config, rest, values):
    """A block's matrix as [out, in], in GGUF's order of rows."""
    if config["model_type"] == "gpt2":
        return values.T
    if rest.startswith("self_attn.q_proj"):
        return rotated_in_pairs(values, config["num_attention_heads"])
    if rest.startswith("self_attn.k_proj"):
        return rotated_in_pairs(values, config["num_key_value_heads"])
    return values


def tensors(folder, config, name):
    """(name, shape, format, bytes) of each."""
    block = GPT2 if config["model_type"] == "gpt2" else LLAMA
    for source, values in safetensors_io.load(folder / "model.safetensors").items():
        source = source.removeprefix("model.")
        if source in REST:
            target = REST[source]
        else:
            _, layer, rest = source.split(".", 2)
            if rest not in block:
                continue
            target = f"blk.{layer}.{block[rest]}"
            if values.ndim == 2:
                values = in_block(config, rest, values)
        kind = name if values.ndim == 2 and source != "wpe.weight" else "F32"
        yield target, values.shape, kind, stored(values, kind)


def main(folder, file, name):
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    pairs, all_tensors = metadata(folder, config), list(tensors(folder, config, name))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(pairs)) + b"".join(pairs)
    offset = 0
    for target, shape, kind, data in all_tensors:
        dims = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        header += string(target) + dims + struct.pack("<IQ", FORMATS[kind], offset)
        offset += len(data) + -len(data) % ALIGNMENT
    part = file + ".part"
    with open(part, "wb") as out:
        out.write(header + b"\0" * (-len(header) % ALIGNMENT))
        for *_, data in all_tensors:
            out.write(data + b"\0" * (-len(data) % ALIGNMENT))
    os.replace(part, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
