"""Forward passes: values by names, edits by functions, memory."""
import copy
import gc
import os
import pickle
import weakref

import numpy as np
import pytest
import stratoscope as st
from conftest import SAMSA, SENTENCE, command_line


def test_equals_what_the_program_saves(model, tmp_path):
    command_line("run", SENTENCE, "--save", tmp_path / "run.npz", "--capture", "blocks.*.attn.hook_pattern")
    run = model.run(SENTENCE, capture="blocks.*.attn.hook_pattern")
    with np.load(tmp_path / "run.npz") as saved:
        np.testing.assert_array_equal(run.hidden_states, saved["hidden_states"])
        np.testing.assert_array_equal(run.logits, saved["logits"])
        np.testing.assert_array_equal(run.ids, saved["input_ids"])
        assert len(run) == model.config.n_layers
        for name, value in run.items():
            np.testing.assert_array_equal(value, saved[name])


def test_shapes(model):
    run = model.run(SENTENCE)
    assert run.hidden_states.shape == (13, 10, 192)
    assert run.hidden_states.dtype == np.float32
    assert run.logits.shape == (10, 8192)
    assert [len(state) for state in run.hidden_states] == [10] * 13
    assert "hidden_states: float32 [13, 10, 192]" in repr(run)
    assert "hidden_states" in run._repr_html_()


def test_values_by_any_name(model):
    run = model.run(SENTENCE, capture="blocks.5.hook_mlp_out")
    value = run["blocks.5.hook_mlp_out"]
    assert value.shape == (10, 192)
    for name in ("transformer.h.5.mlp", "mlp_out.5"):
        assert name in run
        np.testing.assert_array_equal(run[name], value)


def test_heads(model):
    patterns = model.run(SENTENCE, capture="blocks.5.attn.hook_pattern")["pattern.5"]
    whole = model.run(SENTENCE, capture=["pattern.5", "z.5"])
    alone = model.run(SENTENCE, capture=["L5H4.pattern", "L5H1"])
    some = model.run(SENTENCE, capture="L5H[1,4].pattern")
    for head in (1, 4):
        np.testing.assert_array_equal(whole[f"L5H{head}.pattern"], patterns[head])
    np.testing.assert_array_equal(alone["L5H4.pattern"], patterns[4])
    np.testing.assert_array_equal(alone["L5H1"], whole["z.5"][:, 1])
    np.testing.assert_array_equal(some["pattern.5"], patterns[[1, 4]])
    np.testing.assert_array_equal(whole["L5H1"], whole["z.5"][:, 1])
    for run in (alone, some):
        with pytest.raises(KeyError, match="index the array"):
            run["L5H3.pattern"]
    with pytest.raises(KeyError, match="names a part"):
        whole["pattern.5[2]"]
    with pytest.raises((KeyError, ValueError)):
        whole["L5H9.pattern"]
    assert "L5H9.pattern" not in whole


def test_unknown_names(model):
    run = model.run(SENTENCE, capture="blocks.5.hook_mlp_out")
    with pytest.raises(KeyError, match="did you mean 'blocks.5.hook_mlp_out'"):
        run["blocks.5.hook_mlp_ou"]
    with pytest.raises(KeyError, match="was not captured"):
        run["blocks.4.hook_mlp_out"]
    with pytest.raises(KeyError, match="means 12 values"):
        run["blocks.*.hook_mlp_out"]
    assert "nonsense" not in run
    assert 3 not in run
    with pytest.raises(KeyError, match="hook_mlp_out"):
        model.run(SENTENCE, capture="blocks.5.hook_mlp_ot")
    with pytest.raises(ValueError, match="no residual"):
        run.residual


