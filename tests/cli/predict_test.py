"""`predict`: the likeliest tokens, and each token's surprisal."""
import json
import math

import numpy as np
import pytest

from program import KAFKA, PENGUINS


def log_softmax(logits):
    logits = logits.astype(np.float64)
    top = logits.max(-1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))


def test_the_likeliest_tokens_are_the_goldens(stratoscope, golden_json):
    expected = golden_json("demo3")["top21"]
    result = stratoscope.json("predict", KAFKA, "--top", 21)
    assert result["position"] == 23
    assert [p["id"] for p in result["predictions"]] == [p["id"] for p in expected]
    assert [p["token"] for p in result["predictions"]] == [p["token"] for p in expected]
    for prediction, wanted in zip(result["predictions"], expected):
        assert prediction["log_prob"] == pytest.approx(wanted["log_prob"], abs=1e-5)
        assert prediction["prob"] == pytest.approx(math.exp(prediction["log_prob"]), rel=1e-9)


def test_ten_tokens_by_default_in_falling_order(stratoscope):
    predictions = stratoscope.json("predict", PENGUINS)["predictions"]
    assert len(predictions) == 10
    assert sorted(predictions, key=lambda p: (-p["logit"], p["id"])) == predictions


def test_more_tokens_than_there_are_is_all_of_them(stratoscope):
    predictions = stratoscope.json("predict", PENGUINS, "--top", 100000)["predictions"]
    assert sorted(p["id"] for p in predictions) == list(range(8192))
    assert sum(p["prob"] for p in predictions) == pytest.approx(1, abs=1e-9)


def test_ties_go_to_the_lower_id(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["wte.weight"].fill(0.5))
    predictions = stratoscope.json("predict", "ab", "--model", forged, "--top", 5)["predictions"]
    assert [p["id"] for p in predictions] == [0, 1, 2, 3, 4]
    assert predictions[0]["prob"] == pytest.approx(1 / 311, rel=1e-6)


@pytest.mark.parametrize(("position", "row"), [("0", 0), ("4", 4), ("-1", 9), ("-10", 0)])
def test_a_position_is_the_token_after_which(stratoscope, golden, position, row):
    result = stratoscope.json("predict", PENGUINS, "--position", position)
    logits = golden("penguins")["logits"]
    assert result["position"] == row
    assert result["predictions"][0]["id"] == logits[row].argmax()
    assert result["predictions"][0]["log_prob"] == pytest.approx(log_softmax(logits)[row].max(), abs=1e-5)
    assert result["predictions"][0]["logit"] == pytest.approx(logits[row].max(), abs=1e-4)


@pytest.mark.parametrize("position", ["10", "-11", "99999999999999999999"])
def test_a_position_out_of_range_gives_the_range(stratoscope, position):
    says = ["0 to 9, or -10 to -1"] if len(position) < 5 else [position]
    stratoscope.fails("predict", PENGUINS, "--position", position, "--json", says=says)


@pytest.mark.parametrize("position", ["x", "", "1.5", "0,1"])
def test_a_position_is_one_whole_number(stratoscope, position):
    stratoscope.fails("predict", PENGUINS, "--position", position, says="is not an index")


def test_all_gives_each_tokens_surprisal_and_the_mean_loss(stratoscope, golden):
    result = stratoscope.json("predict", PENGUINS, "--all")
    ids = golden("penguins")["input_ids"]
    expected = -log_softmax(golden("penguins")["logits"])[np.arange(9), ids[1:]]
    surprisals = result["surprisals"]
    assert [s["index"] for s in surprisals] == list(range(1, 10))
    assert [s["id"] for s in surprisals] == ids[1:].tolist()
    np.testing.assert_allclose([s["surprisal"] for s in surprisals], expected, atol=1e-5)
    assert result["mean_loss"] == pytest.approx(expected.mean(), abs=1e-5)
    assert len(result["predictions"]) == 10


