"""attribution: the parts of a logit against NumPy on the stored weights, and refused input."""
import numpy as np
import pytest

import safetensors_io
from program import KAFKA, MODEL, PENGUINS

KEYS = {"tokens", "position", "target", "metric", "value", "scale", "sum", "residue", "residues", "components", "heads",
        "attention_parts", "mlp_parts", "neurons", "sources", "by_source"}


class Oracle:
    """The same sums from the weights and from the values that `run --save` captured."""

    def __init__(self, stratoscope, text, position, ids, edits=()):
        stratoscope.succeeds("run", text, "--precision", "fp64", "--save", "x.npz", *edits, "--capture", "hook_embed",
                             "hook_pos_embed", "blocks.*.hook_attn_out", "blocks.*.hook_mlp_out",
                             "blocks.*.attn.hook_z", "blocks.*.attn.hook_pattern", "blocks.*.attn.hook_v", "blocks.*.mlp.hook_post",
                             "ln_final.hook_scale")
        with np.load(stratoscope.folder / "x.npz") as arrays:
            self.values = dict(arrays)
        self.weights = {k: v.astype(np.float64) for k, v in safetensors_io.load(MODEL / "model.safetensors").items()}
        self.weights = {k.removeprefix("transformer."): v for k, v in self.weights.items()}
        self.position = position
        row = self.weights["wte.weight"][ids[0]] - (self.weights["wte.weight"][ids[1]] if len(ids) > 1 else 0)
        self.token = row
        self.logit = self.values["logits"][position, ids[0]] - (
            self.values["logits"][position, ids[1]] if len(ids) > 1 else 0)

    def of(self, x):
        """Centre, divide by the held scale, weigh, unembed: the norm as it is written, without its bias. Of a vector,
        or of each row."""
        scale = self.values["ln_final.hook_scale"][self.position, 0]
        return ((x - x.mean(axis=-1, keepdims=True)) / scale * self.weights["ln_f.weight"]) @ self.token

    def components(self):
        parts = {name: self.of(array[self.position]) for name, array in self.values.items()
                 if name.endswith(("_embed", "hook_attn_out", "hook_mlp_out"))}
        return parts | {"ln_final.b": float(self.weights["ln_f.bias"] @ self.token)}

    def head(self, layer, head):
        return self.of(self.values[f"blocks.{layer}.attn.hook_z"][self.position, head] @ self.w_o(layer, head))

    def w_o(self, layer, head, width=32):
        return self.weights[f"h.{layer}.attn.c_proj.weight"][head * width : (head + 1) * width]

    def source(self, layer, head, key):
        weight = self.values[f"blocks.{layer}.attn.hook_pattern"][head, self.position, key]
        return self.of(weight * self.values[f"blocks.{layer}.attn.hook_v"][key, head] @ self.w_o(layer, head))

    def neurons(self, layer):
        post = self.values[f"blocks.{layer}.mlp.hook_post"][self.position]
        out = self.weights[f"h.{layer}.mlp.c_proj.weight"]
        return self.of(post[:, None] * out)


def contributions(parts):
    return {part["name"]: part["contribution"] for part in parts}


