"""Executes the notebooks beside this file and keeps their outputs in a form that GitHub shows: figures as SVG alone.

    python3 notebooks/execute.py [NAME.ipynb …]
"""
import json
import os
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parent
VEGA_LITE = "application/vnd.vegalite.v5+json"


def execute(path):
    """The notebook with new outputs, executed in its folder by this Python."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as place:
        kernel = Path(place, "kernels", "python3", "kernel.json")
        kernel.parent.mkdir(parents=True)
        start = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.write_text(json.dumps({"argv": start, "display_name": "Python 3", "language": "python"}))
        os.environ["JUPYTER_PATH"] = place
        nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def for_github(notebook):
    """GitHub takes scripts and inline SVG out of HTML, and shows SVG as an image. Warnings stand in the results too."""
    for cell in notebook.cells:
        cell.metadata = {}
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            bundle = output.get("data", {})
            page = bundle.get("text/html", "")
            if VEGA_LITE in bundle and "<svg" in page:
                bundle["image/svg+xml"] = page[page.index("<svg") : page.index("</svg>") + len("</svg>")]
                del bundle["text/html"], bundle[VEGA_LITE]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(names):
    for path in [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(for_github(execute(path)), path)
        print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
