"""The package's types, read strictly, and what its users' code is told of them."""
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import stratoscope

PACKAGE = Path(stratoscope.__file__).parent
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="no mypy")

OPTIONS = """
[mypy]
strict = True
python_version = 3.9
[mypy-matplotlib.*,pandas.*,tqdm.*]
ignore_missing_imports = True
"""


def mypy(tmp_path, *arguments):
    config = tmp_path / "mypy.ini"
    config.write_text(OPTIONS)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", tmp_path / "cache", *arguments],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip


def test_the_package_is_clean(tmp_path):
    done = mypy(tmp_path, "-p", "stratoscope") if "site-packages" in str(PACKAGE) else mypy(tmp_path, PACKAGE)
    assert done.returncode == 0, done.stdout


def test_a_user_s_code(tmp_path, monkeypatch):
    if "site-packages" not in str(PACKAGE):
        monkeypatch.setenv("MYPYPATH", str(PACKAGE.parent))
    code = tmp_path / "code.py"
    code.write_text(
        "import stratoscope as st\n"
        "model = st.load()\n"
        "reveal_type(model.run('a').logits)\n"
        "reveal_type(model.generate('a'))\n"
        "reveal_type(model.generate('a', stream=True))\n"
        "reveal_type(model.config.n_layers)\n"
        "model.predict(3)\n"
        "model.predict('a', tpo=3)\n"
        "model.sweep('a', metric='loss')\n"
    )
    lines = [line.split(": ", 1)[1] for line in mypy(tmp_path, code).stdout.splitlines() if ".py:" in line]
    assert "numpy.ndarray" in lines[0]
    assert [line.split('"')[1] for line in lines[1:4]] == [
        "stratoscope.generation.Generation", "stratoscope.generation.Stream", "builtins.int",
    ]  # fmt: skip
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 3
