"""Sums of values, numbers chosen by value, selectors by text, noise and arithmetic in braces, against NumPy."""
import numpy as np
import pytest

import safetensors_io
from program import PENGUINS

OTHER = "The old man once said: Penguins are cute."
MLP, Z, LOGITS = "blocks.2.hook_mlp_out", "blocks.2.attn.hook_z", "unembed.hook_out"
MASK = (1 << 64) - 1


@pytest.fixture(params=["fp32", "fp64"])
def value_after(stratoscope, request):
    """Runs with edits of one point and returns that point's value before and after."""
    memory = {}

    def value(point, text, *edits):
        arguments = [part for edit in edits for part in ("--edit", edit)]
        if any("corrupt" in edit for edit in edits):
            arguments += ["--corrupt", OTHER]
        stratoscope.succeeds("run", text, "--save", "x.npz", "--precision", request.param, *arguments, "--capture", point)
        with np.load(stratoscope.folder / "x.npz") as arrays:
            return arrays[point].astype(np.float64)

    def run(point, *edits, text=PENGUINS):
        if (point, text) not in memory:
            memory[point, text] = value(point, text)
        return memory[point, text], value(point, text, *edits)

    return run


def close(after, wanted):
    np.testing.assert_allclose(after, wanted, rtol=2e-5, atol=2e-5)


def test_sums_of_terms(value_after, stratoscope):
    u, v = np.random.default_rng(1).normal(size=(2, 192)).astype(np.float32)
    np.save(stratoscope.folder / "u.npy", u)
    safetensors_io.save(stratoscope.folder / "v.safetensors", {"v": v})
    corrupt, _ = value_after(MLP, text=OTHER)
    clean, _ = value_after(MLP)
    assert corrupt.shape == clean.shape
    sums = {
        "= 0.3 * corrupt + 0.7 * clean": 0.3 * corrupt + 0.7 * clean,
        "= 0.3 * mean + 0.7 * clean": 0.3 * clean.mean(0) + 0.7 * clean,
        "= 2 * u.npy - 0.5 * v.safetensors:v": np.broadcast_to(2.0 * u - 0.5 * v, clean.shape),
        "+= corrupt - clean[-1] + 1": clean + corrupt - clean[-1] + 1,
        "= median - mean(dim)": np.median(clean, 0) - clean.mean(1, keepdims=True),
        "= median(dim)": np.broadcast_to(np.median(clean, 1)[:, None], clean.shape),
        "*= zero + 2 * clean": 2 * clean * clean,
        "= - corrupt[2]": np.broadcast_to(-corrupt[2], clean.shape),
    }
    for written, wanted in sums.items():
        close(value_after(MLP, f"{MLP} {written}")[1], wanted)


def test_clean_is_the_value_of_the_clean_run_and_not_the_present_one(value_after):
    clean, after = value_after(MLP, f"{MLP} *= 3", "blocks.0.hook_resid_post *= 0.5", f"{MLP} = 0.5 * clean")
    close(after, 0.5 * clean)
    # mean(dim) is of the present value.
    _, after = value_after(MLP, f"{MLP} *= 3", f"{MLP} = mean(dim)")
    close(after, np.broadcast_to(3 * clean.mean(1, keepdims=True), clean.shape))


def test_a_mean_of_a_row_is_of_its_head(value_after):
    clean, after = value_after(Z, f"{Z}[2:].head[1] = mean(dim)")
    wanted = clean.copy()
    wanted[2:, 1] = clean[2:, 1].mean(-1, keepdims=True)
    close(after, wanted)


def test_a_matrix_has_a_row_for_each_position(value_after, stratoscope):
    random = np.random.default_rng(2)
    rows, heads = random.normal(size=(10, 192)).astype(np.float32), random.normal(size=(10, 6, 32)).astype(np.float32)
    np.save(stratoscope.folder / "m.npy", rows)
    np.save(stratoscope.folder / "z.npy", heads)
    clean, after = value_after(MLP, f"{MLP}[3,5] += 2 * m.npy")
    wanted = clean.copy()
    wanted[[3, 5]] += 2 * rows[[3, 5]]
    close(after, wanted)
    clean, after = value_after(Z, f"{Z}.head[2] = z.npy")
    wanted = clean.copy()
    wanted[:, 2] = heads[:, 2]
    close(after, wanted)


def test_the_span_of_a_matrix_is_removed(value_after, stratoscope):
    matrix = np.random.default_rng(3).normal(size=(5, 192)).astype(np.float32)
    matrix[3] = 2 * matrix[0]  # dependent rows
    matrix[4] = 0
    np.save(stratoscope.folder / "m.npy", matrix)
    basis = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)[2][:3]
    clean, after = value_after(MLP, f"{MLP}[1:] without m.npy")
    wanted = clean - clean @ basis.T @ basis
    wanted[0] = clean[0]
    close(after, wanted)
    assert np.abs(after[1:] @ matrix.T).max() < 1e-3
    # Within some dimensions.
    basis = np.linalg.svd(matrix[:, 10:60].astype(np.float64), full_matrices=False)[2][:3]
    _, after = value_after(MLP, f"{MLP}.dim[10:60] without m.npy")
    wanted = clean.copy()
    wanted[:, 10:60] -= clean[:, 10:60] @ basis.T @ basis
    close(after, wanted)