@pytest.mark.parametrize("targets", [[" insect"], [" insect", " man"]])
def test_every_part_is_numpys(stratoscope, targets):
    options = [word for target in targets for word in ("--target", target)]
    result = stratoscope.json("attribution", KAFKA, *options, "--position", 17, "--precision", "fp64", "--top", 7,
                              "--heads", "L11H2,L3H0")
    assert KEYS < result.keys()
    listed = result["target"] if len(targets) > 1 else [result["target"]]
    assert [each["token"] for each in listed] == targets
    assert result["metric"] == ("logit_diff" if len(targets) > 1 else "logit")
    oracle = Oracle(stratoscope, KAFKA, 17, [each["id"] for each in listed])
    assert result["value"] == pytest.approx(oracle.logit, abs=1e-10)
    assert contributions(result["components"]) == pytest.approx(oracle.components(), abs=1e-10)
    assert len(result["components"]) == 2 + 2 * 12 + 1
    for each in result["heads"]:
        assert each["contribution"] == pytest.approx(oracle.head(each["layer"], each["head"]), abs=1e-10)
    assert [(each["layer"], each["head"]) for each in result["sources"]] == [(3, 0), (11, 2)]
    for each in result["sources"]:
        expected = [oracle.source(each["layer"], each["head"], key) for key in range(18)]
        assert each["by_position"] == pytest.approx(expected, abs=1e-10)
    neurons = {(layer, n): c for layer in range(12) for n, c in enumerate(oracle.neurons(layer))}
    order = sorted(neurons.values())
    for end, expected in (("top", order[::-1][:7]), ("bottom", order[:7])):
        assert [each["contribution"] for each in result["neurons"][end]] == pytest.approx(expected, abs=1e-10)
        for each in result["neurons"][end]:
            assert each["contribution"] == pytest.approx(neurons[each["layer"], each["neuron"]], abs=1e-10)
    for layer in (0, 11):
        expected = [sum(oracle.source(layer, head, key) for head in range(6)) for key in range(18)]
        assert result["by_source"][layer] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("precision", "bound"), [("fp64", 1e-11), ("fp32", 2e-5)])
@pytest.mark.parametrize("text", ["a", PENGUINS, KAFKA])
def test_the_parts_sum_to_the_logit(stratoscope, text, precision, bound):
    result = stratoscope.json("attribution", text, "--precision", precision)
    assert all(abs(residue) < bound for residue in result["residues"].values())
    sums = {
        "components": sum(part["contribution"] for part in result["components"]),
        "heads": sum(each["contribution"] for each in [*result["heads"], *result["attention_parts"]]),
    }
    assert result["sum"] == pytest.approx(sums["components"], abs=1e-12)
    assert result["value"] - result["sum"] == pytest.approx(result["residue"], abs=1e-12)
    attention = sum(p["contribution"] for p in result["components"] if p["name"].endswith("hook_attn_out"))
    assert sums["heads"] == pytest.approx(attention, abs=bound)


def test_the_likeliest_token_is_the_target(stratoscope):
    best = stratoscope.json("predict", KAFKA, "--top", 1)["predictions"][0]
    result = stratoscope.json("attribution", KAFKA)
    assert result["target"]["id"] == best["id"] and result["value"] == pytest.approx(best["logit"], abs=1e-9)
    assert stratoscope.json("attribution", KAFKA, "--target-id", best["id"])["components"] == result["components"]


@pytest.mark.parametrize(
    ("edit", "part"),
    [
        ("hook_embed *= 2", None),
        ("blocks.0.hook_resid_pre += 1", "edit of blocks.0.hook_resid_pre"),
        ("blocks.3.hook_resid_mid[-1] *= 0.5", "edit of blocks.3.hook_resid_mid"),
        ("blocks.5.hook_resid_post *= 0.8", "edit of blocks.5.hook_resid_post"),
        ("blocks.5.hook_resid_post[0] *= 0.8", None),
        ("blocks.11.hook_resid_post = mean", "edit of blocks.11.hook_resid_post"),
        ("ln_final.hook_scale *= 3", None),
        ("ln_final.hook_normalized *= 0.5", "edit of ln_final.hook_normalized"),
        ("unembed.hook_in[all] *= 2", "edit of unembed.hook_in"),
        ("unembed.hook_out += 1", "edit of unembed.hook_out"),
        ("blocks.4.hook_attn_out = zero", "edit of blocks.4.hook_attn_out"),
        ("blocks.4.hook_mlp_out = mean", "edit of blocks.4.hook_mlp_out"),
        ("blocks.4.attn.hook_result.head[1] *= -1", None),
        ("L4H2 = zero", None),
        ("L4H2.pattern[-1] *= 0.5", None),
        ("blocks.4.mlp.hook_post.dim[5] = 10", None),
    ],
)
def test_edits_are_parts_of_their_own(stratoscope, edit, part):
    result = stratoscope.json("attribution", PENGUINS, "--target", " They", "--edit", edit, "--precision", "fp64")
    assert all(abs(residue) < 1e-10 for residue in result["residues"].values())
    names = {p["name"] for p in [*result["components"], *result["attention_parts"], *result["mlp_parts"]]}
    assert {name for name in names if name.startswith("edit of")} == ({part} if part else set())
    plain = stratoscope.json("predict", PENGUINS, "--top", 8192, "--edit", edit, "--precision", "fp64")
    logit = next(p["logit"] for p in plain["predictions"] if p["id"] == result["target"]["id"])
    assert result["value"] == pytest.approx(logit, abs=1e-10) and result["effect"].keys() == {"kl", "max_change"}


