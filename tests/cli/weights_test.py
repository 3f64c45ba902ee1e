"""weights: the list, the statistics, rows and copies of tensors against NumPy on the checkpoint's file."""
import json

import numpy as np
import pytest

import safetensors_io
from program import MODEL

SHARES = {"0.1%": 0.001, "1%": 0.01, "25%": 0.25, "50%": 0.5, "75%": 0.75, "99%": 0.99, "99.9%": 0.999}


@pytest.fixture(scope="module")
def tensors():
    return safetensors_io.load(MODEL / "model.safetensors")


def full_name(tensors, end):
    return next(name for name in tensors if name.endswith(end))


def test_the_list_is_the_files(stratoscope, tensors):
    result = stratoscope.json("weights")
    assert [each["name"] for each in result["tensors"]] == sorted(tensors)
    for each in result["tensors"]:
        array = tensors[each["name"]]
        assert each["shape"] == list(array.shape) and each["count"] == array.size and "mean" not in each
        assert each["bytes"] == each["count"] * {"F32": 4, "F16": 2, "BF16": 2}[each["format"]]
    assert result["total"]["count"] == sum(array.size for array in tensors.values())
    assert stratoscope.json("weights", "*", "--list")["tensors"] == result["tensors"]


def test_statistics_are_numpys(stratoscope, tensors):
    result = stratoscope.json("weights", "*.h.[01].*")
    names = [name for name in sorted(tensors) if name.startswith(("h.0.", "h.1."))]
    assert [each["name"] for each in result["tensors"]] == names and len(names) == 24
    for each in result["tensors"]:
        values = tensors[each["name"]].astype(np.float64)
        assert each["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
        assert each["sd"] == pytest.approx(values.std(ddof=1), rel=1e-9)
        assert (each["min"], each["max"], each["not_finite"]) == (values.min(), values.max(), 0)
        assert each["zeros"] == (values == 0).mean()
        for name, share in SHARES.items():
            assert each["quantiles"][name] == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-12)
    assert "histogram" not in result, "of a single tensor alone"


def test_one_tensor_has_a_histogram_and_rows(stratoscope, tensors):
    result = stratoscope.json("weights", "h.3.mlp.c_fc.weight", "--rows", "3,5,-1")
    (tensor,) = result["tensors"]
    values = tensors[tensor["name"]].astype(np.float64)
    assert [row["index"] for row in result["rows"]] == [3, 5, len(values) - 1]
    for row in result["rows"]:
        assert row["values"] == list(values[row["index"]])
    histogram = result["histogram"]
    counts, _ = np.histogram(values, histogram["edges"])
    assert histogram["counts"] == list(counts) and len(counts) == 80
    assert counts.sum() + histogram["outside"] == values.size


def test_names_with_and_without_the_prefix_are_the_same(stratoscope, tensors):
    name = full_name(tensors, "h.3.mlp.c_fc.weight")
    one, other = (stratoscope.json("weights", written) for written in (name, "h.3.mlp.c_fc.weight"))
    assert one["tensors"] == other["tensors"]
    assert len(stratoscope.json("weights", name, "h.3.mlp.c_fc.weight")["tensors"]) == 1


@pytest.mark.parametrize("ending", [".npy", ".npz", ".safetensors"])
def test_copies_have_the_same_numbers(stratoscope, tensors, ending):
    name = full_name(tensors, "ln_f.weight")
    assert stratoscope.json("weights", "ln_f.weight", "--save", "x" + ending)["file"] == "x" + ending
    path = stratoscope.folder / ("x" + ending)
    if ending == ".npy":
        saved = np.load(path)
    elif ending == ".npz":
        saved = np.load(path)[name]
    else:
        saved = safetensors_io.load(path)[name]
    np.testing.assert_array_equal(saved, tensors[name])


