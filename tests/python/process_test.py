"""The package in a process: Ctrl-C, other threads, forks, the end, other runtimes, its import."""
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import stratoscope as st
from conftest import SAMSA, SENTENCE, run_python

# Minutes of work, in steps of milliseconds.
LONG = """
import stratoscope as st
model = st.load()
text = "The king and the queen and the prince " * 50
def work():
    model.sweep(text, edit="blocks.{layer}.hook_resid_post[{position}] *= {factor}", target=" man",
                over={"layer": "all", "position": "all", "factor": [0.1 * i for i in range(1, 9)]})
"""


def interrupt_soon(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.mark.parametrize("work", ["sweep", "edges", "run with a function", "generate", "stream", "verify"])
def test_ctrl_c_stops_and_leaves_everything_usable(model, long_text, work):
    expected = model.run(SENTENCE).logits.copy()

    def slow(value):
        time.sleep(0.05)
        return value

    works = {
        "sweep": lambda: model.sweep(
            long_text, edit="blocks.{layer}.hook_resid_post[{position}] *= 0.8", target=" man",
            over={"layer": "all", "position": "all"},
        ),
        "edges": lambda: model.edges(long_text, target=" man"),
        "run with a function": lambda: [
            model.run(SENTENCE, edits={"blocks.*.hook_mlp_out": slow}) for _ in range(30)
        ],
        "generate": lambda: [model.generate("The", max_new=500, ignore_end=True, temperature=1) for _ in range(50)],
        "stream": lambda: [list(model.generate("The", max_new=500, ignore_end=True, stream=True)) for _ in range(50)],
        "verify": lambda: [model.verify(long_text) for _ in range(30)],
    }  # fmt: skip
    timer = interrupt_soon(0.3)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        works[work]()
    taken = time.monotonic() - start
    timer.join()
    assert 0.2 < taken < 10  # minutes of work otherwise
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    np.testing.assert_array_equal(model.run(SENTENCE).logits, expected)


def test_ctrl_c_in_ipython():
    code = LONG + textwrap.dedent("""
        import os, signal, threading
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.push({"work": work, "model": model})
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        first = shell.run_cell("work()")
        assert isinstance(first.error_in_exec, KeyboardInterrupt), first
        second = shell.run_cell("model.predict('The').rows[0]['token']")
        assert second.success
        print("usable:", repr(second.result))
    """)
    done = run_python(code)
    assert "usable: " in done.stdout, done.stdout + done.stderr


def test_a_handler_of_the_user_stays(model):
    seen = []
    old = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        interrupt_soon(0.01).join()
        model.run(SENTENCE)
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert seen == [1]
    finally:
        signal.signal(signal.SIGINT, old)


def test_other_threads_run_meanwhile(model, long_text):
    count, ended = 0, threading.Event()

    def work():
        for _ in range(5):
            model.run(long_text)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not ended.is_set():
        count += 1
        time.sleep(0.001)
    thread.join()
    assert count > 20


def test_threads_share_a_model(model):
    texts = [SENTENCE, SAMSA, "The king", "It was the best of times"] * 3
    expected = [model.run(text).logits.copy() for text in texts]
    found = [None] * len(texts)

    def work(i):
        found[i] = model.run(texts[i], edits={"blocks.3.hook_mlp_out": lambda v: v}).logits

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)


def test_closing_while_another_thread_runs(long_text):
    own = st.load()
    expected = own.run(long_text).logits.copy()
    found = []
    thread = threading.Thread(target=lambda: found.append(own.run(long_text).logits))
    thread.start()
    time.sleep(0.01)
    own.close()
    thread.join()
    np.testing.assert_array_equal(found[0], expected)


def child_runs(text):
    return st.load().run(text).logits[-1].tolist()


def child_uses_the_parent_s(text):
    return MODEL.run(text).logits[-1].tolist()


MODEL = None


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_processes(model, way):
    global MODEL
    MODEL = model
    expected = model.run(SENTENCE).logits[-1].tolist()
    with multiprocessing.get_context(way).Pool(2) as pool:
        assert pool.map(child_runs, [SENTENCE] * 4) == [expected] * 4
        if way == "fork":
            assert pool.map(child_uses_the_parent_s, [SENTENCE] * 4) == [expected] * 4


