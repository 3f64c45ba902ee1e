"""Accepted and refused options, and the options that all commands share."""
import pytest

from program import PENGUINS

COMMANDS = ["demo", "info", "tokens", "run", "predict", "activations", "similarity", "sweep", "verify", "bench",
            "patch", "ablate", "edges", "steer", "compare", "score"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["serve-me"],
        ["predict", "--nonsense"],
        ["predict", PENGUINS, "a second text"],
        ["info", "a text"],
        ["predict", PENGUINS, "--top"],
        ["predict", PENGUINS, "--top", "many"],
        ["predict", PENGUINS, "--top", "0"],
        ["predict", PENGUINS, "--top", "-1"],
        ["predict", PENGUINS, "--top", "+-1"],
        ["steer", PENGUINS, "--strength", "+-1"],
        ["predict", PENGUINS, "--threads", "0"],
        ["predict", PENGUINS, "--threads", "-1"],
        ["predict", PENGUINS, "--threads", "1e9"],
        ["predict", PENGUINS, "--threads", "two"],
        ["predict", PENGUINS, "--model"],
        ["predict", PENGUINS, "--model", "a", "--model", "b"],
        ["run", PENGUINS],
        ["sweep", PENGUINS, "--target-id", "many"],
        ["info", "--figure", "x.svg"],
        ["tokens", PENGUINS, "--truncate"],
        ["info", "--edit", "x"],
    ],
)
def test_what_the_parser_refuses_is_status_2(stratoscope, arguments):
    result = stratoscope.fails(*arguments, status=2, says="stratoscope --help")
    assert len(result.err.splitlines()) == 1
    assert len(result.err) < 200


@pytest.mark.parametrize("precision", ["fp16", "bf32", "", "FP32"])
def test_a_precision_that_is_not_there(stratoscope, precision):
    stratoscope.fails("predict", PENGUINS, "--precision", precision, "--json", says=["precision", "fp32, bf16 and fp64"])


@pytest.mark.parametrize("command", ["predict", "demo", "verify", "tokens", "bench"])
def test_a_precision_that_is_gone_names_what_to_use(stratoscope, command):
    text = [] if command == "bench" else [PENGUINS]
    result = stratoscope.fails(command, *text, "--precision", "bf16x3", status=2,
                               says=["--precision: bf16x3 was removed", "use fp32 or bf16"])
    assert len(result.err.splitlines()) == 1


def test_help_names_the_precisions(stratoscope):
    assert " fp32|bf16|fp64 " in " ".join(stratoscope.prints("predict", "--help").split())


def test_help_names_every_command(stratoscope):
    text = stratoscope.prints("--help")
    for command in [*COMMANDS, "pull", "models"]:
        assert f"  {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(stratoscope, command):
    text = stratoscope.prints(command, "--help")
    assert "--json" in text and "--model" in text and "--threads" in text and "--pull" in text


def test_version(stratoscope):
    words = stratoscope.prints("--version").split()
    assert words[0] == "stratoscope" and words[1] == stratoscope.json("info")["version"]


def test_every_document_begins_with_what_made_it(stratoscope):
    for command in (
        ["info"],
        ["tokens", "A b c"],
        ["predict", "A b c"],
        ["activations", "A b c"],
        ["similarity", "A b c", "--profile"],
        ["run", "A b c", "--save", "x.npz"],
    ):
        document = stratoscope.json(*command)
        assert list(document)[:4] == ["version", "model", "precision", "isa"]
        assert document["model"]["name"] == "novella-7m" and len(document["model"]["hash"]) == 16


def test_threads_change_no_number(stratoscope):
    results = [stratoscope.json("predict", PENGUINS, "--threads", n) for n in (1, 2, 3, 7)]
    assert all(result == results[0] for result in results)


def test_the_model_hash_follows_the_weights(stratoscope, forged):
    before = stratoscope.json("info", "--model", forged)["model"]["hash"]
    assert stratoscope.json("info", "--model", forged)["model"]["hash"] == before

    def change(tensors):
        tensors["ln_f.bias"][0] += 1

    forged.change_tensors(change)
    assert stratoscope.json("info", "--model", forged)["model"]["hash"] != before


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", PENGUINS, "--position", "-1"],
        ["predict", PENGUINS, "--position=-1"],
        ["activations", PENGUINS, "--token", "-2"],
        ["similarity", PENGUINS, "--across", "tokens", "--layers", "-1,-2"],
        ["similarity", PENGUINS, "--across", "layers", "--tokens", "-2"],
        ["demo", "A", "--factor", "-0.5"],
    ],
)
def test_negative_values_are_values(stratoscope, arguments):
    stratoscope.succeeds(*arguments)


def test_a_plus_sign_changes_no_number(stratoscope):
    assert stratoscope.json("predict", "--top", "+3", PENGUINS) == stratoscope.json("predict", "--top", 3, PENGUINS)


def test_options_may_follow_the_text_or_precede_it(stratoscope):
    assert stratoscope.json("predict", "--top", 3, PENGUINS) == stratoscope.json("predict", PENGUINS, "--top", 3)


def test_a_repeated_list_takes_one_value_each_time(stratoscope):
    edit = ["--edit", "blocks.0.hook_mlp_out = 0", "--edit", "blocks.1.hook_mlp_out = 0"]
    assert stratoscope.json("predict", *edit, PENGUINS) == stratoscope.json("predict", PENGUINS, *edit)


def test_a_mistyped_command_is_named_with_the_nearest_one(stratoscope):
    stratoscope.fails("predit", "x", status=2, says=["predit", "did you mean 'predict'"])
    stratoscope.fails("ablaze", "x", status=2, says=["there is no command 'ablaze' in this version"])
