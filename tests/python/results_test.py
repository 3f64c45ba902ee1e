"""Results as tables, files, plots and in a notebook."""
import copy
import json
import os
import pickle
import xml.etree.ElementTree

import matplotlib
import matplotlib.pyplot
import numpy as np
import pytest
import stratoscope as st
from conftest import SENTENCE, run_python
from stratoscope.figures import VEGA_LITE

matplotlib.use("Agg")

EXPERIMENTS = {
    "predict": {},
    "activations": {},
    "distributions": {"hooks": ["hook_q", "hook_k"]},
    "similarity": {"profile": True},
    "sweep": {"edit": "blocks.{layer}.hook_mlp_out *= 0", "over": {"layer": "all"}, "target": " man"},
    "patch": {"corrupt": SENTENCE.replace("man", "king"), "target": " I"},
    "ablate": {"parts": "heads", "target": " man"},
    "edges": {"target": " man"},
    "steer": {"positive": "love", "negative": "hate", "layers": [3], "max_new": 0},
    "lens": {},
    "attention": {"heads": "L5H3"},
    "attribution": {},
    "geometry": {"draw": "trajectory"},
    "verify": {},
}


@pytest.fixture(scope="module")
def results(model):
    return {name: getattr(model, name)(SENTENCE, **arguments) for name, arguments in EXPERIMENTS.items()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_result_shows_its_figure(results, name):
    bundle = results[name]._repr_mimebundle_()
    assert set(bundle) == {VEGA_LITE, "text/html", "text/plain"}
    assert bundle[VEGA_LITE]["$schema"].endswith("v5.json")
    page = bundle["text/html"]
    assert "<svg" in page
    assert "http-equiv" not in page and "<script" not in page and "src=" not in page and "@import" not in page
    svg = page[page.index("<svg") : page.index("</svg>") + len("</svg>")]
    assert len(list(xml.etree.ElementTree.fromstring(svg).iter())) > 20
    assert bundle["text/plain"].startswith(name)
    assert set(results[name]._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert VEGA_LITE not in results[name]._repr_mimebundle_(exclude=[VEGA_LITE])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_matplotlib(results, name):
    spec = results[name].vega_lite
    for panel in range(len(spec["concat"])):
        axes = results[name].matplotlib(panel=panel)
        axes.figure.canvas.draw()
        assert axes.lines or axes.images or axes.patches or axes.collections
        assert axes.get_title()
        matplotlib.pyplot.close(axes.figure)
    with pytest.raises(ValueError, match="panels"):
        results[name].matplotlib(panel=9)


def test_matplotlib_draws_the_numbers(results):
    _, given = matplotlib.pyplot.subplots()
    swept = results["sweep"]
    assert swept.matplotlib(given) is given
    line = next(line for line in given.lines if len(line.get_ydata()) == 12)
    np.testing.assert_allclose(line.get_ydata(), swept.values, rtol=1e-6)
    assert [label.get_text() for label in given.get_xticklabels()] == [f"L{i}" for i in range(12)]
    pattern = results["attention"].matplotlib().images[0].get_array()
    weights = results["attention"].values[0]
    np.testing.assert_allclose(pattern.filled(0), np.tril(weights), atol=1e-6)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_tables(results, name):
    table = results[name].data
    assert table and all(len(column) == len(results[name].rows) for column in table.values())
    frame = results[name].to_pandas()
    assert list(frame.columns) == list(table)
    assert len(frame) == len(results[name].rows) > 0


def test_a_table_s_numbers(results):
    frame = results["predict"].to_pandas()
    assert list(frame.columns) == ["id", "token", "logit", "log_prob", "prob", "rank"]
    np.testing.assert_array_equal(frame["prob"], results["predict"].values)
    swept = results["sweep"].to_pandas()
    np.testing.assert_array_equal(swept["value"], results["sweep"].values)
    profile = results["similarity"].to_pandas()
    np.testing.assert_array_equal(profile["similarity"], results["similarity"].values.ravel())


@pytest.mark.parametrize("ending", ["svg", "html", "vl.json", "csv", "json"])
def test_save(results, tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    results["sweep"].save(path)
    content = path.read_text()
    if ending.endswith("json"):
        assert json.loads(content) == (results["sweep"].json if ending == "json" else results["sweep"].vega_lite)
    else:
        assert {"svg": "<svg", "html": "<html", "csv": ","}[ending] in content
    results["sweep"].save(str(path), theme="dark")


def test_figures_need_no_other_program():
    code = (
        "import stratoscope as st\n"
        "bundle = st.load().attention('A wise man once said', heads='L5H3')._repr_mimebundle_()\n"
        "print('<svg' in bundle['text/html'], sorted(bundle))"
    )
    done = run_python(code, env={**os.environ, "PATH": "/nowhere"})
    assert done.stdout == f"True {sorted([VEGA_LITE, 'text/html', 'text/plain'])}\n", done.stderr


def test_saving_what_cannot_be(results, tmp_path):
    with pytest.raises(ValueError, match="ending"):
        results["sweep"].save(tmp_path / "figure.bmp")
    with pytest.raises(ValueError, match="theme"):
        results["sweep"].save(tmp_path / "figure.svg", theme="red")
    with pytest.raises(OSError):
        results["sweep"].save(tmp_path / "no" / "folder" / "figure.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_generated_text_is_shown_as_text(model):
    generated = model.generate("The <b>king", max_new=2)
    bundle = generated._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert "&lt;b&gt;" in bundle["text/html"]
    assert generated.text in repr(generated)


def test_text_for_a_terminal(results):
    lines = repr(results["predict"]).splitlines()
    assert lines[0].startswith("predict (")
    assert lines[1].split() == ["id", "token", "logit", "log_prob", "prob", "rank"]
    assert len(lines) == 12
    assert "… " in repr(results["lens"])


@pytest.mark.parametrize("name", ["sweep", "lens"])
def test_pickled_results(results, name):
    for again in (pickle.loads(pickle.dumps(results[name])), copy.deepcopy(results[name]), copy.copy(results[name])):
        assert again.json == results[name].json
        assert list(again.arrays) == list(results[name].arrays)
        np.testing.assert_array_equal(again.values, results[name].values)
        assert again.vega_lite == results[name].vega_lite
        assert again.figure("svg") == results[name].figure("svg")
    twice = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(results[name]))))
    assert twice.vega_lite == results[name].vega_lite
    with pytest.raises(ValueError, match="pickled"):
        twice.figure("html")


def test_unknown_arrays(results):
    with pytest.raises(KeyError, match="there are values, kl"):
        results["sweep"]["nonsense"]
    with pytest.raises(ValueError, match="no clean value"):
        results["lens"].clean
    assert results["sweep"].clean == results["sweep"].json["clean"]


def test_arrays_outlive_the_result(model):
    values = model.activations(SENTENCE).values
    expected = values.copy()
    for _ in range(20):
        model.activations("The king")
    np.testing.assert_array_equal(values, expected)
