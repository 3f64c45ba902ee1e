"""The grammar of --edit, and the effects of edits."""
import json
import re

import numpy as np
import pytest

import safetensors_io
from program import PENGUINS, refuse_constant

RESIDUAL = ["hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out"]
OTHERS = [
    "hook_embed",
    "hook_pos_embed",
    *(
        "blocks.3." + name
        for name in (
            *(f"{norm}.hook_{part}" for norm in ("ln1", "ln2") for part in ("scale", "normalized", "out")),
            *("attn.hook_" + part for part in ("q", "k", "v", "attn_scores", "pattern", "z", "result")),
            *("mlp.hook_pre", "mlp.hook_post"),
        )
    ),
    "ln_final.hook_scale",
    "ln_final.hook_normalized",
    "unembed.hook_in",
    "unembed.hook_out",
]


@pytest.fixture
def value_after(stratoscope):
    """Runs with edits of one point and returns that point's value before and after."""

    def value(point, text, *arguments):
        stratoscope.succeeds("run", text, "--save", "x.npz", *arguments, "--capture", point)
        with np.load(stratoscope.folder / "x.npz") as arrays:
            return arrays[point]

    clean = {}

    def run(point, *edits, options=(), text=PENGUINS):
        if (point, text) not in clean:
            clean[point, text] = value(point, text)
        edited = value(point, text, *(argument for edit in edits for argument in ("--edit", edit)), *options)
        return clean[point, text], edited

    return run


@pytest.mark.parametrize("point", [f"blocks.3.{name}" for name in RESIDUAL])
def test_every_operator_on_the_residual_stream(value_after, stratoscope, point):
    vector = np.random.default_rng(2).normal(size=192).astype(np.float32)
    np.save(stratoscope.folder / "v.npy", vector)
    direction = vector / np.linalg.norm(vector)
    changed = {
        "*= 0.8": lambda x: x * np.float32(0.8),
        "*= -2e0": lambda x: x * -2,
        "+= 1.5": lambda x: x + 1.5,
        "= 3": lambda x: np.full_like(x, 3),
        "= zero": lambda x: np.zeros_like(x),
        "= mean": lambda x: np.broadcast_to(x.mean(0), x.shape),
        "= v.npy": lambda x: np.broadcast_to(vector, x.shape),
        "+= 4 * v.npy": lambda x: x + 4 * vector,
        "*= v.npy": lambda x: x * vector,
        "without v.npy": lambda x: x - np.outer(x @ direction, direction),
    }
    for operation, expected in changed.items():
        before, after = value_after(point, f"{point} {operation}")
        np.testing.assert_allclose(after, expected(before), rtol=2e-5, atol=1e-4, err_msg=operation)


@pytest.mark.parametrize("point", [f"blocks.3.{name}" for name in RESIDUAL])
def test_selectors_on_the_residual_stream(value_after, point):
    for operation, factor, sum in (("*= 2", 2, 0), ("+= 1", 1, 1), ("= 3", 0, 3)):
        before, after = value_after(point, f"{point}[2,-3:].dim[0..9,-1] {operation}")
        wanted, chosen = before.copy(), np.ix_([2, 7, 8, 9], [*range(10), 191])
        wanted[chosen] = factor * wanted[chosen] + sum
        np.testing.assert_allclose(after, wanted, rtol=1e-6, atol=1e-6, err_msg=operation)


def test_a_vector_may_come_from_a_safetensors_file(value_after, stratoscope):
    vector = np.arange(192, dtype=np.float32)
    safetensors_io.save(stratoscope.folder / "v.safetensors", {"a:b": vector, "row": vector[None]})
    for tensor in ("a:b", "row"):
        _, after = value_after("blocks.0.hook_mlp_out", f"blocks.0.hook_mlp_out = -0.5 * v.safetensors:{tensor}")
        np.testing.assert_array_equal(after, np.broadcast_to(-0.5 * vector, after.shape))


def test_corrupt_takes_the_value_of_another_text(value_after, stratoscope):
    other, point = "A poor man once said: Tigers are loud.", "blocks.2.hook_resid_post"
    texts = [PENGUINS, other]
    counts = [stratoscope.json("tokens", text)["count"] for text in texts]
    corrupt, _ = value_after(point, text=other)
    _, one = value_after(point, f"{point}[1] = corrupt[-1]", options=["--corrupt", other])
    np.testing.assert_array_equal(one[1], corrupt[-1])
    if counts[0] == counts[1]:
        _, after = value_after(point, f"{point} = corrupt", options=["--corrupt", other])
        np.testing.assert_array_equal(after, corrupt)


