"""`--record` and `replay`: an experiment as a file."""
import json

import numpy as np
import pytest

from program import KAFKA, PENGUINS, ROOT

PROMPTS = ROOT / "tests" / "prompts"

SWEEP = ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post *= 0.8", "--over", "layer=all", "--target", " insect"]
EXPERIMENTS = {
    "predict": ["predict", PENGUINS, "--top", 3, "--edit", "blocks.3.hook_mlp_out[-1] *= -2"],
    "activations": ["activations", PENGUINS, "--token", "cute"],
    "distributions": ["distributions", PENGUINS, "--at", "hook_q", "hook_z.head[1]", "--bins", 9],
    "similarity": ["similarity", PENGUINS, "--profile"],
    "sweep": SWEEP,
    "several": ["sweep", PENGUINS, "--edit", "L{layer}H{head} = zero", "--edit", "blocks.0.hook_mlp_out[0] *= 1.5",
                "--over", "layer=0,3", "--over", "head=all", "--target-id", 300, "--target-id", 17, "--metric", "logit_diff"],
    "lens": ["lens", PENGUINS, "--top", 2, "--positions", "-1"],
    "attention": ["attention", PENGUINS],
    "attribution": ["attribution", PENGUINS, "--target-id", 300, "--target", " a", "--position", 4, "--heads", "L3H1"],
    "geometry": ["geometry", PENGUINS, "--at", "hidden", "--tokens", "2:6"],
    "heatmap": ["heatmap", PENGUINS, "--by", "entropy", "--by", "attribution", "--target-id", 300],
    "generate": ["generate", PENGUINS, "--max-new", 5, "--temperature", 1, "--seed", 7],
    "patch": ["patch", "He was", "--corrupt", "It was", "--target", " a"],
    "ablate": ["ablate", PENGUINS, "--target-id", 300, "--parts", "attn,mlps"],
    "edges": ["edges", "He was", "--target-id", 300, "--model", None],
    "steer": ["steer", "He was", "--positive", "a joy", "--negative", "a pain", "--max-new", 3],
    "score": ["score", PENGUINS, "--context", 4, "--edit", "blocks.3.hook_mlp_out *= 0"],
    "choices": ["score", "--choices", PROMPTS / "choices.jsonl"],
    "compare": ["compare", PROMPTS / "fine.txt", PROMPTS / "foul.txt", "--shuffles", 2],
    "dashes": ["predict", "--", "-- --json"],
}


def read(stratoscope, name="r.json"):
    return json.loads((stratoscope.folder / name).read_text(encoding="utf-8"))


