"""compare: every statistic against NumPy and plain loops on the values that `run --save` gives, the probe against PyTorch."""
import json
import math

import numpy as np
import pytest
import torch

from random64 import MersenneTwister64, permutation

LOVE = ["I love it", "We adore the fine day", "She likes her friends very much", "He is a happy man", "What a joy",
        "It was a lovely garden", "The child laughed with delight"]
HATE = ["I hate it", "We loathe the foul day", "They fear it", "He is a sad man", "She weeps", "It was a dreadful prison"]


def write_groups(folder, a=LOVE, b=HATE):
    (folder / "a.txt").write_text("\n".join(a) + "\n\n", encoding="utf-8")
    (folder / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in b), encoding="utf-8")


def rows_of(stratoscope, hook, take):
    """`take` of each prompt's values [pos, …] at the hook of every block: [block, prompt, unit]."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in LOVE + HATE)
    (stratoscope.folder / "all.jsonl").write_text(lines, encoding="utf-8")
    stratoscope.succeeds("run", "--texts", "all.jsonl", "--save", "x.npz", "--capture", f"blocks.*.{hook}")
    with np.load(stratoscope.folder / "x.npz") as arrays:
        offsets = arrays["row_offsets"]
        values = [arrays[f"blocks.{layer}.{hook}"].astype(np.float64) for layer in range(12)]
    pieces = list(zip(offsets, offsets[1:]))
    return np.array([[np.ravel(take(value[first:end])) for first, end in pieces] for value in values])


def student_p(t, degrees):
    """By the midpoint rule over the angle with t = sqrt(degrees) tan(angle), where the density is a power of the cosine."""
    if math.isinf(t):
        return 0.0
    count, low = 200_000, math.atan(abs(t) / math.sqrt(degrees))
    angles = low + (np.arange(count) + 0.5) * (math.pi / 2 - low) / count
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(math.pi)
    return 2 * scale * (np.cos(angles) ** (degrees - 1)).sum() * (math.pi / 2 - low) / count


def by_pairs(a, b):
    return np.mean([(x > y) + 0.5 * (x == y) for x in a for y in b])


def check_units(result, rows):
    for unit in result["units"]:
        column = unit["index"] + unit.get("head", 0) * (rows.shape[2] // 6)
        x = rows[unit["layer"]][:, column]
        a, b = x[: len(LOVE)], x[len(LOVE) :]
        va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
        assert unit["mean_a"] == pytest.approx(a.mean(), rel=1e-9) and unit["mean_b"] == pytest.approx(b.mean(), rel=1e-9)
        assert unit["t"] == pytest.approx((a.mean() - b.mean()) / np.sqrt(va + vb), rel=1e-9)
        degrees = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
        assert unit["degrees"] == pytest.approx(degrees, rel=1e-9)
        assert unit["p"] == pytest.approx(student_p(unit["t"], degrees), rel=1e-6)
        pooled = np.sqrt(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / np.sqrt(len(x) - 2)
        assert unit["d"] == pytest.approx((a.mean() - b.mean()) / pooled, rel=1e-9)
        assert unit["auc"] == pytest.approx(by_pairs(a, b), abs=1e-12)
        assert unit["p_bonferroni"] == pytest.approx(min(1, unit["p"] * result["tests"]), rel=1e-12)
        assert unit["bonferroni"] == (unit["p_bonferroni"] <= result["alpha"])
        assert unit["fdr"] == (unit["p_fdr"] <= result["alpha"])


def test_every_unit_is_as_by_hand(stratoscope):
    write_groups(stratoscope.folder)
    result = stratoscope.json("compare", "a.txt", "b.jsonl", "--top", 100_000, "--shuffles", 0)
    rows = rows_of(stratoscope, "hook_resid_post", lambda value: value[-1])
    assert result["groups"] == {"a": 7, "b": 6} and result["position"] == "last" and result["at"] == "hook_resid_post"
    assert result["tests"] == rows.shape[0] * rows.shape[2] == len(result["units"])
    assert {(unit["layer"], unit["index"]) for unit in result["units"]} == set(np.ndindex(12, rows.shape[2]))
    check_units({**result, "units": result["units"][::37]}, rows)
    p = np.array([unit["p"] for unit in result["units"]])
    assert (np.diff(p) >= 0).all()
    count = len(p)
    rates = np.minimum.accumulate((p * count / np.arange(1, count + 1))[::-1])[::-1]
    np.testing.assert_allclose([unit["p_fdr"] for unit in result["units"]], np.minimum(rates, 1), rtol=1e-9)
    for layer in result["layers"]:
        mine = [unit for unit in result["units"] if unit["hook_point"] == layer["hook_point"]]
        assert layer["units"] == len(mine) and layer["fdr"] == sum(unit["fdr"] for unit in mine)
        assert layer["bonferroni"] == sum(unit["bonferroni"] for unit in mine)
        assert layer["probe"]["chance_accuracy"] is None
    assert sum(layer["fdr"] for layer in result["layers"]) == (rates <= 0.05).sum()


@pytest.mark.parametrize(
    ("hook", "position", "take"),
    [
        ("mlp.hook_post", "mean", lambda value: value.mean(0)),
        ("attn.hook_z", "1", lambda value: value[1]),
        ("attn.hook_z", "-2", lambda value: value[-2]),
    ],
)
def test_other_points_and_positions(stratoscope, hook, position, take):
    write_groups(stratoscope.folder)
    arguments = ["--at", hook, f"--position={position}", "--top", 50, "--shuffles", 0]
    result = stratoscope.json("compare", "a.txt", "b.jsonl", *arguments)
    rows = rows_of(stratoscope, hook, take)
    check_units(result, rows)
    best = result["units"][0]
    assert best["unit"] == f"L{best['layer']}" + (f"H{best['head']}" if "head" in best else "") + f"[{best['index']}]"


def test_norms_of_heads(stratoscope):
    write_groups(stratoscope.folder)
    result = stratoscope.json("compare", "a.txt", "b.jsonl", "--at", "attn.hook_z", "--norms", "--top", 100, "--shuffles", 0)
    norms = rows_of(stratoscope, "attn.hook_z", lambda value: np.linalg.norm(value[-1], axis=-1))
    assert result["norms"] is True and result["tests"] == 72 and len(result["units"]) == 72
    for unit in result["units"]:
        assert "index" not in unit and unit["unit"] == f"L{unit['layer']}H{unit['head']}"
        x = norms[unit["layer"]][:, unit["head"]]
        assert unit["mean_a"] == pytest.approx(x[: len(LOVE)].mean(), rel=1e-9)
        assert unit["auc"] == pytest.approx(by_pairs(x[: len(LOVE)], x[len(LOVE) :]), abs=1e-12)
    some = stratoscope.json("compare", "a.txt", "b.jsonl", "--at", "L[2,5]H[1,3]", "--norms", "--shuffles", 0)
    assert {unit["unit"] for unit in some["units"]} == {"L2H1", "L2H3", "L5H1", "L5H3"}
    whole = stratoscope.json("compare", "a.txt", "b.jsonl", "--norms", "--shuffles", 0)
    assert whole["tests"] == 12 and {unit["unit"] for unit in whole["units"]} == {f"L{i}" for i in range(12)}


def folds_of(is_a, folds, seed):
    random, dealt, result = MersenneTwister64(seed), 0, [0] * len(is_a)
    for group in (True, False):
        members = [i for i, value in enumerate(is_a) if value == group]
        for place in permutation(len(members), random):
            result[members[place]] = dealt % folds
            dealt += 1
    return np.array(result)


def probe_scores(x, is_a, unseen):
    """Of PyTorch's logistic regression in double, with the penalty |w|^2 / 2."""
    mean, deviation = x.mean(0), x.std(0)
    x, unseen = torch.tensor((x - mean) / deviation), torch.tensor((unseen - mean) / deviation)
    y = torch.tensor(np.where(is_a, 1.0, -1.0))
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=500, tolerance_grad=1e-10, tolerance_change=0, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        scores = x @ weights[:-1] + weights[-1]
        value = torch.nn.functional.softplus(-y * scores).sum() + (weights[:-1] ** 2).sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    return (unseen @ weights[:-1] + weights[-1]).detach().numpy()