def test_corrupt_of_the_same_text_changes_nothing(value_after):
    point = "blocks.2.hook_attn_out"
    before, after = value_after(point, f"{point} = corrupt", options=["--corrupt", PENGUINS])
    assert before.tobytes() == after.tobytes()


def test_corrupt_of_another_length_needs_a_position(stratoscope):
    edit = ["--edit", "blocks.2.hook_resid_post = corrupt", "--corrupt", "A wise"]
    for command in (["predict"], ["run", "--save", "x.npz"], ["verify"], ["sweep", "--metric", "kl"]):
        says = ["has 10 tokens", "--corrupt 2", "corrupt[-1]"]
        result = stratoscope.fails(*command, PENGUINS, *edit, "--json", says=says)
        for token in ("“ wise”", "“ Penguins”", "“.”"):  # both tokenisations, side by side
            assert token in result.err
        assert result.err.count("“ wise”") == 2


def test_corrupt_without_a_text(stratoscope):
    stratoscope.fails("predict", PENGUINS, "--edit", "blocks.2.hook_resid_post = corrupt", says="--corrupt TEXT")


def test_multiplying_by_one_changes_no_bit(stratoscope):
    stratoscope.succeeds("run", PENGUINS, "--save", "clean.npz", "--capture", "*")
    stratoscope.succeeds("run", PENGUINS, "--save", "edited.npz", "--edit", "* *= 1", "--capture", "*")
    with np.load(stratoscope.folder / "clean.npz") as clean, np.load(stratoscope.folder / "edited.npz") as edited:
        for name in clean:
            assert clean[name].tobytes() == edited[name].tobytes(), name


