"""`sweep`: one edit over a grid."""
import csv
import itertools
import json
import re

import numpy as np
import pytest

from program import KAFKA, PENGUINS, write_lines

SCALE = ["--edit", "blocks.{layer}.hook_resid_post *= 0.8"]


def values(result):
    return [point["value"] for point in result["results"]]


def log_prob_of(stratoscope, target_id, *edits, text=PENGUINS):
    """One token's value from `predict`, as an independent reference for the sweep."""
    arguments = itertools.chain.from_iterable(("--edit", edit) for edit in edits)
    predictions = stratoscope.json("predict", text, "--top", 8192, *arguments)["predictions"]
    return next(p["log_prob"] for p in predictions if p["id"] == target_id)


def test_the_notebooks_demonstration_is_the_golden(stratoscope, golden_json):
    expected = golden_json("demo3")
    options = [*SCALE, "--over", "layer=all", "--target", " insect", "--metric", "log_prob"]
    result = stratoscope.json("sweep", KAFKA, *options)
    assert result["target"] == {"id": expected["target"]["id"], "token": " insect", "ids": expected["target"]["ids"]}
    assert result["metric"] == "log_prob"
    assert result["clean"] == pytest.approx(expected["clean_log_prob"], abs=1e-5)
    assert result["axes"] == [{"name": "layer", "values": list(range(12))}]
    assert [point["layer"] for point in result["results"]] == list(range(12))
    np.testing.assert_allclose(values(result), expected["scaled_by_0.8_log_prob"], atol=1e-5)
    assert result["effect"]["kl"] > 0


def test_float64_sweeps_too(stratoscope, golden_json):
    expected = golden_json("demo3")
    sweep = [KAFKA, *SCALE, "--over", "layer=0,5", "--target", " insect", "--precision", "fp64"]
    result = stratoscope.json("sweep", *sweep)
    wanted = [expected["scaled_by_0.8_log_prob"][i] for i in (0, 5)]
    np.testing.assert_allclose([result["clean"], *values(result)], [expected["clean_log_prob"], *wanted], atol=1e-9)


def test_two_axes_are_a_grid_whose_last_axis_is_fastest(stratoscope):
    edit = ["--edit", "blocks.{layer}.hook_mlp_out[{position}] *= 0"]
    over = ["--over", "layer=3,-1", "--over", "position=1:3,-1"]
    result = stratoscope.json("sweep", PENGUINS, *edit, *over, "--target-id", 300)
    assert [axis["name"] for axis in result["axes"]] == ["layer", "position"]
    assert [(p["layer"], p["position"]) for p in result["results"]] == [(l, p) for l in (3, 11) for p in (1, 2, 9)]
    for point in result["results"]:
        by_hand = log_prob_of(stratoscope, 300, f"blocks.{point['layer']}.hook_mlp_out[{point['position']}] *= 0")
        assert point["value"] == pytest.approx(by_hand, abs=1e-6)


def test_three_axes_and_axes_of_any_name(stratoscope):
    edit = ["--edit", "blocks.{layer}.hook_{point}[-1] *= {factor}"]
    over = ["--over", "layer=0..1", "--over", "point=mlp_out,attn_out", "--over", "factor=-1,0.5,1e1"]
    result = stratoscope.json("sweep", PENGUINS, *edit, *over, "--metric", "kl")
    assert len(result["results"]) == 12
    assert result["results"][1].keys() == {"layer", "point", "factor", "value"}
    assert (result["results"][4]["point"], result["results"][4]["factor"]) == ("attn_out", 0.5)
    assert [axis["values"] for axis in result["axes"]] == [[0, 1], ["mlp_out", "attn_out"], [-1, 0.5, 10.0]]


def test_a_template_without_placeholder_acts_everywhere(stratoscope):
    first = ["--edit", "blocks.0.hook_mlp_out = 0"]
    both = values(stratoscope.json("sweep", PENGUINS, *first, *SCALE, "--over", "layer=2", "--target-id", 300))
    assert both[0] == pytest.approx(
        log_prob_of(stratoscope, 300, "blocks.0.hook_mlp_out = 0", "blocks.2.hook_resid_post *= 0.8"), abs=1e-6
    )


def test_no_axis_is_one_point(stratoscope):
    result = stratoscope.json("sweep", PENGUINS, "--edit", "blocks.0.hook_mlp_out = 0", "--target", " I")
    assert result["axes"] == [] and len(result["results"]) == 1 and result["results"][0].keys() == {"value"}


