"""Requests that only the page sends: comparisons, the last token, figures of the page."""
import numpy as np
import pytest

from serving import TEXT

EDITS = ["blocks.3.hook_resid_post *= 0.5", "blocks.5.attn.hook_z.head[1] = zero"]
FIGURE = {
    "title": "A <title> & more",
    "note": "Text: `id` · Model: m",
    "panels": [
        {
            "x": {"title": "x", "ticks": ["a", "b\\"]},
            "y": {"ticks": ["'c'", "d"]},
            "marks": [{"type": "heatmap", "values": [[1, None], [-2, 3]], "texts": [["p", "q"], ["r", "$(s)"]]}],
        }
    ],
    "color": {"map": "diverging", "title": "change", "low": -3, "high": 3},
}
CURVE = {
    "title": "curve",
    "panels": [
        {
            "x": {"ticks": ["0", "1"]},
            "marks": [{"type": "reference", "label": "clean", "y": 1}, {"type": "line", "x": [0, 1], "y": [1, 2], "markers": True}],
        },
        {"y": {"ticks": ["a", "b"]}, "x": {"range": [0, 2]}, "marks": [{"type": "bars", "values": [1, 2], "horizontal": True}]},
        {"x": {"ticks": ["a", "b"]}, "marks": [{"type": "points", "columns": [[1, 2], [3, 4]]}]},
    ],
}


@pytest.mark.parametrize("path, name", [("/api/view/predict", "position"), ("/api/view/depth", "token"), ("/api/view/similarity/depths", "token")])
def test_the_last_token_is_minus_one(server, path, name):
    count = server.post("/api/view/tokens", {"text": TEXT}).json()["count"]
    assert server.post(path, {"text": TEXT, name: -1}).json() == server.post(path, {"text": TEXT, name: count - 1}).json()
    for wrong in (-2, count, 0.5, "last"):
        assert server.post(path, {"text": TEXT, name: wrong}).status == 400


def test_the_lens_compares_the_token_that_it_shows(server):
    body = {"text": TEXT, "edits": EDITS}
    both = server.post("/api/view/lens", body | {"compare": True}).json()
    edited = server.post("/api/view/lens", body).json()
    clean = server.post("/api/view/lens", {"text": TEXT}).json()
    for name in ("tokens", "id", "prob", "entropy", "kl"):
        assert both[name] == edited[name]
    for name in ("entropy", "kl"):
        assert both[f"clean_{name}"] == clean[name]
    for depth, position in ((12, -1), (7, 2)):
        cell = {"text": TEXT, "depth": depth, "position": position % both["count"], "which": "clean", "top": 100}
        found = {p["id"]: p["prob"] for p in server.post("/api/view/lens/cell", cell).json()["predictions"]}
        shown = both["id"][depth][position]
        if shown in found:
            assert both["clean_prob"][depth][position] == pytest.approx(found[shown], rel=1e-5)
        of_both = server.post("/api/view/lens/cell", cell | {"which": "edited", "edits": EDITS}).json()["predictions"]
        for p in of_both:
            if p["id"] in found:
                assert p["clean_prob"] == pytest.approx(found[p["id"]], rel=1e-12)


def test_heads_and_the_profile_are_compared(server):
    body = {"text": TEXT, "edits": EDITS}
    sides = [server.post("/api/view/attention/heads", body | {"which": which}).json() for which in ("edited", "clean", "difference")]
    for name in ("thumbnails", "score_values"):
        edited, clean, difference = (np.array(side[name], dtype=float) for side in sides)
        np.testing.assert_allclose(difference, edited - clean, atol=1e-6)
    profile = server.post("/api/view/similarity/profile", body).json()
    changes = np.array(profile["edited"]) - np.array(profile["clean"])
    np.testing.assert_allclose(profile["difference_medians"], np.median(changes, axis=1), atol=1e-6)


@pytest.mark.parametrize("wrong", ["blocks.99.hook_resid_post *= 2", "blocks.0.hook_resid_post[77] *= 2", "blocks.0.hook_resid_post *= null", "blocks.0.hook_resid_post = corrupt", "blocks.0.hook_resid_post += x.npy"])
def test_an_error_names_the_edit(server, wrong):
    for number, edits in ((1, [wrong, *EDITS]), (3, [*EDITS, wrong])):
        answer = server.post("/api/view/predict", {"text": TEXT, "edits": edits})
        assert answer.status == 400 and answer.json()["error"]["where"] == f"edit {number}"


@pytest.mark.parametrize("figure", [FIGURE, CURVE])
@pytest.mark.parametrize("form, start", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("vl.json", b"{"), ("csv", b"panel,")])
def test_a_screen_is_drawn(server, figure, form, start):
    answer = server.post("/api/view/export", {"text": TEXT, "what": "screen", "format": form, "figure": figure})
    assert answer.status == 200 and answer.body.startswith(start)
    if form == "svg":
        title = figure["title"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert f"<title>{title}</title>" in answer.body.decode() and "Gnuplot</title>" not in answer.body.decode()


def change(figure, **fields):
    panel = figure["panels"][0]
    return figure | {"panels": [panel | {"marks": [panel["marks"][0] | fields]}]}


@pytest.mark.parametrize("figure", [
    None,
    7,
    {"title": "x"},
    FIGURE | {"nonsense": 1},
    FIGURE | {"panels": [FIGURE["panels"][0]] * 17},
    FIGURE | {"color": {"map": "rainbow", "low": 0, "high": 1}},
    FIGURE | {"color": {"map": "plasma", "low": 1, "high": 0}},
    FIGURE | {"color": {"map": "plasma"}},
    change(FIGURE, type="spiral"),
    change(FIGURE, values=[[1, 2], [3]]),
    change(FIGURE, values=[]),
    change(FIGURE, values=[[]]),
    change(FIGURE, values="x"),
    change(FIGURE, values=[["x"]]),
    change(FIGURE, texts=[["x"]]),
    change(FIGURE, values=[[0] * 1000] * 201),
    change(FIGURE, values=[[0] * 100_000] + [[]] * 99_000),
    change(FIGURE, values=[[0]] + [[]] * 200_000),
    change(FIGURE, texts=[[]] * 200_001),
    change(CURVE, type="line", x=[1], y=[1, 2]),
])
def test_invalid_figures_are_rejected(server, figure):
    answer = server.post("/api/view/export", {"text": TEXT, "what": "screen", "format": "svg", "figure": figure})
    assert answer.status == 400 and answer.error
    assert server.post("/api/view/export", {"text": TEXT, "what": "depth", "format": "csv", "figure": FIGURE}).status == 400
    assert server.post("/api/view/export", {"text": TEXT, "what": "screen", "format": "json", "figure": FIGURE}).status == 400