def test_edits_act_in_the_order_given(value_after):
    point = "blocks.1.hook_mlp_out"
    _, first = value_after(point, f"{point} *= 2", f"{point} += 1")
    before, second = value_after(point, f"{point} += 1", f"{point} *= 2")
    np.testing.assert_allclose(first, 2 * before + 1, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(second, 2 * (before + 1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("transformer.h.3", "blocks.3.hook_resid_post"),
        ("transformer.h.-1", "blocks.11.hook_resid_post"),
        ("transformer.h.3.attn", "blocks.3.hook_attn_out"),
        ("transformer.h.3.mlp", "blocks.3.hook_mlp_out"),
        ("transformer.h.3.mlp.act", "blocks.3.mlp.hook_post"),
        ("transformer.h.3.ln_1", "blocks.3.ln1.hook_out"),
        ("transformer.h.3.ln_2", "blocks.3.ln2.hook_out"),
        ("transformer.drop", "blocks.0.hook_resid_pre"),
        ("hidden_states.4", "blocks.4.hook_resid_pre"),
        ("blocks.-9.hook_mlp_out", "blocks.3.hook_mlp_out"),
        ("blocks.3.hook_mlp_ou?", "blocks.3.hook_mlp_out"),
    ],
)
def test_a_point_has_more_than_one_name(value_after, name, point):
    _, after = value_after(point, f"{name} = 7")
    assert set(after.ravel()) == {7}


def test_a_glob_edits_every_match(stratoscope):
    clean, edited = (
        stratoscope.json("predict", PENGUINS, *edits)["predictions"][0]["logit"]
        for edits in (
            ["--edit", "blocks.*.hook_attn_out = 0", "--edit", "blocks.*.hook_mlp_out = 0"],
            [a for i in range(12) for part in ("attn", "mlp") for a in ("--edit", f"blocks.{i}.hook_{part}_out=0")],
        )
    )
    assert clean == edited


def predicted(stratoscope, *edits):
    return stratoscope.json("predict", PENGUINS, *(part for edit in edits for part in ("--edit", edit)))


@pytest.mark.parametrize(
    ("listed", "blocks"),
    [("[8..11]", [8, 9, 10, 11]), ("[0,2:5,-1]", [0, 2, 3, 4, 11]), ("[10:]", [10, 11]), ("[3]", [3])],
)
def test_a_list_of_blocks_edits_each_of_them(stratoscope, listed, blocks):
    by_list = predicted(stratoscope, f"blocks.{listed}.hook_mlp_out *= 0")
    one_by_one = predicted(stratoscope, *(f"blocks.{i}.hook_mlp_out *= 0" for i in blocks))
    assert by_list["predictions"] == one_by_one["predictions"]
    names = [f"blocks.{i}.hook_mlp_out" for i in blocks]
    assert by_list["globs"] == [{"expression": f"blocks.{listed}.hook_mlp_out *= 0", "hook_points": names}]
    assert "globs" not in one_by_one


def test_what_a_glob_means_is_said(stratoscope, tmp_path):
    edit = "blocks.*.hook_mlp_out *= 1"
    says = f"'{edit}' means 12 hook points: blocks.0.hook_mlp_out, blocks.1.hook_mlp_out"
    for command in (["predict"], ["lens"], ["generate", "--max-new", "2"], ["run", "--save", tmp_path / "a.npz"]):
        assert says in stratoscope.prints(*command, PENGUINS, "--edit", edit), command
    assert "means 1 hook point: blocks.11.hook_mlp_out" in stratoscope.prints("predict", PENGUINS, "--edit", "blocks.[-1].hook_mlp_out *= 1")
    swept = stratoscope.json("sweep", PENGUINS, "--edit", "blocks.[0..{last}].hook_mlp_out *= 0", "--over", "last=1,2", "--target", " They")
    assert swept["globs"][0]["hook_points"] == ["blocks.0.hook_mlp_out", "blocks.1.hook_mlp_out"]
    saved = stratoscope.json("run", PENGUINS, "--save", tmp_path / "b.npz", "--capture", "blocks.[0,-1].hook_mlp_out", "ln_final.*")
    assert [len(glob["hook_points"]) for glob in saved["globs"]] == [2, 2]


@pytest.mark.parametrize("spelling", ["blocks.3.hook_mlp_out*=0.5", "  blocks.3.hook_mlp_out  [ 0 , 1 ]  *=  .5e0  "])
def test_spaces_do_not_matter(value_after, spelling):
    before, after = value_after("blocks.3.hook_mlp_out", spelling)
    np.testing.assert_allclose(after[:2], before[:2] * 0.5)


@pytest.mark.parametrize(
    ("edit", "place", "says"),
    [
        ("", 0, "name is expected"),
        ("[a,b]", 0, "name is expected"),
        ("*= 2", 0, "name is expected"),
        ("blocks.0.hook_resid_post", 24, "an operator is expected"),
        ("blocks.0.hook_resid_post 0.8", 25, "not an operator"),
        ("blocks.0.hook_resid_post /= 2", 25, "not an operator"),
        ("blocks.0.hook_resid_post == 2", 25, "not an operator"),
        ("blocks.0.hook_resid_post[2:5 *= 0", 24, "not closed"),
        ("blocks.0.hook_resid_post[1][2] *= 0", 27, "given twice"),
        ("blocks.0.hook_resid_post *=", 27, "a value is expected"),
        ("blocks.0.hook_resid_post *= nan", 28, "not finite"),
        ("blocks.0.hook_resid_post *= inf", 28, "not finite"),
        ("blocks.0.hook_resid_post *= 1e400", 28, "not finite"),
        ("blocks.0.hook_resid_post *= 1e39", 28, "not finite"),
        ("blocks.0.hook_resid_post *= twice", 28, "is not a value"),
        ("blocks.0.hook_resid_post *= 0,8", 28, "is not a value"),
        ("blocks.0.hook_resid_post *= 2 *", 31, "a vector is expected"),
        ("blocks.0.hook_resid_post += 2 * 3", 32, "is not a value"),
        ("blocks.0.hook_resid_post += v.safetensors", 28, "name the tensor"),
        ("blocks.0.hook_resid_post += v.safetensors:", 42, "name is missing"),
        ("blocks.0.hook_resid_post without 2", 33, "needs a direction"),
        ("blocks.0.hook_resid_post without zero", 33, "needs a direction"),
        ("blocks.0.hook_resid_post = corrupt[1", 34, "not closed"),
        ("blocks.0.hook_resid_post = corrupt[1] x", 37, "should end here"),
        ("blocks.é.hook_resid_post *= 2", 7, "not an operator"),
        ("blocks.[8-11].hook_mlp_out *= 0", 8, "'8-11' is not an index"),
        ("blocks.[0,x].hook_mlp_out *= 0", 10, "'x' is not an index"),
    ],
)
def test_a_caret_stands_under_the_place(stratoscope, edit, place, says):
    result = stratoscope.fails("predict", PENGUINS, "--json", "--edit", edit, says=says)
    shown, caret = result.err.splitlines()[-3:-1]
    assert shown == "  " + edit
    assert caret == "  " + " " * place + "^"


@pytest.mark.parametrize("point", OTHERS)
def test_every_other_point_is_edited_too(value_after, point):
    before, after = value_after(point, f"{point}[1] *= 2")
    axis = 1 if "scores" in point or "pattern" in point else 0  # [head, pos, key]
    wanted = np.moveaxis(before.copy(), axis, 0)
    wanted[1] *= 2
    np.testing.assert_array_equal(np.moveaxis(after, axis, 0), wanted)


def test_heads_keys_and_shorthand(value_after):
    before, after = value_after("blocks.3.attn.hook_z", "L3H1 = zero")
    wanted = before.copy()
    wanted[:, 1] = 0
    np.testing.assert_array_equal(after, wanted)
    before, after = value_after("blocks.3.attn.hook_pattern", "pattern.3[4:].head[0,-1].key[0] = 0.25")
    wanted = before.copy()
    wanted[np.ix_([0, -1], range(4, before.shape[1]), [0])] = 0.25
    np.testing.assert_array_equal(after, wanted)
    before, after = value_after("blocks.3.attn.hook_attn_scores", "scores.3 = 1")
    np.testing.assert_array_equal(after, np.where(np.isinf(before), before, 1))  # what is masked stays masked


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ("blocks.3.hook_resid_pots *= 2", "did you mean 'blocks.3.hook_resid_post'"),
        ("blocks.3.hook_atn_out *= 2", "'blocks.3.hook_attn_out'"),
        ("blocks.12.hook_resid_post *= 2", "0 to 11, or -12 to -1"),
        ("blocks.-13.hook_resid_post *= 2", "0 to 11, or -12 to -1"),
        ("blocks.99999999999999999999.hook_resid_post *= 2", "blocks.99999999999999999999"),
        ("hidden_states.13 *= 2", "0 to 12"),
        ("blocks.0.attn.hook_pattern = mean", "takes no mean"),
        ("blocks.0.attn.hook_pattern.dim[0] = 0", ["no axis", ".dim", "[head, pos, key]"]),
        ("blocks.0.attn.hook_z.head[6] = 0", "0 to 5"),
        ("L0H6 = 0", "0 to 5"),
        ("L0H1.head[1] = 0", "names heads"),
        ("transformer.h.12 *= 2", "0 to 11"),
        ("transformer.h.0.attn.c_attn *= 2", ["'blocks.0.attn.hook_q'", "'blocks.0.attn.hook_v'"]),
        ("transformer.h.0.attn.c_proj.input *= 2", "'blocks.0.attn.hook_z'"),
        ("blocks.*.hook_nothing *= 2", "matches no hook point"),
        ("blocks.0.hook_resid_post[10] *= 2", "0 to 9, or -10 to -1"),
        ("blocks.0.hook_resid_post[5:2] *= 2", "is empty"),
        ("blocks.0.hook_resid_post[] *= 2", "empty place"),
        ("blocks.0.hook_resid_post[x] *= 2", "is not an index"),
        ("blocks.0.hook_resid_post.dim[192] *= 2", "0 to 191"),
        ("blocks.0.hook_resid_post.head[0] *= 2", ["no axis", ".head", "[pos, d]"]),
        ("blocks.0.hook_resid_post.key[0] *= 2", ["no axis", ".key"]),
        ("blocks.0.hook_resid_post += none.npy", "none.npy: cannot be read"),
        ("blocks.0.hook_resid_post += none.safetensors:x", "none.safetensors: cannot be read"),
    ],
)
def test_names_and_indices_that_are_not_there(stratoscope, edit, says):
    stratoscope.fails("predict", PENGUINS, "--json", "--edit", edit, says=says)