def test_every_metric(stratoscope, golden):
    logits = golden("penguins")["logits"][-1].astype(np.float64)
    log_probs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
    a, b = 300, 479
    expected = {
        "log_prob": log_probs[a],
        "prob": np.exp(log_probs[a]),
        "rank": (logits > logits[a]).sum(),
        "logit": logits[a],
        "logit_diff": logits[a] - logits[b],
        "kl": 0,
        "entropy": -(np.exp(log_probs) * log_probs).sum(),
    }
    needed = {"kl": [], "entropy": [], "logit_diff": ["--target-id", a, "--target-id", b]}
    for metric, value in expected.items():
        targets = needed.get(metric, ["--target-id", a])
        result = stratoscope.json("sweep", PENGUINS, *SCALE, "--over", "layer=2", *targets, "--metric", metric)
        assert result["metric"] == metric
        assert result["clean"] == pytest.approx(value, abs=1e-4), metric
        assert values(result)[0] != result["clean"] or metric == "rank"


def test_the_order_of_two_targets_is_the_order_of_the_difference(stratoscope):
    sweep = [PENGUINS, *SCALE, "--over", "layer=2", "--metric", "logit_diff"]
    forth = stratoscope.json("sweep", *sweep, "--target", " I", "--target", " He")
    back = stratoscope.json("sweep", *sweep, "--target", " He", "--target", " I")
    assert [target["token"] for target in forth["target"]] == [" I", " He"]
    assert forth["clean"] == -back["clean"] and values(forth) == [-values(back)[0]]


def test_a_target_of_several_tokens_is_its_first_with_a_warning(stratoscope):
    sweep = ["sweep", "He was a giant", *SCALE, "--over", "layer=2", "--target", " Samsaquoted", "--json"]
    result = stratoscope.succeeds(*sweep)
    assert any("several tokens" in warning and "“oted”" in warning for warning in result.warnings)
    target = stratoscope.json(*sweep[:-1])["target"]
    assert len(target["ids"]) > 1 and target["id"] == target["ids"][0]


def test_whole_sums_the_targets_tokens(stratoscope):
    text, target = "He was a", " giant insect."
    result = stratoscope.json("sweep", text, *SCALE, "--over", "layer=2,5", "--target", target, "--whole")
    for layer, value in [(None, result["clean"]), *((p["layer"], p["value"]) for p in result["results"])]:
        edits = [] if layer is None else ["--edit", f"blocks.{layer}.hook_resid_post *= 0.8"]
        surprisals = stratoscope.json("predict", text + target, "--all", *edits)["surprisals"]
        by_hand = -sum(s["surprisal"] for s in surprisals[-len(result["target"]["ids"]) :])
        assert value == pytest.approx(by_hand, abs=1e-4)


@pytest.mark.parametrize("target", ["[a,b]", "[]", "-x", "{layer}", " a,b", "="])
def test_a_target_is_taken_as_it_is(stratoscope, target):
    result = stratoscope.json("sweep", PENGUINS, *SCALE, "--over", "layer=2", "--target", target)
    assert result["target"]["ids"] == stratoscope.json("tokens", "--", text=target)["ids"]


def test_a_sweep_over_the_last_block_warns(stratoscope):
    result = stratoscope.succeeds("sweep", PENGUINS, *SCALE, "--over", "layer=-1", "--target", " I")
    assert any("final norm cancels" in warning for warning in result.warnings)