def test_texts_of_a_batch_have_their_bits_alone(model):
    texts = [SENTENCE, SAMSA, "The"]
    run = model.run(texts, capture="blocks.3.hook_mlp_out")
    assert list(run.row_offsets) == [0, 10, 10 + len(model.tokenize(SAMSA)), run.logits.shape[0]]
    for i, text in enumerate(texts):
        alone = model.run(text, capture="blocks.3.hook_mlp_out")
        np.testing.assert_array_equal(run.hidden_states[:, run.rows(i)], alone.hidden_states)
        np.testing.assert_array_equal(run.logits[run.rows(i)], alone.logits)
        np.testing.assert_array_equal(run["mlp_out.3"][run.rows(i)], alone["mlp_out.3"])
    assert run.rows(-1) == run.rows(2)
    assert [tokens.text for tokens in run.sequences] == texts


def test_ids_and_tokens(model):
    tokens = model.tokenize(SENTENCE)
    for given in (tokens, tokens.ids, list(map(int, tokens.ids)), [tokens.ids]):
        np.testing.assert_array_equal(model.run(given).logits, model.run(SENTENCE).logits)
    assert model.run(model.tokenize(SENTENCE, bos=True)).logits.shape[0] == 11
    assert model.run(tokens).sequences[0] == tokens


def test_parts_of_a_run(model):
    whole = model.run(SENTENCE)
    last = model.run([SENTENCE, SAMSA], logits="last", hidden_states=False)
    assert last.logits.shape == (2, 8192)
    np.testing.assert_array_equal(last.logits[0], whole.logits[-1])
    with pytest.raises(ValueError, match="no hidden_states"):
        last.hidden_states
    stopped = model.run(SENTENCE, stop_at=5)
    np.testing.assert_array_equal(stopped.residual, whole.hidden_states[5])
    with pytest.raises(ValueError, match="no logits"):
        stopped.logits


def test_run_with_cache(model):
    logits, cache = model.run_with_cache(SENTENCE, "blocks.*.attn.hook_z")
    np.testing.assert_array_equal(logits, model.run(SENTENCE).logits)
    assert list(cache) == [f"blocks.{i}.attn.hook_z" for i in range(12)]
    _, chosen = model.run_with_cache(SENTENCE, lambda name: name.endswith("hook_mlp_out"))
    assert len(chosen) == 12
    _, everything = model.run_with_cache("The king")
    assert set(everything) == {point.name for point in model.hook_points}


def test_a_function_as_an_edit(model):
    by_text = model.run(SENTENCE, edits="blocks.5.hook_mlp_out *= 0.5", capture="mlp_out.5", effect=True)
    seen = []

    def halve(value):
        seen.append((value.shape, value.dtype))
        return 0.5 * value

    by_function = model.run(SENTENCE, edits={"blocks.5.hook_mlp_out": halve}, capture="mlp_out.5", effect=True)
    assert seen == [((10, 192), np.float32)]
    np.testing.assert_array_equal(by_function["mlp_out.5"], by_text["mlp_out.5"])
    np.testing.assert_array_equal(by_function.logits, by_text.logits)
    assert by_function.effect == by_text.effect
    assert not np.array_equal(by_function.logits, model.run(SENTENCE).logits)


@pytest.mark.parametrize("hook, shape", [
    ("blocks.2.attn.hook_q", (10, 6, 32)),
    ("blocks.2.attn.hook_attn_scores", (6, 10, 10)),
    ("blocks.2.attn.hook_pattern", (6, 10, 10)),
    ("blocks.2.ln1.hook_scale", (10, 1)),
    ("hook_embed", (10, 192)),
    ("unembed.hook_out", (10, 8192)),
])  # fmt: skip
def test_functions_see_the_value_of_the_run(model, hook, shape):
    kept = model.run(SENTENCE, capture=hook)[hook]
    seen = []
    same = model.run(SENTENCE, edits={hook: lambda value: seen.append(value) or value})
    assert seen[0].shape == shape
    np.testing.assert_array_equal(seen[0], kept)
    np.testing.assert_array_equal(same.logits, model.run(SENTENCE).logits)


