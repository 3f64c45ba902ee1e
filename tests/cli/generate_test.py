"""generate: tokens, streaming, edits of new tokens or of all, stop texts, saved files."""
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
