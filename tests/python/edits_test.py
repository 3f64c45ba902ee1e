"""Edits as objects, their texts, and views of a model under edits."""
import pickle

import numpy as np
import pytest
import stratoscope as st
from conftest import SAMSA, SENTENCE

HOOK = "blocks.3.hook_mlp_out"


@pytest.mark.parametrize("edit, text", [
    (st.Scale(HOOK, factor=0.8), f"{HOOK} *= 0.8"),
    (st.Scale("attn.5", positions=slice(2, 5), factor=2), "attn.5[2:5] *= 2.0"),
    (st.Set(HOOK, positions=-1, value=3), f"{HOOK}[-1] = 3.0"),
    (st.Add(HOOK, value=1e-7), f"{HOOK} += 1e-07"),
    (st.Add(HOOK, value="direction.npy", strength=4), f"{HOOK} += 4.0 * direction.npy"),
    (st.Zero("q.2", head=[0, 2]), "q.2.head[0,2] = zero"),
    (st.Zero("scores.2", positions="1:3", head=1, key=slice(None, 2)), "scores.2[1:3].head[1].key[:2] = zero"),
    (st.Zero("mlp.hook_post", dim=[173]), "mlp.hook_post.dim[173] = zero"),
    (st.Mean(HOOK, positions=slice(None)), f"{HOOK}[all] = mean"),
    (st.Patch(HOOK), f"{HOOK} = corrupt"),
    (st.Patch(HOOK, positions=range(3), source=-1), f"{HOOK}[0,1,2] = corrupt[-1]"),
    (st.Without(HOOK, vector="direction.npy"), f"{HOOK} without direction.npy"),
    (st.Add(HOOK, value=np.ones(192)), f"{HOOK} += <vector of 192>"),
    (st.Set(HOOK, value=np.ones((10, 192))), f"{HOOK} = <vector of 10 × 192>"),
    (st.Mean(HOOK, top="8%", of_row=True), f"{HOOK}.top[8%] = mean(dim)"),
    (st.Median(HOOK, bottom=20), f"{HOOK}.bottom[20] = median"),
    (st.Median("q.2", head=1, dim="0:9", random="50%", seed=7, of_row=True), "q.2.head[1].dim[0:9].random[50%, 7] = median(dim)"),
    (st.Mix(HOOK, positions='"king"', corrupt=0.3, clean=0.7), f'{HOOK}["king"] = 0.7 * clean + 0.3 * corrupt'),
    (st.Mix(HOOK), f"{HOOK} = zero"),
    (st.Noise(HOOK, deviation=0.5, noise_seed=3), f"{HOOK} += noise(0.5, 3)"),
])  # fmt: skip
def test_text(edit, text):
    assert str(edit) == text


def test_objects_do_what_their_texts_do(model):
    edits = [st.Scale(HOOK, factor=0.8), st.Zero("L5H3", positions=slice(1, 4)), st.Mean("attn_out.7")]
    by_text = model.run(SENTENCE, edits=[str(edit) for edit in edits])
    np.testing.assert_array_equal(model.run(SENTENCE, edits=edits).logits, by_text.logits)
    assert model.predict(SENTENCE, edits=edits).json == model.predict(SENTENCE, edits=list(map(str, edits))).json


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_vectors(model, kind):
    vector = np.random.default_rng(1).standard_normal(192).astype(kind)
    added = model.run(SENTENCE, edits=st.Add(HOOK, value=vector, strength=2, positions=slice(3, 5)), capture=HOOK)[HOOK]
    expected = model.run(SENTENCE, capture=HOOK)[HOOK].copy()
    expected[3:5] += 2 * vector.astype(np.float32)
    np.testing.assert_allclose(added, expected, rtol=1e-6, atol=1e-6)
    without = model.run(SENTENCE, edits=st.Without(HOOK, vector=vector), capture=HOOK)[HOOK]
    np.testing.assert_allclose(without.astype(np.float64) @ vector, 0, atol=2e-3)
    assert model.predict(SENTENCE, edits=st.Set(HOOK, value=vector)).effect["kl"] > 0


def test_new_forms_do_what_their_texts_do(model):
    edits = [st.Mean(HOOK, top="8%", of_row=True), st.Mix("attn_out.5", clean=0.3, mean=0.7, positions='"once"'),
             st.Noise("attn_out.7", deviation=0.2, noise_seed=4, random=30, seed=2), st.Median("mlp_out.9")]
    by_text = model.run(SENTENCE, edits=[str(edit) for edit in edits])
    np.testing.assert_array_equal(model.run(SENTENCE, edits=edits).logits, by_text.logits)
    assert model.predict(SENTENCE, edits=edits[1]).effect["kl"] > 0


