"""docs/python.md: every public name, and code that runs. docs/series.md: commands, code and pictures."""
import inspect
import itertools
import math
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import stratoscope
from conftest import program
from stratoscope import _library

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
SERIES = PAGE.with_name("series.md")
PICTURES = PAGE.parent / "images" / "series"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="away from the source tree")


def blocks(page):
    """(language, content) of every block of code, in the order of the page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run(code, page, scope):
    exec(compile(code, str(page), "exec"), scope)


def test_one_version():
    project = (PAGE.parents[1] / "python" / "pyproject.toml").read_text(encoding="utf-8")
    library = _library.library().stratoscope_version().decode()
    assert stratoscope.__version__ == library == re.search(r'^version = "(.*)"', project, re.MULTILINE)[1]
    assert _library.SONAME == "libstratoscope.so." + library.rpartition(".")[0]


def test_every_name_is_on_the_page():
    page = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    names = set(stratoscope.__all__)
    for kind in (stratoscope.Model, stratoscope.Run, stratoscope.Result, stratoscope.Tokens, stratoscope.Generation):
        names |= {name for name in vars(kind) if not name.startswith("_")}
    assert names - words == set()


def test_every_name_has_a_docstring():
    for name in stratoscope.__all__:
        value = getattr(stratoscope, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member, function in vars(value).items():
                if not member.startswith("_") and inspect.isfunction(function) and member not in ("text",):
                    assert inspect.getdoc(function), f"{name}.{member}"


@pytest.mark.filterwarnings("ignore::stratoscope.StratoscopeWarning")
def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = [content for language, content in blocks(PAGE) if language == "python"]
    assert code
    scope = {}
    for block in code:
        run(block, PAGE, scope)
    assert scope["impact"].values.shape == (12,)
    assert (tmp_path / "impact.svg").exists()


def alike(promised, printed):
    """Two lines whose words are equal, and whose decimal numbers are nearly so: digits depend on the processor."""
    decimal = re.compile(r"[-+]?\d*\.\d+")

    def same(a, b):
        decimals = decimal.fullmatch(a) and decimal.fullmatch(b)
        return a == b or bool(decimals) and math.isclose(float(a), float(b), rel_tol=0.01)

    return all(itertools.starmap(same, itertools.zip_longest(promised.split(), printed.split(), fillvalue="")))


def words(picture):
    """The texts of an SVG file without their numbers, whose last digits depend on the processor."""
    texts = re.findall(r">([^<>]+)</(?:text|tspan)>", picture.read_text(encoding="utf-8"))
    texts = [re.sub(r"\d[\d.,]*", "", text).strip() for text in texts]
    return [text for text in texts if re.search(r"\w", text)]


@pytest.mark.filterwarnings("ignore::stratoscope.StratoscopeWarning")
def test_the_series_runs_and_draws_its_pictures(tmp_path, monkeypatch):
    """The page in its order, in one folder. REDRAW_PICTURES=1 puts the pictures into docs/images/series."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(program()).resolve().parent}:{os.environ['PATH']}")
    scope, printed, named = {}, [], []
    for language, content in blocks(SERIES):
        if language == "python":
            run(content, SERIES, scope)
        elif language == "text":
            for line in content.splitlines():
                assert any(alike(line, one) for one in printed), f"{line!r} is not in {printed}"
        else:
            assert language == "sh", content
            done = subprocess.run(["bash", "-euc", content], capture_output=True, text=True, check=False)
            assert done.returncode == 0, content + done.stderr
            printed = done.stdout.splitlines()
            named += re.findall(r"--figure (\S+)", content)
    linked = re.findall(r"^!\[[^]]+\]\(images/series/(\S+)\)$", SERIES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) > 20 and linked == named
    if os.environ.get("REDRAW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        for name in named:
            shutil.copy(tmp_path / name, PICTURES)
    assert sorted(named) == sorted(path.name for path in PICTURES.iterdir())
    for name in named:
        drawn = words(tmp_path / name)
        assert drawn and drawn == words(PICTURES / name), f"{name} is not what its command draws: REDRAW_PICTURES=1"


def test_the_series_links_to_files():
    targets = re.findall(r"\]\(([^)#]+)", SERIES.read_text(encoding="utf-8"))
    files = [target for target in targets if "://" not in target]
    assert files and all((SERIES.parent / file).exists() for file in files)