def test_all_of_a_single_token_is_nothing(stratoscope):
    result = stratoscope.json("predict", "A", "--all")
    assert (result["surprisals"], result["mean_loss"]) == ([], None)
    text = stratoscope.prints("predict", "A", "--all")
    assert "mean loss" not in text and "a single token has no surprisal" in text


def test_predict_for_people(stratoscope):
    lines = stratoscope.prints("predict", PENGUINS, "--all").splitlines()
    assert lines[0] == "novella-7m, 10 tokens"
    assert "after position 9, “.”" in lines
    first = next(line for line in lines if line.split()[:1] == ["0"])
    assert first.split()[1:4] == ["300", "“", "I”"] and "█" in first
    assert any(line.startswith("mean loss ") and line.endswith(" nats a token") for line in lines)
    assert max(len(line) for line in lines) < 120


def test_a_huge_surprisal_does_not_fill_the_screen(stratoscope, forged):
    forged.change_tensors(lambda tensors: np.multiply(tensors["ln_f.weight"], 1e5, out=tensors["ln_f.weight"]))
    result = stratoscope.json("predict", "abcd", "--all", "--model", forged)
    assert max(s["surprisal"] for s in result["surprisals"]) > 1e4
    lines = stratoscope.prints("predict", "abcd", "--all", "--model", forged).splitlines()
    assert max(len(line) for line in lines) < 120


def test_an_edit_moves_the_prediction_and_says_how_far(stratoscope):
    clean, edited = (
        stratoscope.json("predict", PENGUINS, *edit) for edit in ([], ["--edit", "blocks.3.hook_mlp_out = zero"])
    )
    assert "effect" not in clean
    assert edited["effect"]["kl"] > 0 and edited["effect"]["max_change"] > 0
    assert edited["predictions"] != clean["predictions"]
    assert "effect of the edits: KL" in stratoscope.prints("predict", PENGUINS, "--edit", "blocks.3.hook_mlp_out = 0")


def test_an_edit_without_effect_is_a_warning_with_its_reason(stratoscope):
    result = stratoscope.succeeds("predict", PENGUINS, "--edit", "blocks.11.hook_resid_post *= 2")
    assert any("the final norm cancels" in warning for warning in result.warnings)
    assert not stratoscope.succeeds("predict", PENGUINS, "--edit", "blocks.3.hook_resid_post *= 2").warnings


def test_float64_agrees(stratoscope):
    fast, exact = (stratoscope.json("predict", PENGUINS, "--precision", p) for p in ("fp32", "fp64"))
    assert (fast["precision"], exact["precision"]) == ("fp32", "fp64")
    for a, b in zip(fast["predictions"], exact["predictions"]):
        assert a["id"] == b["id"] and a["log_prob"] == pytest.approx(b["log_prob"], abs=1e-5)


def test_ranks_count_the_tokens_before(stratoscope, golden):
    result = stratoscope.json("predict", PENGUINS, "--top", 5, "--target", " man", "--target-id", 0, "--target", " I")
    assert [p["rank"] for p in result["predictions"]] == [0, 1, 2, 3, 4]
    logits = golden("penguins")["logits"][9]
    for target in result["targets"]:
        assert target["rank"] == (logits > logits[target["id"]]).sum()
    assert result["targets"][2]["rank"] == 0
    shown = stratoscope.prints("predict", PENGUINS, "--target-id", 0)
    assert [line.split()[0] for line in shown.splitlines() if "“!”" in line] == [f"{result['targets'][1]['rank']}"]


def test_ranks_of_equal_logits_follow_the_ids(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["wte.weight"].fill(0.5))
    result = stratoscope.json("predict", "ab", "--model", forged, "--target-id", 7, "--target-id", 310)
    assert [target["rank"] for target in result["targets"]] == [7, 310]


