"""`demo`: the three demonstrations as a folder."""
import csv
import json
import os
import re
import shutil

import pytest

from program import KAFKA, PENGUINS, Program, with_file_size_limit, without_root_powers

FIGURES = ["activations", "similarity-layers", "similarity-tokens", "laminar-profile", "next-tokens", "scaled-blocks"]
DRAWN = [".svg", ".png", ".gp"]
COMPUTED = [".csv", ".vl.json"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One run of the plain demo: its output and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    folder.mkdir()
    result = Program(folder).succeeds("demo")
    return result, folder / "stratoscope-demo"


def test_every_figure_in_every_form(demo):
    names = set(contents(demo[1]))
    figures = {name + ending for name in FIGURES for ending in DRAWN + COMPUTED}
    assert names == figures | {"index.html", ".stratoscope-demo"}


def test_pictures_are_pictures(demo):
    for name in FIGURES:
        svg, png = ((demo[1] / (name + ending)).read_bytes() for ending in (".svg", ".png"))
        assert svg.startswith(b"<?xml") and svg.rstrip().endswith(b"</svg>")
        assert png.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in png[-12:]
        assert b"pHYs\0\0\x2e\x23\0\0\x2e\x23\x01" in png  # 300 dots per inch
        assert png[25] == 6  # with transparency
        spec = json.loads((demo[1] / (name + ".vl.json")).read_text(encoding="utf-8"))
        assert "vega-lite/v5" in spec["$schema"]


def test_the_numbers_behind_a_figure(demo, golden_json):
    with open(demo[1] / "scaled-blocks.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows}) == 1
    numbers = {float(cell) for row in rows[1:] for cell in row if re.fullmatch(r"-?\d+\.\d+", cell)}
    for value in golden_json("demo3")["scaled_by_0.8_log_prob"]:
        assert any(abs(number - value) < 1e-4 for number in numbers)


def test_the_page_needs_nothing_else(demo):
    page = (demo[1] / "index.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("<svg") == len(FIGURES)
    assert "<script" not in page and "@import" not in page and "javascript:" not in page
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//""", page)
    assert not re.search(r"url\(\s*[\"']?(?!#)", page)
    assert not re.search(r"""<[^>]+\son\w+\s*=""", page)
    assert len(re.findall(r'\sid="([^"]+)"', page)) == len(set(re.findall(r'\sid="([^"]+)"', page)))


def test_the_page_tells_what_was_found(demo, golden_json):
    page = (demo[1] / "index.html").read_text(encoding="utf-8")
    for part in ("novella-7m", PENGUINS, KAFKA, "“ Penguins”", "[10, 8192]", "13, each [10, 192]", "109 char"):
        assert part in page, part
    assert f"{golden_json('demo3')['clean_log_prob']:.2f}"[1:] in page


def test_the_summary(demo, golden_json):
    out = demo[0].out
    counts = ["40 characters (19 unique), 10 tokens (10 unique)", "109 characters (25 unique), 24 tokens (24 unique)"]
    for part in [PENGUINS, KAFKA, *counts]:
        assert part in out, part
    assert "31 files are in stratoscope-demo; open stratoscope-demo/index.html" in out
    after = out[out.index("the 21 likeliest next tokens:") :].splitlines()[1:4]
    tokens = [re.findall("“[^”]*”", line) for line in after]
    assert [len(line) for line in tokens] == [7, 7, 7]
    assert sum(tokens, []) == [f"“{p['token']}”" for p in golden_json("demo3")["top21"]]
    assert any("final norm cancels" in warning for warning in demo[0].warnings)


def test_the_same_run_writes_the_same_bytes(stratoscope, demo):
    stratoscope.succeeds("demo", "--out", "again")
    again, first = contents(stratoscope.folder / "again"), contents(demo[1])
    assert again.keys() == first.keys()
    assert [name for name in first if again[name] != first[name]] == []


def test_json(stratoscope):
    result = stratoscope.json("demo", "A wise man once", "--out", "out")
    assert result["out"] == "out"
    assert sorted(result["figures"]) == sorted(name + ending for name in FIGURES for ending in DRAWN + COMPUTED)
    assert result["effect"]["kl"] > 0


def test_a_text_token_target_and_factor_of_ones_own(stratoscope):
    options = ["--token", "Samsa", "--target", " bird", "--factor", "0.5", "--theme", "dark", "--out", "out/"]
    result = stratoscope.succeeds("demo", "Gregor Samsa was a", *options)
    assert "“ bird” has a log-probability" in result.out
    assert "scaled by 0.5" in (stratoscope.folder / "out" / "index.html").read_text(encoding="utf-8").lower()
    chosen = stratoscope.json("activations", "Gregor Samsa was a", "--token", "Samsa")["token"]["token"]
    assert f"activations of “{chosen}”" in result.out
    sweep = ["--edit", "blocks.{layer}.hook_resid_post *= 0.5", "--over", "layer=all", "--target", " bird"]
    clean = stratoscope.json("sweep", "Gregor Samsa was a", *sweep)["clean"]
    assert f"{abs(clean):.5g}" in result.out


def test_another_text_follows_its_own_likeliest_token(stratoscope):
    text = "It was a dark and stormy"
    likeliest = stratoscope.json("predict", text, "--top", 1)["predictions"][0]["token"]
    assert f"“{likeliest}” has a log-probability" in stratoscope.prints("demo", "-", text=text)


def test_markup_in_a_text_is_text(stratoscope):
    text = "<script>alert(1)</script> & `ls` {a}_b^c"
    stratoscope.succeeds("demo", text, "--out", "out")
    page = (stratoscope.folder / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("text", ["A", "A wise", " ", "\n"])
def test_the_shortest_texts(stratoscope, text):
    stratoscope.succeeds("demo", text, "--out", "out")


def test_a_demo_of_ours_is_replaced_as_a_whole(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "out")
    page = (stratoscope.folder / "out" / "index.html").read_bytes()
    stratoscope.succeeds("demo", "B", "--out", "out")
    assert (stratoscope.folder / "out" / "index.html").read_bytes() != page


def test_a_users_file_in_a_demo_of_ours_is_never_lost(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "out")
    (stratoscope.folder / "out" / "notes.txt").write_text("mine")
    stratoscope.fails("demo", "B", "--out", "out", says=["notes.txt", "did not make"])
    assert (stratoscope.folder / "out" / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_taken(stratoscope):
    (stratoscope.folder / "out").mkdir()
    stratoscope.succeeds("demo", "A", "--out", "out")


def test_a_folder_that_is_not_ours_is_left_alone(stratoscope):
    (stratoscope.folder / "theirs").mkdir()
    (stratoscope.folder / "theirs" / "thesis.txt").write_text("years of work")
    stratoscope.fails("demo", "--out", "theirs", "--json", says=["theirs", "not changed"])
    assert (stratoscope.folder / "theirs" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("out", [".", "..", "", "/"])
def test_places_that_are_no_new_folder(stratoscope, out):
    stratoscope.fails("demo", "--out", out)


def test_a_file_in_the_way(stratoscope):
    (stratoscope.folder / "out").write_text("a file")
    stratoscope.fails("demo", "--out", "out", says="is not a folder")


def test_a_folder_that_is_missing_above(stratoscope):
    stratoscope.fails("demo", "--out", "not/there", says=["not/there", "No such file"])


def test_a_place_that_is_not_writable(stratoscope):
    (stratoscope.folder / "locked").mkdir(mode=0o555)
    stratoscope.fails("demo", "--out", "locked/out", says="Permission denied", preexec_fn=without_root_powers)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--token", "40"], 1, "0 to 9"),
        (["--token", "walrus"], 1, "'walrus'"),
        (["--target", ""], 1, "is empty"),
        (["--factor", "nan"], 1, "not finite"),
        (["--factor", "much"], 2, "--factor"),
        (["--theme", "pink"], 2, "--theme"),
        (["--edit", "blocks.0.hook_q *= 2"], 1, "blocks.0.hook_q"),
        (["--figure", "x.svg"], 2, "--figure"),
    ],
)
def test_bad_options_leave_the_old_demo(stratoscope, options, status, says):
    (stratoscope.folder / "stratoscope-demo").mkdir()
    (stratoscope.folder / "stratoscope-demo" / ".stratoscope-demo").write_text("ours")
    stratoscope.fails("demo", *options, "--json", status=status, says=says)


def test_without_gnuplot_everything_else_is_written(stratoscope):
    (stratoscope.folder / "empty").mkdir()
    result = stratoscope.run("demo", "--json", env={"PATH": stratoscope.folder / "empty"})
    assert result.status == 1
    written = "written nevertheless: stratoscope-demo/activations.gp"
    for part in ("6 of 6 figures could not be drawn in every format", "gnuplot-nox", written):
        assert part in result.error
    written = contents(stratoscope.folder / "stratoscope-demo")
    assert set(written) >= {name + ending for name in FIGURES for ending in [".gp", ".svg", *COMPUTED]} | {"index.html"}
    assert not [name for name in written if name.endswith(".png")]
    assert b"</html>" in written["index.html"] and written["index.html"].count(b"<svg") == len(FIGURES)
    assert sorted(json.loads(result.out)["figures"]) == sorted(set(written) - {"index.html", ".stratoscope-demo"})
    stratoscope.leaves_no_temporary_file()


def test_a_full_disk_leaves_no_half_demo(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "out")
    before = contents(stratoscope.folder / "out")
    for limit in (20, 2000, 100_000):
        result = stratoscope.run("demo", "--out", "out", preexec_fn=with_file_size_limit(limit))
        assert result.status == 1 and result.error
        assert contents(stratoscope.folder / "out") == before, limit
        stratoscope.leaves_no_temporary_file()


def test_a_figure_that_cannot_be_drawn_takes_no_other_with_it(stratoscope):
    gnuplot = shutil.which("gnuplot")
    fake = stratoscope.folder / "bin" / "gnuplot"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ngrep -q activations.png figure.gp && exit 3\nexec {gnuplot} \"$@\"\n")
    fake.chmod(0o755)
    result = stratoscope.run("demo", "--out", "out/", env={"PATH": f"{fake.parent}:/usr/bin:/bin"})
    assert result.status == 1 and "1 of 6 figures could not be drawn in every format" in result.error
    assert "out/activations.gp" in result.error
    written = contents(stratoscope.folder / "out")
    assert "activations.png" not in written and "scaled-blocks.png" in written and "index.html" in written


def test_a_link_to_a_demo_of_ours(stratoscope):
    stratoscope.succeeds("demo", "A", "--out", "real")
    os.symlink("real", stratoscope.folder / "link")
    stratoscope.run("demo", "B", "--out", "link")
    assert (stratoscope.folder / "real").is_dir() and (stratoscope.folder / "real" / "index.html").exists()
    stratoscope.leaves_no_temporary_file()