def test_sweep_for_people(stratoscope):
    text = stratoscope.prints("sweep", KAFKA, *SCALE, "--over", "layer=0..2", "--target", " insect")
    assert "log-probability of “ insect” (nats)" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["layer", "value", "change"] in rows
    assert [row[0] for row in rows if len(row) == 3 and row[0].isdigit()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--edit", "blocks.{layer}.hook_mlp_out *= {x}", "--over", "layer=0"], ["{x} has no axis", "--over x="]),
        ([*SCALE, "--over", "layer=0", "--over", "x=1"], "no edit uses the axis x"),
        (["--edit", "blocks.0.hook_resid_post *= {value}", "--over", "value=1"], "may not be called 'value'"),
        (["--edit", "blocks.0.hook_resid_post *= {kl}", "--over", "kl=1"], "may not be called 'kl': results use"),
        (["--edit", "blocks.0.hook_resid_post *= {clean}", "--over", "clean=1"], "may not be called 'clean'"),
        ([*SCALE, "--over", "layer="], "empty"),
        (["--edit", "blocks.0.hook_resid_post *= {x}", "--over", "x="], "empty value"),
        (["--edit", "blocks.0.hook_resid_post *= {x}", "--over", "x=1,,2"], "empty value"),
        ([*SCALE, "--over", "layer=12"], "0 to 11, or -12 to -1"),
        ([*SCALE, "--over", "layer"], "'layer' is not an axis"),
        ([*SCALE, "--over", "[layer=0]"], "is not a valid name of an axis"),
        ([*SCALE, "--over", "layer=[0,1]"], "'[0' is not an index"),
        ([*SCALE, "--over", "=1"], "is not a valid name of an axis"),
        ([*SCALE, "--over", "layer=0", "--over", "layer=1"], "given twice"),
        (["--edit", "blocks.0.hook_resid_post[{position}] *= 0", "--over", "position=10"], "0 to 9, or -10 to -1"),
        (["--edit", "blocks.{layer.hook_resid_post *= 0", "--over", "layer=0"], "brace is not closed"),
        (["--edit", "blocks.0.hook_resid_post *= {x}", "--over", "x=1,oops"], "oops"),
        (["--edit", "blocks.0.hook_resid_post *= {x}", "--over", "x=0..99999999"], "too long"),
        ([*SCALE, "--over", "layer=0", "--metric", "loss"], ["'loss'", "log_prob"]),
        ([*SCALE, "--over", "layer=0", "--metric", "logit_diff"], "reads 2 targets, but 1 is given"),
        ([*SCALE, "--over", "layer=0", "--metric", "kl"], "reads 0 targets"),
        ([*SCALE, "--over", "layer=0", "--metric", "kl", "--whole"], "log_prob alone"),
        ([*SCALE, "--over", "layer=0", "--target", " He", "--whole"], "one text, but 2 are given"),
        ([*SCALE, "--over", "layer=0", "--target", ""], "is empty"),
        ([*SCALE, "--over", "layer=0", "--target-id", "8192"], "0 to 8191"),
        ([*SCALE, "--over", "layer=0", "--target-id", "-1"], "0 to 8191"),
        ([], "give one with --edit"),
    ],
)
def test_bad_sweeps(stratoscope, options, says):
    stratoscope.fails("sweep", PENGUINS, *options, "--target", " I", "--json", says=says)


def test_a_metric_without_its_target(stratoscope):
    says = ["reads 1 target, but 0 are given", "--target"]
    stratoscope.fails("sweep", PENGUINS, *SCALE, "--over", "layer=0", says=says)


def test_a_whole_target_beyond_the_context(stratoscope, tiny_model):
    sweep = ["--edit", "blocks.0.hook_mlp_out = 0", "--target", "~" * 60, "--whole"]
    stratoscope.fails("sweep", "~~~~~~", *sweep, "--model", tiny_model, says="64")


def test_corrupt_and_a_whole_target_read_only_the_texts_own_rows(stratoscope):
    """The target's rows come after the text, where the corrupt run has none."""
    arguments = ["sweep", "The man and the", "--corrupt", "The girl and the", "--over", "layer=0,5", "--target",
                 " insect that was very much frightened and lay upon his back", "--whole"]
    whole = stratoscope.json(*arguments, "--edit", "blocks.{layer}.hook_resid_post = corrupt")
    named = stratoscope.json(*arguments, "--edit", "blocks.{layer}.hook_resid_post[all] = corrupt")
    assert whole["results"] == named["results"]


def test_a_rank_of_a_logit_that_is_no_number_is_null(stratoscope):
    results = stratoscope.json("sweep", "The man and the", "--edit", "blocks.3.hook_resid_post *= {f}", "--over",
                               "f=1,1e38", "--metric", "rank", "--target", " old")["results"]
    assert results[0]["value"] is not None and results[1]["value"] is None


def test_targets_keep_the_order_of_the_command_line(stratoscope):
    arguments = ["sweep", "The man", "--edit", "blocks.3.hook_resid_post *= 0.5", "--metric", "logit_diff"]
    target = stratoscope.json(*arguments, "--target-id", "5", "--target", " old")["target"]
    assert [t["id"] for t in target][0] == 5
    target = stratoscope.json(*arguments, "--target", " old", "--target-id", "5")["target"]
    assert [t["id"] for t in target][1] == 5