def test_matrices(model):
    clean = model.run(SENTENCE, capture=HOOK)[HOOK]
    rows = np.random.default_rng(2).standard_normal(clean.shape)
    added = model.run(SENTENCE, edits=st.Add(HOOK, value=rows, positions=slice(2, 4)), capture=HOOK)[HOOK]
    expected = clean.copy()
    expected[2:4] += rows[2:4].astype(np.float32)
    np.testing.assert_allclose(added, expected, rtol=1e-5, atol=1e-5)
    directions = rows[:3]
    basis = np.linalg.svd(directions, full_matrices=False)[2]
    without = model.run(SENTENCE, edits=st.Without(HOOK, vector=directions), capture=HOOK)[HOOK]
    np.testing.assert_allclose(without, clean - clean @ basis.T @ basis, rtol=1e-4, atol=1e-4)


def test_files_of_vectors_go(model, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model.predict(SENTENCE, edits=st.Add(HOOK, value=np.ones(192)))
    stream = model.generate("The", max_new=3, edits=st.Add(HOOK, value=np.ones(192)), stream=True)
    assert stream.result.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("vector", [np.ones((2, 2)), np.array(["a"]), object()])
def test_no_vectors(model, vector):
    with pytest.raises(ValueError, match="vector"):
        model.run(SENTENCE, edits=st.Without(HOOK, vector=vector))


@pytest.mark.parametrize("edits, error", [
    ("blocks.3.hook_mlp_out *= ", st.EditError),
    ("blocks.3.hook_mlp_out[99] = 0", ValueError),
    ("blocks.3.hook_mlp_out = file-that-is-not-there.npy", st.Error),
    (["blocks.99.hook_mlp_out = 0"], KeyError),
    ([3], ValueError),
    ({"blocks.3.hook_mlp_out": 3}, TypeError),
    ([lambda v: v], ValueError),
    (st.Scale(HOOK, positions=slice(0, 9, 2), factor=1), ValueError),
])  # fmt: skip
def test_wrong_edits(model, edits, error):
    with pytest.raises(error):
        model.run(SENTENCE, edits=edits)


def test_edited_is_a_view(model):
    clean = model.predict(SENTENCE).json
    with model.edited("blocks.5.hook_mlp_out[-1] = 0") as edited:
        assert edited.predict(SENTENCE).json == model.predict(SENTENCE, edits="blocks.5.hook_mlp_out[-1] = 0").json
        assert model.predict(SENTENCE).json == clean
        both = edited.edited(st.Scale("mlp_out.2", factor=0.5))
        assert both.predict(SENTENCE).effect != edited.predict(SENTENCE).effect
        np.testing.assert_array_equal(
            both.run(SENTENCE).logits,
            model.run(SENTENCE, edits=["blocks.5.hook_mlp_out[-1] = 0", "mlp_out.2 *= 0.5"]).logits,
        )
        assert "1 edit" in repr(edited)
    assert not model.closed
    assert model.predict(SENTENCE).json == clean


def test_edited_with_a_corrupt_text(model):
    other = SENTENCE.replace("Penguins", " man")
    patched = model.edited("blocks.2.hook_resid_pre[0] = corrupt[1]", corrupt=SAMSA)
    assert patched.run(SENTENCE, effect=True).effect["kl"] > 0
    assert not np.array_equal(patched.run(SENTENCE, corrupt=other).logits, patched.run(SENTENCE).logits)


def test_edited_by_a_function(model):
    view = model.edited({HOOK: lambda v: 0 * v})
    np.testing.assert_array_equal(view.run(SENTENCE).logits, model.run(SENTENCE, edits=st.Zero(HOOK)).logits)
    with pytest.raises(ValueError, match="no Python functions"):
        view.predict(SENTENCE)
    with pytest.raises(TypeError, match="function"):
        pickle.dumps(view)


def test_what_does_not_run_under_edits(model):
    for name in ("sweep", "ablate", "edges", "steer"):
        with pytest.raises(ValueError, match="edited model"):
            getattr(model.edited("mlp_out.3 = 0"), name)(SENTENCE)
