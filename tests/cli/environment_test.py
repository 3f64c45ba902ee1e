"""Environment variables of OpenMP and the C library change no number: the same bytes, or one error line."""
import json
import os
import platform

import pytest

from program import ROOT

PROMPTS = ROOT / "tests" / "prompts"
TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom"
SHORT = "It was"
CORRUPT = TEXT.replace("best", "last").replace("wisdom", "sorrow")
SCALE = "blocks.{layer}.hook_resid_post[{position}] *= {f}"
SAVED = "o.safetensors"
INSTRUCTION_SETS = ["NEON"] if platform.machine() == "aarch64" else ["SSE4", "AVX2", "AVX512", "AVX512_BF16", "AMX"]
COMMANDS = {
    "predict": [TEXT, "--all", "--edit", "blocks.3.hook_mlp_out *= 0.7", "--edit", "blocks.5.attn.hook_z.head[1] = mean"],
    "bf16": ["predict", TEXT, "--all", "--precision", "bf16"],
    "run": [TEXT, "--save", SAVED, "--capture", "*"],
    "texts": ["run", "--texts", "t.jsonl", "--save", SAVED, "--capture", "blocks.*.attn.hook_pattern"],
    "activations": [TEXT, "--token", " best"],
    "distributions": [TEXT, "--at", "*"],
    "similarity": ["--profile", TEXT],
    "sweep": [TEXT, "--edit", SCALE, "--over", "layer=0..2", "--over", "position=all", "--over", "f=0,1.5", "--metric", "kl"],
    "lens": [TEXT],
    "attention": [TEXT],
    "attribution": [TEXT, "--target", " the"],
    "geometry": [TEXT],
    "heatmap": [TEXT, "--by", "entropy", "--by", "L5H3[from -1]", "--by", "attribution"],
    "patch": [TEXT, "--corrupt", CORRUPT, "--target", " the"],
    "ablate": [TEXT, "--target", " the"],
    "edges": [SHORT, "--target", " the"],
    "steer": [TEXT, "--positive", "joy and love", "--negative", "grief and hate"],
    "score": ["--texts", PROMPTS / "texts.jsonl", "--edit", "blocks.3.hook_mlp_out *= 0.7"],
    "compare": [PROMPTS / "fine.txt", PROMPTS / "foul.txt", "--shuffles", "2"],
    "generate": [TEXT, "--max-new", "8", "--temperature", "0.9", "--seed", "3"],
    "embeddings": ["the", "best", "--analogy", "the - best"],
    "weights": ["*"],
    "verify": [SHORT],
}
# Each value alone, and the first, second, … values of all variables together.
VARIABLES = {
    "OMP_NUM_THREADS": ["0", "-1", "1", "3", "1000", "abc", "2,2", "99999999999999999999"],
    "OMP_THREAD_LIMIT": ["1", "2", "4", "0"],
    "OMP_DYNAMIC": ["true"],
    "OMP_NESTED": ["true"],
    "OMP_MAX_ACTIVE_LEVELS": ["9", "0"],
    "OMP_STACKSIZE": ["1", "16k", "9999g"],
    "GOMP_STACKSIZE": ["1", "16", "99999999999"],
    "OMP_PROC_BIND": ["true", "close", "spread"],
    "OMP_PLACES": ["{0}", "cores", "{7}:9"],
    "OMP_SCHEDULE": ["dynamic,1", "static,1000"],
    "OMP_WAIT_POLICY": ["active", "passive"],
    "OMP_CANCELLATION": ["true"],
    "OMP_DISPLAY_ENV": ["verbose"],
    "OMP_TOOL": ["x"],
    "OMP_TARGET_OFFLOAD": ["mandatory"],
    "GOMP_CPU_AFFINITY": ["0", "1"],
    "GOMP_SPINCOUNT": ["0", "infinity"],
    "KMP_AFFINITY": ["compact"],
    "MALLOC_PERTURB_": ["165", "1"],
    "MALLOC_ARENA_MAX": ["1"],
    "MALLOC_TOP_PAD_": ["0"],
    "GLIBC_TUNABLES": ["glibc.malloc.mmap_threshold=4096", "glibc.malloc.tcache_count=0"],
    "LD_BIND_NOW": ["1"],
}
ALONE = [(name, value) for name, values in VARIABLES.items() for value in values]
TOGETHER = range(3)
CORES = sorted(os.sched_getaffinity(0))


