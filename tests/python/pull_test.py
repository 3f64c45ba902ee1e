"""Models from the Hugging Face hub, played by a small one in this process."""
from pathlib import Path

import pytest
import stratoscope

fixture_hub = pytest.importorskip("fixture_hub", reason="the small hub is in the source tree alone")
NAME = "someone/novella"


@pytest.fixture
def hub(model, monkeypatch, tmp_path):
    with fixture_hub.Hub() as hub:
        folder = Path(model.info["folder"])
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        hub.add(NAME, files)
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


def test_a_missing_model_is_downloaded_once(hub, model):
    with pytest.raises(stratoscope.ModelError, match="someone/novella"):
        stratoscope.load(NAME)
    assert not hub.requests
    pulled = stratoscope.load(NAME, pull=True)
    assert pulled.name == NAME and pulled.hash == model.hash
    text = "Penguins are cute."
    assert pulled.predict(text).json["predictions"] == model.predict(text).json["predictions"]
    hub.requests.clear()
    assert stratoscope.load(NAME, pull=True).hash == stratoscope.load(NAME).hash == model.hash
    assert not hub.requests, "nothing is missing"


def test_a_model_that_the_hub_lacks_or_that_cannot_run_is_refused(hub):
    hub.add("someone/large", {"config.json": b"{}"})
    with pytest.raises(stratoscope.ModelError):
        stratoscope.load("someone/large", pull=True)
    with pytest.raises(stratoscope.ModelError, match="someone/absent"):
        stratoscope.load("someone/absent", pull=True)