def test_functions_by_globs_aliases_and_in_order(model):
    calls = []
    model.run(
        [SENTENCE, "The king"],
        edits={
            "blocks.[1,2].hook_mlp_out": lambda v: calls.append("glob") or v,
            "transformer.h.1.mlp": [lambda v: calls.append("first") or v, lambda v: calls.append("second") or v],
        },
    )
    assert sorted(calls) == sorted(2 * ["glob", "first", "second", "glob"])
    with pytest.raises(KeyError, match="did you mean"):
        model.run(SENTENCE, edits={"blocks.1.hook_mlp_ot": lambda v: v})


def test_texts_act_before_functions(model):
    seen = []
    with model.edited("blocks.1.hook_mlp_out = 2") as edited:
        edited.run(SENTENCE, edits={"blocks.1.hook_mlp_out": lambda v: seen.append(v) or v})
    assert np.all(seen[0] == 2)


def test_a_function_gets_a_copy(model):
    kept = []
    run = model.run(SENTENCE, edits={"blocks.0.hook_mlp_out": lambda v: kept.append(v) or 0 * v}, capture="mlp_out.0")
    kept[0][:] = 7
    assert np.all(run["mlp_out.0"] == 0)


def fail(_value):
    raise ZeroDivisionError("of the function")


@pytest.mark.parametrize("function, error, message", [
    (fail, ZeroDivisionError, "of the function"),
    (lambda v: None, ValueError, "returned None"),
    (lambda v: v[:, :5], ValueError, "shape"),
    (lambda v: "text", ValueError, "not numbers"),
    (lambda: 1, TypeError, "positional"),
])  # fmt: skip
def test_functions_that_fail(model, function, error, message):
    with pytest.raises(error, match=message):
        model.run(SENTENCE, edits={"blocks.0.hook_mlp_out": function})
    model.run(SENTENCE)


def test_functions_may_call_the_model(model):
    def other(value):
        return model.run(SENTENCE, capture="mlp_out.4")["mlp_out.4"]

    run = model.run(SENTENCE, edits={"blocks.4.hook_mlp_out": other})
    np.testing.assert_array_equal(run.logits, model.run(SENTENCE).logits)


def test_in_fp64(model):
    exact = st.load(precision="fp64")
    run = exact.run("The king", edits={"blocks.0.hook_mlp_out": lambda v: v * 1.0})
    assert run.logits.dtype == np.float64
    np.testing.assert_array_equal(run.logits, exact.run("The king").logits)
    np.testing.assert_allclose(run.logits, model.run("The king").logits, rtol=0, atol=1e-3)


def test_arrays_keep_their_memory(model):
    run = model.run(SENTENCE)
    view = run.hidden_states[5, 2:4]
    expected = view.copy()
    going = weakref.ref(run)
    del run
    gc.collect()
    assert going() is None
    for _ in range(20):
        model.run(SAMSA)
    np.testing.assert_array_equal(view, expected)
    view[:] = 3  # writeable
    assert np.all(view == 3)


def test_views_share_one_memory(model):
    run = model.run(SENTENCE)
    run.hidden_states[0, 0, 0] = 42
    assert run.hidden_states[0, 0, 0] == 42
    assert run.hidden_states.flags.writeable
    assert not run.hidden_states.flags.owndata


@pytest.mark.skipif("SANITIZER" in os.environ, reason="sanitizers keep freed memory")
def test_memory_is_given_back(model):
    import resource

    for _ in range(10):
        model.run(SAMSA)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(200):
        assert model.run(SAMSA).logits.nbytes > 500_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # of 200 MB


def test_pickle_and_copy(model):
    run = model.run(SENTENCE, capture="mlp_out.3")
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again.logits, run.logits)
    np.testing.assert_array_equal(again["blocks.3.hook_mlp_out"], run["mlp_out.3"])
    assert again.json == run.json
    other = copy.deepcopy(run)
    other.logits[:] = 0
    assert run.logits.any()


def test_empty_text(model):
    with pytest.raises(ValueError):
        model.run("")
    with pytest.raises(ValueError):
        model.run([])
