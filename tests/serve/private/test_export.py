"""The static site: what is in the folder, and what is never overwritten."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from standout.cli import main
from standout.errors import ModelError, OutputExists, SetupError
from standout.models.registry import REGISTRY
from standout.serve import export_site, private
from standout.serve.site import HEADERS, PAGE
from tests.conftest import ROOT


def test_the_site_is_whole(site: Path) -> None:
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()} <= names
    assert {f"private/models/{name}.onnx" for name in REGISTRY} <= names
    assert {"index.html", "config.json", "_headers", "private/about.json", "private/ort/LICENSE"} <= names
    for name, one in REGISTRY.items():
        assert (site / "private" / "models" / f"{name}.onnx").read_bytes() == one.path.read_bytes()


def test_the_page_is_told_that_there_is_no_server(site: Path) -> None:
    config = json.loads((site / "config.json").read_text())
    assert config["server"] is False and config["private"] is True and config["jobs"] is False


def test_policies_are_in_a_file_and_in_each_page(site: Path) -> None:
    lines = (site / "_headers").read_text().splitlines()
    assert lines == ["/*", *(f"  {name}: {value}" for name, value in HEADERS.items())]
    pages = list(site.rglob("*.html"))
    assert pages
    for path in pages:
        html = path.read_text()
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
        assert policy and "default-src &#x27;none&#x27;" in policy[1] and "frame-ancestors" not in policy[1]
        assert html.index("Content-Security-Policy") < html.index("<link"), "a policy holds for what comes after it"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a site of three small files."""
    contents = {"index.html": b"new", "private/about.json": b"{}", "_headers": b"/*\n"}
    monkeypatch.setattr(export_site, "_contents", lambda models: iter(contents.items()))
    monkeypatch.setattr(private, "is_available", lambda: True)
    return tmp_path / "site"


def test_an_empty_folder_is_filled(small: Path) -> None:
    small.mkdir()
    assert export_site.export(small) == 8
    assert (small / "private" / "about.json").read_bytes() == b"{}"


def test_what_exists_stays_without_overwrite(small: Path) -> None:
    small.mkdir()
    (small / "index.html").write_text("mine")
    with pytest.raises(OutputExists, match="--overwrite"):
        export_site.export(small)
    assert [path.name for path in small.iterdir()] == ["index.html"] and (small / "index.html").read_text() == "mine"
    file = small.parent / "file"
    file.write_text("mine")
    with pytest.raises(OutputExists, match="another folder"):
        export_site.export(file, overwrite=True)
    assert file.read_text() == "mine"


def test_overwrite_replaces_its_own_files_alone(small: Path) -> None:
    small.mkdir()
    (small / "index.html").write_text("old")
    (small / "CNAME").write_text("mine")
    export_site.export(small, overwrite=True)
    assert (small / "index.html").read_bytes() == b"new" and (small / "CNAME").read_text() == "mine"


def test_a_new_folder_appears_whole_or_not_at_all(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path, data: bytes) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OSError):
        export_site.export(small)
    assert not list(small.parent.iterdir())


def test_without_onnxruntime_web_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "is_available", lambda: False)
    with pytest.raises(SetupError, match="scripts/browser"):
        export_site.export(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_model_of_ones_own_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "is_available", lambda: True)
    own = tmp_path / "mine.onnx"
    own.write_bytes(REGISTRY["standout-tiny"].path.read_bytes())
    export_site.export(tmp_path / "site", model=str(own))
    told = json.loads((tmp_path / "site" / "private" / "about.json").read_text())
    assert told["default"] == "mine" and told["models"] == ["mine", *REGISTRY]
    assert (tmp_path / "site" / "private" / "models" / "mine.onnx").read_bytes() == own.read_bytes()
    own.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"mine\.onnx"):
        export_site.export(tmp_path / "other", model=str(own))
    assert not (tmp_path / "other").exists()


def test_the_command(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--export", str(small)]) == 0
    assert (small / "index.html").read_bytes() == b"new"
    assert f"wrote {small}" in capsys.readouterr().err
    assert main(["serve", "--export", str(small)]) == 2
    told = capsys.readouterr().err
    assert str(small) in told and "--overwrite" in told
    assert main(["serve", "--export", str(small), "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_same_files_are_fetched_served_and_packed() -> None:
    """scripts/browser, serve/private.py and pyproject.toml name the same files of onnxruntime-web."""
    script = (ROOT / "scripts" / "browser").read_text()
    for name in (*private.CPU, *private.WEBGPU):
        assert f'"{name}"' in script
    folder = "src/standout/serve/page/private/ort"
    artifacts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["artifacts"]
    assert artifacts == [f"{folder}/{name}" for name in ("VERSION", *private.CPU)]
