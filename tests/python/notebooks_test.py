"""The notebooks: executed, with outputs of the same kinds as those that are kept with them."""
import importlib.util
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

HERE = Path(__file__).resolve()
FOLDER = next(parent / "notebooks" for parent in HERE.parents if (parent / "notebooks").exists())
NAMES = ["hidden_states", "from_transformerlens"]


@pytest.fixture(scope="module")
def execute():
    specification = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def kinds(notebook):
    return [
        [sorted(output.get("data", {"text": ""})) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(execute, name):
    path = FOLDER / f"{name}.ipynb"
    kept = nbformat.read(path, as_version=4)
    executed = execute.execute(path)
    assert "stratoscope" in sys.modules
    figures = [o for cell in executed.cells for o in cell.get("outputs", []) if execute.VEGA_LITE in o.get("data", {})]
    assert len(figures) >= 6
    assert kinds(execute.for_github(executed)) == kinds(kept)
    assert [cell.source for cell in executed.cells] == [cell.source for cell in kept.cells]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_shows_on_github(name):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert not any(path in text for path in ("/tmp/", "/home/", str(FOLDER.parent)))
    assert len(text) < 2_000_000
    data = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/svg+xml" in bundle for bundle in data) >= 6
    assert not any("<svg" in bundle.get("text/html", "") for bundle in data)


def test_ten_things_of_transformerlens():
    notebook = nbformat.read(FOLDER / "from_transformerlens.ipynb", as_version=4)
    sections = [cell.source for cell in notebook.cells if cell.source.startswith("## ")]
    assert len(sections) == 10
    assert all("```python" in section for section in sections)