def test_the_probe_is_pytorchs(stratoscope):
    write_groups(stratoscope.folder)
    result = stratoscope.json("compare", "a.txt", "b.jsonl", "--folds", 3, "--shuffles", 4, "--seed", 11)
    rows = rows_of(stratoscope, "hook_resid_post", lambda value: value[-1])
    is_a = np.arange(len(LOVE + HATE)) < len(LOVE)

    def judged(x, labels):
        fold_of, scores = folds_of(labels, 3, 11), np.zeros(len(labels))
        for fold in range(3):
            seen = fold_of != fold
            scores[~seen] = probe_scores(x[seen], labels[seen], x[~seen])
        return ((scores > 0) == labels).mean(), by_pairs(scores[labels], scores[~labels])

    shuffles = [is_a[permutation(len(is_a), MersenneTwister64(11 + 1 + k))] for k in range(4)]
    for layer in (0, 6, 11):
        probe, x = result["layers"][layer]["probe"], rows[layer]
        accuracy, auc = judged(x, is_a)
        assert probe["accuracy"] == pytest.approx(accuracy) and probe["auc"] == pytest.approx(auc)
        chance = [judged(x, labels) for labels in shuffles]
        assert probe["chance_accuracy"] == pytest.approx(np.mean([value for value, _ in chance]))
        assert probe["chance_auc"] == pytest.approx(np.mean([value for _, value in chance]))
        assert probe["p"] == pytest.approx((1 + sum(value >= accuracy for value, _ in chance)) / 5)
    assert stratoscope.json("compare", "a.txt", "b.jsonl", "--folds", 50, "--shuffles", 0)["folds"] == 6


def ranks(values):
    return np.array([(values < value).sum() + ((values == value).sum() + 1) / 2 for value in values])


