"""The script `stratoscope` of a wheel: the command-line program beside the library."""
from __future__ import annotations

import os
import sys
from typing import NoReturn

from ._library import bundled_folder


def main() -> NoReturn:
    program = bundled_folder() / "stratoscope"
    if not program.exists():
        sys.exit("stratoscope: error: this package has no program beside it; build it with ./run build")
    os.execv(program, ["stratoscope", *sys.argv[1:]])
