"""Every experiment against the program's --json: the same numbers, bit for bit, and arrays that are those numbers."""
import numpy as np
import pytest
import stratoscope as st
from conftest import SAMSA, SENTENCE, command_line

OLD_MAN, OLD_LADY = "The old man gave his crown to the young", "The old lady gave her crown to the young"

# Name, arguments of the method, arguments of the program.
CASES = {
    "predict": ({"top": 3}, ["--top", 3]),
    "predict all": ({"all": True}, ["--all"]),
    "predict edited": (
        {"edits": ["blocks.3.hook_mlp_out[1:3] = mean", "transformer.h.5.attn *= 0"]},
        ["--edit", "blocks.3.hook_mlp_out[1:3] = mean", "--edit", "transformer.h.5.attn *= 0"],
    ),
    "predict corrupt": (
        {"edits": "blocks.2.hook_resid_pre[-1] = corrupt[-1]", "corrupt": OLD_MAN},
        ["--edit", "blocks.2.hook_resid_pre[-1] = corrupt[-1]", "--corrupt", OLD_MAN],
    ),
    "heatmap": (
        {"by": ["entropy", "L5H3[to 0]", "attribution"], "target": " man", "position": 3, "compare": True,
         "edits": "blocks.3.hook_mlp_out = zero"},
        ["--by", "entropy", "--by", "L5H3[to 0]", "--by", "attribution", "--target", " man", "--position", 3,
         "--compare", "--edit", "blocks.3.hook_mlp_out = zero"],
    ),
    "heatmap by one": ({"by": "mlp_post.2.dim[5]"}, ["--by", "mlp_post.2.dim[5]"]),
    "activations": ({"token": "cute"}, ["--token", "cute"]),
    "distributions": (
        {"hooks": ["hook_q", "blocks.*.hook_mlp_out[1:3]"], "bins": 20, "limits": [-2, 2.5]},
        ["--at", "hook_q", "--at", "blocks.*.hook_mlp_out[1:3]", "--bins", 20, "--limits=-2,2.5"],
    ),
    "similarity layers": ({"across": "layers", "tokens": [0, 3]}, ["--across", "layers", "--tokens", "0,3"]),
    "similarity tokens": ({"across": "tokens", "layers": slice(0, 2)}, ["--across", "tokens", "--layers", "0:2"]),
    "similarity profile": ({"profile": True}, ["--profile"]),
    "sweep": (
        {"edit": "blocks.{layer}.hook_resid_post *= {factor}", "over": {"layer": "0..3", "factor": [0.5, 0.8]},
         "target": " man"},
        ["--edit", "blocks.{layer}.hook_resid_post *= {factor}", "--over", "layer=0..3", "factor=0.5,0.8",
         "--target", " man"],
    ),
    "patch": (
        {"text": OLD_MAN, "corrupt": OLD_LADY, "target": [" man", " lady"]},
        ["--corrupt", OLD_LADY, "--target", " man", "--target", " lady"],
    ),
    "ablate": ({"parts": ["heads", "mlps"], "target": " man"}, ["--parts", "heads,mlps", "--target", " man"]),
    "edges": ({"text": "The king", "target": " man"}, ["--target", " man"]),
    "steer": (
        {"positive": "I love it", "negative": "I hate it", "layers": [2, 3], "strengths": [1, 4], "max_new": 3},
        ["--positive", "I love it", "--negative", "I hate it", "--layers", "2,3", "--strengths", "1,4", "--max-new", 3],
    ),
    "generate": ({"max_new": 5, "temperature": 1, "seed": 3}, ["--max-new", 5, "--temperature", 1, "--seed", 3]),
    "generate samples": (
        {"max_new": 5, "temperature": 1, "seed": 3, "samples": 2},
        ["--max-new", 5, "--temperature", 1, "--seed", 3, "--samples", 2],
    ),
    "predict at temperatures": (
        {"temperatures": [0.5, 2], "target": " man", "draw": "distribution"},
        ["--temperatures", "0.5,2", "--target", " man"],
    ),
    "lens": ({"top": 2, "target": " man"}, ["--top", 2, "--target", " man"]),
    "attention": ({"heads": ["L5H3", "L0H1"]}, ["--heads", "L5H3,L0H1"]),
    "attribution": ({"target": [449], "position": 3}, ["--target-id", 449, "--position", 3]),
    "geometry": ({"tokens": [1, 2, 5]}, ["--tokens", "1,2,5"]),
    "verify": ({}, []),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::stratoscope.StratoscopeWarning")
@pytest.mark.parametrize("case", CASES)
def test_document_equals_the_program_s(model, case):
    name = case.split()[0]
    given, options = CASES[case]
    arguments = {"text": SENTENCE, **given}
    result = getattr(model, name)(**arguments)
    assert result.json == command_line(name, arguments["text"], *options)


def result_of(model, case):
    given, _ = CASES[case]
    return getattr(model, case.split()[0])(**{"text": SENTENCE, **given})


@pytest.mark.filterwarnings("ignore::stratoscope.StratoscopeWarning")
@pytest.mark.parametrize("case", CASES)
def test_every_experiment_has_values(model, case):
    result = result_of(model, case)
    assert isinstance(result.values, np.ndarray)
    assert result.values.size > 0
    assert len({len(column) for column in result.data.values()}) == 1


def test_arrays_are_the_documents_numbers(model):
    predicted = result_of(model, "predict")
    np.testing.assert_array_equal(predicted["probs"], [row["prob"] for row in predicted.json["predictions"]])
    np.testing.assert_array_equal(predicted["ids"], [row["id"] for row in predicted.json["predictions"]])
    swept = result_of(model, "sweep")
    assert swept.values.shape == (4, 2)
    np.testing.assert_array_equal(swept.values.ravel(), [row["value"] for row in swept.json["results"]])
    lens = result_of(model, "lens")
    np.testing.assert_array_equal(
        lens["target_prob"],
        [[cell["target_prob"] for cell in layer["summary"]] for layer in lens.json["layers"]],
    )
    scores = result_of(model, "attention")
    np.testing.assert_array_equal(scores["previous"].ravel(), [row["previous"] for row in scores.json["heads"]])
    verified = result_of(model, "verify")
    np.testing.assert_array_equal(verified["max_abs"], [row["max_abs"] for row in verified.json["hook_points"]])
    patched = result_of(model, "patch")
    for grid in patched.json["grids"]:
        np.testing.assert_array_equal(patched[grid["hook"]], grid["values"])


@pytest.mark.filterwarnings("ignore::stratoscope.StratoscopeWarning")
def test_a_sweep_equals_a_loop_of_python_edits(model):
    insect = model.token_id(" insect")
    impact = model.sweep(
        SAMSA, edit="blocks.{layer}.hook_resid_post *= 0.8", over={"layer": "all"}, target=" insect"
    )
    slow = [
        st.log_softmax(model.run(SAMSA, edits={f"blocks.{layer}.hook_resid_post": lambda x: 0.8 * x}).logits[-1])[insect]
        for layer in range(model.config.n_layers)
    ]
    np.testing.assert_array_equal(impact.values, slow)
    assert impact.clean == st.log_softmax(model.run(SAMSA).logits[-1])[insect]
    assert len(set(slow)) == model.config.n_layers


def test_activations_are_the_hidden_states(model):
    hidden = model.run(SENTENCE).hidden_states
    result = model.activations(SENTENCE, token=8)
    np.testing.assert_array_equal(result.values, hidden[:, 8].astype(np.float64))
    np.testing.assert_allclose(result["variance"], hidden[:, 8].astype(np.float64).var(axis=-1, ddof=1), rtol=1e-12)


def test_similarity_is_the_cosine(model):
    hidden = model.run(SENTENCE).hidden_states
    result = model.similarity(SENTENCE, across="layers", tokens=8)
    np.testing.assert_array_equal(result.values[0], st.cosine(hidden[:, 8]))
    across = model.similarity(SENTENCE, across="tokens", layers=6)
    np.testing.assert_array_equal(across.values[0], st.cosine(hidden[6]))


def test_many_prompts_of_a_sweep(model):
    prompts = [{"text": SENTENCE, "target": " man"}, {"text": OLD_MAN, "target": " lady"}]
    swept = model.sweep(prompts=prompts, edit="blocks.{layer}.hook_mlp_out *= 0", over={"layer": range(3)})
    assert swept.values.shape == (2, 3)
    for row, prompt in zip(swept.values, prompts):
        alone = model.sweep(
            prompt["text"], edit="blocks.{layer}.hook_mlp_out *= 0", over="layer=0..2", target=prompt["target"]
        )
        np.testing.assert_array_equal(row, alone.values)


def test_tokens_stand_for_their_text(model):
    tokens = model.tokenize(SENTENCE, bos=True)
    assert model.predict(tokens).json == model.predict(SENTENCE, bos=True).json
    assert model.predict(tokens).json != model.predict(SENTENCE).json


def test_warnings_are_python_s(model):
    with pytest.warns(st.StratoscopeWarning, match="next to nothing") as warned:
        model.sweep(SENTENCE, edit="blocks.11.hook_resid_post *= 0.8", target=" man")
    assert warned[0].filename == __file__


def test_embeddings_equal_the_program_s(model):
    result = model.embeddings([" king", " man", 846], analogies="king - man + woman", space=True, top=3)
    assert result.json == command_line("embeddings", " king", " man", "--ids", 846, "--space", "--top", 3,
                                       "--analogy", "king - man + woman")  # fmt: skip
    np.testing.assert_array_equal(result.values, [word["vector"] for word in result.json["words"]])
    np.testing.assert_array_equal(result.values, model.weights["transformer.wte.weight"][result["ids"]])
    assert result["map"].shape == (3, 2) and len(result.rows) == 3
    assert model.embeddings(" man").values.shape == (1, result.values.shape[1])


def test_ids_stand_in_place_of_a_text(model):
    tokens = model.tokenize(SENTENCE)
    for ids in (tokens.ids, list(tokens.ids), tuple(int(i) for i in tokens.ids)):
        assert model.predict(ids).json == model.predict(SENTENCE).json
    swept = {"edit": "blocks.{layer}.hook_mlp_out = 0", "over": {"layer": [0, 3]}, "target": " man"}
    assert model.sweep(tokens.ids, **swept).json == model.sweep(SENTENCE, **swept).json
    with pytest.raises(ValueError, match="ids"):
        model.predict([0.5])
    with pytest.raises(ValueError, match="8192"):
        model.predict([8192])
    for words, view in ((" man", "scatter"), ([" man", " king"], "map"), (None, "matrix")):
        assert not model.embeddings(words, analogies="a + b", draw=view).has_figure()


def test_summaries_of_weights_equal_the_program_s(model, tmp_path):
    name = "h.3.mlp.c_fc.weight"
    result = model.weights.summary(name, rows=[3, 5], save=tmp_path / "x.npy")
    expected = command_line("weights", name, "--rows", "3,5", "--save", tmp_path / "x.npy")
    assert result.json == expected and result.has_figure()
    np.testing.assert_array_equal(result.values, model.weights[name][[3, 5]])
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), model.weights[name])
    assert result["counts"].sum() == result.json["tensors"][0]["count"] - result.json["histogram"]["outside"]
    listed = model.weights.summary()
    assert [row["name"] for row in listed.rows] == list(model.weights)
    assert not listed.has_figure() and not model.weights.summary("*.bias").has_figure()
    with pytest.raises(st.Error, match="no tensor"):
        model.weights.summary("*.nothing")
