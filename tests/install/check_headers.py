"""Checks the installed headers: they are those that are marked public, need nothing that is not installed with them, and
each compiles alone.

    check_headers.py INCLUDE_FOLDER SOURCE_ROOT COMPILER
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
MARKED = re.compile(r"^namespace STRATOSCOPE_API stratoscope\b", re.MULTILINE)
UNMARKED = {"stratoscope/stratoscope.h", "stratoscope/version.h", "stratoscope/base/api.h"}  # nothing to export
C_HEADER = "stratoscope/c/stratoscope.h"
C_LIBRARY = {"stddef.h", "stdint.h"}


def faults_of_includes(include, header):
    for quote, target in INCLUDE.findall((include / header).read_text(encoding="utf-8")):
        if target.startswith("stratoscope/"):
            if not (include / target).exists():
                yield f"{header}: includes {target}, which is not installed"
        elif target not in C_LIBRARY and (quote == '"' or "." in target or "/" in target):
            yield f"{header}: includes {target}, which is neither ours nor the standard library's"


def fault_of_compiling(include, header, compiler, language=("-std=c++20", "-x", "c++")):
    source = f'#include "{header}"\n#include "{header}"\n'
    flags = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only", *language, "-"]
    done = subprocess.run([compiler, f"-I{include}", *flags], input=source, capture_output=True, text=True)
    return f"{header}: does not compile alone\n{done.stderr}" if done.returncode else None


def main(include, root, compiler):
    installed = {path.relative_to(include).as_posix() for path in include.rglob("*") if path.is_file()}
    sources = {path.relative_to(root).as_posix(): path for path in (root / "stratoscope").rglob("*.h")}
    marked = {name for name, path in sources.items() if MARKED.search(path.read_text(encoding="utf-8"))}
    found = [f"{name}: is installed, but not marked with STRATOSCOPE_API" for name in installed - marked - UNMARKED - {C_HEADER}]
    found += [f"{name}: is marked with STRATOSCOPE_API, but not installed" for name in marked - installed]
    for header in sorted(installed):
        found += faults_of_includes(include, header)
    for standard in ("c99", "c11"):
        found += filter(None, [fault_of_compiling(include, C_HEADER, compiler, (f"-std={standard}", "-pedantic", "-x", "c"))])
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found += filter(None, pool.map(lambda header: fault_of_compiling(include, header, compiler), sorted(installed)))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(installed)} headers, {len(found)} faults")
    return 1 if found or not installed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3]))
