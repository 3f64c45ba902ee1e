"""distributions: histograms and moments against NumPy, on the arrays that `run --save` gives."""
import json

import numpy as np
import pytest

from program import FAMILIES, KAFKA, PENGUINS

EDIT = "blocks.2.hook_resid_post *= 3"


def values_of(stratoscope, text, hook, *options):
    stratoscope.succeeds("run", text, "--save", "x.npz", "--capture", hook, *options)
    with np.load(stratoscope.folder / "x.npz") as arrays:
        return {name: array.astype(np.float64) for name, array in arrays.items() if "hook" in name}


def moments(values):
    deviations = values - values.mean()
    return {
        "count": values.size,
        "mean": values.mean(),
        "variance": values.var(ddof=1),
        "kurtosis": (deviations**4).mean() / (deviations**2).mean() ** 2 - 3,
        "zeros": (values == 0).mean(),
        "min": values.min(),
        "max": values.max(),
    }


def check(hook, arrays, seen=lambda array: array.ravel()):
    edges = hook["edges"]
    for block in hook["blocks"]:
        values = seen(arrays[block["hook_point"]])
        for name, expected in moments(values).items():
            assert block[name] == pytest.approx(expected, rel=1e-6, abs=1e-9), name
        counts, _ = np.histogram(values, edges)
        assert block["counts"] == list(counts)
        assert block["below"] == (values < edges[0]).sum() and block["above"] == (values > edges[-1]).sum()
        assert sum(block["counts"]) + block["below"] + block["above"] == values.size


def test_histograms_and_moments_are_numpys(stratoscope):
    result = stratoscope.json("distributions", KAFKA, "--at", "hook_q", "hook_k", "--at", "hook_mlp_out", "--bins", 40)
    assert [hook["hook"] for hook in result["hooks"]] == ["attn.hook_q", "attn.hook_k", "hook_mlp_out"]
    assert result["bins"] == 40 and len(result["tokens"]) == 24
    arrays = {}
    for hook in result["hooks"]:
        arrays |= values_of(stratoscope, KAFKA, f"blocks.*.{hook['hook']}")
        assert [block["block"] for block in hook["blocks"]] == list(range(12))
        assert hook["edges"] == result["hooks"][0]["edges"] and len(hook["edges"]) == 41
        check(hook, arrays)
    everything = np.concatenate([array.ravel() for array in arrays.values()])
    low, high = np.quantile(everything, [0.001, 0.999])
    margin = (high - low) / 10
    edges = result["hooks"][0]["edges"]
    assert edges[0] == pytest.approx(max(everything.min(), low - margin))
    assert edges[-1] == pytest.approx(min(everything.max(), high + margin))
    assert np.diff(edges) == pytest.approx((edges[-1] - edges[0]) / 40)


@pytest.mark.parametrize("hook", ["attn.hook_attn_scores", "attn.hook_pattern"])
def test_only_keys_that_a_query_sees_count(stratoscope, hook):
    result = stratoscope.json("distributions", PENGUINS, "--at", hook)
    arrays = values_of(stratoscope, PENGUINS, f"blocks.*.{hook}")
    sees = np.tri(10, dtype=bool)
    check(result["hooks"][0], arrays, lambda array: array[:, sees].ravel())
    assert result["hooks"][0]["blocks"][0]["count"] == sees.sum() * 6


def test_positions_heads_and_limits(stratoscope):
    result = stratoscope.json("distributions", PENGUINS, "--at", "attn.hook_attn_scores[3,-1].head[2]", "--limits", "-2,5")
    hook = result["hooks"][0]
    assert hook["label"] == "attn.hook_attn_scores of head 2 at positions 3, 9"
    assert (hook["edges"][0], hook["edges"][-1]) == (-2, 5)
    arrays = values_of(stratoscope, PENGUINS, "blocks.*.attn.hook_attn_scores")
    check(hook, arrays, lambda array: np.concatenate([array[2, 3, :4], array[2, 9, :10]]))


def test_edits_beside_the_clean_run(stratoscope):
    result = stratoscope.json("distributions", PENGUINS, "--at", "hook_v", "--edit", EDIT, "--compare")
    clean = stratoscope.json("distributions", PENGUINS, "--at", "hook_v", "--limits", *limits(result))
    edited = stratoscope.json("distributions", PENGUINS, "--at", "hook_v", "--edit", EDIT, "--limits", *limits(result))
    assert result["clean"]["hooks"][0]["blocks"] == clean["hooks"][0]["blocks"]
    assert result["hooks"][0]["blocks"] == edited["hooks"][0]["blocks"] and "effect" in result
    assert result["hooks"][0]["blocks"][:3] == result["clean"]["hooks"][0]["blocks"][:3]
    assert result["hooks"][0]["blocks"][3] != result["clean"]["hooks"][0]["blocks"][3]
    check(result["hooks"][0], values_of(stratoscope, PENGUINS, "blocks.*.attn.hook_v", "--edit", EDIT))


def limits(result):
    edges = result["hooks"][0]["edges"]
    return [f"{edges[0]!r},{edges[-1]!r}"]


