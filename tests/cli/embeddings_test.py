"""embeddings: vectors, cosines, nearest tokens, analogies and the map against NumPy on the checkpoint's tensors."""
import json

import numpy as np
import pytest

import safetensors_io
from program import FAMILIES, MODEL

WORDS = [" king", " woman", " man", " father", " mother"]


def table_of(folder=MODEL / "model.safetensors", end="wte.weight"):
    tensors = safetensors_io.load(folder)
    return next(value for name, value in tensors.items() if name.endswith(end)).astype(np.float64)


def nearest(table, vector, left_out, count):
    cosines = table @ vector / np.linalg.norm(table, axis=1) / np.linalg.norm(vector)
    order = [int(i) for i in np.argsort(-cosines, kind="stable") if i not in left_out][:count]
    return order, cosines[order]


def check_near(found, expected):
    ids, cosines = expected
    assert [each["id"] for each in found] == ids
    assert [each["cosine"] for each in found] == pytest.approx(cosines, abs=1e-9)


def test_words_are_numpys(stratoscope):
    result = stratoscope.json("embeddings", *WORDS, "--top", 4)
    table = table_of()
    assert result["table"] == "embedding" and result["shape"] == list(table.shape)
    ids = [word["id"] for word in result["words"]]
    assert [word["token"] for word in result["words"]] == WORDS
    vectors = table[ids]
    for word, vector in zip(result["words"], vectors):
        assert word["vector"] == list(vector)
        assert word["norm"] == pytest.approx(np.linalg.norm(vector))
        check_near(word["nearest"], nearest(table, vector, {word["id"]}, 4))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.array(result["cosines"]) == pytest.approx(units @ units.T, abs=1e-9)
    norms = np.quantile(np.linalg.norm(table, axis=1), [0, 0.05, 0.5, 0.95, 1])
    assert list(result["norms"].values()) == pytest.approx(norms)
    _, spread, directions = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    assert result["pca"]["explained"] == pytest.approx((spread**2 / (spread**2).sum())[:2])
    for k in range(2):
        direction = directions[k] * np.sign(directions[k][np.abs(directions[k]).argmax()])
        along = [point[k] for point in result["pca"]["points"]]
        assert along == pytest.approx((vectors - vectors.mean(0)) @ direction, abs=1e-9)


def test_analogies_are_numpys(stratoscope):
    expression = '" king" - " man" + " woman"'
    result = stratoscope.json("embeddings", "--analogy", expression, "--analogy", "- man + father", "--space", "--top", 3)
    table = table_of()
    first, second = result["analogies"]
    assert first["expression"] == expression and result["words"] == [] and result["cosines"] == []
    for analogy, signs in ((first, [1, -1, 1]), (second, [-1, 1])):
        assert [term["sign"] for term in analogy["terms"]] == signs
        ids = [term["id"] for term in analogy["terms"]]
        vector = np.array(signs) @ table[ids]
        check_near(analogy["nearest"], nearest(table, vector, set(ids), 3))
        check_near(analogy["nearest_with_words"], nearest(table, vector, set(), 3))
    assert [term["token"] for term in first["terms"]] == [" king", " man", " woman"], "quoted words keep their spaces"
    assert [term["token"] for term in second["terms"]] == [" man", " father"]


def test_ids_follow_the_words(stratoscope):
    result = stratoscope.json("embeddings", " man", "--ids", "846,449", "--ids", 5)
    assert [word["id"] for word in result["words"]] == [449, 846, 449, 5]
    assert result["cosines"][0][2] == pytest.approx(1)


def test_a_separate_unembedding(stratoscope):
    model = FAMILIES / "gpt_neox"
    result = stratoscope.json("embeddings", "--ids", "3,4", "--model", model, "--from", "unembedding", "--top", 2)
    table = table_of(FAMILIES / "gpt_neox" / "model.safetensors", "embed_out.weight")
    assert [word["vector"] for word in result["words"]] == [list(row) for row in table[[3, 4]]]
    check_near(result["words"][0]["nearest"], nearest(table, table[3], {3}, 2))
    other = stratoscope.json("embeddings", "--ids", "3,4", "--model", model)
    assert other["words"][0]["vector"] != result["words"][0]["vector"]


