"""Checks the exports of a shared library: exactly the declarations of its installed headers.

    check_symbols.py LIBRARY INCLUDE_FOLDER      prints each fault, exit status 1 if there is one
"""
import re
import subprocess
import sys
from pathlib import Path

# A function of the C interface.
OF_C = re.compile(r"stratoscope_\w+")
# A function, a table or type information of namespace stratoscope, as the compiler spells its name.
OURS = re.compile(r"_Z(?:T[ISTV])?NK?11stratoscope(.*)", re.DOTALL)


def names_in(mangled):
    """The parts of a nested name: "7Session4readE…" gives Session, read."""
    names = []
    while match := re.match(r"(\d+)", mangled):
        end = match.end() + int(match[1])
        names.append(mangled[match.end() : end])
        mangled = re.sub(r"^B\d+cxx11", "", mangled[end:])
    return names


def code_of(header):
    """The header without comments and preprocessor lines."""
    return re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*", "", header, flags=re.DOTALL | re.MULTILINE)


def declared_functions(code):
    """The functions that a header declares without a body, at namespace level."""
    found = []
    depth, statement = 0, ""
    for character in code:
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        if character in "{}" and depth <= 1:
            statement = ""  # what had a body, or the namespace itself
        elif depth == 1:
            statement += character
            if character == ";":
                match = re.search(r"(\w+)\s*\(", statement)
                if match and not re.search(r"=\s*delete|^\s*(using|inline|struct|class|enum)\b", statement):
                    found.append(match[1])
                statement = ""
    return found


def faults(symbols, headers):
    """The faults of the exported symbols (as the compiler spells them), given the headers' texts."""
    codes = [code_of(header) for header in headers]
    everything = "\n".join(codes)
    exported = set()
    found = []
    for symbol in symbols:
        if OF_C.fullmatch(symbol):
            exported.add(symbol)
            if not re.search(rf"\b{symbol}\(", everything):
                found.append(f"{symbol}: no installed header declares it")
            continue
        match = OURS.fullmatch(symbol)
        names = names_in(match[1]) if match else []
        if not names:
            found.append(f"{symbol}: is not in namespace stratoscope")
            continue
        exported.add(names[0])
        for name in names[:-1]:
            if not re.search(rf"\b(class|struct)\s+{name}\b[^;{{]*{{", everything):
                found.append(f"{symbol}: no installed header defines {name}")
        if not re.search(rf"\b{names[-1]}\b", everything):
            found.append(f"{symbol}: no installed header declares {names[-1]}")
    for code in codes:
        for name in declared_functions(code):
            if name not in exported:
                found.append(f"{name}: is declared in an installed header, but not exported")
    return found


def main(library, include):
    lines = subprocess.run(["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True, check=True)
    symbols = [line.split()[-1] for line in lines.stdout.splitlines()]
    headers = [path.read_text(encoding="utf-8") for path in sorted(Path(include).rglob("*.h"))]
    found = faults(symbols, headers)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(symbols)} symbols, {len(headers)} headers, {len(found)} faults")
    return 1 if found or not symbols or not headers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
