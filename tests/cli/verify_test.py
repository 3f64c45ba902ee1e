"""`verify` and `bench`: how exact and how fast."""
import pytest

from program import PENGUINS


def test_verify_names_every_hook_point_with_a_small_error(stratoscope):
    result = stratoscope.json("verify", PENGUINS)
    names = [point["name"] for point in stratoscope.json("info")["hook_points"]]
    assert [point["name"] for point in result["hook_points"]] == names
    assert 0 < max(point["max_rel"] for point in result["hook_points"]) <= 2e-5
    exact = {point["name"]: point["max_abs"] for point in result["hook_points"]}
    assert exact["hook_embed"] == 0


def test_float64_has_no_error_against_itself(stratoscope):
    result = stratoscope.json("verify", "A wise", "--precision", "fp64")
    assert {point["max_abs"] for point in result["hook_points"]} == {0}


def test_verify_takes_edits(stratoscope):
    result = stratoscope.json("verify", PENGUINS, "--edit", "blocks.2.hook_resid_mid = mean")
    assert result["effect"]["kl"] > 0
    assert max(point["max_rel"] for point in result["hook_points"]) <= 2e-5


def test_verify_for_people(stratoscope):
    text = stratoscope.prints("verify", PENGUINS)
    assert "fp32 against the plain float64 path" in text
    assert sum("attn.hook_pattern" in line for line in text.splitlines()) == 1


def test_bench_gives_every_time(stratoscope, tiny_model):
    result = stratoscope.json("bench", "--model", tiny_model, "--tokens", "3,5", "--repeat", 1, "--threads", 2)
    assert result["threads"] == 2
    assert result["resident_bytes"] > 1 << 20
    assert result["load_s"] > 0 and result["peak_gflops"] > 0
    assert result["multiply_add_gflops"] > 1 and result["stream_bytes_per_s"] > 1e8
    assert [run["tokens"] for run in result["runs"]] == [3, 5]
    for run in result["runs"]:
        assert run.keys() == {"tokens", "forward_s", "prompt_s", "gflops", "sweep_s"}
        assert all(value > 0 for value in run.values())


def test_bench_gives_the_limit_of_bfloat16_where_the_processor_multiplies_it(stratoscope, tiny_model):
    def bench(**env):
        options = ["--model", tiny_model, "--precision", "bf16", "--tokens", "3", "--repeat", 1]
        return stratoscope.json("bench", *options, env=env)

    assert "bfloat16_gflops" not in bench(STRATOSCOPE_MAX_ISA="AVX2")
    assert bench().get("bfloat16_gflops", 2) > 1


def test_bench_reads_as_far_as_the_model(stratoscope, tiny_model):
    result = stratoscope.json("bench", "--model", tiny_model, "--repeat", 1)
    assert [run["tokens"] for run in result["runs"]] == [22]


def test_bench_for_people(stratoscope, tiny_model):
    text = stratoscope.prints("bench", "--model", tiny_model, "--tokens", 3, "--repeat", 1)
    assert "of float32 multiply-adds" in text and "read from memory" in text and "of limit" in text
    assert "GFLOP/s" in text and "sweep over blocks" in text and " ms" in text


@pytest.mark.parametrize(("tokens", "says"), [("65", "1 to 64"), ("3,99999", "1 to 64")])
def test_bench_of_a_length_that_the_model_has_not(stratoscope, tiny_model, tokens, says):
    stratoscope.fails("bench", "--model", tiny_model, "--tokens", tokens, "--json", says=says)


def test_bench_does_not_time_the_proof(stratoscope, tiny_model):
    stratoscope.fails("bench", "--model", tiny_model, "--precision", "fp64", says="fp64")


@pytest.mark.parametrize("option", ["--tokens", "--repeat"])
@pytest.mark.parametrize("value", ["-1", "0", "x", ""])
def test_bench_options_that_are_no_counts(stratoscope, option, value):
    stratoscope.fails("bench", option, value, status=2)
