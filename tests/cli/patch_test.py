"""`patch`: activation patching between two prompts."""
import numpy as np
import pytest

CLEAN = "The old man gave his crown to the young"
CORRUPT = "The old lady gave her crown to the young"


def run(stratoscope, *arguments):
    return stratoscope.json("patch", CLEAN, "--corrupt", CORRUPT, "--target", " man", "--target", " lady", *arguments)


def difference(stratoscope, text, ids, *edits):
    """The two tokens' values from `predict`, as an independent reference for the patch."""
    predictions = stratoscope.json("predict", text, "--top", 8192, *edits)["predictions"]
    logits = {p["id"]: p["logit"] for p in predictions}
    return logits[ids[0]] - logits[ids[1]]


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_cells_are_edited_predictions_between_both_ends(stratoscope, direction):
    noising = direction == "noising"
    result = run(stratoscope, *(["--noising"] if noising else []))
    assert result["direction"] == direction and result["metric"] == "logit_diff"
    ids = [target["id"] for target in result["target"]]
    ends = {text: difference(stratoscope, text, ids) for text in (CLEAN, CORRUPT)}
    assert result["clean"]["value"] == pytest.approx(ends[CLEAN], abs=1e-4)
    assert result["corrupt"]["value"] == pytest.approx(ends[CORRUPT], abs=1e-4)
    base, other = (CLEAN, CORRUPT) if noising else (CORRUPT, CLEAN)
    tokens = len(result["tokens"]["clean"])
    grids = {grid["hook"]: np.array(grid["values"]) for grid in result["grids"]}
    assert {hook: grid.shape for hook, grid in grids.items()} == {
        "hook_resid_pre": (12, tokens), "hook_attn_out": (12, tokens), "hook_mlp_out": (12, tokens),
        "attn.hook_z": (12, 6),
    }
    for hook, layer, place in [("hook_resid_pre", 3, 2), ("hook_attn_out", 0, 4), ("hook_mlp_out", 7, -1),
                               ("attn.hook_z", 5, 1)]:
        where = f".head[{place}]" if hook == "attn.hook_z" else f"[{place}]"
        edit = ["--edit", f"blocks.{layer}.{hook}{where} = corrupt", "--corrupt", other]
        by_hand = (difference(stratoscope, base, ids, *edit) - ends[CORRUPT]) / (ends[CLEAN] - ends[CORRUPT])
        assert grids[hook][layer][place] == pytest.approx(by_hand, abs=2e-4)
    # All that differs at the start is in the tokens that differ; all of it arrives at the last position.
    changed = [i for i, (a, b) in enumerate(zip(*result["tokens"].values())) if a != b]
    same = [i for i in range(tokens) if i < changed[0]]
    np.testing.assert_allclose(grids["hook_resid_pre"][:, same], 1 if noising else 0, atol=1e-5)


def test_without_targets_it_follows_what_each_prompt_makes_likeliest(stratoscope):
    first = stratoscope.json("predict", CLEAN)["predictions"][0]["id"]
    second = stratoscope.json("predict", CORRUPT)["predictions"][0]["id"]
    result = stratoscope.run("patch", CLEAN, "--corrupt", CORRUPT, "--json")
    if first == second:
        assert result.status == 1 and "both prompts make" in result.error
    else:
        assert result.status == 0


def test_for_people(stratoscope):
    text = stratoscope.prints("patch", CLEAN, "--corrupt", CORRUPT, "--target", " man")
    assert "log-probability of “ man”" in text and "in the clean run" in text
    for title in ("residual stream", "attention out", "MLP out", "heads"):
        assert title in text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure(stratoscope, theme):
    stratoscope.succeeds("patch", CLEAN, "--corrupt", CORRUPT, "--target", " man", "--figure", "p.svg", "--theme", theme)
    svg = (stratoscope.folder / "p.svg").read_text(encoding="utf-8")
    for words in ("residual stream", "heads", "normalised metric"):
        assert words in svg


def test_bad_input(stratoscope):
    fails = stratoscope.fails("patch", CLEAN, "--corrupt", "too short", "--target", " a", says="both need the same number")
    assert "“ man”" in fails.err  # both tokenisations, side by side
    stratoscope.fails("patch", CLEAN, "--target", " a", status=2, says="--corrupt")
    stratoscope.fails("patch", CLEAN, "--corrupt", CLEAN, "--target", " a", says="cannot be normalised")
    stratoscope.fails("patch", CLEAN, "--corrupt", CORRUPT, "--metric", "kl", "--target", " a", says="kl cannot be normalised")
    stratoscope.fails("patch", CLEAN, "--corrupt", CORRUPT, "--metric", "logit_diff", "--target", " a",
                      says="reads 2 targets")


def test_the_metric_after_another_position(stratoscope):
    clean, corrupt = "Penguins are cute and they swim", "Penguins are rude and they swim"
    at = stratoscope.json("patch", clean, "--corrupt", corrupt, "--target", " and", "--position", 4)
    before = stratoscope.json("patch", clean[:17], "--corrupt", corrupt[:17], "--target", " and")
    assert at["position"] == 4 and len(before["tokens"]["clean"]) == 5
    assert at["clean"]["value"] == before["clean"]["value"]
    for grid, whole in zip(at["grids"], before["grids"]):
        for row, expected in zip(grid["values"], whole["values"]):
            if grid["hook"] == "attn.hook_z":
                assert row == expected
            else:
                assert row[:5] == expected and set(row[5:]) == {0.0}, "later positions change nothing"
