"""The bar of long work."""
import pytest
from stratoscope import progress


def test_one_line_without_tqdm(capsys, monkeypatch):
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    bar = progress.Bar(True, patience=0)
    bar.update("sweep", 1, 12)
    bar.update("sweep", 12, 12)
    bar.close()
    shown = capsys.readouterr().err
    assert shown.startswith("\rsweep 1/12\rsweep 12/12\r")
    assert shown.endswith("\r")


def test_tqdm(capsys):
    pytest.importorskip("tqdm")
    bar = progress.Bar(True, patience=0)
    bar.update("sweep", 1, 12)
    bar.update("sweep", 6, 12)
    bar.update("other", 1, 3)
    bar.close()
    shown = capsys.readouterr().err
    assert "sweep" in shown and "other" in shown


def test_nothing_of_short_work_nor_into_files(capsys):
    bar = progress.Bar(True)
    bar.update("sweep", 1, 12)
    bar.close()
    quiet = progress.Bar(None, patience=0)
    quiet.update("sweep", 1, 12)
    quiet.close()
    assert capsys.readouterr().err == ""


def test_a_model_s_bar(model, monkeypatch):
    import stratoscope

    seen = []
    monkeypatch.setattr(progress.Bar, "update", lambda self, task, done, total: seen.append((task, done, total)))
    stratoscope.load(progress=True).sweep(
        "The king", edit="blocks.{layer}.hook_mlp_out = 0", over={"layer": "all"}, target=" man"
    )
    assert seen and all(task and 0 <= done <= total for task, done, total in seen)
