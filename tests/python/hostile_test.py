"""Invalid calls: each raises an exception, and the interpreter and the model stay usable."""
import ctypes
import gc
import json
import os
import threading

import numpy as np
import pytest
import stratoscope as st
from conftest import SENTENCE, run_python
from stratoscope import _library, _requests

HUGE = 10**30


def wrong_calls(model):
    yield "closed", lambda: closed_model().run(SENTENCE)
    yield "closed view", lambda: closed_model().edited("mlp_out.3 = 0").predict(SENTENCE)
    yield "closed weights", lambda: closed_model().weights
    for text in (None, 3, 3.5, b"bytes", object(), {"a": 1}, [None], [SENTENCE, 3], [[1.5]], [["a"]], np.zeros((2, 2, 2))):
        yield f"run {type(text).__name__}", lambda text=text: model.run(text)
    for text in (3, b"bytes", ["list"], object()):
        yield f"predict {type(text).__name__}", lambda text=text: model.predict(text)
        yield f"tokenize {type(text).__name__}", lambda text=text: model.tokenize(text)
    for ids in ([-1], [8192], [HUGE], [2**31], [2**63], [True, 9999999]):
        yield f"ids {ids}", lambda ids=ids: model.run(ids)
    yield "too long", lambda: model.run("The " * 2000)
    yield "surrogate", lambda: model.run("\ud800")
    yield "bos with ids", lambda: model.run([1, 2], bos=True)
    yield "mixed bos", lambda: model.run([model.tokenize("a", bos=True), model.tokenize("a", bos=False)])
    yield "stop_at", lambda: model.run(SENTENCE, stop_at=HUGE)
    yield "stop_at -1000", lambda: model.run(SENTENCE, stop_at=-1000)
    yield "logits", lambda: model.run(SENTENCE, logits="some")
    yield "logits of another type", lambda: model.run(SENTENCE, logits=object())
    yield "capture", lambda: model.run(SENTENCE, capture=[3])
    yield "capture object", lambda: model.run(SENTENCE, capture=[object()])
    yield "capture zero byte", lambda: model.run(SENTENCE, capture="blocks.0\0")
    yield "corrupt", lambda: model.run(SENTENCE, corrupt=3)
    yield "top 0", lambda: model.predict(SENTENCE, top=0)
    yield "top huge", lambda: model.predict(SENTENCE, top=HUGE)
    yield "top negative", lambda: model.predict(SENTENCE, top=-1)
    yield "top text", lambda: model.predict(SENTENCE, top="many")
    yield "position", lambda: model.predict(SENTENCE, position=99)
    yield "position huge", lambda: model.predict(SENTENCE, position=HUGE)
    yield "position nan", lambda: model.predict(SENTENCE, position=float("nan"))
    yield "similarity of nothing", lambda: model.similarity(SENTENCE)
    yield "similarity of both", lambda: model.similarity(SENTENCE, across="layers", profile=True)
    yield "sweep of nothing", lambda: model.sweep()
    yield "sweep without a target", lambda: model.sweep(SENTENCE, edit="mlp_out.3 = 0")
    yield "sweep axis", lambda: model.sweep(SENTENCE, edit="mlp_out.{x} = 0", over={"x": [object()]}, target=" man")
    yield "sweep function", lambda: model.sweep(SENTENCE, edit=lambda v: v, target=" man")
    yield "target", lambda: model.sweep(SENTENCE, edit="mlp_out.3 = 0", target=[object()])
    yield "target id", lambda: model.sweep(SENTENCE, edit="mlp_out.3 = 0", target=HUGE)
    yield "temperature", lambda: model.generate(SENTENCE, temperature=float("inf"))
    yield "max_new", lambda: model.generate(SENTENCE, max_new=HUGE)
    yield "max_new 0", lambda: model.generate(SENTENCE, max_new=0)
    yield "seed", lambda: model.generate(SENTENCE, seed=-1, temperature=1)
    yield "strengths", lambda: model.steer(SENTENCE, positive="a", negative="b", strengths=["x"])
    yield "heads", lambda: model.attention(SENTENCE, heads="L99H99")
    yield "memory", lambda: model.sweep(SENTENCE, edit="mlp_out.3 = 0", target=" man", memory_limit="lots")
    yield "token_id", lambda: model.token_id(3)
    yield "no folder", lambda: st.load("/nowhere/at/all")
    yield "no model", lambda: st.load("no-such-model")
    yield "precision", lambda: st.load(precision="fp8")
    yield "threads", lambda: st.load(threads=-1)
    yield "threads huge", lambda: st.load(threads=HUGE)
    yield "weights", lambda: model.weights["no.such.weight"]
    yield "weights of another type", lambda: model.weights[3]


def closed_model():
    closed = st.load()
    closed.close()
    closed.close()
    return closed


NAMES = [name for name, _ in wrong_calls(None)]


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_a_wrong_call_is_an_exception(model, number):
    _, call = list(wrong_calls(model))[number]
    with pytest.raises((st.Error, ValueError, TypeError, KeyError)) as raised:
        call()
    assert not isinstance(raised.value, (AttributeError, IndexError))
    assert str(raised.value)


def test_the_model_is_usable_after_all_of_them(model):
    expected = model.run(SENTENCE).logits.copy()
    for _, call in wrong_calls(model):
        with pytest.raises(Exception):
            call()
    np.testing.assert_array_equal(model.run(SENTENCE).logits, expected)


