"""--figure of every command that has a picture."""
import json
import re
from xml.etree import ElementTree

import pytest

from program import PENGUINS, with_file_size_limit, without_root_powers

SWEEP = ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_mlp_out *= {factor}"]
COMMANDS = {
    "predict": ["predict", PENGUINS],
    "surprisal": ["predict", PENGUINS, "--all"],
    "distribution": ["predict", PENGUINS, "--draw", "distribution", "--target", " man"],
    "temperatures": ["predict", PENGUINS, "--draw", "temperatures"],
    "tokens of texts": ["tokens", PENGUINS, "Zwei Texte.", "--labels", "one,two"],
    "samples": ["generate", "He was", "--samples", 2, "--temperature", 1, "--max-new", 4],
    "activations": ["activations", PENGUINS],
    "embeddings": ["embeddings", "the", "a", "of"],
    "map": ["embeddings", "the", "a", "of", "--draw", "map"],
    "weights": ["weights", "h.0.mlp.c_fc.weight"],
    "distributions": ["distributions", PENGUINS, "--at", "hook_q", "hook_z"],
    "layers": ["similarity", PENGUINS, "--across", "layers"],
    "tokens": ["similarity", PENGUINS, "--across", "tokens"],
    "profile": ["similarity", PENGUINS, "--profile"],
    "point": ["sweep", PENGUINS, "--edit", "blocks.0.hook_mlp_out = 0", "--target", " I"],
    "line": ["sweep", PENGUINS, "--edit", "blocks.{layer}.hook_mlp_out = 0", "--over", "layer=all", "--target", " I"],
    "grid": [*SWEEP, "--over", "layer=0..2", "--over", "factor=0,2", "--metric", "kl"],
    "grids": [*SWEEP[:-1], "blocks.{layer}.hook_mlp_out[{position}] *= {factor}", "--over", "layer=0..1"]
    + ["--over", "factor=0,2", "--over", "position=0:2", "--target", " I"],
    "verify": ["verify", PENGUINS],
    "attribution": ["attribution", PENGUINS],
    "sources": ["attribution", PENGUINS, "--heads", "L0H0,L11H5"],
    "geometry": ["geometry", PENGUINS],
    "heatmap": ["heatmap", PENGUINS, "--by", "surprisal", "--by", "L5H3[from -1]"],
    "trajectory": ["geometry", PENGUINS, "--draw", "trajectory"],
    "nearest": ["geometry", PENGUINS, "--draw", "nearest"],
}
COLOURED = ["weights", "embeddings", "distributions", "layers", "tokens", "grid", "grids", "attribution", "geometry", "nearest"]
ENDINGS = [".svg", ".png", ".pdf", ".html", ".vl.json"]


