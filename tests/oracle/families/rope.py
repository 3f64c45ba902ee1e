"""Rotary settings of a config.json, in the spelling of transformers 4 or 5, and the frequencies they mean."""
import math

import numpy as np

from decoder import Rotary


def settings(config):
    return config("rope_scaling") or config("rope_parameters") or {}


def settings_by_kind(config):
    """{kind of block: settings}, or None where all blocks share them."""
    found = settings(config)
    return found if any(isinstance(value, dict) for value in found.values()) else None


def base_of(config, found, default):
    return found.get("rope_theta", config("rope_theta", config("rotary_emb_base", default)))


def dims_of(config, found, head_size, default):
    named = config("partial_rotary_factor", config("rotary_pct", default))
    return int(head_size * found.get("partial_rotary_factor", named))


def plain(base, dims):
    return base ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)


def kept(frequencies):
    return lambda length: frequencies


def dynamic(base, dims, found, longest):
    def frequencies(length):
        stretch = found["factor"] * max(length, longest) / longest - (found["factor"] - 1)
        return plain(base * stretch ** (dims / (dims - 2)), dims)

    return frequencies


def llama3(base, dims, found, original):
    f = plain(base, dims)
    low, high = found["low_freq_factor"], found["high_freq_factor"]
    g = np.clip((original * f / (2 * math.pi) - low) / (high - low), 0, 1)
    return (1 - g) * f / found["factor"] + g * f


def yarn_factor(found, s):
    if found.get("attention_factor") is not None:
        return found["attention_factor"]

    def scale(weight):
        return 1.0 if s <= 1 else 0.1 * weight * math.log(s) + 1

    if found.get("mscale") and found.get("mscale_all_dim"):
        return scale(found["mscale"]) / scale(found["mscale_all_dim"])
    return scale(1)


def yarn(base, dims, found, original, s):
    f = plain(base, dims)

    def turning(turns):
        return dims * math.log(original / (2 * math.pi * turns)) / (2 * math.log(base))

    low, high = turning(found.get("beta_fast", 32)), turning(found.get("beta_slow", 1))
    if found.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dims - 1)
    g = np.clip((np.arange(dims // 2) - low) / (high - low if high != low else 0.001), 0, 1)
    return g * f / s + (1 - g) * f


def longrope(base, dims, found, original, s):
    f = plain(base, dims)
    factor = found.get("attention_factor")
    if factor is None:
        factor = 1.0 if s <= 1 else math.sqrt(1 + math.log(s) / math.log(original))
    short, long = (f / np.asarray(found[key], np.float64) for key in ("short_factor", "long_factor"))
    return Rotary(dims, lambda length: long if length > original else short, factor)


def rotary(config, head_size, base=10000.0, fraction=1.0, found=None, yarn_is_longrope=False):
    found = settings(config) if found is None else found
    base = base_of(config, found, base)
    dims = dims_of(config, found, head_size, fraction)
    assert dims % 2 == 0
    scaling = found.get("rope_type", found.get("type", "default"))
    longest = config("max_position_embeddings")
    original = config("original_max_position_embeddings") or found.get("original_max_position_embeddings") or longest
    s = found.get("factor") or (longest / original if longest else None)
    if scaling in ("longrope", "su") or (scaling == "yarn" and yarn_is_longrope):
        return longrope(base, dims, found, original, s)
    if scaling == "yarn":
        return Rotary(dims, kept(yarn(base, dims, found, original, s)), yarn_factor(found, s))
    if scaling == "dynamic":
        return Rotary(dims, dynamic(base, dims, found, longest))
    frequencies = {
        "default": lambda: plain(base, dims),
        "linear": lambda: plain(base, dims) / found["factor"],
        "llama3": lambda: llama3(base, dims, found, original),
    }[scaling]()
    return Rotary(dims, kept(frequencies))
