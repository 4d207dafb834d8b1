"""docs/licenses.md says of every package what its metadata and its wheel say."""

import re
import sys
from importlib.metadata import PackageNotFoundError
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.test_packaging import PYPROJECT, script

PROJECT: dict[str, Any] = PYPROJECT["project"]
GROUPS = ["base", *(name for name in PROJECT["optional-dependencies"] if name != "all")]


@pytest.fixture(scope="module")
def licenses() -> ModuleType:
    return script("licenses")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "licenses.md").read_text()


def test_the_page_has_a_table_for_every_extra(licenses: ModuleType, page: str) -> None:
    assert list(licenses.groups(PROJECT)) == GROUPS == re.findall(r"<!-- licenses: (\w+) -->", page)


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_names_what_pyproject_names(licenses: ModuleType, page: str, group: str) -> None:
    texts, _ = licenses.groups(PROJECT)[group]
    wanted = {canonicalize_name(Requirement(text).name) for text in texts}
    assert {row.name for row in licenses.table(page, group) if row.direct} == wanted


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_says_what_is_installed(licenses: ModuleType, page: str, group: str) -> None:
    """Licenses of the very versions on the page are the same; a newer version may come under another permissive one."""
    try:
        found = licenses.rows(group, PROJECT)
    except PackageNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    told = {row.name: row for row in licenses.table(page, group)}
    for row in found:
        mine = told.get(row.name, licenses.Row(row.name, "", ""))
        if row.version == mine.version:
            assert row.license == mine.license, f"{row.name}: run scripts/licenses.py"
            if sys.platform == "linux":
                assert row.holds == mine.holds, f"{row.name}: run scripts/licenses.py"
            continue
        new = set(re.split(r" AND | OR ", row.license)) - set(re.split(r" AND | OR ", mine.license))
        assert new <= licenses.PERMISSIVE, f"{row.name} {row.version} is under {row.license!r}: run scripts/licenses.py"
        new = set(row.holds.split("; ")) - set(mine.holds.split("; ")) - {""}
        assert not new, f"{row.name} {row.version} holds {'; '.join(new)}: run scripts/licenses.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the libraries of Linux wheels")
def test_what_asks_for_more_than_a_notice_is_found(licenses: ModuleType, page: str) -> None:
    """What the page tells in prose is what the wheels hold."""
    holds = {row.name: row.holds for group in GROUPS for row in licenses.table(page, group)}
    assert "x264 (GPL-2.0-or-later); x265 (GPL-2.0-or-later)" in holds["av"] and "FFmpeg (LGPL-3.0" in holds["av"]
    assert "x265 (GPL" in holds["pillow-heif"] and "GPL-2" not in holds["pi-heif"] and "LGPL" in holds["pi-heif"]
    av = pytest.importorskip("av")
    if av.__version__ != next(row.version for row in licenses.table(page, "base") if row.name == "av"):
        pytest.skip("another version of PyAV than the page tells of")
    meta = av._core.library_meta["libavcodec"]
    assert meta["license"] == "LGPL version 3 or later" and "--enable-gpl" not in meta["configuration"]
    assert "--enable-libx264" in meta["configuration"]


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("libgfortran-040039e1-0352e75f.so.5.0.0", "gfortran"),
        ("libx264-d6533a8d.so.165", "x264"),
        ("libde265-90fb0ce1.so.0.2.0", "de265"),
        ("libgomp.so.1", "gomp"),
        ("libpng16.1d0d8f4e.so.16", "png16"),
        ("libcrypto-5409cd36.so.1.1.1k", "crypto"),
        ("libopenblasp-r0-59ffcd50.3.15.so", "openblasp-r0"),
        ("_core.abi3.so", None),
    ],
)
def test_names_of_libraries(licenses: ModuleType, file: str, stem: str | None) -> None:
    match = re.fullmatch(licenses.LIBRARY, file)
    assert (match[1] if match else None) == stem


def test_a_row_is_read_as_it_was_written(licenses: ModuleType) -> None:
    for row in (licenses.Row("av", "1", "MIT", "x (GPL)", direct=True), licenses.Row(licenses.NVIDIA, "", "own terms")):
        assert licenses.Row.of(row.line()) == row
    text = "a\n<!-- licenses: x -->\n<!-- /licenses: x -->\nb"
    filled = licenses.filled(text, "x", [row])
    assert licenses.table(filled, "x") == [row] and filled.startswith("a\n") and filled.endswith("-->\nb")
