"""generate: tokens, streaming, edits of new tokens or of all, stop texts, saved files."""
import json

import numpy as np
import pytest

from program import PENGUINS


def test_greedy_tokens_are_those_of_predict(stratoscope):
    result = stratoscope.json("generate", PENGUINS, "--max-new", "4")
    text = PENGUINS
    for token in result["tokens"]:
        best = stratoscope.json("predict", text, "--top", "1")["predictions"][0]
        assert token["id"] == best["id"]
        assert token["log_prob"] == pytest.approx(best["log_prob"], abs=1e-9)
        text += best["token"]
    assert result["text"] == text[len(PENGUINS) :] and result["prompt"] == PENGUINS
    assert result["stopped"] == "length" and "effect" not in result


def test_what_people_see_is_the_text_and_why_it_ended(stratoscope):
    new = stratoscope.json("generate", PENGUINS, "--max-new", "6")["text"]
    shown = stratoscope.prints("generate", PENGUINS, "--max-new", "6")
    assert PENGUINS + new in shown and "6 new tokens: the requested number" in shown


def test_seeds_draw_and_zero_temperature_does_not(stratoscope):
    def drawn(*options):
        return [token["id"] for token in stratoscope.json("generate", PENGUINS, "--max-new", "12", *options)["tokens"]]

    hot = ("--temperature", "1.5")
    assert drawn(*hot, "--seed", "1") == drawn(*hot, "--seed", "1") != drawn(*hot, "--seed", "2")
    assert drawn("--seed", "1") == drawn("--seed", "2") == drawn(*hot, "--top-k", "1")


def test_it_ends_before_a_stop_text(stratoscope):
    new = stratoscope.json("generate", PENGUINS, "--max-new", "12")["text"]
    stop = new[len(new) // 2 :][:3]
    result = stratoscope.json("generate", PENGUINS, "--max-new", "12", "--stop", "never", "--stop", stop)
    assert result["stopped"] == "stop" and result["text"] == new[: new.index(stop)]


@pytest.mark.parametrize("scope", ["new", "all"])
def test_what_is_saved_is_a_run_of_the_whole_text(stratoscope, scope):
    edit = "blocks.3.hook_resid_post *= 0.6"
    options = ["--edit", edit, "--edit-scope", scope, "--save", "g.npz", "--capture", "L4H1.pattern"]
    result = stratoscope.json("generate", PENGUINS, "--max-new", "5", *options)
    assert result["effect"]["kl"] > 0 and result["keys"]["input_ids"] == [15]
    count = stratoscope.json("tokens", PENGUINS)["count"]
    fixed = edit.replace(" *", f"[{count}:] *") if scope == "new" else edit
    # The same tokens as one text; encoding the text again may give other tokens, and then nothing is compared.
    whole = PENGUINS + result["text"]
    with np.load(stratoscope.folder / "g.npz") as made:
        if stratoscope.json("tokens", whole)["ids"] != made["input_ids"].tolist():
            pytest.skip("the new text is cut into other tokens when it is read again")
        stratoscope.succeeds("run", whole, "--edit", fixed, "--save", "w.npz", "--capture", "L4H1.pattern")
        with np.load(stratoscope.folder / "w.npz") as run:
            for name in run:
                assert made[name].tobytes() == run[name].tobytes(), name


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--edit", "resid_post.3[2] *= 2"], "acts on no position; it may act on new tokens only"),
        (["--edit", "resid_post.3 *= 2", "--max-new", "1"], "a single new token is never run"),
        (["--edit", "resid_pots.3 *= 2"], "there is no"),
        (["--capture", "resid_post.3"], "add --save FILE"),
        (["--capture", "resid_post.3[0]", "--save", "x.npz"], "take no positions"),
        (["--save", "x.txt"], "x.txt"),
        (["--temperature", "-1"], "the temperature must be 0 or more"),
        (["--top-p", "0"], "top-p must be above 0"),
        (["--stop", ""], "a stop text is empty"),
    ],
)
def test_what_cannot_be_generated(stratoscope, options, says):
    stratoscope.fails("generate", PENGUINS, "--json", *options, says=says)
    assert not list(stratoscope.folder.iterdir())


def test_options_that_are_none(stratoscope):
    for options in (["--edit-scope", "some"], ["--max-new", "0"], ["--top-k", "-1"]):
        assert stratoscope.run("generate", PENGUINS, *options).status == 2