def check(path):
    data = path.read_bytes()
    if path.suffix == ".svg":
        assert data.startswith(b"<?xml") and data.rstrip().endswith(b"</svg>")
    elif path.suffix == ".png":
        assert data.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in data[-12:]
    elif path.suffix == ".pdf":
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
    elif path.suffix == ".html":
        page = data.decode()
        assert page.lower().startswith("<!doctype html>") and "<svg" in page and "<script" not in page
        assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    else:
        assert "vega-lite/v5" in json.loads(data)["$schema"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_form_in_both_themes(stratoscope, name):
    for ending in ENDINGS:
        files = {}
        for theme in ("light", "dark"):
            file = stratoscope.folder / f"{theme}{ending}"
            stratoscope.succeeds(*COMMANDS[name], "--figure", file.name, "--theme", theme)
            check(file)
            files[theme] = file.read_bytes()
        assert files["light"] != files["dark"], ending
    assert stratoscope.files() == {theme + ending for theme in ("light", "dark") for ending in [*ENDINGS, ".gp"]}


def test_bench_has_a_picture(stratoscope, tiny_model):
    bench = ["bench", "--model", tiny_model, "--tokens", "3,9,20", "--repeat", 1]
    for ending in (".svg", ".html"):
        stratoscope.succeeds(*bench, "--figure", "bench" + ending)
        check(stratoscope.folder / ("bench" + ending))


def test_the_same_figure_is_the_same_bytes(stratoscope):
    for ending in ENDINGS:
        files = []
        for _ in range(2):
            stratoscope.succeeds(*COMMANDS["profile"], "--figure", "x" + ending)
            files.append((stratoscope.folder / ("x" + ending)).read_bytes())
        assert files[0] == files[1], ending


def test_the_result_is_printed_too(stratoscope):
    plain = stratoscope.json(*COMMANDS["profile"])
    assert stratoscope.json(*COMMANDS["profile"], "--figure", "x.svg") == plain


def colour_ends(value):
    """Both ends of every colour scale in a Vega-Lite specification."""
    if isinstance(value, list):
        return [ends for v in value for ends in colour_ends(v)]
    if not isinstance(value, dict):
        return []
    domain = value.get("domain", []) if "range" in value else []
    numbers = isinstance(domain, list) and domain and all(isinstance(x, (int, float)) for x in domain)
    return ([(domain[0], domain[-1])] if numbers else []) + [ends for v in value.values() for ends in colour_ends(v)]


@pytest.mark.parametrize("name", COLOURED)
def test_a_range_of_colours(stratoscope, name):
    def spec(*options):
        stratoscope.succeeds(*COMMANDS[name], "--figure", "x.vl.json", *options)
        return json.loads((stratoscope.folder / "x.vl.json").read_text(encoding="utf-8"))

    assert (-0.25, 0.75) in colour_ends(spec("--range", "-0.25,0.75"))
    assert spec("--range", "auto") != spec("--range", "-0.25,0.75")
    stratoscope.succeeds(*COMMANDS[name], "--figure", "x.svg", "--range", "-0.25,0.75")


def test_auto_is_the_datas_own_range(stratoscope):
    values = stratoscope.json(*COMMANDS["tokens"])["matrices"]
    flat = [v for matrix in values for row in matrix for v in row]
    stratoscope.succeeds(*COMMANDS["tokens"], "--figure", "x.vl.json", "--range", "auto")
    spec = json.loads((stratoscope.folder / "x.vl.json").read_text(encoding="utf-8"))
    assert any(ends == pytest.approx((min(flat), max(flat)), abs=1e-4) for ends in colour_ends(spec))


@pytest.mark.parametrize(
    ("range", "says"),
    [
        ("1,0", "does not rise"),
        ("0,0", "does not rise"),
        ("1", "LO,HI"),
        ("", "LO,HI"),
        ("a,b", "LO,HI"),
        ("0,nan", "LO,HI"),
        ("0,1,2", "LO,HI"),
        ("0;1", "LO,HI"),
    ],
)
def test_ranges_that_are_none(stratoscope, range, says):
    stratoscope.fails(*COMMANDS["tokens"], "--figure", "x.svg", "--range", range, "--json", says=says)


@pytest.mark.parametrize("name", ["predict", "line", "profile"])
def test_a_figure_without_colours_has_no_range(stratoscope, name):
    stratoscope.fails(*COMMANDS[name], "--figure", "x.svg", "--range", "0,1", "--json", says="no colour scale")


@pytest.mark.parametrize("option", [["--theme", "dark"], ["--range", "0,1"]])
def test_theme_and_range_need_a_figure(stratoscope, option):
    stratoscope.fails(*COMMANDS["tokens"], *option, status=2, says="--figure")


@pytest.mark.parametrize("file", ["x.jpg", "x", ".svg", "x.json", "x.svg.gz", "x.gp", ""])
def test_another_ending_is_refused(stratoscope, file):
    stratoscope.fails(*COMMANDS["profile"], "--figure", file, "--json", says=".svg, .png, .pdf, .html or .vl.json")


@pytest.mark.parametrize("name", COMMANDS)
def test_without_gnuplot_svg_and_html_are_still_drawn(stratoscope, name):
    nothing = {"PATH": stratoscope.home}
    for ending in (".svg", ".html", ".vl.json"):
        files = {}
        for theme in ("light", "dark"):
            file = stratoscope.folder / f"{theme}{ending}"
            stratoscope.succeeds(*COMMANDS[name], "--figure", file.name, "--theme", theme, env=nothing)
            check(file)
            files[theme] = file.read_bytes()
        assert files["light"] != files["dark"], ending
    svg = "{http://www.w3.org/2000/svg}"
    root = ElementTree.parse(stratoscope.folder / "light.svg").getroot()
    assert root.tag == svg + "svg" and root.find(svg + "title").text and len(root.findall(f".//{svg}text")) > 5
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    assert stratoscope.files() == {theme + end for theme in ("light", "dark") for end in (".svg", ".html", ".vl.json", ".gp")}


def test_without_gnuplot_script_and_specification_of_other_pictures_are_written(stratoscope):
    nothing = {"PATH": stratoscope.home}
    for ending in (".png", ".pdf"):
        command = [*COMMANDS["profile"], "--figure", "x" + ending, "--json"]
        left = ["x.gp", "x.vl.json"]
        stratoscope.fails(*command, env=nothing, says=["gnuplot-nox", *left], leaves=left)


def test_a_gnuplot_that_fails_is_named(stratoscope):
    gnuplot = stratoscope.folder / "bin" / "gnuplot"
    gnuplot.parent.mkdir()
    gnuplot.write_text("#!/bin/sh\necho 'line 7: no such terminal' >&2\nexit 3\n")
    gnuplot.chmod(0o755)
    env = {"PATH": f"{gnuplot.parent}:/usr/bin:/bin"}
    command = [*COMMANDS["profile"], "--figure", "x.svg"]
    says = ["gnuplot failed (status 3)", "no such terminal"]
    stratoscope.fails(*command, env=env, says=says, leaves=["x.gp", "x.vl.json"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_places_that_cannot_be_written(stratoscope, ending):
    command = [*COMMANDS["profile"], "--json", "--figure"]
    (stratoscope.folder / "locked").mkdir(mode=0o555)
    (stratoscope.folder / f"folder{ending}").mkdir()
    stratoscope.fails(*command, f"not/there{ending}", says="No such file")
    stratoscope.fails(*command, f"locked/x{ending}", says="Permission denied", preexec_fn=without_root_powers)
    result = stratoscope.run(*command, f"folder{ending}")
    assert result.status == 1 and "is a folder" in result.error and not result.out


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_leaves_no_half_picture(stratoscope, ending):
    file = stratoscope.folder / f"x{ending}"
    for limit in (20, 5000, 20_000):
        command = [*COMMANDS["activations"], "--figure", file.name]
        result = stratoscope.run(*command, preexec_fn=with_file_size_limit(limit))
        assert result.status == 1 and result.error and not result.out
        assert not file.exists()
        for left in stratoscope.folder.iterdir():
            assert left.name in ("x.gp", "x.vl.json") and left.stat().st_size < limit
        stratoscope.leaves_no_temporary_file()


def test_markup_in_a_text_without_gnuplot(stratoscope):
    text = "`touch oops` <b>&amp; \"q\" 'r' ]]> </svg><script>alert(1)</script> \t two  spaces \u05e9\u05dc\u05d5\u05dd"
    nothing = {"PATH": stratoscope.home}
    for ending in (".svg", ".html"):
        stratoscope.succeeds("similarity", text, "--across", "tokens", "--figure", "x" + ending, env=nothing)
        check(stratoscope.folder / ("x" + ending))
    root = ElementTree.parse(stratoscope.folder / "x.svg").getroot()
    texts = "".join(each.text for each in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "<" in texts and ">" in texts and not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_markup_and_gnuplots_own_signs_in_a_text(stratoscope):
    text = "`touch oops` {a}_b^c @x \"q\" 'r' \\n <b>&amp; $(touch oops) %s"
    for ending in ENDINGS:
        stratoscope.succeeds("similarity", text, "--across", "tokens", "--figure", "x" + ending)
        check(stratoscope.folder / ("x" + ending))
    assert not (stratoscope.folder / "oops").exists()
