"""The examples as a user builds them, against an installed Stratoscope; what they print and write is compared with the
goldens.

    examples_test.py cmake|pkg-config PREFIX SOURCE_ROOT BUILD_FOLDER COMPILER
"""
import json
import math
import os
import shutil
import statistics
import struct
import subprocess
import sys
from pathlib import Path

STRICT = "-Wall -Wextra -Wshadow -Werror"
STRICT_C = f"-std=c11 -pedantic {STRICT}"
TOLERANCE = 1e-5


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def build_with_cmake(prefix, source, build, compiler):
    flags = os.environ.get("EXAMPLES_CXX_FLAGS", "")
    run("cmake", "-G", "Ninja", "-S", source / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={STRICT} {flags}", f"-DCMAKE_C_FLAGS={STRICT_C}")
    run("cmake", "--build", build)


def build_with_pkg_config(prefix, source, build, compiler):
    (config,) = prefix.rglob("stratoscope.pc")
    flags = run("pkg-config", "--cflags", "--libs", "stratoscope", env=os.environ | {"PKG_CONFIG_PATH": config.parent})
    build.mkdir(parents=True)
    (library,) = prefix.rglob("libstratoscope.so")
    run(compiler, "-std=c++20", source / "examples" / "sweep.cpp", "-o", build / "sweep", *flags.split(),
        f"-Wl,-rpath,{library.parent}", *os.environ.get("EXAMPLES_CXX_FLAGS", "").split())


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    numbers = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            numbers[name] = entry["shape"], struct.unpack_from(f"<{(end - begin) // 4}f", data, 8 + length + begin)
    return numbers


def expect_near(what, actual, expected, scale=1.0):
    assert len(actual) == len(expected), f"{what}: {len(actual)} numbers, not {len(expected)}"
    for index, (a, e) in enumerate(zip(actual, expected)):
        assert math.isfinite(a) and abs(a - e) <= TOLERANCE * scale, f"{what}: entry {index} is {a}, not {e}"


def numbers_of(output, first_word, column):
    """The numbers in a column of the lines that begin with a word."""
    rows = [line.split() for line in output.splitlines()]
    return [float(row[column]) for row in rows if row and row[0] == first_word]


def check_hidden_states(folder, golden):
    file = folder / "states.safetensors"
    output = run(folder / "hidden_states", "A wise man once said: Penguins are cute.", "novella-7m", file)
    written, expected = read_safetensors(file), read_safetensors(golden / "penguins.safetensors")
    for name in ("hidden_states", "logits"):
        shape, numbers = expected[name]
        assert written[name][0] == shape, f"{name} has shape {written[name][0]}, not {shape}"
        expect_near(name, written[name][1], numbers, scale=max(map(abs, numbers)))
    (depths, tokens, width), states = expected["hidden_states"]
    rows = [states[(depth * tokens + tokens - 1) * width :][:width] for depth in range(depths)]
    for printed, row in zip(numbers_of(output, "depth", 3), rows, strict=True):
        expect_near("variance", [printed / statistics.variance(row)], [1])
    assert output == run(folder / "hidden_states"), "the text and the model are not the default ones"


def check_similarity(folder, golden):
    profile = json.loads((golden / "demo12.json").read_text())["profile"]
    figure = folder / "profile.vl.json"
    lines = run(folder / "similarity", "A wise man once said: Penguins are cute.", "novella-7m", figure).splitlines()
    assert [line.split()[0] for line in lines] == ["Emb", *(f"L{i}" for i in range(len(profile) - 1))], lines
    expect_near("means", [float(line.split()[2]) for line in lines], [statistics.mean(row) for row in profile])
    expect_near("medians", [float(line.split()[4]) for line in lines], [statistics.median(row) for row in profile])
    assert "vega-lite" in json.loads(figure.read_text())["$schema"]


def check_edit(folder, golden):
    demo = json.loads((golden / "demo3.json").read_text())
    for layer in (3, 7):
        expression = f"blocks.{layer}.hook_resid_post *= 0.8"
        output = run(folder / "edit", demo["text"], "novella-7m", demo["target"]["text"], expression)
        expect_near("clean", numbers_of(output, "clean", 1), [demo["clean_log_prob"]])
        expect_near(expression, numbers_of(output, "edited", 1), [demo["scaled_by_0.8_log_prob"][layer]])
    wrong = [folder / "edit", "a", "novella-7m", "a", "blocks.3.hook_mlp *= 2"]
    wrong = subprocess.run(wrong, capture_output=True, text=True)
    assert wrong.returncode == 1 and "blocks.3.hook_mlp_out" in wrong.stderr, wrong


def check_own_edit(folder, golden):
    demo = json.loads((golden / "demo3.json").read_text())
    shape, logits = read_safetensors(golden / "kafka.safetensors")["logits"]
    row = logits[-shape[1] :]
    log_sum = math.log(math.fsum(math.exp(logit - max(row)) for logit in row)) + max(row)
    likeliest = sorted(range(len(row)), key=lambda token: -row[token])[:5]

    def printed(limit):
        lines = run(folder / "own_edit", demo["text"], "novella-7m", limit).splitlines()
        return [int(line.split()[0]) for line in lines], [float(line.split()[-1]) for line in lines]

    ids, log_probs = printed("1e9")
    assert ids == likeliest, f"without an effect the likeliest are {ids}, not {likeliest}"
    expect_near("without an effect", log_probs, [row[token] - log_sum for token in likeliest])
    shortened = printed("20")
    assert shortened[1] == sorted(shortened[1], reverse=True) and shortened != printed("1e9"), shortened


def check_scaled_blocks(program, golden):
    demo = json.loads((golden / "demo3.json").read_text())
    output = run(program)
    expect_near("clean", numbers_of(output, "clean", 1), [demo["clean_log_prob"]])
    expect_near("blocks", numbers_of(output, "block", 2), demo["scaled_by_0.8_log_prob"])
    unscaled = run(program, demo["text"], "novella-7m", demo["target"]["text"], "1")
    expect_near("unscaled", numbers_of(unscaled, "block", 2), [demo["clean_log_prob"]] * 12)


def check_c_interface(folder, golden):
    check_scaled_blocks(folder / "c_interface", golden)
    wrong = subprocess.run([folder / "c_interface", "a", "no-such-model"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "no-such-model" in wrong.stderr, wrong


def main(way, prefix, source, build, compiler):
    shutil.rmtree(build, ignore_errors=True)
    golden = source / "tests" / "golden"
    if way == "cmake":
        build_with_cmake(prefix, source, build, compiler)
        for check in (check_hidden_states, check_similarity, check_edit, check_own_edit, check_c_interface):
            check(build, golden)
    else:
        build_with_pkg_config(prefix, source, build, compiler)
    check_scaled_blocks(build / "sweep", golden)
    print("the examples print and write what they should")


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument).resolve() for argument in sys.argv[2:5]), sys.argv[5])