def test_bins_of_each_hooks_own_values(stratoscope):
    own = stratoscope.json("distributions", PENGUINS, "--at", "mlp.hook_pre", "hook_resid_post", "--own-bins")
    alone = stratoscope.json("distributions", PENGUINS, "--at", "mlp.hook_pre")
    assert own["hooks"][0]["edges"] == alone["hooks"][0]["edges"] != own["hooks"][1]["edges"]


def test_zeros_and_equal_values(stratoscope):
    result = stratoscope.json("distributions", PENGUINS, "--at", "hook_mlp_out", "--edit", "blocks.3.hook_mlp_out = 0")
    block = result["hooks"][0]["blocks"][3]
    assert block["zeros"] == 1 and block["variance"] == 0 and block["kurtosis"] is None
    assert stratoscope.succeeds("distributions", PENGUINS, "--at", "hook_mlp_out", "--edit", "blocks.3.hook_mlp_out = 0",
                                "--figure", "x.svg").out.count("–") == 1


def test_some_blocks_and_hooks_outside_of_them(stratoscope):
    result = stratoscope.json("distributions", PENGUINS, "--at", "blocks.[2,5].hook_attn_out", "--at", "unembed.hook_out",
                              "--precision", "fp64")
    assert [block["block"] for block in result["hooks"][0]["blocks"]] == [2, 5]
    (logits,) = result["hooks"][1]["blocks"]
    assert logits["block"] is None and logits["hook_point"] == "unembed.hook_out"
    stratoscope.succeeds("run", PENGUINS, "--save", "x.npz", "--precision", "fp64")
    with np.load(stratoscope.folder / "x.npz") as arrays:
        assert logits["mean"] == pytest.approx(arrays["logits"].mean(), rel=1e-9)
        assert logits["count"] == arrays["logits"].size
    stratoscope.succeeds("distributions", PENGUINS, "--at", "unembed.hook_out", "--figure", "x.svg")


def test_the_figure_has_an_image_per_hook_and_lines(stratoscope):
    options = ["--at", "hook_v", "--bins", 4, "--limits", "-2,2"]
    (hook,) = stratoscope.json("distributions", PENGUINS, *options)["hooks"]
    stratoscope.succeeds("distributions", PENGUINS, *options, "--figure", "x.vl.json")
    panels = json.loads((stratoscope.folder / "x.vl.json").read_text())["concat"]
    image, variance, kurtosis = (panel["layer"][0]["data"]["values"] for panel in panels)
    for block in hook["blocks"]:
        shown = [row["values"][block["block"]] for row in image]
        assert shown == pytest.approx(np.log10(1 + np.array(block["counts"][::-1])), abs=1e-6), "the lowest bin is below"
        assert variance[block["block"]]["y"] == block["variance"]
        assert kurtosis[block["block"]]["y"] == block["kurtosis"]


def test_what_people_read(stratoscope):
    shown = stratoscope.prints("distributions", PENGUINS, "--at", "hook_q", "--edit", EDIT, "--compare")
    for part in ("attn.hook_q, clean: 60 bins from", "attn.hook_q, edited", "variance", "kurtosis", "outside", "excess"):
        assert part in shown, shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "hook_scale"], "'hook_scale' is the name of several hooks"),
        (["--at", "hook_foo"], "there is no 'hook_foo'"),
        (["--at", "hook_q[20]"], "0 to 9"),
        (["--at", "hook_q.head[6]"], "0 to 5"),
        (["--at", "hook_mlp_out.head[0]"], "no axis for the selector .head"),
        (["--at", "hook_q.dim[0]"], "selects dimensions"),
        (["--at", "hook_q.head[0]", "--at", "hook_q.head[1]"], "captured twice"),
    ],
)
def test_what_is_not_there(stratoscope, arguments, says):
    stratoscope.fails("distributions", PENGUINS, *arguments, says=says)


def test_usage(stratoscope):
    stratoscope.fails("distributions", PENGUINS, status=2, says="--at is required")
    stratoscope.fails("distributions", PENGUINS, "--at", "hook_q", "--bins", "0", status=2, says="--bins")
    for limits in ("3", "3,1", "1,1", "1,2,3"):
        stratoscope.fails("distributions", PENGUINS, "--at", "hook_q", "--limits", limits, status=2, says="--limits takes")
    stratoscope.fails("distributions", PENGUINS, "--at", "hook_q", "--limits", "0,1", "--own-bins", status=2, says="excludes")


def test_a_window_hides_keys(stratoscope):
    model, text = FAMILIES / "gpt_neo", "0123456789" * 3
    result = stratoscope.json("distributions", text, "--model", model, "--at", "attn.hook_attn_scores")
    arrays = values_of(stratoscope, text, "blocks.*.attn.hook_attn_scores", "--model", model)
    check(result["hooks"][0], arrays, lambda array: array[np.isfinite(array)])
    counts = {block["count"] for block in result["hooks"][0]["blocks"]}
    assert len(counts) == 2, "some blocks have a window, others do not"