@pytest.mark.parametrize(
    ("vector", "says"),
    [
        (np.ones(191, np.float32), ["[191]", "[192]"]),
        (np.ones((12, 16), np.float32), "[12, 16]"),
        (np.ones((), np.float32), "[192]"),
        (np.full(192, np.nan, np.float32), "NaN or infinity"),
        (np.array(["text"] * 192), "v.npy"),
    ],
)
def test_vectors_that_do_not_fit(stratoscope, vector, says):
    np.save(stratoscope.folder / "v.npy", vector)
    stratoscope.fails("predict", PENGUINS, "--json", "--edit", "blocks.0.hook_resid_post += v.npy", says=says)


def test_a_zero_vector_has_no_direction(stratoscope):
    np.save(stratoscope.folder / "v.npy", np.zeros(192, np.float32))
    stratoscope.fails("predict", PENGUINS, "--edit", "blocks.0.hook_resid_post without v.npy", says="no direction")


def test_a_tensor_that_is_not_in_the_file(stratoscope):
    safetensors_io.save(stratoscope.folder / "v.safetensors", {"there": np.ones(192, np.float32)})
    stratoscope.fails("predict", PENGUINS, "--edit", "blocks.0.hook_resid_post += v.safetensors:not", says="'not'")


@pytest.mark.parametrize(
    "command",
    [
        ["activations"],
        ["similarity", "--profile"],
        ["similarity", "--across", "layers"],
        ["similarity", "--across", "tokens"],
        ["verify"],
        ["run", "--save", "x.npz"],
        ["run", "--save", "x.npz", "--stop-at", "3"],
        ["predict"],
        ["predict", "--position", "2"],
        ["lens"],
        ["attention"],
        ["sweep", "--metric", "kl"],
        ["generate", "--max-new", "3"],
        ["generate", "--max-new", "1", "--edit-scope", "all"],
    ],
    ids=" ".join,
)
def test_every_command_that_runs_takes_and_refuses_edits(stratoscope, command):
    with_edit = [*command, PENGUINS, "--edit", "blocks.0.hook_mlp_out = 0"]
    result = stratoscope.json(*with_edit)
    assert result["effect"].keys() == {"kl", "max_change"} and result["effect"]["max_change"] > 0
    assert re.search("effect of the edits: KL", stratoscope.prints(*with_edit))
    (stratoscope.folder / "x.npz").unlink(missing_ok=True)
    stratoscope.fails(*command, PENGUINS, "--edit", "blocks.0.hook_nonsense = 0", "--json", says="hook_nonsense")