def test_temperatures_are_numpys(stratoscope):
    options = ["--top", 8, "--target", " man", "--precision", "fp64"]
    result = stratoscope.json("predict", PENGUINS, *options, "--temperatures", "0.5,1,2.5")
    stratoscope.succeeds("run", PENGUINS, "--save", "x.npz", "--precision", "fp64")
    with np.load(stratoscope.folder / "x.npz") as arrays:
        logits = arrays["logits"][-1]
    assert [each["temperature"] for each in result["temperatures"]] == [0.5, 1, 2.5]
    for each in result["temperatures"]:
        logs = log_softmax(logits / each["temperature"])
        assert each["probs"] == pytest.approx(np.exp(logs[[p["id"] for p in result["predictions"]]]), rel=1e-9)
        assert each["target_probs"] == pytest.approx(np.exp(logs[[t["id"] for t in result["targets"]]]), rel=1e-9)
        assert each["entropy"] == pytest.approx(-(np.exp(logs) * logs).sum(), rel=1e-9)
    assert result["temperatures"][1]["probs"] == pytest.approx([p["prob"] for p in result["predictions"]], rel=1e-12)
    assert "temperatures" not in stratoscope.json("predict", PENGUINS)
    assert "probability at temperature" in stratoscope.prints("predict", PENGUINS, "--temperatures", "0.5,2")


@pytest.mark.parametrize("wrong", ["0", "-1", "1,0"])
def test_temperatures_are_above_zero(stratoscope, wrong):
    stratoscope.fails("predict", PENGUINS, "--temperatures", wrong, says="is not a temperature")


def figure_of(stratoscope, *options):
    stratoscope.succeeds("predict", PENGUINS, *options, "--figure", "x.vl.json")
    return json.loads((stratoscope.folder / "x.vl.json").read_text(encoding="utf-8"))


def test_the_whole_distribution_is_drawn_with_the_targets(stratoscope, golden):
    figure = figure_of(stratoscope, "--draw", "distribution", "--target", " man")
    assert [panel["title"]["text"] for panel in figure["concat"]] == ["Logit", "Log-probability (nats)", "Probability"]
    logits = np.sort(golden("penguins")["logits"][9].astype(np.float64))[::-1]
    target = stratoscope.json("predict", PENGUINS, "--target", " man")["targets"][0]
    expected = [logits, log_softmax(logits), np.exp(log_softmax(logits))]
    for panel, values, key in zip(figure["concat"], expected, ("logit", "log_prob", "prob")):
        points = panel["layer"][0]["data"]["values"]
        assert points[0]["x"] == 1 and points[-1]["x"] == 8192 and 300 < len(points) < 1000
        np.testing.assert_allclose([p["y"] for p in points], values[[int(p["x"]) - 1 for p in points]], atol=1e-4)
        marked = panel["layer"][1]["data"]["values"][1]
        assert marked == {"x": target["rank"] + 1, "y": pytest.approx(target[key], rel=1e-12)}


def test_temperatures_are_drawn_as_lines(stratoscope):
    result = stratoscope.json("predict", PENGUINS, "--temperatures", "0.5,1,2")
    figure = figure_of(stratoscope, "--draw", "temperatures")
    for layer, each in zip(figure["concat"][0]["layer"], result["temperatures"]):
        assert [p["y"] for p in layer["data"]["values"]] == each["probs"]
    assert len(figure["concat"][0]["layer"]) == 3
    assert len(figure_of(stratoscope, "--draw", "temperatures", "--temperatures", "0.7")["concat"][0]["layer"]) == 1


def test_all_colours_the_text(stratoscope):
    layers = figure_of(stratoscope, "--all")["concat"][0]["layer"]
    surprisals = stratoscope.json("predict", PENGUINS, "--all")["surprisals"]
    assert [p["value"] for p in layers[0]["data"]["values"]] == pytest.approx([s["surprisal"] for s in surprisals], rel=1e-6)
    assert layers[1]["data"]["values"][8]["label"] == "·cute"