def test_numbers_that_are_no_numbers_end_it(stratoscope):
    edit = ("--edit", "ln_final.hook_scale = 0", "--edit-scope", "all")
    stratoscope.fails("generate", PENGUINS, "--json", *edit, says=["an edit made numbers that are not finite, first at ", "there is no next token"])


@pytest.mark.parametrize("command", [["generate"], ["steer", "--positive", "a", "--negative", "b"]], ids=["generate", "steer"])
def test_sampling_options_that_do_nothing_are_named(stratoscope, tiny_model, command):
    def names(*options):
        arguments = [*command, "~", "--max-new", "2", "--json", "--model", tiny_model, *options]
        found = [warning for warning in stratoscope.succeeds(*arguments).warnings if "temperature" in warning]
        assert all("has no effect at temperature 0" in warning for warning in found)
        return [warning.split()[0] for warning in found]

    assert names() == [] == names("--temperature", "1", "--seed", "3", "--top-k", "5", "--top-p", "0.5")
    assert names("--seed", "0") == ["seed"]
    assert names("--temperature", "0", "--top-p", "0.9") == ["top_p"]
    assert names("--seed", "3", "--top-p", "0.5", "--top-k", "4") == ["top_k", "top_p", "seed"]


HOT = ["--temperature", "1", "--max-new", "8"]


def test_samples_are_single_calls_with_their_seeds(stratoscope):
    result = stratoscope.json("generate", PENGUINS, *HOT, "--seed", 5, "--samples", 3)
    assert [sample["seed"] for sample in result["samples"]] == [5, 6, 7]
    for sample in result["samples"]:
        alone = stratoscope.json("generate", PENGUINS, *HOT, "--seed", sample["seed"])
        assert "samples" not in alone
        assert {key: sample[key] for key in ("text", "stopped", "tokens")} == {
            key: alone[key] for key in ("text", "stopped", "tokens")}
        assert sample["log_prob"] == pytest.approx(sum(token["log_prob"] for token in alone["tokens"]))
    first = [token["id"] for token in result["samples"][0]["tokens"]]
    assert (result["text"], result["tokens"]) == (result["samples"][0]["text"], result["samples"][0]["tokens"])
    for sample in result["samples"]:
        ids = [token["id"] for token in sample["tokens"]]
        assert ids[: sample["shared"]] == first[: sample["shared"]]
        assert sample["shared"] == len(ids) or ids[sample["shared"]] != first[sample["shared"]]
    assert result["samples"][1]["shared"] < 8 and result["samples"][0]["shared"] == 8


def test_samples_on_a_screen(stratoscope):
    result = stratoscope.json("generate", PENGUINS, *HOT, "--samples", 2)
    shown = stratoscope.prints("generate", PENGUINS, *HOT, "--samples", 2)
    assert shown.count(PENGUINS) == 1
    for sample in result["samples"]:
        assert f"seed {sample['seed']}:{sample['text']}" in shown
    assert "parts with" in shown


def test_samples_under_edits_have_the_largest_effect(stratoscope):
    options = [*HOT, "--edit", "blocks.3.hook_mlp_out *= 0.5"]
    all_of_them = stratoscope.json("generate", PENGUINS, *options, "--samples", 2)["effect"]
    each = [stratoscope.json("generate", PENGUINS, *options, "--seed", seed)["effect"] for seed in (0, 1)]
    assert all_of_them["kl"] == max(effect["kl"] for effect in each)


def test_samples_that_make_no_sense(stratoscope):
    stratoscope.fails("generate", PENGUINS, "--samples", 2, status=2, says="temperature 0")
    stratoscope.fails("generate", PENGUINS, *HOT, "--samples", 2, "--save", "x.npz", status=2, says="one sample")
    stratoscope.fails("generate", PENGUINS, *HOT, "--samples", 0, status=2, says="--samples")


def test_the_figure_of_samples_colours_new_tokens(stratoscope):
    result = stratoscope.json("generate", PENGUINS, *HOT, "--samples", 2)
    stratoscope.succeeds("generate", PENGUINS, *HOT, "--samples", 2, "--figure", "x.vl.json")
    figure = json.loads((stratoscope.folder / "x.vl.json").read_text(encoding="utf-8"))
    for panel, sample in zip(figure["concat"], result["samples"]):
        values = [point["value"] for point in panel["layer"][0]["data"]["values"]]
        assert values == pytest.approx([-token["log_prob"] for token in sample["tokens"]], rel=1e-6)
        assert len(panel["layer"][1]["data"]["values"]) == 10 + len(sample["tokens"])