COMMANDS = {
    "predict": ["predict", PENGUINS],
    "predict-all": ["predict", PENGUINS, "--all"],
    "predict-before": ["predict", PENGUINS, "--position", "0"],
    "activations": ["activations", PENGUINS],
    "across-layers": ["similarity", PENGUINS, "--across", "layers"],
    "across-tokens": ["similarity", PENGUINS, "--across", "tokens"],
    "profile": ["similarity", PENGUINS, "--profile"],
    "lens": ["lens", PENGUINS],
    "attention": ["attention", PENGUINS],
    "verify": ["verify", PENGUINS],
    "run": ["run", PENGUINS, "--save", "a.npz"],
    "stopped": ["run", PENGUINS, "--save", "a.npz", "--stop-at", "4"],
    "generate": ["generate", PENGUINS, "--edit-scope", "all", "--max-new", "3"],
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("edits", "place"),
    [
        # The edit itself writes only finite numbers.
        (["blocks.3.ln2.hook_scale[2] = 0"], ("blocks.3.ln2.hook_normalized", 2)),
        (["blocks.2.hook_mlp_out[4] *= 1e38", "blocks.2.hook_mlp_out[4] *= 1e38"], ("blocks.2.hook_mlp_out", 4)),
        (["L3H1.pattern[5] = 3e38", "L3H1.v = 2"], ("blocks.3.attn.hook_z", 5)),
    ],
    ids=["norm", "overflow", "attention"],
)
def test_what_an_edit_spoils_is_named(stratoscope, name, edits, place):
    command = [*COMMANDS[name], *(argument for edit in edits for argument in ("--edit", edit))]
    warning = f"an edit made numbers that are not finite, first at {place[0]}, position {place[1]}"
    result = stratoscope.run(*command, "--json")
    if name == "generate":  # no token can be chosen any more
        assert result.status == 1 and warning in result.error
        return
    assert result.status == 0, result.err
    assert warning in result.warnings
    document = json.loads(result.out, parse_constant=refuse_constant)
    assert document["effect"]["nonfinite"] == {"hook_point": place[0], "text": 0, "position": place[1]}
    assert warning in stratoscope.succeeds(*command).warnings


def test_what_an_edit_spoils_and_a_later_one_mends(stratoscope):
    edits = ["blocks.3.ln2.hook_scale[2] = 0", "blocks.3.hook_mlp_out = 0"]
    result = stratoscope.succeeds("predict", PENGUINS, *(a for edit in edits for a in ("--edit", edit)))
    assert result.warnings == []


def test_an_infinity_that_later_vanishes_is_named(stratoscope):
    """Divided by it everything is 0, and finite again."""
    edits = ["ln1_scale.3[2] *= 1e38", "ln1_scale.3[2] *= 1e38"]
    result = stratoscope.succeeds("predict", PENGUINS, *(a for edit in edits for a in ("--edit", edit)))
    assert result.warnings == [
        "an edit made numbers that are not finite, first at blocks.3.ln1.hook_scale, position 2"
    ]


def test_what_the_model_spoils_is_not_the_edits_doing(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["h.1.mlp.c_fc.weight"].fill(np.nan))
    command = ["predict", "A wise man", "--model", forged, "--edit", "resid_mid.1 *= 2"]
    warnings = stratoscope.succeeds(*command).warnings
    assert warnings and not any("an edit made" in warning for warning in warnings)