def write(stratoscope, record):
    (stratoscope.folder / "r.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_replay_gives_the_same_bits(stratoscope, tiny_model, name):
    command, *arguments = [tiny_model if argument is None else argument for argument in EXPERIMENTS[name]]
    options = ["--record", "r.json"]
    shown = stratoscope.prints(command, *options, *arguments)
    assert shown == stratoscope.prints(command, *arguments), "recording changes nothing that is shown"
    document = stratoscope.json(command, *arguments)
    record = read(stratoscope)
    assert record["record"] == 1 and record["command"] == command and record["result"] == document
    assert record["model"] == document["model"] and record["version"] == document["version"]
    replayed = json.loads(stratoscope.succeeds("replay", "r.json", "--json").out)
    assert replayed["same"] is True and replayed["differences"] == [] and replayed["result"] == document
    assert "the same, bit for bit" in stratoscope.prints("replay", "r.json")


def test_a_record_names_the_version_of_its_edits(stratoscope):
    stratoscope.succeeds("predict", PENGUINS, "--edit", "blocks.3.hook_mlp_out.top[8%] = 0.5 * clean + mean(dim)", "--record", "r.json")
    record = read(stratoscope)
    assert record["edit_language"] == 2
    assert json.loads(stratoscope.succeeds("replay", "r.json", "--json").out)["same"] is True
    write(stratoscope, {**record, "edit_language": 3})
    stratoscope.fails("replay", "r.json", says=["has edits in version 3 of their language", "reads up to 2", "newer"])
    write(stratoscope, {**record, "edit_language": "2"})
    stratoscope.fails("replay", "r.json", says="not a whole number")
    stratoscope.succeeds("predict", PENGUINS, "--edit", "blocks.3.hook_mlp_out[-1] *= -2", "--record", "r.json")
    record = read(stratoscope)
    del record["edit_language"]  # as it was before there were versions
    write(stratoscope, record)
    assert json.loads(stratoscope.succeeds("replay", "r.json", "--json").out)["same"] is True


def test_a_record_says_what_was_done(stratoscope):
    stratoscope.succeeds(*SWEEP, "--record", "r.json", "--threads", 1, "--figure", "f.svg")
    record = read(stratoscope)
    assert record["text"] == KAFKA
    assert record["options"] == {"edit": ["blocks.{layer}.hook_resid_post *= 0.8"], "over": ["layer=all"],
                                 "target": [" insect"]}


def test_a_text_from_standard_input(stratoscope):
    stratoscope.succeeds("predict", "--record", "r.json", text="A line.\n")
    assert read(stratoscope)["text"] == "A line.\n"
    stratoscope.succeeds("replay", "r.json")


def test_a_difference_is_shown_and_is_a_failure(stratoscope):
    stratoscope.succeeds("predict", PENGUINS, "--record", "r.json")
    record = read(stratoscope)
    was = record["result"]["predictions"][0]["logit"]
    record["result"]["predictions"][0]["logit"] = was + 1e-9
    write(stratoscope, record)
    result = stratoscope.run("replay", "r.json")
    assert result.status == 1 and "1 of the results differ" in result.error
    assert "/predictions/0/logit" in result.out
    shown = json.loads(stratoscope.run("replay", "r.json", "--json").out)
    assert shown["same"] is False and shown["differences"][0]["now"] == was


def test_a_record_of_another_model(stratoscope, tiny_model, forged):
    stratoscope.succeeds("predict", "the king", "--model", tiny_model, "--record", "r.json")
    record = read(stratoscope)
    record["options"]["model"] = [str(forged)]
    record["model"]["name"] = str(forged)
    record["model"]["hash"] = "0" * 16
    write(stratoscope, record)
    stratoscope.fails("replay", "r.json", says="is of another", leaves=["r.json"])
    record["model"]["name"] = record["options"]["model"][0] = "no-such-model"
    write(stratoscope, record)
    stratoscope.fails("replay", "r.json", says="no-such-model", leaves=["r.json"])


@pytest.mark.parametrize(("change", "says"), [
    (lambda r: r.clear(), "is not a record of an experiment"),
    (lambda r: r.update(record=2), "this version reads form 1"),
    (lambda r: r.update(command="models"), "no command 'models' that can be recorded"),
    (lambda r: r.update(command="frobnicate"), "no command 'frobnicate'"),
    (lambda r: r["options"].update(save=["x.npz"]), "has the option 'save'"),
    (lambda r: r["options"].update(record=["x"]), "has the option 'record'"),
    (lambda r: r["options"].update(top="3"), "without a list"),
    (lambda r: r["options"].update(top=[3]), "a value that is not a string"),
    (lambda r: r["options"].update(frob=["3"]), "which cannot be recorded"),
    (lambda r: r["options"].update(precision=["bf16x3"]), "bf16x3 was removed"),
    (lambda r: r["options"].update({"a b": ["3"]}), "has the option 'a b'"),
    (lambda r: r.pop("model"), 'has no "model"'),
    (lambda r: r.pop("result"), 'has no "result"'),
    (lambda r: r.update(text=3), 'has no string "text"'),
    (lambda r: r.update(text="-"), "standard input"),
    (lambda r: r["options"].update(model=True), "is neither a folder"),
    (lambda r: r.update(files=3), "not an object"),
    (lambda r: r.update(order=3), "that is not a list"),
    (lambda r: r.update(order=["top"]), "does not match its options"),
])
def test_bad_records(stratoscope, change, says):
    stratoscope.succeeds("predict", "the king", "--record", "r.json")
    record = read(stratoscope)
    change(record)
    write(stratoscope, record)
    stratoscope.fails("replay", "r.json", says=says, leaves=["r.json"])


def test_what_is_no_json(stratoscope):
    (stratoscope.folder / "r.json").write_bytes(b"\xff{")
    stratoscope.fails("replay", "r.json", says="r.json", leaves=["r.json"])
    stratoscope.fails("replay", "none.json", says="none.json", leaves=["r.json"])
    stratoscope.fails("replay", status=2, says="FILE", leaves=["r.json"])


def test_a_file_that_is_no_longer_what_was_read(stratoscope):
    (stratoscope.folder / "p.jsonl").write_text('{"text": "the king"}\n')
    np.save(stratoscope.folder / "d.npy", np.ones(192))
    sweep = ["sweep", "--prompts", "p.jsonl", "--edit", "blocks.{layer}.hook_resid_post += d.npy", "--over", "layer=0,1",
             "--metric", "kl", "--record", "r.json"]
    stratoscope.succeeds(*sweep)
    assert read(stratoscope)["files"].keys() == {"p.jsonl", "d.npy"}
    stratoscope.succeeds("replay", "r.json")
    np.save(stratoscope.folder / "d.npy", np.ones(192) * 2)
    stratoscope.fails("replay", "r.json", says="d.npy is not the file that was read", leaves=["r.json"])


def test_what_was_saved_beside_it_is_no_part_of_the_result(stratoscope):
    steer = ["steer", "He was", "--positive", "a joy", "--negative", "a pain", "--max-new", 2, "--save", "v.safetensors"]
    stratoscope.succeeds(*steer, "--record", "r.json")
    stratoscope.succeeds("replay", "r.json")


def test_a_record_that_cannot_be_written(stratoscope):
    result = stratoscope.run("predict", "the king", "--record", "no/such/folder.json")
    assert result.status == 1 and "folder.json" in result.error
