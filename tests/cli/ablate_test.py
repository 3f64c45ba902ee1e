"""`ablate`: every part ablated alone."""
import json

import numpy as np
import pytest

from program import PENGUINS
from sweep_test import log_prob_of

TARGET = ["--target-id", 300]


def by_name(result):
    return {one["name"]: one for one in result["ablations"]}


def test_each_part_is_an_edited_prediction(stratoscope):
    result = stratoscope.json("ablate", PENGUINS, *TARGET, "--parts", "heads,attn,mlps,blocks,neurons", "--neurons", 100)
    assert result["value"] == "zero"
    assert result["clean"] == pytest.approx(log_prob_of(stratoscope, 300), abs=1e-5)
    parts = by_name(result)
    kinds = [one["part"] for one in result["ablations"]]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "head": 72, "attn": 12, "mlp": 12, "block": 12, "neurons": 12 * 8}
    for name, edits in {
        "L3H4": ["blocks.3.attn.hook_z.head[4] = zero"],
        "attn 7": ["blocks.7.hook_attn_out = zero"],
        "MLP 0": ["blocks.0.hook_mlp_out = zero"],
        "block 5": ["blocks.5.hook_attn_out = zero", "blocks.5.hook_mlp_out = zero"],
        "MLP 11, neurons 700–767": ["blocks.11.mlp.hook_post.dim[700..767] = zero"],
    }.items():
        by_hand = log_prob_of(stratoscope, 300, *edits)
        assert parts[name]["value"] == pytest.approx(by_hand, abs=1e-5), name
        assert parts[name]["change"] == parts[name]["value"] - result["clean"]
    sizes = [abs(one["change"]) for one in result["ablations"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_mean_over_the_text_is_the_grammars(stratoscope):
    parts = by_name(stratoscope.json("ablate", PENGUINS, *TARGET, "--mean"))
    for name, edit in {"L3H4": "L3H4 = mean", "MLP 2": "blocks.2.hook_mlp_out = mean"}.items():
        assert parts[name]["value"] == pytest.approx(log_prob_of(stratoscope, 300, edit), abs=1e-6)


def test_the_mean_over_a_reference_corpus(stratoscope):
    texts = ["It was the best of times.", "Marley was dead: to begin with.", PENGUINS]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (stratoscope.folder / "corpus.jsonl").write_text(lines, encoding="utf-8")
    result = stratoscope.json("ablate", PENGUINS, *TARGET, "--mean", "--reference", "corpus.jsonl", "--parts", "mlps")
    tokens = sum(stratoscope.json("tokens", text)["count"] for text in texts)
    assert result["reference"] == {"texts": 3, "tokens": tokens}
    stratoscope.succeeds("run", "--texts", "corpus.jsonl", "--save", "all.npz", "--capture", "blocks.4.hook_mlp_out")
    mean = np.load(stratoscope.folder / "all.npz")["blocks.4.hook_mlp_out"].mean(0, dtype=np.float64)
    np.save(stratoscope.folder / "mean.npy", mean)
    by_hand = log_prob_of(stratoscope, 300, "blocks.4.hook_mlp_out = mean.npy")
    assert by_name(result)["MLP 4"]["value"] == pytest.approx(by_hand, abs=1e-5)


def test_parts_are_named_once_and_neurons_where_there_are_some(stratoscope):
    fails = lambda *options, says: stratoscope.fails("ablate", PENGUINS, *TARGET, *options, says=says)
    fails("--parts", "heads,mlps,heads", says="the part 'heads' is named twice")
    fails("--neurons", 64, says=["but no neurons", "--parts"])
    fails("--parts", "mlps", "--memory-limit", "10K", says="raise --memory-limit")


def test_for_people_and_figures(stratoscope):
    text = stratoscope.prints("ablate", PENGUINS, *TARGET, "--top", 3, "--figure", "a.svg")
    assert "zero ablation" in text and "and 105 more" in text
    svg = (stratoscope.folder / "a.svg").read_text(encoding="utf-8")
    for words in ("heads", "whole parts", "mlp", "H4"):
        assert words in svg


def test_bad_input(stratoscope):
    stratoscope.fails("ablate", PENGUINS, says="the metric log_prob reads 1 target")
    stratoscope.fails("ablate", PENGUINS, *TARGET, "--parts", "noses", says="one of heads, attn, mlps, blocks, neurons")
    (stratoscope.folder / "c.jsonl").write_text('{"text": "a b"}\n', encoding="utf-8")
    stratoscope.fails("ablate", PENGUINS, *TARGET, "--reference", "c.jsonl", says="add --mean", leaves=["c.jsonl"])
    stratoscope.fails("ablate", PENGUINS, *TARGET, "--mean", "--reference", "none.jsonl", says="none.jsonl", leaves=["c.jsonl"])
    stratoscope.fails("ablate", PENGUINS, *TARGET, "--neurons", 0, status=2, says="--neurons")


def test_the_metric_after_another_position(stratoscope):
    text = "Penguins are cute and they swim"
    options = ["--target", " and", "--parts", "mlps"]
    at = stratoscope.json("ablate", text, *options, "--position", 4)
    before = stratoscope.json("ablate", text[:17], *options)
    assert at["position"] == 4 and at["clean"] == before["clean"] and at["ablations"] == before["ablations"]
    assert "read after position 4" in stratoscope.prints("ablate", text, *options, "--position", 4)