def test_numbers_that_are_not_finite_are_named(stratoscope):
    sweep = ["sweep", "The man and the", "--edit", "blocks.{layer}.hook_resid_post[{position}] *= {f}", "--over",
             "layer=0,11", "--over", "position=-1", "--over", "f=1,1e38,-1e38", "--target", " old"]
    result = stratoscope.succeeds(*sweep)
    said = [warning for warning in result.warnings if "not finite" in warning]
    assert said == ["4 of 6 grid points gave logits that are not finite: layer 0, position 3, f 1e38; layer 0, position 3, "
                    "f -1e38; layer 11, position 3, f 1e38; …; the first of them at blocks.0.hook_resid_post, position 3"] or \
        re.match(r"4 of 6 grid points .*; …; the first of them at \S+, position 3$", said[0]) and len(said) == 1
    assert "-nan" not in result.out and result.out.count(" nan") == 8 + 2
    document = stratoscope.json(*sweep)
    assert [p["value"] is None for p in document["results"]] == [False, True, True] * 2
    assert document["effect"]["nonfinite"]["position"] == 3


def test_a_large_grid_lists_its_ends(stratoscope):
    sweep = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_resid_post[{position}] *= 0.5", "--over", "layer=all",
             "--over", "position=all", "--target", " I"]
    text = stratoscope.prints(*sweep)
    rows = [line.split() for line in text.splitlines() if re.match(r"\s+\d+\s+\d+\s+-?\d", line)]
    assert len(rows) == 20 and "… and 100 others; --save FILE.csv" in text
    results = sorted(values(stratoscope.json(*sweep)))
    assert [float(row[2]) for row in rows] == pytest.approx([*results[:-11:-1], *results[:10]], abs=1e-6)


def test_the_operations_are_said(stratoscope):
    text = stratoscope.prints("sweep", KAFKA, *SCALE, "--over", "layer=all", "--target", " insect")
    done, required, whole = map(float, re.search(r"(\S+) billion operations; the cones need (\S+), whole runs (\S+)\n", text).groups())
    assert done == required and done < 0.6 * whole


def test_a_corrupt_text_that_no_edit_reads_is_an_error(stratoscope):
    stratoscope.fails("sweep", "The man", "--edit", "blocks.3.hook_resid_post *= 0.5", "--target", " old", "--corrupt",
                      "The girl", says=["no edit reads it"])
    stratoscope.fails("predict", "The man", "--corrupt", "The girl", says=["no edit reads it"])


def test_many_prompts_from_a_file(stratoscope):
    prompts = [
        {"text": PENGUINS, "target": " I"},
        {"text": "He was a giant", "target_id": 300, "corrupt": "She was a giant"},
        {"text": KAFKA, "target": [" insect"]},
    ]
    write_lines(stratoscope, "p.jsonl", prompts)
    result = stratoscope.json("sweep", "--prompts", "p.jsonl", *SCALE, "--over", "layer=1,5")
    assert [one["text"] for one in result["prompts"]] == [p["text"] for p in prompts]
    for prompt, one in zip(prompts, result["prompts"]):
        target = ["--target-id", one["target"]["id"]]
        alone = stratoscope.json("sweep", prompt["text"], *SCALE, "--over", "layer=1,5", *target)
        assert one["clean"] == alone["clean"] and one["results"] == alone["results"], "the same bits"
    text = stratoscope.prints("sweep", "--prompts", "p.jsonl", *SCALE, "--over", "layer=1,5", "--figure", "m.svg")
    assert "3 prompts" in text
    assert (stratoscope.folder / "m.svg").exists()


def test_prompts_with_texts_that_corrupt_them(stratoscope):
    prompts = [{"text": "He was a giant", "corrupt": "It was a giant", "target": " man"},
               {"text": "He had a dog", "corrupt": "It had a dog", "target": " man"}]
    write_lines(stratoscope, "p.jsonl", prompts)
    patch = ["--edit", "blocks.{layer}.hook_resid_pre[{position}] = corrupt", "--over", "layer=0,6", "--over", "position=all"]
    result = stratoscope.json("sweep", "--prompts", "p.jsonl", *patch)
    for prompt, one in zip(prompts, result["prompts"]):
        alone = stratoscope.json("sweep", prompt["text"], "--corrupt", prompt["corrupt"], *patch, "--target", " man")
        assert one["results"] == alone["results"]


