"""`heatmap`: every row of numbers against the experiment or the array that it comes from."""
import os
import pty
import re

import numpy as np
import pytest

from program import KAFKA, PENGUINS

EDIT = ["--edit", "blocks.3.hook_mlp_out *= 0.5"]


def rows_of(stratoscope, text, *by, options=()):
    chosen = [word for each in by for word in ("--by", each)]
    result = stratoscope.json("heatmap", text, *chosen, *options)
    return [np.array([np.nan if v is None else v for v in row["values"]]) for row in result["rows"]]


def captured(stratoscope, text, *names, options=()):
    captures = [word for each in names for word in ("--capture", each)]
    stratoscope.succeeds("run", text, "--save", "x.npz", *captures, *options)
    with np.load(stratoscope.folder / "x.npz") as arrays:
        return {name: arrays[name].astype(np.float64) for name in arrays}


def log_softmax(logits):
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize("options", [[], EDIT, ["--precision", "fp64"]])
def test_surprisal_and_entropy_are_numpys(stratoscope, options):
    surprisal, entropy = rows_of(stratoscope, PENGUINS, "surprisal", "entropy", options=options)
    arrays = captured(stratoscope, PENGUINS, options=options)
    logs = log_softmax(arrays["logits"])
    assert np.isnan(surprisal[0]) and len(surprisal) == len(entropy) == 10
    np.testing.assert_allclose(surprisal[1:], -logs[np.arange(9), arrays["input_ids"].astype(int)[1:]], atol=1e-6)
    np.testing.assert_allclose(entropy, -(np.exp(logs) * logs).sum(-1), atol=1e-6)


def test_surprisal_is_that_of_predict_and_the_default(stratoscope):
    surprisals = [each["surprisal"] for each in stratoscope.json("predict", PENGUINS, "--all")["surprisals"]]
    result = stratoscope.json("heatmap", PENGUINS)
    assert result["rows"][0]["values"] == [None, *surprisals]
    assert (result["rows"][0]["by"], result["rows"][0]["unit"]) == ("surprisal", "nats")
    assert len(result["ids"]) == len(result["tokens"]) == 10


@pytest.mark.parametrize("options", [[], EDIT])
def test_a_dimension_of_a_hook_point(stratoscope, options):
    names = ["blocks.5.mlp.hook_post", "blocks.3.hook_resid_post", "blocks.2.attn.hook_q", "unembed.hook_out",
             "blocks.4.ln1.hook_scale"]
    arrays = captured(stratoscope, PENGUINS, *names, options=options)
    rows = rows_of(stratoscope, PENGUINS, "mlp_post.5.dim[7]", "transformer.h.3.dim[2,-1]",
                   "blocks.2.attn.hook_q.head[1].dim[3]", "L2H0.q.dim[5]", "unembed.hook_out.dim[300]", "ln1_scale.4",
                   options=options)
    q, stream = arrays["blocks.2.attn.hook_q"], arrays["blocks.3.hook_resid_post"]
    expected = [arrays["blocks.5.mlp.hook_post"][:, 7], stream[:, 2], stream[:, 191], q[:, 1, 3], q[:, 0, 5],
                arrays["unembed.hook_out"][:, 300], arrays["blocks.4.ln1.hook_scale"].reshape(-1)]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected):
        assert np.array_equal(row, wanted)


def test_attention_of_a_head(stratoscope):
    pattern = captured(stratoscope, PENGUINS, "L5H3.pattern")["blocks.5.attn.hook_pattern"][0]
    scores = captured(stratoscope, PENGUINS, "L5H1.scores")["blocks.5.attn.hook_attn_scores"][0]
    last, middle, key, of_scores, two = rows_of(stratoscope, PENGUINS, "L5H3[from -1]", "L5H3[from 4]", "L5H3[to 2]",
                                                "L5H1.scores[from 6]", "L5H1[from 0]")
    assert np.array_equal(last, pattern[9])
    assert np.array_equal(middle[:5], pattern[4, :5]) and np.isnan(middle[5:]).all()
    assert np.array_equal(key[2:], pattern[2:, 2]) and np.isnan(key[:2]).all()
    assert np.array_equal(of_scores[:7], scores[6, :7]) and two[0] == 1


