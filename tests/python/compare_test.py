"""compare from Python: the program's document, and arrays that are what NumPy makes of the captured values."""
import json

import numpy as np
import pytest
import stratoscope as st
from conftest import command_line

LOVE = ["I love it", "We adore the fine day", "She likes her friends", "He is a happy man"]
HATE = ["I hate it", "We loathe the foul day", "They fear it", "He is a sad man", "She weeps"]


def write_prompts(path, prompts):
    path.write_text("".join(json.dumps({"text": prompt}) + "\n" for prompt in prompts), encoding="utf-8")
    return path


def test_the_document_is_the_programs(model, tmp_path):
    a, b = write_prompts(tmp_path / "a.jsonl", LOVE), write_prompts(tmp_path / "b.jsonl", HATE)
    result = model.compare(LOVE, HATE, at="mlp.hook_post", position=-2, shuffles=2, correlation="pearson")
    options = ["--at", "mlp.hook_post", "--position", -2, "--shuffles", 2, "--correlation", "pearson"]
    assert result.json == command_line("compare", a, b, *options)
    assert result.json["position"] == "-2" and result.values.shape == (12, 768)
    assert result.rows == result.json["units"]
    assert b"<svg" in result.figure("svg")


def test_arrays_are_numpys(model):
    result = model.compare(LOVE, HATE, shuffles=0)
    rows = [model.run(text, capture="blocks.*.hook_resid_post[-1]", logits="none") for text in LOVE + HATE]
    for layer in (0, 5, 11):
        x = np.array([run[f"blocks.{layer}.hook_resid_post"][0] for run in rows], dtype=np.float64)
        a, b = x[: len(LOVE)], x[len(LOVE) :]
        np.testing.assert_allclose(result["mean_a"][layer], a.mean(0), rtol=1e-12, atol=1e-12)
        spread = a.var(0, ddof=1) / len(a) + b.var(0, ddof=1) / len(b)
        np.testing.assert_allclose(result["t"][layer], (a.mean(0) - b.mean(0)) / np.sqrt(spread), rtol=1e-9)
        np.testing.assert_allclose(result["similarities"][layer], st.cosine(x.astype(np.float32)), atol=1e-12)
    assert np.isnan(result["chance_accuracy"]).all() and not np.isnan(result["accuracy"]).any()


def test_wrong_groups(model):
    for a, b in (("one prompt", HATE), ([], HATE), (LOVE, ["a", "a"])):
        with pytest.raises(st.Error, match="two or more different prompts"):
            model.compare(a, b)
    with pytest.raises(st.Error, match="no position"):
        model.compare(LOVE, HATE, position="middle")