@pytest.mark.parametrize("by", ["spearman", "pearson"])
def test_rsa(stratoscope, by):
    write_groups(stratoscope.folder)
    result = stratoscope.json("compare", "a.txt", "b.jsonl", "--shuffles", 0, "--correlation", by)
    rows = rows_of(stratoscope, "hook_resid_post", lambda value: value[-1])
    rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    pairs = [(x @ x.T)[np.triu_indices(x.shape[0], 1)] for x in rows]
    if by == "spearman":
        pairs = [ranks(values) for values in pairs]
    np.testing.assert_allclose(result["rsa"]["matrix"], np.corrcoef(pairs), atol=1e-6)
    assert result["rsa"]["correlation"] == by and result["rsa"]["labels"] == [f"L{i}" for i in range(12)]


def test_rsa_with_another_model(stratoscope, tiny_model):
    groups = ["aa bb", "a! b", "ab~"], ["~~", "! !", "b c d"]
    write_groups(stratoscope.folder, *groups)
    alone = stratoscope.json("compare", "a.txt", "b.jsonl", "--shuffles", 0, "--model", tiny_model)
    same = stratoscope.json("compare", "a.txt", "b.jsonl", "--shuffles", 0, "--model", tiny_model, "--with-model", tiny_model)
    assert same["rsa"]["matrix"] == alone["rsa"]["matrix"] and "model" in same["rsa"]
    other = stratoscope.json("compare", "a.txt", "b.jsonl", "--shuffles", 0, "--with-model", tiny_model)
    assert np.shape(other["rsa"]["matrix"]) == (12, 2) and other["rsa"]["labels"] == ["L0", "L1"]
    assert all(abs(value) <= 1 for row in other["rsa"]["matrix"] for value in row)


def test_what_people_read(stratoscope):
    write_groups(stratoscope.folder)
    shown = stratoscope.prints("compare", "a.txt", "b.jsonl", "--shuffles", 3, "--top", 5)
    for part in ("7 prompts of group A, 6 of group B", "the 5 of 2304 units with the smallest p", "probe accuracy",
                 "labels shuffled 3 times", "Bonferroni"):
        assert part in shown, shown
    assert shown == stratoscope.prints("compare", "--group-b", "b.jsonl", "--group-a", "a.txt", "--shuffles", 3, "--top", 5)
    for view, title in (("effects", "Two groups"), ("rsa", "RSA between blocks"), ("prompts", "Similarity between")):
        stratoscope.succeeds("compare", "a.txt", "b.jsonl", "--shuffles", 1, "--draw", view, "--figure", "x.svg")
        assert title in (stratoscope.folder / "x.svg").read_text()


def test_repeated_and_shared_prompts(stratoscope):
    write_groups(stratoscope.folder, [*LOVE, LOVE[0]], [*HATE, LOVE[1]])
    done = stratoscope.succeeds("compare", "a.txt", "b.jsonl", "--shuffles", 0, "--json")
    assert json.loads(done.out)["groups"] == {"a": 7, "b": 7}
    assert any("group A repeats 1 prompts" in text for text in done.warnings)
    assert any("1 prompts are in both groups" in text for text in done.warnings)


def test_the_precision_and_the_threads(stratoscope):
    write_groups(stratoscope.folder)
    arguments = ["compare", "a.txt", "b.jsonl", "--shuffles", 2, "--top", 5]
    assert stratoscope.json(*arguments, "--threads", 1) == stratoscope.json(*arguments, "--threads", 3)
    exact = stratoscope.json(*arguments, "--precision", "fp64")
    assert exact["units"][0]["t"] == pytest.approx(stratoscope.json(*arguments)["units"][0]["t"], rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "hook_resid_pots"], "hook_resid_post"),
        (["--at", "attn.hook_pattern"], "cannot be compared"),
        (["--at", "blocks.3.*"], "matches different hooks"),
        (["--at", "unembed.hook_out"], "cannot be compared"),
        (["--at", "hook_mlp_out[3]"], "selects more than heads"),
        (["--at", "hook_mlp_out.head[3]"], "has no heads"),
        (["--position", "9"], "position of 'I love it': 9 is out of range"),
        (["--position", "middle"], "last, mean, or an index"),
        (["--alpha", "0"], "significance level"),
        (["--penalty", "0"], "penalty"),
        (["--with-model", "no-such-model"], "no-such-model"),
    ],
)
def test_what_is_not_there(stratoscope, arguments, says):
    write_groups(stratoscope.folder)
    stratoscope.fails("compare", "a.txt", "b.jsonl", *arguments, "--shuffles", 0, "--json", says=says)


def test_groups_that_are_none(stratoscope):
    write_groups(stratoscope.folder, ["only one"], HATE)
    stratoscope.fails("compare", "a.txt", "b.jsonl", says="group A has only one prompt")
    stratoscope.fails("compare", "a.txt", "b.jsonl", "--folds", "1", status=2, says="--folds")
    stratoscope.fails("compare", "a.txt", status=2, says="group-b")
    stratoscope.fails("compare", "a.txt", "none.jsonl", says="none.jsonl")
    (stratoscope.folder / "empty.txt").write_text("\n \n")
    stratoscope.fails("compare", "a.txt", "empty.txt", says="holds no text")