def test_an_edited_head_keeps_its_sources(stratoscope):
    for edit in ("L4H2 = zero", "blocks.4.attn.hook_result.head[2] = zero"):
        result = stratoscope.json("attribution", PENGUINS, "--edit", edit, "--heads", "L4H2")
        (source,) = result["sources"]
        assert source["contribution"] == 0
        assert source["edited"] == pytest.approx(-sum(source["by_position"]), abs=1e-12)


def test_what_people_read(stratoscope):
    shown = stratoscope.prints("attribution", KAFKA, "--target", " insect", "--target", " man")
    for part in ("logit of “ insect” minus that of “ man” after position 23, “ gigantic”", "final norm's scale held",
                 "by head", "neurons that raise it most", "source positions of the heads", "residue", "others"):
        assert part in shown, shown
    top = stratoscope.json("attribution", KAFKA, "--target", " insect", "--target", " man")["components"]
    largest = max(top, key=lambda each: abs(each["contribution"]))
    table = shown.split("component", 1)[1].splitlines()
    assert f"{largest['contribution']:+.4f}" in table[1]


def test_a_target_of_several_tokens_is_cut_aloud(stratoscope):
    result = stratoscope.succeeds("attribution", PENGUINS, "--target", " insectivorous", "--json")
    assert any("the target is several tokens" in warning for warning in result.warnings)


def test_weights_that_are_no_numbers(stratoscope, forged):
    forged.change_tensors(lambda tensors: tensors["h.1.attn.c_proj.weight"].fill(np.nan))
    result = stratoscope.json("attribution", "abcd", "--model", forged, "--target-id", 5)
    assert result["value"] is None and result["components"][0]["contribution"] is None
    assert "nan" in stratoscope.prints("attribution", "abcd", "--model", forged).lower()
    stratoscope.succeeds("attribution", "abcd", "--model", forged, "--figure", "x.svg")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--target", ""], "target: is empty"),
        (["--target-id", "8192"], "ids are 0 to 8191"),
        (["--target-id=-1"], "out of range"),
        (["--target", "a", "--target", "b", "--target", "c"], "there are 3 targets"),
        (["--target", " the", "--target", " the"], "both targets are the same token"),
        (["--position", "10"], "0 to 9"),
        (["--position", "x"], "position"),
        (["--heads", "L12H0"], "block 12 is out of range"),
        (["--heads", "L0H6"], "head 6 is out of range"),
        (["--heads", "resid_post.3"], "is not a head"),
        (["--edit", "blocks.99.hook_mlp_out = 0"], "99"),
    ],
)
def test_what_is_not_there(stratoscope, arguments, says):
    stratoscope.fails("attribution", PENGUINS, *arguments, "--json", says=says)


def test_usage(stratoscope):
    stratoscope.fails("attribution", PENGUINS, "--top", "0", status=2, says="--top")
    stratoscope.fails("attribution", "", says="text: is empty")
    stratoscope.fails("attribution", "a " * 600, says="more than the model's context")
