"""geometry: every measure against NumPy on the hidden states that `run --save` gives."""
import numpy as np
import pytest

import safetensors_io
from program import KAFKA, MODEL, PENGUINS
from random64 import MersenneTwister64, permutation


def states_of(stratoscope, text, *options, at="resid"):
    stratoscope.succeeds("run", text, "--save", "x.npz", "--capture", "resid_post.11", *options)
    with np.load(stratoscope.folder / "x.npz") as arrays:
        states = arrays["hidden_states"].astype(np.float64)
        if at == "resid":
            states[-1] = arrays["blocks.11.hook_resid_post"]
    return states


def mean_cosine(rows):
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return (units @ units.T)[np.triu_indices(len(rows), 1)].mean()


def cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return (np.linalg.norm(y.T @ x) ** 2) / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def debiased_cka(x, y):
    """Song et al. 2012, in matrices; the Gram matrices here are of the rows as they are."""

    def hsic(a, b):
        n = len(a)
        k, l = a @ a.T, b @ b.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(l, 0)
        one = np.ones(n)
        corrected = one @ k @ one * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ l @ one)
        return np.trace(k @ l) + corrected

    return hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))


@pytest.mark.parametrize("at", ["resid", "hidden"])
def test_every_measure_is_numpys(stratoscope, at):
    result = stratoscope.json("geometry", KAFKA, "--at", at)
    states = states_of(stratoscope, KAFKA, at=at)[:, 1:]
    assert [each["index"] for each in result["tokens"]] == list(range(1, 24)) and result["at"] == at
    assert [layer["label"] for layer in result["layers"]] == ["Emb"] + [f"L{i}" for i in range(12)]
    for layer, rows in zip(result["layers"], states):
        norms = np.linalg.norm(rows, axis=1)
        assert layer["norms"] == pytest.approx(norms, rel=1e-6) and layer["mean_norm"] == pytest.approx(norms.mean())
        spread = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
        assert layer["participation_ratio"] == pytest.approx(spread.sum() ** 2 / (spread**2).sum(), rel=1e-9)
        assert layer["anisotropy"] == pytest.approx(mean_cosine(rows), abs=1e-9)
        assert layer["anisotropy_centred"] == pytest.approx(mean_cosine(rows - rows.mean(0)), abs=1e-9)
    for i, x in enumerate(states):
        for j, y in enumerate(states):
            assert result["cka"][i][j] == pytest.approx(cka(x, y), abs=1e-9)
            assert result["cka_debiased"][i][j] == pytest.approx(debiased_cka(x, y), abs=1e-9)


def shuffled(rows, seed):
    random = MersenneTwister64(seed)
    result = rows.copy()
    for column in range(rows.shape[1]):
        result[:, column] = rows[permutation(len(rows), random), column]
    return result


def components_for(rows, share):
    spread = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(spread) / spread.sum(), share) + 1)


def test_components_for_a_share_of_the_variance(stratoscope):
    random = MersenneTwister64(5489)
    assert [random() for _ in range(10000)][-1] == 9981545732273789042
    states = states_of(stratoscope, KAFKA)[:, 1:]
    for share, seed, options in ((0.95, 0, []), (0.5, 7, ["--variance", "0.5", "--seed", 7])):
        result = stratoscope.json("geometry", KAFKA, *options)
        assert result["variance"] == share
        for layer, rows in zip(result["layers"], states):
            assert layer["components"] == components_for(rows, share)
            assert layer["shuffled_components"] == components_for(shuffled(rows, seed), share)
    assert all(layer["components"] < layer["shuffled_components"] for layer in result["layers"])
    everything = stratoscope.json("geometry", KAFKA, "--variance", 1)
    assert all(layer["components"] == 22 for layer in everything["layers"]), "one less than the 23 tokens"
    shown = stratoscope.prints("geometry", KAFKA, "--variance", "0.9")
    assert "principal components for 90 % of the variance" in shown
    stratoscope.succeeds("geometry", KAFKA, "--draw", "dimension", "--figure", "x.svg")
    assert "shuffled" in (stratoscope.folder / "x.svg").read_text()
    for wrong in ("0", "1.01", "-1", "nan"):
        stratoscope.fails("geometry", KAFKA, f"--variance={wrong}", says="variance")


def test_trajectories_are_numpys(stratoscope):
    pca = stratoscope.json("geometry", KAFKA)["pca"]
    states = states_of(stratoscope, KAFKA)[:, 1:]
    rows = states.reshape(-1, states.shape[2])
    _, spread, directions = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    assert pca["explained"] == pytest.approx(spread[:2] ** 2 / (spread**2).sum(), rel=1e-9)
    for k in range(2):
        direction = directions[k] * np.sign(directions[k][np.abs(directions[k]).argmax()])
        expected = ((rows - rows.mean(0)) @ direction).reshape(states.shape[:2])
        for trajectory in pca["trajectories"]:
            along = [point[k] for point in trajectory["points"]]
            assert along == pytest.approx(expected[:, trajectory["index"] - 1], abs=1e-7)


