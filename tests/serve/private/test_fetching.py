"""scripts/browser: what it takes from npm, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, which writes into a temporary folder and whose npm "packs" the archive of `packed`."""
    spec = spec_from_loader("browser", SourceFileLoader("browser", str(ROOT / "scripts" / "browser")))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TO", tmp_path / "ort")
    monkeypatch.setattr(module.shutil, "which", lambda name: "/usr/bin/npm")

    def npm(command: list[str], *, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
        assert command == ["/usr/bin/npm", "pack", "--silent", module.PACKAGE]
        (cwd / "onnxruntime-web.tgz").write_bytes(packed(module))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", npm)
    monkeypatch.setattr(sys, "argv", ["browser"])
    return module


def packed(module: ModuleType) -> bytes:
    """An archive with all files that may be wanted, and one more."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as files:
        for name in (*module.CPU, *module.WEBGPU, "ort.all.js"):
            info = tarfile.TarInfo(f"package/dist/{name}")
            info.size = len(name)
            files.addfile(info, io.BytesIO(name.encode()))
    return data.getvalue()


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def test_only_what_is_needed_is_taken(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "INTEGRITY", integrity(packed(script)))
    assert script.main() == 0
    assert {path.name for path in script.TO.iterdir()} == {*script.CPU, script.MARK}
    assert all((script.TO / name).read_text() == name for name in script.CPU)
    monkeypatch.setattr(sys, "argv", ["browser", "--webgpu"])
    assert script.main() == 0
    assert {path.name for path in script.TO.iterdir()} == {*script.CPU, *script.WEBGPU, script.MARK}


def test_a_changed_archive_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="wanted sha512-q0y"):
        script.main()
    assert not script.TO.exists()


def test_what_is_there_is_not_fetched_again(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    script.TO.mkdir()
    for name in script.CPU:
        (script.TO / name).write_text("mine")
    (script.TO / script.MARK).write_text(script.PACKAGE)
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    assert script.main() == 0
    (script.TO / script.MARK).write_text("onnxruntime-web@1.0.0")
    with pytest.raises(SystemExit, match="npm is not installed"):
        script.main()
