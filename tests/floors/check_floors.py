"""Checks that the house keeps its floors: a folder of stratoscope/ includes and links only the floors below it.

    check_floors.py ROOT      (the repository's root); prints each breach, exit status 1 if there is one
"""
import re
import sys
from pathlib import Path

# Floor of each folder. Folders of one floor do not know each other.
FLOORS = {
    "base": 0,
    "tensor": 1,
    "files": 2,
    "text": 2,
    "ops": 2,
    "families": 3,
    "hub": 4,
    "model": 5,
    "probe": 6,
    "analysis": 7,
    "figures": 7,
    "session": 8,
    "corpus": 9,
    "request": 10,
    "experiments": 11,
    "demo": 12,
    "c": 12,
}
# Where less is allowed than everything below.
ONLY = {"figures": {"base", "tensor"}}
UMBRELLA = "stratoscope/stratoscope.h"
VERSION = "stratoscope/version.h"  # generated; below every floor

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
LINKED = re.compile(r"\bstratoscope(?:::|_)(\w+)")


def allowed(folder, other):
    if folder == other:
        return True
    return FLOORS[other] < FLOORS[folder] and other in ONLY.get(folder, FLOORS)


def uncommented(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*//.*", "", text, flags=re.MULTILINE)


def sources(root, top):
    return sorted(path for path in (root / top).rglob("*") if path.suffix in {".h", ".cpp"})


def breaches_of_include(root, path):
    """Yields the faults of the includes of one file of stratoscope/."""
    name = path.relative_to(root).as_posix()
    folder = name.split("/")[1]
    for quote, target in INCLUDE.findall(uncommented(path.read_text(encoding="utf-8"))):
        parts = target.split("/")
        if parts[0] == "apps":
            yield f"{name}: includes {target}, which is above the library"
        elif parts[0] != "stratoscope":
            if quote == '"' and (path.parent / target).exists():
                yield f'{name}: includes "{target}", which is spelt from the root: "stratoscope/…"'
        elif target == VERSION and (root / f"{VERSION}.in").is_file():
            continue
        elif not (root / target).is_file():
            yield f"{name}: includes {target}, which does not exist"
        elif target == UMBRELLA:
            yield f"{name}: includes the umbrella header, which is for those outside"
        elif name != UMBRELLA and not allowed(folder, parts[1]):
            yield f"{name}: {folder} may not include {parts[1]} ({target})"


def breaches_of_link(root, path):
    """Yields the floors that a folder's CMakeLists.txt names without being allowed to."""
    name = path.relative_to(root).as_posix()
    folder = name.split("/")[1]
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    for target in sorted(set(LINKED.findall(text))):
        other = target.split("_")[0]  # hub_download belongs to hub
        if other in FLOORS and not allowed(folder, other):
            yield f"{name}: {folder} may not link {target}"


def header_cycles(root):
    """Yields each header that a chain of includes leads back to, with the chain."""
    graph = {}
    for path in sources(root, "stratoscope") + sources(root, "apps"):
        if path.suffix == ".h":
            text = uncommented(path.read_text(encoding="utf-8"))
            graph[path.relative_to(root).as_posix()] = [target for _, target in INCLUDE.findall(text)]
    finished = set()

    def walk(header, chain):
        if header in chain:
            yield "headers in a circle: " + " -> ".join(chain[chain.index(header) :] + [header])
        elif header in graph and header not in finished:
            for target in graph[header]:
                yield from walk(target, chain + [header])
            finished.add(header)

    for header in graph:
        yield from walk(header, [])


def breaches(root):
    found = []
    for folder in sorted(path.name for path in (root / "stratoscope").iterdir() if path.is_dir()):
        if folder not in FLOORS:
            found.append(f"stratoscope/{folder}: has no floor; give it one in DESIGN and here")
            continue
        for path in sources(root, f"stratoscope/{folder}"):
            found += breaches_of_include(root, path)
        for path in sorted((root / "stratoscope" / folder).rglob("CMakeLists.txt")):
            found += breaches_of_link(root, path)
    if (root / UMBRELLA).exists():
        found += breaches_of_include(root, root / UMBRELLA)
    return found + list(header_cycles(root))


def main(root):
    found = breaches(root)
    print(*found, sep="\n", end="\n" if found else "")
    count = len(sources(root, "stratoscope"))
    if count == 0:
        print(f"{root}: no sources in stratoscope/")
        return 1
    print(f"{count} files, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