@pytest.mark.parametrize("ending", [".csv", ".json", ".npz"])
def test_results_as_files(stratoscope, ending):
    sweep = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_mlp_out[{position}] *= 0", "--over", "layer=0..2",
             "--over", "position=0:3", "--metric", "kl"]
    result = stratoscope.json(*sweep, "--save", f"r{ending}")
    file = stratoscope.folder / f"r{ending}"
    if ending == ".json":
        assert json.loads(file.read_text()) == result
    elif ending == ".csv":
        rows = list(csv.DictReader(file.open(newline="", encoding="utf-8")))
        assert [(int(r["layer"]), int(r["position"]), float(r["value"])) for r in rows] == [
            (p["layer"], p["position"], p["value"]) for p in result["results"]]
        assert max(float(r["kl"]) for r in rows) == result["effect"]["kl"]
    else:
        arrays = np.load(file)
        assert arrays["values"].shape == (3, 3) and arrays["values"].ravel().tolist() == values(result)
        assert arrays["axis.layer"].tolist() == [0, 1, 2] and arrays["clean"].tolist() == [result["clean"]]


def test_vector_files_are_an_axis(stratoscope):
    for name, factor in (("up", 3), ("down", -2)):
        np.save(stratoscope.folder / f"{name}.npy", np.linspace(-1, 1, 192) * factor)
    edit = "blocks.{layer}.hook_resid_post += 2 * {file}"
    result = stratoscope.json("sweep", PENGUINS, "--edit", edit, "--over", "layer=2,5", "--over", "file=up.npy,down.npy",
                              "--target-id", 300)
    assert [(p["layer"], p["file"]) for p in result["results"]] == list(itertools.product((2, 5), ("up.npy", "down.npy")))
    for point in result["results"]:
        assert point["value"] == pytest.approx(log_prob_of(stratoscope, 300, edit.format(**point)), abs=1e-6)
    assert len(set(values(result))) == 4


@pytest.mark.parametrize(("line", "says"), [
    ("nonsense", "line 2"),
    ("[1]", "line 2 is not a JSON object"),
    ('{"target": " a"}', 'line 2 has no "text"'),
    ('{"text": 3}', 'has a "text" that is not a string'),
    ('{"text": "a", "noise": 1}', "unknown key 'noise'"),
    ('{"text": "a", "target_id": "x"}', '"target_id" that is not an integer'),
    ('{"text": "", "target": " a"}', "prompt 1"),
    ('{"text": "a", "target_id": 99999999}', "prompt 1: token id 99999999"),
])
def test_bad_prompts(stratoscope, line, says):
    (stratoscope.folder / "p.jsonl").write_text('{"text": "a b", "target": " I"}\n' + line + "\n", encoding="utf-8")
    stratoscope.fails("sweep", "--prompts", "p.jsonl", *SCALE, "--over", "layer=0", says=says)


def test_prompts_and_a_text_are_one_too_many(stratoscope):
    write_lines(stratoscope, "p.jsonl", [{"text": "a b"}])
    sweep = ["--prompts", "p.jsonl", *SCALE, "--over", "layer=0", "--metric", "kl"]
    stratoscope.fails("sweep", PENGUINS, *sweep, says="leave out one of them")
    stratoscope.fails("sweep", *sweep, "--save", "r.txt", says="use .csv, .json or .npz")


def test_several_targets_and_metrics_after_any_position(stratoscope, tmp_path):
    text = "Penguins are cute and they swim"
    grid = [*SCALE, "--over", "layer=0..3", "--position", 2]
    both = stratoscope.json("sweep", text, *grid, "--target", " and", "--target", " but", "--also", "rank,kl",
                            "--save", tmp_path / "grid.csv")
    assert both["position"] == 2
    named = [(measure["metric"], (measure["target"] or {}).get("token")) for measure in both["measures"]]
    assert named == [("log_prob", " and"), ("log_prob", " but"), ("rank", " and"), ("rank", " but"), ("kl", None)]
    # The prediction after a position does not depend on the tokens after it.
    start = stratoscope.json("tokens", text)
    before = text.encode()[: start["offsets"][2][1]].decode()
    for measure in both["measures"]:
        target = ["--target", measure["target"]["token"]] if measure["target"] else []
        alone = stratoscope.json("sweep", before, *grid[:-2], *target, "--metric", measure["metric"])
        assert measure["values"] == values(alone) and measure["clean"] == alone["clean"]
    with open(tmp_path / "grid.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["KL(clean ‖ edited) (nats)"]) for row in rows] == both["measures"][4]["values"]
    table = stratoscope.prints("sweep", text, *grid, "--target", " and", "--also", "rank")
    assert "read after position 2" in table and re.search(r"log_prob “ and” +change +rank “ and” +change", table)
    stratoscope.fails("sweep", text, *SCALE, "--over", "layer=all", "--target", " and", "--position", 99, says="99")