def test_tied_tables_are_the_same(stratoscope):
    one, other = (stratoscope.json("embeddings", *WORDS, "--from", table) for table in ("embedding", "unembedding"))
    assert one["words"] == other["words"] and one["norms"] == other["norms"]


def test_several_tokens(stratoscope):
    result = stratoscope.succeeds("embeddings", "banana", "--json")
    assert result.warnings == ["the word 'banana' is several tokens: “b” “an” “an” “a”; the first is used"]
    (word,) = json.loads(result.out)["words"]
    assert len(word["ids"]) == 4 and word["id"] == word["ids"][0]
    hinted = stratoscope.succeeds("embeddings", "window", "--json")
    assert hinted.warnings[0].endswith("the first is used (with a space before it, it is one)")
    assert not stratoscope.succeeds("embeddings", "window", "--space", "--json").warnings


@pytest.mark.parametrize("view", ["matrix", "vectors", "map", "nearest"])
def test_figures(stratoscope, view):
    stratoscope.succeeds("embeddings", *WORDS, "--draw", view, "--figure", "x.svg")
    svg = (stratoscope.folder / "x.svg").read_text()
    assert "“ king”" in svg


def test_the_scatter_has_every_dimension(stratoscope):
    stratoscope.succeeds("embeddings", " man", " woman", "--draw", "scatter", "--figure", "x.vl.json")
    result = stratoscope.json("embeddings", " man", " woman")
    (panel,) = json.loads((stratoscope.folder / "x.vl.json").read_text())["concat"]
    points = panel["layer"][0]["data"]["values"]
    for axis, word in zip("xy", result["words"]):
        assert [point[axis] for point in points] == pytest.approx(word["vector"], rel=1e-6)
    assert panel["title"]["text"] == f"cosine {result['cosines'][0][1]:.3g}"


def test_what_people_read(stratoscope):
    shown = stratoscope.prints("embeddings", *WORDS, "--analogy", "king - man + woman", "--space")
    for part in ("8192 rows of 192 numbers", "nearest tokens", "cosine similarity", "without its words", "with its words"):
        assert part in shown, shown
    stratoscope.prints("embeddings", " man", "--precision", "fp64")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "word: is empty"),
        (["--ids", "8192"], "ids are 0 to 8191"),
        (["--analogy", "king - man +"], "ends without a word"),
        (["--analogy", "king man"], "two words without + or -"),
        (["--analogy", ""], "ends without a word"),
        (["--analogy", '"king'], "quotation mark"),
        (["--analogy", "king - - man"], "a sign without a word"),
        (["a", "--draw", "scatter", "--figure", "x.svg"], "scatter compares two words, not 1"),
        (["a", "b", "--draw", "map", "--figure", "x.svg"], "map needs three words"),
        (["--analogy", "a + b", "--figure", "x.svg"], "matrix needs words"),
    ],
)
def test_what_cannot_be_read(stratoscope, arguments, says):
    stratoscope.fails("embeddings", *arguments, says=says)


def test_usage(stratoscope):
    stratoscope.fails("embeddings", status=2, says="WORDS, --ids or --analogy is required")
    stratoscope.fails("embeddings", "a", "--top", 0, status=2, says="--top")
    stratoscope.fails("embeddings", "a", "--from", "other", status=2, says="--from")


def test_weights_that_are_no_numbers(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["wte.weight"].fill(np.nan))
    result = stratoscope.json("embeddings", "a", "b", "c", "--model", forged)
    assert result["cosines"][0][1] is None and result["norms"]["median"] is None
    for view in ("matrix", "vectors", "map", "nearest"):
        stratoscope.succeeds("embeddings", "a", "b", "c", "--model", forged, "--draw", view, "--figure", "x.svg")
