"""The table of options in docs/command-line.md has exactly the options that --help lists, with their defaults."""
import re

import pytest

from program import ROOT

DOCUMENT = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
# "  --strength X [4]  the strength"
LISTED = re.compile(r"^  (?:-\w,)?(--[\w-]+)(?: [^\s\[(]+)?(?: …)?(?: \[([^\]]*)\])?", re.MULTILINE)


def section(title):
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text, columns):
    """The cells of each row of the table with these titles."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == f"| {' | '.join(columns)} |":
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def options_in(cell):
    """{"--top": "20"}: an option as one would write it, its default after it."""
    found = {}
    for written in re.findall(r"`([^`]+)`", cell):
        name, _, default = written.partition(" ")
        assert name.startswith("--") and name not in found, written
        found[name] = default
    return found


def documented():
    """By command its options."""
    text = section("Options")
    shared = {name: options_in(cell) for name, cell in rows(text, ["group", "options"])}
    commands = {}
    for command, names, own in rows(text, ["command", "groups", "other options"]):
        options = options_in(own)
        for name in filter(None, names.split(", ")):
            assert not options.keys() & shared[name].keys(), f"{command}: {name}"
            options |= shared[name]
        commands[command.strip("`")] = options
    return commands


def listed(stratoscope, command):
    options = dict(LISTED.findall(stratoscope.prints(command, "--help")))
    assert options.pop("--help") == ""
    return options


def test_every_command_has_a_row_in_the_order_of_help(stratoscope):
    listing = stratoscope.prints("--help").split("Subcommands:")[1]
    commands = re.findall(r"^  (\w+) ", listing, re.MULTILINE)
    assert len(commands) > 20
    assert list(documented()) == commands


@pytest.mark.parametrize("command", documented())
def test_options_and_defaults_are_those_of_help(stratoscope, command):
    assert documented()[command] == listed(stratoscope, command)


def test_help_is_read_with_its_defaults(stratoscope):
    options = listed(stratoscope, "steer")
    assert options["--strengths"] == "-8,-4,-2,-1,1,2,4,8" and options["--metric"] == "kl" and options["--theme"] == "light"
    assert options["--target"] == options["--bos"] == ""
