"""`edges`: path patching, one edge at a time."""
import itertools

import numpy as np
import pytest

from conftest import safetensors_io

TEXT, OTHER = "the king and the", "the sing and tha"


@pytest.fixture
def tiny(tiny_model):
    return ["--model", tiny_model]


def metric_of(stratoscope, model, text, target, *edits):
    arguments = itertools.chain.from_iterable(("--edit", edit) for edit in edits)
    predictions = stratoscope.json("predict", text, "--top", 400, *model, *arguments)["predictions"]
    return next(p["log_prob"] for p in predictions if p["id"] == target)


def captured(stratoscope, model, text, hooks):
    captures = itertools.chain.from_iterable(("--capture", hook) for hook in hooks)
    stratoscope.succeeds("run", text, "--save", "c.safetensors", *model, *captures)
    return safetensors_io.load(stratoscope.folder / "c.safetensors")


def gelu_new(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def normed(x, weights, name):
    centred = x - x.mean(-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / scale * weights[name + ".weight"] + weights[name + ".bias"]


def zero_edges(stratoscope, model):
    return stratoscope.json("edges", TEXT, *model, "--target-id", 7)


def test_senders_receivers_and_their_order(stratoscope, tiny):
    result = zero_edges(stratoscope, tiny)
    names = ["L0H0", "L0H1", "L0H2", "MLP 0", "L1H0", "L1H1", "L1H2", "MLP 1"]
    assert result["senders"] == names and result["receivers"] == [*names, "logits"]
    values = np.array([[np.nan if v is None else v for v in row] for row in result["values"]])
    exists = ~np.isnan(values)
    for s, sender in enumerate(names):
        for r, receiver in enumerate([*names, "logits"]):
            later = receiver == "logits" or r // 4 > s // 4 or (receiver == f"MLP {s // 4}" and sender != receiver)
            assert exists[s, r] == later, (sender, receiver)
    assert len(result["edges"]) == exists.sum()
    sizes = [abs(edge["change"]) for edge in result["edges"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_direct_path_to_the_logits(stratoscope, tiny):
    """The sender's output subtracted from the residual stream after the last block only."""
    result = zero_edges(stratoscope, tiny)
    values = captured(stratoscope, tiny, TEXT, ["blocks.0.attn.hook_result", "blocks.1.hook_mlp_out",
                                               "blocks.1.hook_resid_post"])
    for sender, output in {1: values["blocks.0.attn.hook_result"][:, 1], 7: values["blocks.1.hook_mlp_out"]}.items():
        np.save(stratoscope.folder / "d.npy", output[-1])
        by_hand = metric_of(stratoscope, tiny, TEXT, 7, "blocks.1.hook_resid_post[-1] += -1 * d.npy")
        assert result["values"][sender][8] == pytest.approx(by_hand, abs=1e-5)


def test_a_head_into_the_mlp_of_its_own_block(stratoscope, tiny, tiny_model):
    """By hand in NumPy: the MLP reads the stream without the head, everything else reads it with the head."""
    weights = {name.removeprefix("transformer."): value.astype(np.float64)
               for name, value in safetensors_io.load(tiny_model / "model.safetensors").items()}
    result = zero_edges(stratoscope, tiny)
    values = captured(stratoscope, tiny, TEXT, ["blocks.0.attn.hook_result", "blocks.0.hook_resid_mid"])
    stream = values["blocks.0.hook_resid_mid"].astype(np.float64) - values["blocks.0.attn.hook_result"][:, 2]
    hidden = normed(stream, weights, "h.0.ln_2") @ weights["h.0.mlp.c_fc.weight"] + weights["h.0.mlp.c_fc.bias"]
    out = gelu_new(hidden) @ weights["h.0.mlp.c_proj.weight"] + weights["h.0.mlp.c_proj.bias"]
    edits = []
    for position, row in enumerate(out):
        np.save(stratoscope.folder / f"m{position}.npy", row)
        edits.append(f"blocks.0.hook_mlp_out[{position}] = m{position}.npy")
    by_hand = metric_of(stratoscope, tiny, TEXT, 7, *edits)
    assert result["values"][2][3] == pytest.approx(by_hand, abs=1e-5)


def test_an_mlp_into_one_head_of_the_next_block(stratoscope, tiny, tiny_model):
    """The head's z in a run in which only its block reads the changed stream, patched into the clean run."""
    result = stratoscope.json("edges", TEXT, "--corrupt", OTHER, *tiny, "--target-id", 7)
    hook = "blocks.0.hook_mlp_out"
    change = captured(stratoscope, tiny, OTHER, [hook])[hook] - captured(stratoscope, tiny, TEXT, [hook])[hook]
    edits = []
    for position, row in enumerate(change):
        np.save(stratoscope.folder / f"d{position}.npy", row)
        edits += ["--edit", f"blocks.1.hook_resid_pre[{position}] += d{position}.npy"]
    stratoscope.succeeds("run", TEXT, "--save", "z.safetensors", *tiny, *edits, "--capture", "blocks.1.attn.hook_z")
    z = safetensors_io.load(stratoscope.folder / "z.safetensors")["blocks.1.attn.hook_z"]
    set_z = []
    for position in range(len(z)):
        np.save(stratoscope.folder / f"z{position}.npy", z[position, 2])
        set_z.append(f"blocks.1.attn.hook_z[{position}].head[2] = z{position}.npy")
    by_hand = metric_of(stratoscope, tiny, TEXT, 7, *set_z)
    assert result["values"][3][6] == pytest.approx(by_hand, abs=1e-5)
    assert result["replacement"] == "corrupt"


def test_in_float64_it_is_the_same(stratoscope, tiny):
    quick, exact = zero_edges(stratoscope, tiny), zero_edges(stratoscope, [*tiny, "--precision", "fp64"])
    for a, b in zip(quick["values"], exact["values"]):
        for x, y in zip(a, b):
            assert (x is None) == (y is None)
            assert x is None or x == pytest.approx(y, abs=1e-4)


def test_the_memory_limit_changes_no_bit(stratoscope, tiny):
    edges = ["edges", TEXT, "--corrupt", OTHER, *tiny, "--target-id", 7]
    whole = stratoscope.json(*edges)
    for limit in ("1500K", "1M"):
        assert stratoscope.json(*edges, "--memory-limit", limit) == whole
    stratoscope.fails(*edges, "--memory-limit", "20K", says="raise --memory-limit")


def test_nothing_goes_through_an_edge_where_the_texts_are_the_same(stratoscope, tiny):
    result = stratoscope.json("edges", TEXT, "--corrupt", TEXT, *tiny, "--target-id", 7)
    assert {value for row in result["values"] for value in row if value is not None} == {result["clean"]}
    assert result["effect"] == {"kl": 0, "max_change": 0}


def test_for_people_and_the_figure(stratoscope, tiny):
    text = stratoscope.prints("edges", TEXT, *tiny, "--target-id", 7, "--mean", "--top", 3, "--figure", "e.svg")
    assert "30 edges" in text and text.count("MLP") >= 3
    svg = (stratoscope.folder / "e.svg").read_text(encoding="utf-8")
    assert "every edge" in svg and "the strongest edges" in svg and "MLP" in svg


def test_bad_input(stratoscope, tiny):
    stratoscope.fails("edges", TEXT, *tiny, says="the metric log_prob reads 1 target")
    stratoscope.fails("edges", TEXT, *tiny, "--target-id", 7, "--corrupt", "one", says="both need the same number")
    stratoscope.fails("edges", TEXT, *tiny, "--target-id", 7, "--corrupt", OTHER, "--mean", says="are given")
