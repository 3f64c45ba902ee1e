"""docs/python.md: every public name, and code that runs."""
import inspect
import re
from pathlib import Path

import pytest
import stratoscope
from stratoscope import _library

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="away from the source tree")


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
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    scope = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    assert scope["impact"].values.shape == (12,)
    assert (tmp_path / "impact.svg").exists()