def test_nearest_tokens_are_numpys(stratoscope):
    result = stratoscope.json("geometry", PENGUINS, "--token", "cute", "--top", 4)
    assert result["token"] == {"index": 8, "token": " cute"}
    states = states_of(stratoscope, PENGUINS)[:, 8]
    table = safetensors_io.load(MODEL / "model.safetensors")
    table = next(v for k, v in table.items() if k.endswith("wte.weight")).astype(np.float64)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    for layer, state in zip(result["layers"], states):
        cosines = table @ state / np.linalg.norm(state)
        order = np.argsort(-cosines, kind="stable")[:4]
        assert [each["id"] for each in layer["nearest"]] == list(order)
        assert [each["cosine"] for each in layer["nearest"]] == pytest.approx(cosines[order], abs=1e-9)
    assert result["layers"][0]["nearest"][0]["token"] == " cute"


def test_the_last_depth_may_be_after_the_final_norm(stratoscope):
    hidden, resid = (stratoscope.json("geometry", PENGUINS, *at) for at in (["--at", "hidden"], []))
    assert resid["at"] == "resid" and resid["layers"][:-1] == hidden["layers"][:-1]
    assert resid["layers"][-1]["norms"] != hidden["layers"][-1]["norms"]
    norm = stratoscope.json("activations", PENGUINS, "--token", 8)["layers"][-1]["norm"]
    assert hidden["layers"][-1]["norms"][7] == pytest.approx(norm)
    assert "The last depth is after the final norm." in stratoscope.prints("geometry", PENGUINS, "--at", "hidden")


def test_chosen_tokens_and_edits(stratoscope):
    result = stratoscope.json("geometry", PENGUINS, "--tokens", "5,2:4,-1", "--edit", "blocks.2.hook_resid_post *= 2",
                              "--precision", "fp64")
    assert [each["index"] for each in result["tokens"]] == [2, 3, 5, 9] and "effect" in result
    states = states_of(stratoscope, PENGUINS, "--edit", "blocks.2.hook_resid_post *= 2", "--precision", "fp64")
    for layer, rows in zip(result["layers"], states[:, [2, 3, 5, 9]]):
        assert layer["norms"] == pytest.approx(np.linalg.norm(rows, axis=1), rel=1e-9)
        assert layer["anisotropy"] == pytest.approx(mean_cosine(rows), abs=1e-9)


def test_few_tokens(stratoscope):
    single = stratoscope.succeeds("geometry", "a", "--json")
    assert not single.warnings
    single = stratoscope.json("geometry", "a")
    assert len(single["tokens"]) == 1 and single["cka"] is None and single["cka_debiased"] is None
    assert all(layer[key] is None for key in ("anisotropy", "participation_ratio", "components") for layer in single["layers"])
    assert all(len(layer["norms"]) == 1 and len(layer["nearest"]) == 5 for layer in single["layers"])
    assert sum(single["pca"]["explained"]) <= 1 + 1e-9 and len(single["pca"]["trajectories"]) == 1
    pair = stratoscope.json("geometry", "a b")
    assert [each["index"] for each in pair["tokens"]] == [0, 1], "the first token stays where few are left without it"
    assert pair["layers"][3]["anisotropy_centred"] == pytest.approx(-1)
    assert pair["layers"][3]["participation_ratio"] == pytest.approx(1)
    assert pair["cka"][2][5] == pytest.approx(1) and pair["cka_debiased"] is None
    shown = stratoscope.prints("geometry", "a")
    assert "–" in shown and "nan" not in shown and "need two tokens" in shown
    for text in ("a", "a b"):
        for view in ("measures", "trajectory", "cka", "nearest", "dimension"):
            stratoscope.succeeds("geometry", text, "--draw", view, "--figure", "x.vl.json")


def test_what_people_read(stratoscope):
    shown = stratoscope.prints("geometry", PENGUINS, "--token", "cute")
    for part in ("9 of 10 tokens measured", "dimension", "anisotropy", "CKA to the next", "the first two explain",
                 "nearest tokens of token 8, “ cute”", "The last depth is the last block's output."):
        assert part in shown, shown


def test_weights_that_are_no_numbers(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["wte.weight"].fill(np.nan))
    result = stratoscope.json("geometry", "abcdef", "--model", forged)
    assert result["layers"][0]["anisotropy"] is None and result["pca"]["explained"] == [None, None]
    assert result["layers"][0]["nearest"][0]["cosine"] is None
    stratoscope.prints("geometry", "abcdef", "--model", forged)
    for view in ("measures", "trajectory", "cka", "nearest", "dimension"):
        stratoscope.succeeds("geometry", "abcdef", "--model", forged, "--draw", view, "--figure", "x.svg")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--tokens", "10"], "0 to 9"),
        (["--tokens", ""], "token"),
        (["--tokens", "3:3"], "token"),
        (["--token", "walrus"], "'walrus' is neither an index nor a word"),
        (["--token", "10"], "0 to 9"),
    ],
)
def test_what_is_not_there(stratoscope, arguments, says):
    stratoscope.fails("geometry", PENGUINS, *arguments, "--json", says=says)


def test_usage(stratoscope):
    stratoscope.fails("geometry", PENGUINS, "--draw", "map", status=2, says="--draw")
    stratoscope.fails("geometry", PENGUINS, "--at", "mid", status=2, says="--at")
    stratoscope.fails("geometry", PENGUINS, "--top", "0", status=2, says="--top")
    stratoscope.fails("geometry", "", says="text: is empty")