def test_attribution_sums_over_blocks(stratoscope):
    options = ["--target", " a", "--position", 7]
    values = rows_of(stratoscope, KAFKA, "attribution", options=options)[0]
    by_source = np.array(stratoscope.json("attribution", KAFKA, *options)["by_source"])
    np.testing.assert_allclose(values[:8], by_source.sum(0), rtol=1e-12)
    assert np.isnan(values[8:]).all()
    result = stratoscope.json("heatmap", KAFKA, "--by", "attribution", *options)
    assert result["target"][0]["token"] == " a" and "“ a”" in result["rows"][0]["label"]


def test_columns_of_files(stratoscope):
    table = np.random.default_rng(3).normal(size=(10, 2))
    np.save(stratoscope.folder / "table.npy", table)
    np.save(stratoscope.folder / "one.npy", np.arange(10, dtype=np.int32))
    np.save(stratoscope.folder / "short.npy", np.zeros(9))
    first, last, one = rows_of(stratoscope, PENGUINS, "table.npy:0", "table.npy:-1", "one.npy")
    assert np.array_equal(first, table[:, 0]) and np.array_equal(last, table[:, 1])
    assert np.array_equal(one, np.arange(10))
    for by, says in [("short.npy", ["9 numbers", "10 tokens"]), ("table.npy", ["2 columns", "table.npy:0"]),
                     ("table.npy:2", "0 to 1"), ("one.npy:0", "no columns"), ("gone.npy", "gone.npy")]:
        stratoscope.fails("heatmap", PENGUINS, "--by", by, says=says)


def test_a_comparison_has_the_clean_numbers(stratoscope):
    by = ["surprisal", "mlp_post.5.dim[7]", "L5H3[from -1]", "attribution"]
    clean = rows_of(stratoscope, PENGUINS, *by, options=["--target", " I"])
    options = [*EDIT, "--compare", "--target", " I"]
    np.save(stratoscope.folder / "one.npy", np.arange(10.0))
    chosen = [word for each in [*by, "one.npy"] for word in ("--by", each)]
    result = stratoscope.json("heatmap", PENGUINS, *chosen, *options)
    for row, wanted in zip(result["rows"], clean):
        assert np.array_equal([np.nan if v is None else v for v in row["clean"]], wanted, equal_nan=True)
        assert row["values"] != row["clean"]
    assert "clean" not in result["rows"][4] and result["effect"]["kl"] > 0
    stratoscope.succeeds("heatmap", PENGUINS, *chosen, *options, "--figure", "x.vl.json")
    figure = (stratoscope.folder / "x.vl.json").read_text(encoding="utf-8")
    assert "change by the edits" in figure


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("suprisal", "there is no 'suprisal'"),
        ("resid_post.3", ["192 numbers for each token", "resid_post.3.dim[0]"]),
        ("resid_post.3.dim[192]", "0 to 191"),
        ("resid_post.3[2].dim[0]", "selects positions"),
        ("blocks.*.hook_mlp_out.dim[1]", "12 hook points"),
        ("blocks.2.attn.hook_q.dim[0]", "heads"),
        ("resid_post.3.head[0].dim[0]", "no axis"),
        ("L5H3.pattern", "L5H3[from -1]"),
        ("L5H3.pattern.key[0]", "selects keys"),
        ("L5H3[from 10]", "0 to 9"),
        ("L5H9[from 0]", "head"),
        ("resid_post.3[from 0]", "attention"),
        ("L5H3[from x]", "not an index"),
    ],
)
def test_rows_that_are_not_there(stratoscope, by, says):
    stratoscope.fails("heatmap", PENGUINS, "--by", by, "--json", says=says)


