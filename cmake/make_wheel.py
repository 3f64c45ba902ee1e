"""Makes the wheel of the Python package: with the library and what it links that a plain system lacks, the program, the
built-in model, and the licences of all of it.

    make_wheel.py SOURCE LIBRARY PROGRAM OUTPUT_FOLDER
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TAG = "py3-none-manylinux_2_34_x86_64"

# Libraries of every system (PEP 600).
OF_THE_SYSTEM = {
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
}
# Debian's packages of which code is compiled into the library or the program.
COMPILED_IN = (
    "libboost1.74-dev",
    "libcli11-dev",
    "libeigen3-dev",
    "libhwy-dev",
    "libstdc++6",
    "libxxhash-dev",
    "nlohmann-json3-dev",
)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed_by(elf):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", str(elf)))


def places_of(elf):
    """Where the loader finds each library of a file, and of those again."""
    places = {}
    for line in output_of("ldd", str(elf)).splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if arrow:
            if place.startswith("not found"):
                sys.exit(f"{elf} needs {name}, which is not found")
            places[name] = Path(place.split(" (")[0]).resolve()
    return places


def own_name(place, name):
    """The name in the wheel: another library of that name in the same process is not taken for it."""
    stem, dot, version = name.partition(".so")
    return f"{stem}-{hashlib.sha256(place.read_bytes()).hexdigest()[:8]}{dot}{version}"


def strip(elf):
    """Before patchelf, which moves sections that strip would lose."""
    subprocess.run(["strip", "--strip-unneeded", elf], check=True)


def bundle(elfs, folder):
    """Copies libraries beside the files, lets each find them there; gives their names there and their origins."""
    places, names, left = {}, {}, [*elfs]
    for elf in elfs:
        places.update(places_of(elf))
    while left:
        elf = left.pop()
        for name in needed_by(elf):
            if name in OF_THE_SYSTEM:
                continue
            if name not in names:
                names[name] = own_name(places[name], name)
                copy = folder / names[name]
                shutil.copy(places[name], copy)
                copy.chmod(0o755)
                strip(copy)
                subprocess.run(["patchelf", "--set-soname", names[name], copy], check=True)
                left.append(copy)
            subprocess.run(["patchelf", "--replace-needed", name, names[name], elf], check=True)
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN", elf], check=True)
    return {names[name]: places[name] for name in names}


def package_of(place):
    """Debian's package that a library is from."""
    for name in (str(place), str(place).removeprefix("/usr")):
        found = subprocess.run(["dpkg", "-S", name], check=False, capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    sys.exit(f"no package of Debian has {place}, so its licence is not known")


def add_licences(source, libraries, folder):
    """A text for each package, and an index: which file of the wheel is under which."""
    folder.mkdir()
    shutil.copy(source / "LICENSE", folder / "stratoscope.txt")
    index = {"libstratoscope.so": "stratoscope", "stratoscope": "stratoscope"}
    index.update({name: package_of(place) for name, place in libraries.items()})
    for package in sorted({*index.values(), *COMPILED_IN} - {"stratoscope"}):
        shutil.copy(Path("/usr/share/doc", package, "copyright"), folder / f"{package}.txt")
    lines = [f"{name}: {package}.txt" for name, package in sorted(index.items())]
    lines += [f"compiled into libstratoscope.so and stratoscope: {package}.txt" for package in COMPILED_IN]
    (folder / "index.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    svelte = source / "explorer" / "node_modules" / "svelte" / "LICENSE.md"
    if svelte.exists():
        shutil.copy(svelte, folder / "svelte.txt")


def main(source, library, program, output):
    source, output = Path(source).resolve(), Path(output).resolve()
    with tempfile.TemporaryDirectory() as place:
        package = Path(place, "python")
        shutil.copytree(source / "python", package, ignore=shutil.ignore_patterns("__pycache__", "_bundled"))
        bundled = package / "stratoscope" / "_bundled"
        bundled.mkdir()
        shutil.copy(library, bundled / "libstratoscope.so")
        shutil.copy(program, bundled / "stratoscope")
        strip(bundled / "libstratoscope.so")
        strip(bundled / "stratoscope")
        subprocess.run(["patchelf", "--set-soname", "libstratoscope.so", bundled / "libstratoscope.so"], check=True)
        libraries = bundle([bundled / "libstratoscope.so", bundled / "stratoscope"], bundled)
        shutil.copytree(source / "models", bundled / "models")
        add_licences(source, libraries, bundled / "licences")
        shutil.copy(source / "LICENSE", package / "LICENSE")
        shutil.rmtree(output, ignore_errors=True)
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"]
        made = subprocess.run(
            [*build, "--outdir", output, package],
            env={"SOURCE_DATE_EPOCH": "1577836800", **os.environ, "STRATOSCOPE_WHEEL_TAG": TAG},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            sys.exit(made.stdout)
    wheels = list(output.glob("*.whl"))
    assert len(wheels) == 1 and TAG in wheels[0].name, wheels
    wheels[0].chmod(0o644)
    print(wheels[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