def together(number):
    return {name: values[number % len(values)] for name, values in VARIABLES.items()}


class Bytes:
    """The output of a command, or the file that it saves, in an environment without these variables; computed once."""

    def __init__(self):
        self.of = {}

    def made(self, stratoscope, name, threads=None, **options):
        arguments = COMMANDS[name] if name in ("bf16", "texts") else [name, *COMMANDS[name]]
        if "t.jsonl" in arguments:
            texts = "".join(json.dumps({"text": text}) + "\n" for text in (TEXT, "a", TEXT[:11], "7" * 90))
            (stratoscope.folder / "t.jsonl").write_text(texts, encoding="utf-8")
        if SAVED not in arguments:
            arguments = [*arguments, "--json"]
        if threads is not None:
            arguments = [*arguments, "--threads", threads]
        result = stratoscope.succeeds(*arguments, **options)
        saved = stratoscope.folder / SAVED
        left = {SAVED, "t.jsonl"} & stratoscope.files()
        assert stratoscope.files() == left, "something else was written"
        return saved.read_bytes() if SAVED in left else result.out_bytes

    def check(self, stratoscope, name, *arguments, **options):
        if name not in self.of:
            self.of[name] = self.made(stratoscope, name, 1)
        assert self.made(stratoscope, name, *arguments, **options) == self.of[name]


@pytest.fixture(scope="module")
def same_bytes():
    return Bytes()


@pytest.mark.parametrize("variable, value", ALONE)
def test_a_variable_alone(stratoscope, same_bytes, variable, value):
    for threads in (None, 16):
        same_bytes.check(stratoscope, "predict", threads, env={variable: value})


@pytest.mark.parametrize("number", TOGETHER)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_under_all_of_them(stratoscope, same_bytes, name, number):
    same_bytes.check(stratoscope, name, [None, 16, 3][number], env=together(number))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_on_one_core(stratoscope, same_bytes, name):
    same_bytes.check(stratoscope, name, 5, preexec_fn=lambda: os.sched_setaffinity(0, CORES[-1:]))


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_a_lesser_instruction_set_is_recorded_and_has_bits_of_its_own(stratoscope, isa):
    documents = [
        stratoscope.json("predict", TEXT, "--threads", threads, env={"STRATOSCOPE_MAX_ISA": isa} | changes)
        for threads, changes in [(1, {}), (2, {}), (16, {"OMP_THREAD_LIMIT": "1"}), (7, {"OMP_DYNAMIC": "true"})]
    ]
    assert all(document == documents[0] for document in documents)
    best = stratoscope.json("predict", TEXT)["isa"]
    assert documents[0]["isa"] in (isa, best), "or less than this limit"


def test_an_instruction_set_that_does_not_exist_is_refused(stratoscope):
    env = {"STRATOSCOPE_MAX_ISA": "AVX9"}
    stratoscope.fails("predict", TEXT, env=env, says=["STRATOSCOPE_MAX_ISA", "'AVX9'", "use " + INSTRUCTION_SETS[0]])


@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_results_in_bf16_name_what_multiplies_bfloat16(stratoscope, isa):
    env = {"STRATOSCOPE_MAX_ISA": isa}
    runs = [stratoscope.json("predict", TEXT, "--precision", "bf16", "--threads", n, env=env) for n in (1, 2, 7)]
    assert all(run == runs[0] for run in runs)
    best = stratoscope.json("predict", TEXT, env=env)["isa"]
    assert runs[0]["isa"] in (isa, best), "or less than this limit"
    if isa in ("SSE4", "AVX2", "AVX512"):
        assert runs[0]["isa"] == best, "which have no products of bfloat16"