def test_errors_have_parts(model):
    with pytest.raises(st.EditError) as raised:
        model.run(SENTENCE, edits="blocks.3.hook_mlp_out[1:2 = 0")
    assert raised.value.problem and raised.value.where.startswith("edit")
    assert raised.value.problem in str(raised.value)
    with pytest.raises(KeyError) as unknown:
        model.run(SENTENCE, capture="blocks.5.hook_mlp_ou")
    assert "blocks.5.hook_mlp_out" in unknown.value.hint
    import pickle

    again = pickle.loads(pickle.dumps(unknown.value))
    assert (type(again), str(again)) == (type(unknown.value), str(unknown.value))


def test_errors_name_arguments_and_not_options(model):
    with pytest.raises(ValueError, match="truncate=True"):
        model.run("The king " * 600)
    with pytest.raises(ValueError, match="target") as raised:
        model.ablate(SENTENCE)
    assert "--" not in str(raised.value)
    with pytest.warns(st.StratoscopeWarning, match="^seed .* temperature"):
        model.generate("The", seed=1, max_new=1)


def test_weights_outlive_the_model():
    own = st.load()
    weights = own.weights
    name = next(iter(weights))
    array = weights[name]
    expected = array.copy()
    own.close()
    del own
    gc.collect()
    np.testing.assert_array_equal(array, expected)
    assert weights[name].shape == array.shape


def test_results_outlive_the_model():
    own = st.load()
    run, result = own.run(SENTENCE), own.predict(SENTENCE)
    own.close()
    del own
    gc.collect()
    assert run.logits.any() and result.values.any() and result.figure("vl.json")
    with pytest.raises((ValueError, KeyError)):
        run["mlp_out.3"]


def test_freed_in_many_threads(model):
    arrays = [model.run(SENTENCE).logits for _ in range(64)]

    def drop():
        while arrays:
            try:
                arrays.pop().sum()
            except IndexError:
                return
            gc.collect(0)

    threads = [threading.Thread(target=drop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not arrays


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, StopIteration, GeneratorExit, RecursionError])
def test_callbacks_that_raise(model, error):
    def function(value):
        raise error("from the callback")

    with pytest.raises(error, match="from the callback"):
        model.run([SENTENCE] * 3, edits={"blocks.*.hook_mlp_out": function})
    model.run(SENTENCE)


def test_endless_recursion_in_a_callback(model):
    def function(value):
        return function(value)

    with pytest.raises(RecursionError):
        model.run(SENTENCE, edits={"mlp_out.3": function})


def test_a_value_kept_by_its_function(model):
    kept = []
    model.run(SENTENCE, edits={"blocks.*.hook_mlp_out": lambda v: kept.append(v) or v})
    gc.collect()
    assert all(np.isfinite(value).all() for value in kept)


def test_the_interface_with_wrong_pointers():
    """NULL is an error of the library, and not a crash."""
    library = _library.library()
    handle, array = ctypes.c_void_p(), _library.ArrayStruct()
    assert library.stratoscope_open(b"{", None, ctypes.byref(handle)) != 0
    assert library.stratoscope_open(b"[]", None, ctypes.byref(handle)) != 0
    assert library.stratoscope_open(b'{"modle": 1}', None, ctypes.byref(handle)) != 0
    assert library.stratoscope_open(None, None, None) != 0
    assert library.stratoscope_run(None, b"{}", None, ctypes.byref(handle)) != 0
    assert library.stratoscope_request(None, b"predict", b"{}", None, ctypes.byref(handle)) != 0
    assert library.stratoscope_result_array(None, 0, ctypes.byref(array)) != 0
    assert library.stratoscope_result_json(None) is None
    library.stratoscope_result_free(None)
    library.stratoscope_close(None)
    assert handle.value is None


def test_requests_that_json_cannot_say():
    for value in (object(), float("nan"), {1, object()}, lambda: 1):
        with pytest.raises(ValueError):
            _requests.encode({"text": value})
    assert json.loads(_requests.encode({"a": np.int64(3), "b": np.arange(2), "c": range(2), "d": (1,)})) == {
        "a": 3, "b": [0, 1], "c": [0, 1], "d": [1],
    }  # fmt: skip


@pytest.mark.skipif("SANITIZER" in os.environ, reason="sanitizers take address space without bound")
def test_little_memory():
    """An error where the memory ends, and afterwards the model works."""
    code = """
import resource, stratoscope as st
model = st.load(threads=1)
model.run("The king")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000, resource.RLIM_INFINITY))
try:
    model.run(["The king and the queen " * 60] * 40)
except MemoryError:
    print("no memory")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(model.run("The king").logits.shape)
"""
    done = run_python(code)
    assert done.stdout == "no memory\n(2, 8192)\n", done.stderr


def test_a_run_does_not_keep_its_model_open():
    import weakref

    own = st.load()
    run = own.run(SENTENCE, capture="blocks.3.hook_mlp_out")
    opened = weakref.ref(own._opened)
    del own
    gc.collect()
    assert opened() is None
    assert run["blocks.3.hook_mlp_out"].any()
    with pytest.raises(KeyError, match="was not captured"):
        run["mlp_out.4"]
