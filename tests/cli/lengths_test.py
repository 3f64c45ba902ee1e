"""Every command on the shortest and the longest texts, with figures and JSON: a result, or one error line that says why."""
import json

import numpy as np
import pytest

import checkpoints

CONTEXT = 12
LENGTHS = [1, 2, 3, CONTEXT - 1, CONTEXT, CONTEXT + 1]
# The text's tokens are single letters; TEXT is where it goes.
TEXT = object()
SCALE = "blocks.{layer}.hook_resid_post[{position}] *= {f}"
GRID = ["--over", "layer=all", "--over", "position=all"]
COMMANDS = {
    "predict": ["predict", TEXT],
    "predict all": ["predict", TEXT, "--all", "--edit", "blocks.0.hook_mlp_out *= 0.5"],
    "run": ["run", TEXT, "--save", "o.safetensors", "--capture", "*"],
    "activations": ["activations", TEXT],
    "distributions": ["distributions", TEXT, "--at", "hook_q", "hook_attn_scores"],
    "similarity across layers": ["similarity", TEXT, "--across", "layers"],
    "similarity across tokens": ["similarity", TEXT, "--across", "tokens"],
    "similarity profile": ["similarity", TEXT, "--profile"],
    "sweep": ["sweep", TEXT, "--edit", SCALE.replace("{f}", "0.5"), *GRID, "--target", "a"],
    "sweep one axis": ["sweep", TEXT, "--edit", "blocks.{layer}.hook_mlp_out = 0", "--over", "layer=all", "--metric", "kl"],
    "sweep three axes": ["sweep", TEXT, "--edit", SCALE, *GRID, "--over", "f=0,2", "--target", "a"],
    "lens": ["lens", TEXT],
    "lens of blocks": ["lens", TEXT, "--at", "mlp_out", "--target", "a", "--color", "rank"],
    "attention": ["attention", TEXT],
    "attribution": ["attribution", TEXT, "--target", "a"],
    "geometry": ["geometry", TEXT],
    "heatmap": ["heatmap", TEXT, "--by", "surprisal", "--by", "L1H0[to 0]", "--by", "resid_post.0.dim[0]", "--by", "attribution"],
    "geometry of all": ["geometry", TEXT, "--tokens", "all"],
    "patch": ["patch", TEXT, "--corrupt", "CORRUPT", "--target", "a"],
    "ablate": ["ablate", TEXT, "--target", "a"],
    "edges": ["edges", TEXT, "--target", "a"],
    "steer": ["steer", TEXT, "--positive", "ab", "--negative", "c"],
    "steer long": ["steer", "a", "--positive", TEXT, "--negative", "c"],
    "generate": ["generate", TEXT, "--max-new", "3"],
    "verify": ["verify", TEXT],
    "tokens": ["tokens", TEXT],
}
WITHOUT_FIGURE = {"predict", "predict all", "run", "generate", "tokens"}
ANY_LENGTH = {"tokens"}


@pytest.fixture(scope="module")
def short_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "short"
    case = checkpoints.BASE | {"n_positions": CONTEXT}
    checkpoints.write_checkpoint(folder, case, np.random.default_rng(2))
    return folder


def text_of(length):
    """Digits merge with nothing."""
    return "0123456789" * (length // 10) + "0123456789"[: length % 10]


def arguments_of(name, length):
    return [
        text_of(length) if part is TEXT else "9" + text_of(length)[1:] if part == "CORRUPT" else part
        for part in COMMANDS[name]
    ]


def run(stratoscope, model, name, length, *more):
    arguments = [*arguments_of(name, length), "--model", model, *more]
    if length > CONTEXT and name not in ANY_LENGTH:
        result = stratoscope.fails(*arguments)
        assert str(CONTEXT) in result.error, result.error
        return None
    if length == CONTEXT and name == "generate":
        stratoscope.fails(*arguments, says="there is no room for a new one")
        return None
    return stratoscope.succeeds(*arguments)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_prints_for_people_and_as_json(stratoscope, short_model, name, length):
    printed = run(stratoscope, short_model, name, length)
    assert printed is None or printed.out
    printed = run(stratoscope, short_model, name, length, "--json")
    assert printed is None or isinstance(json.loads(printed.out), dict)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in WITHOUT_FIGURE])
def test_draws(stratoscope, short_model, name, length):
    for ending in ("vl.json", "html", "svg"):
        file = f"figure.{ending}"
        if run(stratoscope, short_model, name, length, "--figure", file, "--json") is not None:
            assert (stratoscope.folder / file).stat().st_size > 0
