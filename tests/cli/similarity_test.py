"""`activations` and `similarity`: the first two demonstrations."""
import numpy as np
import pytest

from program import PENGUINS

LABELS = ["Emb", *(f"L{i}" for i in range(12))]


def test_activations_of_the_notebooks_token(stratoscope, golden, golden_json):
    expected = golden_json("demo12")
    result = stratoscope.json("activations", PENGUINS)
    assert result["token"] == {"index": 8, "token": " cute"}
    assert [layer["label"] for layer in result["layers"]] == LABELS
    np.testing.assert_allclose([layer["variance"] for layer in result["layers"]], expected["variance"], rtol=1e-5)
    states = golden("penguins")["hidden_states"][:, 8].astype(np.float64)
    for key, values in {
        "mean": states.mean(1),
        "min": states.min(1),
        "max": states.max(1),
        "norm": np.linalg.norm(states, axis=1),
        "variance": states.var(1, ddof=1),
    }.items():
        printed = [layer[key] for layer in result["layers"]]
        np.testing.assert_allclose(printed, values, rtol=2e-5, atol=1e-4, err_msg=key)


@pytest.mark.parametrize(
    ("chosen", "index"),
    [("0", 0), ("-1", 9), ("-10", 0), ("Penguins", 6), (" Penguins", 6), ("cute", 8), ("A", 0), ("once said", 4)],
)
def test_a_token_is_an_index_or_a_word(stratoscope, chosen, index):
    assert stratoscope.json("activations", PENGUINS, "--token", chosen)["token"]["index"] == index


def test_a_word_of_several_pieces_is_its_last(stratoscope):
    tokens = stratoscope.json("tokens", "so quoted was quoted")
    result = stratoscope.json("activations", "so quoted was quoted", "--token", "quoted")
    assert result["token"] == {"index": 2, "token": tokens["tokens"][2]}
    assert result["token"]["token"] == "oted"


@pytest.mark.parametrize("chosen", ["10", "-11"])
def test_a_token_out_of_range_gives_the_range(stratoscope, chosen):
    stratoscope.fails("activations", PENGUINS, "--token", chosen, "--json", says="0 to 9, or -10 to -1")


def test_a_word_that_is_not_there(stratoscope):
    stratoscope.fails("activations", PENGUINS, "--token", "walrus", says=["'walrus'", "tokens"])
    stratoscope.fails("activations", PENGUINS, "--token", "", says="empty")


def test_a_shorter_texts_last_token_is_the_default(stratoscope):
    assert stratoscope.json("activations", "A wise man")["token"] == {"index": 2, "token": " man"}


def test_activations_for_people(stratoscope):
    text = stratoscope.prints("activations", PENGUINS)
    assert "token 8, “ cute”" in text and "after the final norm" in text
    assert sum(line.split()[:1] == ["L7"] for line in text.splitlines()) == 1


def test_similarity_across_layers_is_the_goldens(stratoscope, golden_json):
    expected = golden_json("demo12")
    result = stratoscope.json("similarity", PENGUINS, "--across", "layers")
    assert [token["index"] for token in result["tokens"]] == expected["tokens"] == [0, 3, 6, 9]
    assert [token["token"] for token in result["tokens"]] == ["A", " once", " Penguins", "."]
    assert result["labels"] == LABELS
    np.testing.assert_allclose(result["matrices"], expected["across_layers"], atol=1e-5)


def test_similarity_across_tokens_is_the_goldens(stratoscope, golden_json):
    expected = golden_json("demo12")
    result = stratoscope.json("similarity", PENGUINS, "--across", "tokens")
    assert [layer["index"] for layer in result["layers"]] == expected["layers"] == [0, 4, 8, 12]
    assert [layer["label"] for layer in result["layers"]] == ["Emb", "L3", "L7", "L11"]
    assert "".join(result["tokens"]) == PENGUINS
    np.testing.assert_allclose(result["matrices"], expected["across_tokens"], atol=1e-5)


