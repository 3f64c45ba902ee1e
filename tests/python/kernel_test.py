"""In the kernel of a notebook: the stop button, and the bar of long work."""
import json
import os
import sys
import time

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

LONG = """
model.sweep("The king and the queen and the prince " * 50, edit="blocks.{layer}.hook_resid_post[{position}] *= {factor}",
            over={"layer": "all", "position": "all", "factor": [0.1 * i for i in range(9)]}, target=" man")
"""


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    specification = tmp_path / "kernels" / "python3" / "kernel.json"
    specification.parent.mkdir(parents=True)
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification.write_text(json.dumps({"argv": start, "display_name": "Python", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3", env=dict(os.environ))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(client, code):
    """The reply, and the text of the streams."""
    shown = []

    def keep(message):
        if message["msg_type"] == "stream":
            shown.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=60, output_hook=keep)
    return reply["content"], "".join(shown)


def test_the_stop_button(kernel):
    manager, client = kernel
    assert execute(client, "import stratoscope as st; model = st.load()")[0]["status"] == "ok"
    request = client.execute(LONG, stop_on_error=False)
    time.sleep(2)
    manager.interrupt_kernel()
    start = time.monotonic()
    while True:
        reply = client.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == request:
            break
    assert reply["content"]["status"] == "error"
    assert reply["content"]["ename"] == "KeyboardInterrupt", reply["content"]["evalue"]
    assert time.monotonic() - start < 10
    content, shown = execute(client, "print(model.predict('The').rows[0]['id'] >= 0)")
    assert content["status"] == "ok"
    assert shown.endswith("True\n")


def test_the_bar(kernel):
    _, client = kernel
    start = "import stratoscope as st\nfrom stratoscope import progress\nprogress._PATIENCE = 0\nmodel = st.load()\n"
    short = LONG.replace('"position": "all"', '"position": range(392, 398)')
    content, shown = execute(client, start + short)
    assert content["status"] == "ok", content
    assert "sweep" in shown and "%" in shown
