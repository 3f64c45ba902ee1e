"""Completion, in real shells on a pseudo-terminal, and the manual page."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from program import PROGRAM

COMMANDS = ["demo", "info", "tokens", "run", "predict", "score", "activations", "distributions", "similarity", "sweep", "patch", "ablate",
            "edges", "steer", "compare", "replay", "verify", "bench",
            "generate", "lens", "attention", "attribution", "geometry", "embeddings", "heatmap", "weights", "pull", "models", "serve"]
# Instead of the program, a line's end shows the words that the shell would give to it.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; PS1='ready> '\n"
        'source {script}; stratoscope() {{ printf "[%s]" "$@"; echo end; }}\n',
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; PS1='ready> '; unsetopt beep\n"
        "fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump\n"
        'stratoscope() {{ printf "[%s]" "$@"; echo end; }}\n',
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo 'ready> '; end\n"
        'function stratoscope; printf "[%s]" $argv; echo end; end; source {script}\n',
    ),
}
FILES = {"bash": "stratoscope.bash", "zsh": "_stratoscope", "fish": "stratoscope.fish"}


class Shell:
    """An interactive shell."""

    def __init__(self, name, folder):
        command, setup = SHELLS[name]
        script = folder / FILES[name]
        script.write_bytes(subprocess.run([PROGRAM, "completion", name], capture_output=True, check=True).stdout)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.seen = ""
        self.type(setup.format(script=script, folder=folder))
        self.type("echo set''up\n")
        self.wait_for("setup")

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def wait_for(self, pattern, seconds=60):
        """The output before the pattern, which is removed from the seen output."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], f"no {pattern!r} in {self.seen!r}"
            self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        self.seen = self.seen[match.end() :]
        return match[0]

    def completes(self, line):
        """The words of the line, completed at its end."""
        self.type(line + "\t\n")
        words = self.wait_for(r"(?:\[[^\[\]]*\])+end")
        return re.findall(r"\[([^\]]*)\]", words)

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)


@pytest.fixture(params=sorted(SHELLS))
def shell(request, tmp_path):
    if shutil.which(SHELLS[request.param][0][0]) is None:
        pytest.skip(f"{request.param} is not installed: its completion is not tried")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "figure one.svg").touch()
    made = Shell(request.param, tmp_path)
    yield made
    made.close()


def test_completes_what_is_typed(shell):
    assert shell.completes("stratoscope simi") == ["similarity"]
    assert shell.completes("stratoscope predict --the") == ["predict", "--theme"]
    assert shell.completes("stratoscope predict --theme d") == ["predict", "--theme", "dark"]
    assert shell.completes("stratoscope predict --theme=d") in (["predict", "--theme=dark"],)
    assert shell.completes("stratoscope similarity --across l") == ["similarity", "--across", "layers"]
    assert shell.completes("stratoscope demo --out fol")[2].rstrip("/") == "folder"
    assert shell.completes("stratoscope verify --figure folder/fig") == ["verify", "--figure", "folder/figure one.svg"]
    assert shell.completes("stratoscope tokens --model nov") == ["tokens", "--model", "novella-7m"]
    assert shell.completes("stratoscope sweep --metric ent") == ["sweep", "--metric", "entropy"]
    assert shell.completes("stratoscope run --capture unembed.hook_i") == ["run", "--capture", "unembed.hook_in"]


def test_completes_inside_of_quotes(tmp_path):
    shell = Shell("bash", tmp_path)
    words = shell.completes("stratoscope run --capture 'blocks.*.attn.hook_pat")
    shell.close()
    assert words == ["run", "--capture", "blocks.*.attn.hook_pattern"]


# The answers of the bash script, without a terminal.
def answers(folder, *words):
    script = folder / "stratoscope.bash"
    if not script.exists():
        script.write_bytes(subprocess.run([PROGRAM, "completion", "bash"], capture_output=True, check=True).stdout)
    ask = 'source "$1"; compopt() { :; }; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stratoscope "$1"'
    ask += '; printf "%s\\n" "${COMPREPLY[@]}"'
    command = ["bash", "--norc", "-c", ask, "bash", script, "stratoscope", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    assert done.stderr == ""
    return done.stdout.split()


def test_offers_every_command(tmp_path):
    assert set(answers(tmp_path, "")) == {*COMMANDS, "--help", "--version"}


@pytest.mark.parametrize("command", COMMANDS)
def test_offers_every_option_that_help_lists(stratoscope, tmp_path, command):
    listed = re.findall(r"^  (?:-\w,)?(--[\w-]+)", stratoscope.prints(command, "--help"), re.MULTILINE)
    assert len(listed) >= 2
    assert answers(tmp_path, command, "--") == listed


def test_every_value_offered_is_one(stratoscope, tmp_path):
    for metric in answers(tmp_path, "sweep", "--metric", ""):
        targets = {"logit_diff": 2, "kl": 0, "entropy": 0}.get(metric, 1)
        stratoscope.prints("sweep", "a b", "--edit", "blocks.0.hook_mlp_out *= 0.5", "--metric", metric,
                           *["--target", " the", "--target", " a"][: 2 * targets])
    for precision in answers(tmp_path, "predict", "--precision", ""):
        stratoscope.prints("predict", "a b", "--precision", precision)
    captures = [word for hook in answers(tmp_path, "run", "--capture", "") for word in ("--capture", hook)]
    stratoscope.prints("run", "a b", "--save", "all.npz", *captures)


def test_offers_nothing_for_what_is_free(tmp_path):
    (tmp_path / "a").touch()
    assert answers(tmp_path, "predict", "") == []
    assert answers(tmp_path, "predict", "--top", "") == []
    assert answers(tmp_path, "predict", "--text-that-is-none", "") == []


def test_several_values_and_then_an_option(tmp_path):
    assert answers(tmp_path, "run", "--capture", "hook_embed", "unembed.hook_i") == ["unembed.hook_in"]
    assert answers(tmp_path, "run", "--capture", "hook_embed", "--sa") == ["--save"]
    assert answers(tmp_path, "sweep", "--theme", "=", "l") == ["light"]
    assert answers(tmp_path, "sweep", "--theme", "=") == ["light", "dark"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_scripts_are_sound(tmp_path, name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: its script is not read")
    script = tmp_path / FILES[name]
    script.write_bytes(subprocess.run([PROGRAM, "completion", name], capture_output=True, check=True).stdout)
    check = ["fish", "--no-execute", script] if name == "fish" else [name, "-n", script]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_another_shell_is_refused(stratoscope):
    stratoscope.fails("completion", "csh", status=2, says="csh")
    stratoscope.fails("completion", status=2, says="SHELL")


def test_manual_page(stratoscope, tmp_path):
    page = tmp_path / "stratoscope.1"
    page.write_text(stratoscope.prints("man"), encoding="utf-8")
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed: the manual page is not set")
    done = subprocess.run([groff, "-man", "-ww", "-Kutf8", "-Tutf8", page], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    text = re.sub("\x1b\\[[0-9;]*m|.\x08", "", done.stdout).replace("‐", "-").replace("−", "-")
    for command in COMMANDS:
        assert re.search(rf"^ +stratoscope {command} \[options\]", text, re.MULTILINE), command
        for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", stratoscope.prints(command, "--help"), re.MULTILINE):
            assert option in text, option