def test_the_laminar_profile_is_the_goldens(stratoscope, golden_json):
    expected = np.array(golden_json("demo12")["profile"])
    layers = stratoscope.json("similarity", PENGUINS, "--profile")["layers"]
    assert [layer["label"] for layer in layers] == LABELS
    np.testing.assert_allclose([layer["values"] for layer in layers], expected, atol=1e-5)
    np.testing.assert_allclose([layer["mean"] for layer in layers], expected.mean(1), atol=1e-5)
    np.testing.assert_allclose([layer["median"] for layer in layers], np.median(expected, 1), atol=1e-5)


@pytest.mark.parametrize("text", ["A", "A wise"])
def test_a_profile_of_fewer_than_three_tokens_is_empty(stratoscope, text):
    layers = stratoscope.json("similarity", text, "--profile")["layers"]
    assert all((layer["values"], layer["mean"], layer["median"]) == ([], None, None) for layer in layers)
    assert "at least three tokens" in stratoscope.prints("similarity", text, "--profile")


def test_chosen_tokens_keep_their_order(stratoscope):
    result = stratoscope.json("similarity", PENGUINS, "--across", "layers", "--tokens", "-2,0,3..5")
    assert [token["index"] for token in result["tokens"]] == [8, 0, 3, 4, 5]
    assert len(result["matrices"]) == 5
    assert stratoscope.json("similarity", PENGUINS, "--across", "layers", "--tokens", "-2")["tokens"][0]["index"] == 8


def test_chosen_layers_count_hidden_states(stratoscope):
    result = stratoscope.json("similarity", PENGUINS, "--across", "tokens", "--layers", "-1,-2,0")
    assert [(layer["index"], layer["label"]) for layer in result["layers"]] == [(12, "L11"), (11, "L10"), (0, "Emb")]
    everything = stratoscope.json("similarity", PENGUINS, "--across", "tokens", "--layers", "all")
    assert [layer["label"] for layer in everything["layers"]] == LABELS


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--across", "layers", "--tokens", "10"], "0 to 9, or -10 to -1"),
        (["--across", "layers", "--tokens", "0,,1"], "empty place"),
        (["--across", "layers", "--tokens", "x"], "is not an index"),
        (["--across", "layers", "--tokens", ""], "empty place"),
        (["--across", "tokens", "--layers", "13"], "0 to 12, or -13 to -1"),
        (["--across", "tokens", "--layers", "5..2"], "is empty"),
    ],
)
def test_bad_choices(stratoscope, options, says):
    stratoscope.fails("similarity", PENGUINS, *options, "--json", says=says)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--across", "layers", "--profile"],
        ["--across", "heads"],
        ["--profile", "--tokens", "0"],
        ["--across", "tokens", "--tokens", "0"],
        ["--across", "layers", "--layers", "0"],
    ],
)
def test_combinations_that_mean_nothing(stratoscope, options):
    stratoscope.fails("similarity", PENGUINS, *options, status=2)


def test_similarity_for_people(stratoscope):
    layers = stratoscope.prints("similarity", PENGUINS, "--across", "layers")
    assert "token 6, “ Penguins”" in layers and "0.95" in layers
    tokens = stratoscope.prints("similarity", PENGUINS, "--across", "tokens")
    assert "depth Emb" in tokens and "“ Penguins”" in tokens
    profile = stratoscope.prints("similarity", PENGUINS, "--profile")
    assert "laminar profile" in profile and "  36  " in profile


def test_a_wide_table_says_where_the_rest_is(stratoscope):
    text = " ".join(["one two three four five"] * 8)
    result = stratoscope.prints("similarity", text, "--across", "tokens", "--layers", "0")
    assert "more columns; --json has them" in result


def test_an_edit_comes_first(stratoscope):
    edit = ["--edit", "blocks.0.hook_resid_pre = 0"]
    result = stratoscope.json("similarity", PENGUINS, "--across", "tokens", "--layers", "0", *edit)
    assert not np.any(result["matrices"])  # the cosine of a zero vector is 0
    assert result["effect"]["kl"] > 0