def test_options_of_attribution_alone(stratoscope):
    stratoscope.fails("heatmap", PENGUINS, "--target", " a", status=2, says="belong to attribution")
    stratoscope.fails("heatmap", PENGUINS, "--position", 3, status=2, says="belong to attribution")


def test_what_people_read(stratoscope):
    shown = stratoscope.prints("heatmap", PENGUINS, "--by", "surprisal", "--by", "L5H3[from -1]")
    for part in ("1: surprisal (nats)", "2: L5H3, attention from token 9, “.” (attention weight)", "“ cute”", "–"):
        assert part in shown, shown


def on_a_terminal(stratoscope, *arguments, **environment):
    ours, theirs = pty.openpty()
    process = stratoscope.start(*arguments, stdout=theirs, env=environment)
    process.wait(60)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    return shown.decode()


def test_colours_on_a_terminal_that_has_them(stratoscope):
    text = PENGUINS + "\nHe \x1b[2J laughed."
    colored = on_a_terminal(stratoscope, "heatmap", text, COLORTERM="truecolor", NO_COLOR="")
    assert len(re.findall("\x1b\\[48;2;", colored)) > 10 and "\x1b[2J" not in colored
    assert "“ cute”" not in colored, "the text instead of the table"
    for environment in ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, {"COLORTERM": "", "NO_COLOR": ""}):
        plain = on_a_terminal(stratoscope, "heatmap", PENGUINS, **environment)
        assert "\x1b[48;2;" not in plain and "“ cute”" in plain


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("file", ["x.svg", "x.html", "x.png", "x.vl.json"])
def test_figures_of_a_long_text(stratoscope, file, theme):
    text = "The king \n was <b>not</b> amused. " * 30
    stratoscope.succeeds("heatmap", text, "--by", "surprisal", "--by", "mlp_post.2.dim[0]", "--figure", file, "--theme",
                         theme)
    assert (stratoscope.folder / file).stat().st_size > 1000


def test_the_range_of_colours_is_that_of_each_row(stratoscope):
    def domains(*options):
        stratoscope.succeeds("heatmap", PENGUINS, "--by", "surprisal", "--by", "L5H3[from -1]", "--figure", "x.vl.json",
                             *options)
        text = (stratoscope.folder / "x.vl.json").read_text(encoding="utf-8")
        return [[float(end) for end in (values.split(",")[0], values.split(",")[-1])]
                for values in re.findall(r'"color":\{"field":"value".*?"domain":\[(.*?)\]', text)]

    usual, auto = domains(), domains("--range", "auto")
    assert usual[0][0] == usual[1][0] == 0 and usual[0][1] > 5 and usual[1][1] <= 1
    assert auto[0][1] == usual[0][1] and auto[0][0] > 0
    assert domains("--range", "0,20") == [[0, 20], [0, 20]]


def test_a_record_names_its_files_and_replays(stratoscope):
    np.save(stratoscope.folder / "one.npy", np.arange(10.0))
    stratoscope.succeeds("heatmap", PENGUINS, "--by", "one.npy", "--by", "entropy", "--record", "r.json")
    assert "one.npy" in (stratoscope.folder / "r.json").read_text(encoding="utf-8")
    stratoscope.succeeds("replay", "r.json")
    np.save(stratoscope.folder / "one.npy", np.arange(1.0, 11.0))
    stratoscope.fails("replay", "r.json", says="one.npy")


def test_every_precision(stratoscope):
    by = ["surprisal", "entropy", "L5H3[from -1]", "mlp_post.5.dim[7]", "attribution"]
    fast, exact = (rows_of(stratoscope, KAFKA, *by, options=["--precision", p]) for p in ("fp32", "fp64"))
    for a, b in zip(fast, exact):
        np.testing.assert_allclose(a, b, atol=1e-4)