def test_copies_of_several(stratoscope, tensors):
    stratoscope.succeeds("weights", "*.h.0.ln_1.*", "wte.weight", "--save", "x.npz")
    with np.load(stratoscope.folder / "x.npz") as saved:
        assert len(saved.files) == 3
        for name in saved.files:
            np.testing.assert_array_equal(saved[name], tensors[name])
    stratoscope.fails("weights", "*.h.0.ln_1.*", "--save", "x.npy", says="a .npy file holds one tensor, not 2")


@pytest.mark.parametrize("name", ["h.3.mlp.c_fc.weight", "wte.weight", "ln_f.weight", "h.0.attn.c_attn.bias"])
def test_figures(stratoscope, name, tensors):
    stratoscope.succeeds("weights", name, "--figure", "x.vl.json")
    panels = json.loads((stratoscope.folder / "x.vl.json").read_text())["concat"]
    values = tensors[full_name(tensors, name)]
    shown = panels[0]["layer"][0]["data"]["values"]
    if values.ndim == 1:
        assert [point["y"] for point in shown] == pytest.approx(values, rel=1e-6)
    else:
        steps = [-(-size // most) for size, most in zip(values.shape, (150, 300))]
        assert np.array([row["values"] for row in shown]) == pytest.approx(values[:: steps[0], :: steps[1]], rel=1e-6)
        caption = json.dumps(json.loads((stratoscope.folder / "x.vl.json").read_text()), ensure_ascii=False)
        assert (f"1 of every {steps[0]} rows" in caption) == (steps[0] > 1)


def test_numbers_that_are_not_finite_are_left_out(stratoscope, forged):
    def spoil(tensors):
        tensors["ln_f.weight"][:] = 2
        tensors["ln_f.weight"][0] = np.nan
        tensors["ln_f.weight"][1] = np.inf
        tensors["ln_f.bias"].fill(np.nan)

    forged.change_tensors(spoil)
    weight, bias = stratoscope.json("weights", "ln_f.weight", "ln_f.bias", "--model", forged)["tensors"][::-1]
    assert (weight["not_finite"], weight["mean"], weight["sd"], weight["quantiles"]["50%"]) == (2, 2, 0, 2)
    assert bias["mean"] is None and bias["zeros"] is None and bias["not_finite"] == bias["count"]
    shown = stratoscope.prints("weights", "ln_f.*", "--model", forged)
    assert "are not finite" in shown and "nan" not in shown
    for name in ("ln_f.weight", "ln_f.bias"):
        stratoscope.succeeds("weights", name, "--model", forged, "--figure", "x.svg")


def test_what_people_read(stratoscope):
    assert "149 tensors" in stratoscope.prints("weights") or " tensors, " in stratoscope.prints("weights")
    shown = stratoscope.prints("weights", "wpe.weight", "--rows", 0)
    for part in ("median", "zeros", "row 0:"):
        assert part in shown, shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["h.3.mlp.c_fc.wieght"], "did you mean"),
        (["*.nothing"], "matches no tensor"),
        (["*.weight", "--rows", "1"], "--rows reads one tensor"),
        (["wte.weight", "--rows", "100000"], "out of range"),
        (["ln_f.weight", "--rows", "0"], "which has no rows"),
        (["wte.weight", "--rows", "all"], "--save writes the whole tensor"),
        (["wte.weight", "--save", "x.txt"], "let the file's name end"),
        (["*.weight", "--figure", "x.svg"], "figure: shows the numbers of one tensor"),
        (["wte.weight", "--list", "--figure", "x.svg"], "without --list"),
    ],
)
def test_what_cannot_be_done(stratoscope, arguments, says):
    stratoscope.fails("weights", *arguments, says=says)


def test_usage(stratoscope):
    stratoscope.fails("weights", "--rows", "1", status=2, says="--rows requires NAMES")
    stratoscope.fails("weights", "--save", "x.npz", status=2, says="--save requires NAMES")
    stratoscope.fails("weights", "wte.weight", "--list", "--rows", "1", status=2, says="without --list")
