"""`steer`: a direction from two sets of prompts, its effect, and a text under it."""
import json

import numpy as np
import pytest

from conftest import safetensors_io

GOOD = ["He was happy and", "She laughed with joy, and"]
BAD = ["He was sad and", "She cried in despair, and"]
TEXT = "The old man looked at the sea and"


def prompts():
    return [argument for kind, texts in (("--positive", GOOD), ("--negative", BAD)) for text in texts
            for argument in (kind, text)]


def last_rows(stratoscope, texts, hook):
    (stratoscope.folder / "t.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    stratoscope.succeeds("run", "--texts", "t.jsonl", "--save", "t.npz", "--capture", hook)
    arrays = np.load(stratoscope.folder / "t.npz")
    return arrays[hook][arrays["row_offsets"][1:] - 1].astype(np.float64)


def test_the_direction_is_a_difference_of_means_and_loads_as_an_edit(stratoscope):
    hook = "blocks.3.hook_resid_post"
    result = stratoscope.json("steer", TEXT, *prompts(), "--save", "v.safetensors", "--layers", "3,7", "--strengths",
                              "-2,1.5", "--max-new", 0)
    vectors = safetensors_io.load(stratoscope.folder / "v.safetensors")
    expected = last_rows(stratoscope, GOOD, hook).mean(0) - last_rows(stratoscope, BAD, hook).mean(0)
    np.testing.assert_allclose(vectors["layer.3"], expected, atol=1e-5)
    assert result["norms"][3] == pytest.approx(np.linalg.norm(expected), rel=1e-5)
    assert [(p["layer"], p["strength"]) for p in result["results"]] == [(3, -2), (3, 1.5), (7, -2), (7, 1.5)]
    swept = stratoscope.json("sweep", TEXT, "--edit", f"{hook} += {{x}} * v.safetensors:layer.3", "--over", "x=-2,1.5",
                             "--metric", "kl")
    assert [p["value"] for p in swept["results"]] == pytest.approx([p["value"] for p in result["results"][:2]], rel=1e-4)


def test_saved_directions_steer_again_and_hold_their_recipe(stratoscope):
    first = stratoscope.json("steer", TEXT, *prompts(), "--save", "v.safetensors", "--layer", 4, "--max-new", 6)
    again = stratoscope.json("steer", TEXT, "--vectors", "v.safetensors", "--layer", 4, "--max-new", 6)
    assert [p["value"] for p in again["results"]] == pytest.approx([p["value"] for p in first["results"]], abs=1e-6)
    assert again["generated"] == first["generated"]
    stratoscope.fails("steer", TEXT, "--vectors", "v.safetensors", "--hook", "hook_attn_out", leaves=["v.safetensors"],
                      says="was made with the hook 'hook_resid_post', not 'hook_attn_out'")
    stratoscope.fails("steer", TEXT, "--vectors", "v.safetensors", "--save", "w.safetensors", leaves=["v.safetensors"],
                      says="holds the directions already")
    with open(stratoscope.folder / "v.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    recipe = header["__metadata__"]
    assert json.loads(recipe["positive"]) == GOOD and json.loads(recipe["negative"]) == BAD
    assert recipe["hook"] == "hook_resid_post" and recipe["model_hash"] == first["model"]["hash"]


def test_the_text_is_written_under_the_direction(stratoscope):
    result = stratoscope.json("steer", TEXT, *prompts(), "--save", "v.safetensors", "--layer", 2, "--strength", 3,
                              "--max-new", 8)
    edit = ["--edit", "blocks.2.hook_resid_post += 3 * v.safetensors:layer.2", "--edit-scope", "all"]
    clean = stratoscope.json("generate", TEXT, "--max-new", 8)
    steered = stratoscope.json("generate", TEXT, "--max-new", 8, *edit)
    assert result["generated"]["clean"] == clean["text"]
    assert result["generated"]["steered"] == steered["text"]


def test_for_people_and_the_figure(stratoscope):
    text = stratoscope.prints("steer", TEXT, *prompts(), "--max-new", 4, "--figure", "s.svg")
    assert "clean " in text and "steered " in text and "KL" in text
    assert "edited block" in (stratoscope.folder / "s.svg").read_text(encoding="utf-8")


def test_bad_input(stratoscope):
    stratoscope.fails("steer", TEXT, "--positive", "a b", says="there is no negative prompt")
    stratoscope.fails("steer", TEXT, "--positive", "a b", "--negative", "a b", says="the same mean at every block")
    stratoscope.fails("steer", TEXT, *prompts(), "--hook", "attn.hook_z", says="is not a hook point for steering")
    stratoscope.fails("steer", TEXT, *prompts(), "--strengths", "1,x", says="'x' is not a number")
    stratoscope.fails("steer", TEXT, *prompts(), "--layer", 12, says="layers are 0 to 11")
    stratoscope.fails("steer", TEXT, *prompts(), "--strengths", "1e300", says="is not a strength")
    stratoscope.fails("steer", TEXT, *prompts(), "--strength", "nan", says="not finite")
    stratoscope.fails("steer", TEXT, *prompts(), "--save", "v.npz", says=".safetensors")
    stratoscope.fails("steer", TEXT, *prompts(), "--vectors", "v.safetensors", says="leave out one of them")
    stratoscope.fails("steer", TEXT, "--vectors", "none.safetensors", says="none.safetensors")