def test_forked_during_a_call():
    code = LONG + textwrap.dedent("""
        import os, sys, threading, time
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        time.sleep(0.3)
        child = os.fork()
        if child == 0:
            try:
                model.run("The")
            except st.Error as error:
                sys.stderr.write(str(error))
                os._exit(17)
            os._exit(1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    done = run_python(code)
    assert done.returncode == 17, done.stderr
    assert "forked" in done.stderr and "spawn" in done.stderr


def test_forked_in_a_callback(model):
    def fork(value):
        child = os.fork()
        if child == 0:
            os._exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
        return value

    np.testing.assert_array_equal(
        model.run(SENTENCE, edits={"blocks.3.hook_mlp_out": fork}).logits, model.run(SENTENCE).logits
    )


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT)"])
def test_the_end_with_threads_inside(ending):
    code = LONG + textwrap.dedent("""
        import os, signal, sys, threading, time
        def callbacks():
            while True:
                model.run("The king", edits={"blocks.*.hook_mlp_out": lambda v: v})
        for target in [work, callbacks, work, callbacks]:
            threading.Thread(target=target, daemon=True).start()
        stream = model.generate("The", max_new=500, ignore_end=True, stream=True)
        next(stream)
        time.sleep(0.3)
    """) + ending
    start = time.monotonic()
    done = run_python(code)
    assert time.monotonic() - start < 20
    assert done.returncode == {"": 0, "sys.exit(3)": 3, "raise ValueError": 1}.get(ending, -signal.SIGINT), done.stderr
    assert "Fatal" not in done.stderr and "terminate" not in done.stderr


def test_the_end_with_arrays_and_callbacks_alive():
    done = run_python(
        LONG + "import atexit\nrun = model.run('The')\nlate = run.logits\n"
        "atexit.register(lambda: print(late.sum() != 0))\nweights = model.weights\narray = weights[next(iter(weights))]\n"
    )
    assert done.returncode == 0 and done.stdout == "True\n", done.stderr


def test_pickled_models(model, tmp_path):
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.run(SENTENCE).logits, model.run(SENTENCE).logits)
    view = pickle.loads(pickle.dumps(model.edited("mlp_out.3 = 0")))
    np.testing.assert_array_equal(view.run(SENTENCE).logits, model.run(SENTENCE, edits="mlp_out.3 = 0").logits)
    closed = st.load()
    closed.close()
    with pytest.raises(st.ClosedError):
        pickle.dumps(closed)


def test_a_pickled_model_that_changed(model, tmp_path):
    import shutil

    folder = shutil.copytree(model.info["folder"], tmp_path / "copied")
    pickled = pickle.dumps(st.load(folder))
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes(4096)
    weights.write_bytes(content)
    with pytest.raises(st.ModelError, match="hash"):
        pickle.loads(pickled)


def test_beside_torch():
    pytest.importorskip("torch")
    code = textwrap.dedent("""
        import numpy as np, torch
        torch.set_num_threads(2)
        a = torch.randn(300, 300) @ torch.randn(300, 300)
        import os
        cores = os.sched_getaffinity(0)
        import stratoscope as st
        model = st.load(threads=2)
        run = model.run("A wise man once said", capture="blocks.5.hook_mlp_out")
        value = run["blocks.5.hook_mlp_out"]
        for shared in (torch.from_dlpack(value), torch.from_numpy(value)):
            shared[0, 0] = 42
            assert value[0, 0] == 42
            value[0, 0] = 7
            assert shared[0, 0] == 7
        kept = torch.from_dlpack(run.logits)
        expected = run.logits.copy()
        del run, value
        for _ in range(20):
            model.run("It was the best of times")
            torch.randn(300, 300) @ torch.randn(300, 300)
        assert (kept.numpy() == expected).all()
        assert torch.get_num_threads() == 2
        assert os.sched_getaffinity(0) == cores
        def by_torch(value):
            return torch.from_numpy(value).mul(0.5).numpy()
        by_text = model.run("The king", edits="mlp_out.3 *= 0.5").logits
        assert (model.run("The king", edits={"mlp_out.3": by_torch}).logits == by_text).all()
        print("done")
    """)
    done = run_python(code)
    assert done.stdout == "done\n", done.stderr


def test_bits_do_not_depend_on_threads(model):
    one = st.load(threads=1)
    np.testing.assert_array_equal(one.run(SAMSA).logits, model.run(SAMSA).logits)


def test_import_is_quick(tmp_path):
    code = "import time, numpy; start = time.perf_counter(); import stratoscope; print(time.perf_counter() - start)"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}  # compiled once, as an installed package is
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # Beside other tests a single time says little.
    assert any(float(run_python(code, env=environment).stdout) < 0.1 for _ in range(20))


def test_import_takes_nothing_else():
    code = "import numpy, sys; before = set(sys.modules); import stratoscope; print(*sorted(set(sys.modules) - before))"
    imported = {name.split(".")[0] for name in run_python(code).stdout.split()}
    assert "stratoscope" in imported
    for module in ("torch", "pandas", "matplotlib", "tqdm", "IPython", "multiprocessing", "asyncio"):
        assert module not in imported


def test_a_library_that_is_not_there(tmp_path):
    code = "import stratoscope as st\ntry:\n    st.load()\nexcept st.Error as error: print(error)"
    environment = {**os.environ, "STRATOSCOPE_LIBRARY": str(tmp_path / "none.so")}
    assert "cannot be loaded" in run_python(code, env=environment).stdout
    environment["STRATOSCOPE_LIBRARY"] = "libm.so.6"
    assert "no function stratoscope_" in run_python(code, env=environment).stdout


def test_another_binary_interface(monkeypatch):
    from stratoscope import _library

    monkeypatch.setattr(_library, "ABI", 99)
    with pytest.raises(st.Error, match="binary interface"):
        _library._load()


def test_interpreters_without_a_terminal():
    done = subprocess.run(
        [sys.executable, "-c", "import stratoscope as st; st.load().run('The'); print('done')"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("done\n", "")
