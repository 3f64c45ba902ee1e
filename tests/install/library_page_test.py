"""The code on docs/library.md is one program: it is built against an installed Stratoscope, and prints what the page says.

    library_page_test.py PAGE PREFIX BUILD_FOLDER COMPILER
"""
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Wshadow", "-Werror"]


def pieces(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def program(page):
    top, *rest = pieces(page, "cpp")
    # Unexpected errors end the program, and the test shows them.
    return top + "int main() {\n" + "".join(rest) + "}\n"


def main(page, prefix, build, compiler):
    text = page.read_text(encoding="utf-8")
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    (build / "page.cpp").write_text(program(text), encoding="utf-8")
    (config,) = prefix.rglob("stratoscope.pc")
    (library,) = prefix.rglob("libstratoscope.so")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "stratoscope"], text=True, check=True,
                           capture_output=True, env=os.environ | {"PKG_CONFIG_PATH": str(config.parent)}).stdout
    more = shlex.split(os.environ.get("EXAMPLES_CXX_FLAGS", ""))
    subprocess.run([compiler, *STRICT, "page.cpp", "-o", "page", *flags.split(), f"-Wl,-rpath,{library.parent}", *more],
                   cwd=build, check=True)
    printed = subprocess.run(["./page"], cwd=build, text=True, check=True, stdout=subprocess.PIPE).stdout
    promised = "".join(pieces(text, "text"))
    if printed != promised:
        print(*difflib.unified_diff(promised.splitlines(), printed.splitlines(), "the page", "the program", lineterm=""),
              sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).resolve() for argument in sys.argv[1:4]), sys.argv[4]))