@pytest.mark.parametrize(
    ("selector", "count", "largest"), [("top[8%]", 15, True), ("bottom[20]", 20, False), ("top[0.01%]", 1, True)]
)
def test_numbers_chosen_by_value(value_after, selector, count, largest):
    clean, after = value_after(MLP, f"{MLP}[1:].{selector} = mean(dim)")
    wanted = clean.copy()
    for row in wanted[1:]:
        order = np.argsort(-row if largest else row, kind="stable")[:count]
        row[order] = row.mean()
    close(after, wanted)


def test_numbers_chosen_by_value_among_dimensions_and_in_each_head(value_after):
    clean, after = value_after(MLP, f"{MLP}.dim[100:].top[50%] = 7")
    wanted = clean.copy()
    for row in wanted:
        row[100 + np.argsort(-row[100:], kind="stable")[:46]] = 7
    close(after, wanted)
    clean, after = value_after(Z, f"{Z}.head[0,3].bottom[3] = zero")
    wanted = clean.copy()
    for position in wanted:
        for head in (0, 3):
            position[head][np.argsort(position[head], kind="stable")[:3]] = 0
    close(after, wanted)


def test_ties_go_to_the_lower_index(value_after):
    _, after = value_after(MLP, f"{MLP} = 1", f"{MLP}.top[3] = 2", f"{MLP}.bottom[2] = 0")
    np.testing.assert_array_equal(after, np.broadcast_to([2, 2, 2, 0, 0] + [1] * 187, after.shape))


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def bits(seed, point, position, head, index, number):
    name = 0xCBF29CE484222325
    for byte in point.encode():
        name = ((name ^ byte) * 0x100000001B3) & MASK
    return mix(mix(mix(mix(mix(mix(seed) ^ name) ^ position) ^ head) ^ index) ^ number)


def normal(*place):
    for number in range(0, 1000, 2):
        u, v = (2.0**-52 * (bits(*place, number + i) >> 11) - 1 for i in (0, 1))
        s = u * u + v * v
        if 0 < s < 1:
            return u * np.sqrt(-2 * np.log(s) / s)
    raise AssertionError("no number is accepted")


def test_random_numbers_are_those_of_the_documented_generator(value_after):
    clean, after = value_after(Z, f"{Z}[2:].head[1,4].random[10%, seed=3] = 9")
    wanted = clean.copy()
    for position in range(2, len(clean)):
        for head in (1, 4):
            order = [bits(3, Z, position, head, i, 0) for i in range(32)]
            wanted[position, head, np.argsort(np.array(order, np.uint64), kind="stable")[:3]] = 9
    close(after, wanted)


def test_noise_is_that_of_the_documented_generator(value_after):
    clean, after = value_after(MLP, f"{MLP} += noise(0.5, 3)")
    noise = np.array([[normal(3, MLP, p, 0, i) for i in range(192)] for p in range(len(clean))])
    close(after, clean + 0.5 * noise)
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.05
    clean, after = value_after(Z, f"{Z}[4].head[5] = 2 * noise(1)")
    wanted = clean.copy()
    wanted[4, 5] = [2 * normal(0, Z, 4, 5, i) for i in range(32)]
    close(after, wanted)


def test_positions_by_text(value_after, stratoscope):
    tokens = stratoscope.json("tokens", PENGUINS)["tokens"]
    for text in ("Penguins", " said: P", "e", "."):
        whole = "".join(tokens)
        covered = set()
        for start in range(len(whole)):
            if whole.startswith(text, start):
                for i in range(len(tokens)):
                    begin = len("".join(tokens[:i]))
                    if begin < start + len(text) and start < begin + len(tokens[i]):
                        covered.add(i)
        clean, after = value_after(MLP, f'{MLP}["{text}"] = 5')
        wanted = clean.copy()
        wanted[sorted(covered)] = 5
        assert covered
        close(after, wanted)
    clean, after = value_after(MLP, f'{MLP}[0, "said"] = 5')
    assert (after[0] == 5).all() and (after == 5).all(1).sum() == 1 + sum("said" in token for token in tokens)
    # Keys too.
    pattern = "blocks.2.attn.hook_pattern"
    _, after = value_after(pattern, f'{pattern}[-1].key["wise"] = 0.5')
    np.testing.assert_array_equal((after[:, -1] == 0.5).all(0), ["wise" in token for token in tokens])


