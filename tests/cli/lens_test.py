"""lens and attention: their documents, tables and figures."""
import numpy as np
import pytest

import safetensors_io
from program import KAFKA, MODEL, PENGUINS


def test_the_last_row_of_the_lens_is_predict(stratoscope):
    lens = stratoscope.json("lens", PENGUINS, "--top", "3")
    assert [layer["label"] for layer in lens["layers"]] == ["Emb"] + [f"L{i}" for i in range(12)]
    for position in (0, 4, 9):
        best = stratoscope.json("predict", PENGUINS, "--top", "3", "--position", position)["predictions"]
        cell = lens["layers"][-1]["positions"][position]
        assert cell == [{key: each[key] for key in ("id", "token", "prob")} for each in best]
    assert all(len(layer["positions"]) == 10 for layer in lens["layers"])


def test_the_lens_follows_a_target(stratoscope):
    lens = stratoscope.json("lens", KAFKA, "--target", " insect", "--positions=-1")
    assert lens["target"]["token"] == " insect" and lens["positions"] == [lens["positions"][0]]
    rank = stratoscope.json("predict", KAFKA, "--top", "8192")["predictions"]
    expected = next(i for i, each in enumerate(rank) if each["token"] == " insect")
    assert lens["layers"][-1]["summary"][0]["target_rank"] == expected
    shown = stratoscope.prints("lens", KAFKA, "--target", " insect", "--positions=-1")
    assert "rank and prob are those of “ insect”" in shown


@pytest.mark.parametrize("edits", [[], ["--edit", "unembed.hook_in[3:] *= 0.5"]])
def test_the_raw_lens_is_the_unembedding_alone(stratoscope, edits):
    lens = stratoscope.json("lens", PENGUINS, "--raw", "--target", " and", "--positions", "1,4,-1", *edits)
    assert lens["raw"] is True
    stratoscope.succeeds("run", PENGUINS, "--save", "x.npz", "--capture", "resid_post.11", *edits)
    with np.load(stratoscope.folder / "x.npz") as arrays:
        states = arrays["hidden_states"].astype(np.float64)
        states[-1] = arrays["blocks.11.hook_resid_post"]
        final = arrays["logits"].astype(np.float64)
    if edits:
        states[:, 3:] *= 0.5
    tensors = safetensors_io.load(MODEL / "model.safetensors")
    table = next(v for k, v in tensors.items() if k.endswith("wte.weight")).astype(np.float64)

    def log_softmax(logits):
        logits = logits - logits.max()
        return logits - np.log(np.exp(logits).sum())

    for layer, rows in zip(lens["layers"], states):
        for position, cell, best in zip((1, 4, 9), layer["summary"], layer["positions"]):
            predicted, end = log_softmax(table @ rows[position]), log_softmax(final[position])
            assert cell["target_prob"] == pytest.approx(np.exp(predicted[lens["target"]["id"]]), rel=1e-3, abs=1e-9)
            assert cell["kl"] == pytest.approx((np.exp(end) * (end - predicted)).sum(), rel=1e-3)
            assert best[0]["prob"] == pytest.approx(np.exp(predicted.max()), rel=1e-3)
    assert lens["layers"][-1]["summary"][0]["kl"] > 0.01, "the prediction itself has the final norm"
    exact = stratoscope.json("lens", PENGUINS, "--raw", "--positions", "1,4,-1", "--precision", "fp64", *edits)
    for layer, other in zip(exact["layers"], lens["layers"]):
        assert [cell[0]["id"] for cell in layer["positions"]] == [cell[0]["id"] for cell in other["positions"]]
    assert "without the final norm" in stratoscope.prints("lens", PENGUINS, "--raw")
    stratoscope.succeeds("lens", PENGUINS, "--raw", "--figure", "x.svg")
    assert "Raw logit lens" in (stratoscope.folder / "x.svg").read_text()
    assert "raw" not in stratoscope.json("lens", PENGUINS)


@pytest.mark.parametrize("point", ["resid_mid", "attn_out", "mlp_out"])
def test_the_lens_reads_other_points(stratoscope, point):
    assert len(stratoscope.json("lens", PENGUINS, "--at", point)["layers"]) == 12


def test_the_table_fits_the_terminal(stratoscope):
    grid = stratoscope.prints("lens", KAFKA).split("after position")[0]
    assert all(len(line) <= 100 for line in grid.splitlines()) and "the last 7 of 24 positions" in grid


@pytest.mark.parametrize("color", ["prob", "rank", "entropy", "kl"])
def test_the_lens_is_drawn(stratoscope, color):
    stratoscope.succeeds("lens", PENGUINS, "--color", color, "--figure", "lens.svg")
    drawn = (stratoscope.folder / "lens.svg").read_text()
    assert "Logit lens" in drawn and "L11" in drawn


def test_attention_is_that_of_run(stratoscope):
    result = stratoscope.json("attention", PENGUINS, "--heads", "L5H2,L0H0")
    stratoscope.succeeds("run", PENGUINS, "--save", "x.npz", "--capture", "pattern.5", "L0H0.pattern")
    with np.load(stratoscope.folder / "x.npz") as arrays:
        whole, first = arrays["blocks.5.attn.hook_pattern"][2], arrays["blocks.0.attn.hook_pattern"]
        assert first.shape[0] == 1  # one head was captured
    assert [(p["layer"], p["head"]) for p in result["patterns"]] == [(0, 0), (5, 2)]
    for query, row in enumerate(result["patterns"][1]["weights"]):
        np.testing.assert_array_equal(np.float32(row), whole[query, : query + 1])
    head = next(h for h in result["heads"] if (h["layer"], h["head"]) == (5, 2))
    assert head["previous"] == pytest.approx(np.mean([whole[i, i - 1] for i in range(1, 10)]), abs=1e-6)
    assert head["first"] == pytest.approx(whole[1:, 0].mean(), abs=1e-6)
    assert head["induction"] is None


def test_heads_are_ranked(stratoscope):
    shown = stratoscope.prints("attention", PENGUINS, "--by", "previous", "--top", "3")
    assert "3 of 72 heads, highest previous first" in shown and "--repeat reads the text twice" in shown
    twice = stratoscope.json("attention", PENGUINS, "--repeat")
    assert max(head["induction"] for head in twice["heads"]) > 0


def test_attention_is_drawn(stratoscope):
    for options in (["--heads", "L1H1"], ["--layer", "3"], ["--by", "entropy"]):
        stratoscope.succeeds("attention", PENGUINS, *options, "--figure", "a.svg")
        assert "<svg" in (stratoscope.folder / "a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lens", PENGUINS, "--positions", "10"], "0 to 9"),
        (["lens", PENGUINS, "--edit", "L99H0 = 0"], "block 99 is out of range"),
        (["lens", PENGUINS, "--target", ""], "target: is empty"),
        (["attention", PENGUINS, "--heads", "resid_post.3"], "is not a head"),
        (["attention", PENGUINS, "--heads", "L0H6"], "head 6 is out of range"),
        (["attention", PENGUINS, "--layer", "12"], "12 is out of range"),
    ],
)
def test_what_is_not_there(stratoscope, arguments, says):
    stratoscope.fails(*arguments, "--json", says=says)
