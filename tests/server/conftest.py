import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "cli"), str(Path(__file__).resolve().parents[1] / "oracle" / "gpt2")]

import pytest  # noqa: E402

from serving import Serving  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Serving(tmp_path_factory.mktemp("serve")) as serving:
        yield serving


@pytest.fixture
def own_server(tmp_path):
    """Starts servers with a test's arguments; stops them all."""
    started = []

    def start(*arguments, folder=tmp_path, **options):
        started.append(Serving(folder, *arguments, **options))
        return started[-1].__enter__()

    yield start
    for serving in started:
        serving.__exit__()
