"""The wheel's files: symbol versions that its tag allows, no missing library, and the licences of the bundled software.

$WHEEL_FOLDER is the folder of the wheel.
"""
import csv
import hashlib
import os
import re
import subprocess
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

# PEP 600: glibc 2.34 and what came with GCC 11.
NEWEST = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (7, 0, 0)}
OF_THE_SYSTEM = {
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libstdc++.so.6",
}  # fmt: skip


@pytest.fixture(scope="module")
def wheel():
    found = list(Path(os.environ["WHEEL_FOLDER"]).glob("*.whl"))
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def elfs(unpacked):
    found = [path for path in unpacked.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    assert {"libstratoscope.so", "stratoscope"} <= {path.name for path in found}
    return found


def readelf(option, elf):
    return subprocess.run(["readelf", "-W", option, elf], check=True, capture_output=True, text=True).stdout


def entries(elf, kind):
    return re.findall(rf"\({kind}\).*\[(.*)\]", readelf("-d", elf))


def test_name(wheel):
    assert wheel.name == "stratoscope-0.1.0-py3-none-manylinux_2_34_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        tags = archive.read("stratoscope-0.1.0.dist-info/WHEEL").decode()
        assert "Tag: py3-none-manylinux_2_34_x86_64\n" in tags and "Root-Is-Purelib: false" in tags
        metadata = archive.read("stratoscope-0.1.0.dist-info/METADATA").decode()
        assert re.findall(r"Requires-Dist: (\w+)", metadata) == ["numpy"]


def test_no_symbol_beyond_the_tag(elfs):
    seen = set()
    for elf in elfs:
        for name, version in re.findall(r"Name: (\w+?)_([0-9.]+)\b", readelf("-V", elf).split("Version needs section")[-1]):
            if name in NEWEST:
                seen.add(name)
                assert tuple(map(int, version.split("."))) <= NEWEST[name], (elf.name, name, version)
    assert {"GLIBC", "GLIBCXX"} <= seen


def test_no_library_is_missing(elfs):
    bundled = {elf.name for elf in elfs}
    for elf in elfs:
        for needed in entries(elf, "NEEDED"):
            assert needed in bundled | OF_THE_SYSTEM, (elf.name, needed)
        assert entries(elf, "RUNPATH") == ["$ORIGIN"], elf.name
    used = {needed for elf in elfs for needed in entries(elf, "NEEDED")}
    assert bundled - used == {"libstratoscope.so", "stratoscope"}


def test_bundled_libraries_have_names_of_their_own(elfs):
    for elf in elfs:
        if elf.name != "stratoscope":
            assert entries(elf, "SONAME") == [elf.name]
            assert elf.name == "libstratoscope.so" or re.search(r"-[0-9a-f]{8}\.so", elf.name)


def test_licences(unpacked, elfs):
    folder = unpacked / "stratoscope" / "_bundled" / "licences"
    licences = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in folder.iterdir()}
    assert all(len(text) > 300 for text in licences.values())
    assert "MIT License" in licences["stratoscope.txt"]
    index = dict(line.split(": ") for line in licences.pop("index.txt").splitlines())
    for elf in elfs:
        assert index[elf.name] in licences
    assert set(index.values()) <= set(licences)
    assert "OpenSSL" in licences[next(index[elf.name] for elf in elfs if elf.name.startswith("libcrypto"))]


def test_record(wheel):
    with zipfile.ZipFile(wheel) as archive:
        rows = list(csv.reader(archive.read("stratoscope-0.1.0.dist-info/RECORD").decode().splitlines()))
        assert {row[0] for row in rows} == set(archive.namelist())
        for name, digest, _ in rows:
            if digest:
                found = urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
                assert digest == "sha256=" + found


def test_holds_what_it_should(unpacked):
    package = unpacked / "stratoscope"
    assert (package / "py.typed").exists()
    assert (package / "_bundled" / "models" / "novella-7m" / "model.safetensors").stat().st_size > 10_000_000
    assert not list(unpacked.rglob("*.pyc"))
    source = os.environ.get("SOURCE_FOLDER")
    for path in package.rglob("*.py"):
        assert not source or source not in path.read_text(encoding="utf-8")


def test_no_path_of_the_building_machine(elfs):
    home = os.environ.get("SOURCE_FOLDER")
    for elf in elfs:
        if home and elf.name in ("libstratoscope.so", "stratoscope"):
            assert home.encode() not in elf.read_bytes(), elf.name
