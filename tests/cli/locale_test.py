"""Other languages and encodings of the terminal change no number and no byte."""
import shutil
import subprocess

import pytest

from program import KAFKA, PENGUINS

COMMANDS = [
    ["info"],
    ["tokens", "naïve 日本語 🙂\n"],
    ["predict", PENGUINS],
    ["predict", PENGUINS, "--all", "--json"],
    ["activations", PENGUINS],
    ["similarity", PENGUINS, "--across", "tokens"],
    ["sweep", KAFKA, "--edit", "blocks.{layer}.hook_resid_post *= {x}", "--over", "layer=0", "--over", "x=0.5,1e-3"]
    + ["--target", " insect"],
]


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """An environment whose numbers have a decimal comma, compiled where the system has none."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("no localedef to make a locale with")
    command = ["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"]
    made = subprocess.run(command, capture_output=True, check=False)
    if not (folder / "de_DE.UTF-8" / "LC_NUMERIC").exists():
        pytest.skip(f"no German locale (apt install locales): {made.stderr.decode(errors='replace')[:200]}")
    return {"LOCPATH": folder, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("locale", ["C", "xx_YY.ISO-8859-1", None])
def test_another_encoding(stratoscope, command, locale):
    assert stratoscope.succeeds(*command, env={"LC_ALL": locale}).out_bytes == stratoscope.succeeds(*command).out_bytes


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_decimal_comma(stratoscope, german, command):
    assert stratoscope.succeeds(*command, env=german).out_bytes == stratoscope.succeeds(*command).out_bytes


def test_figures_with_a_decimal_comma(stratoscope, german):
    for ending in (".svg", ".vl.json", ".html"):
        files = []
        for env in (None, german):
            stratoscope.succeeds(*COMMANDS[5], "--figure", "x" + ending, "--range", "0.25,0.75", env=env)
            files.append((stratoscope.folder / ("x" + ending)).read_bytes())
        assert files[0] == files[1], ending


def test_wide_and_combining_characters_keep_columns_straight(stratoscope):
    lines = stratoscope.prints("predict", "日本", "--all", env={"LC_ALL": "C"}).splitlines()
    assert any("日" in line or "\ufffd" in line for line in lines)