def test_a_token_of_the_logits_by_text(value_after, stratoscope):
    ids = stratoscope.json("tokens", "A man")["ids"]
    clean, after = value_after(LOGITS, f'{LOGITS}[-1].dim[" man"] += 10')
    wanted = clean.copy()
    wanted[-1, ids[-1]] += 10
    close(after, wanted)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (f'{MLP}["zebra"] = 0', ["does not contain 'zebra'", "“ wise”"]),
        (f'{MLP}.dim[" man"] = 0', ["no axis", "tokens are numbers of unembed.hook_out"]),
        (f'{LOGITS}.dim[" man once"] = 0', ["' man once' is 2 tokens", "“ man”, “ once”"]),
        (f"{MLP}.top[193] = 0", "193 numbers are to be chosen from 192"),
        (f"{MLP}.dim[0:5].top[6] = 0", "6 numbers are to be chosen from 5"),
        ("blocks.2.attn.hook_pattern.top[1] = 0", "takes no .top"),
        ("blocks.2.attn.hook_pattern = median", "takes no median: its rows see different keys"),
        ("blocks.2.attn.hook_pattern = mean(dim)", "takes no mean(dim)"),
        (f"{MLP} = m.npy", ["shape [3, 192]", "a row for each of the 10 positions"]),
        (f"{MLP}.top[5] without m.npy", "not removed from numbers chosen by value"),
        (f"{MLP} without m.npy + mean", "no term of a sum"),
        (f"{MLP} without zero.npy", "has no direction"),
        (f"{MLP} without 0 * mean + zero", "has no direction"),
        (f"{MLP} = 0.5*corrupt+1", "with spaces around + and -"),
        (f"{MLP} = 0.5 * corrupt + 0.5 * clean", "the value 'corrupt' needs a text"),
        (f"{MLP} = clean[10]", "10 is out of range"),
    ],
)
def test_what_is_refused(stratoscope, edit, says):
    np.save(stratoscope.folder / "m.npy", np.ones((3, 192), np.float32))
    np.save(stratoscope.folder / "zero.npy", np.zeros((3, 192), np.float32))
    stratoscope.fails("predict", PENGUINS, "--json", "--edit", edit, says=says)


def swept(stratoscope, edit, *over, corrupt=()):
    result = stratoscope.json("sweep", PENGUINS, "--target-id", 300, "--edit", edit, *corrupt, *over)
    return [point["value"] for point in result["results"]]


def test_arithmetic_in_the_braces_of_a_sweep(stratoscope):
    corrupt = ["--corrupt", OTHER]
    values = swept(stratoscope, f"{MLP} = {{1-w}} * clean + {{w}} * corrupt", "--over", "w=0,0.25,1", corrupt=corrupt)
    assert len(set(values)) == 3
    for w, value in zip((0, 0.25, 1), values):
        assert swept(stratoscope, f"{MLP} = {1 - w} * clean + {w} * corrupt", corrupt=corrupt) == [value]
    values = swept(stratoscope, "blocks.{(layer+1)*2}.hook_mlp_out *= {-layer/4}", "--over", "layer=0..4")
    assert values == [swept(stratoscope, f"blocks.{(i + 1) * 2}.hook_mlp_out *= {-i / 4}")[0] for i in range(5)]
    assert values[0] != values[1]


@pytest.mark.parametrize(
    ("edit", "place", "says"),
    [
        (f"{MLP} *= {{1-}}", 28, "'{1-}' is not a placeholder"),
        (f"{MLP} *= {{(w}}", 28, "'{(w}' is not a placeholder"),
        (f"{MLP} *= {{w w}}", 28, "'{w w}' is not a placeholder"),
        (f"{MLP} *= {{}}", 25, "'{}' is not a placeholder"),
        (f"{MLP} *= {{1+1}}", 25, "names no axis"),
        (f"{MLP} *= {{1/w}}", 25, "'{1/w}' is not finite for w=0"),
        (f"{MLP} *= {{2*v}}", 28, "{v} has no axis"),
        (f"{MLP} *= {{2*name}}", 28, "the value 'a' of the axis name is not a number"),
    ],
)
def test_a_caret_stands_under_arithmetic(stratoscope, edit, place, says):
    axes = [part for name, values in (("w", "0,1"), ("name", "a")) if name in edit for part in ("--over", f"{name}={values}")]
    result = stratoscope.fails("sweep", PENGUINS, "--metric", "kl", "--json", "--edit", edit, *axes, says=says)
    shown, caret = result.err.splitlines()[-3:-1]
    assert shown == "  " + edit and caret == "  " + " " * place + "^"


def test_texts_act_in_generation_and_attribution(stratoscope):
    by_text = stratoscope.json("generate", "A wise man", "--max-new", 4, "--edit-scope", "all", "--edit", f'{MLP}["wise"] *= -3')
    by_index = stratoscope.json("generate", "A wise man", "--max-new", 4, "--edit-scope", "all", "--edit", f"{MLP}[1] *= -3")
    assert by_text["tokens"] == by_index["tokens"]
    by_text, by_index = (
        stratoscope.json("attribution", PENGUINS, "--target-id", 300, "--position", 1, "--edit", f"{MLP}[{place}] *= -3")
        for place in ('"wise"', 1)
    )
    assert by_text["components"] == by_index["components"]
