import json
import sys
from pathlib import Path

import pytest

from standout import runtimes
from standout.cli import doctor, main
from standout.cli.show import examples
from standout.models import registry
from tests.cli.conftest import standout


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for name, weights in registry.REGISTRY.items():
        assert name in out and weights.purpose and weights.purpose in out
        assert weights.sha256[:12] in out and " MB" in out


def test_doctor_on_a_sound_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "all is well" in text and "checksum OK" in text
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["broken"] == [] and found["devices"]["chosen device"].startswith("cpu")
    assert {"python", "standout", *doctor.PACKAGES} == set(found["versions"])
    assert "ms (640x480)" in found["machine"]["a mask by onnx"]


@pytest.mark.skipif(not runtimes.RUNTIMES["openvino"].here, reason="needs openvino")
def test_doctor_names_a_runtime_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FASTER", float("inf"))
    machine = doctor.examine().machine
    assert "--runtime openvino is faster here" in machine["a mask by openvino"]
    assert "faster" not in machine["a mask by onnx"]
    monkeypatch.setattr(doctor, "FASTER", 0)
    assert "faster" not in doctor.examine().machine["a mask by openvino"]


def test_doctor_names_a_package_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.PACKAGES, "numpy", "no_such_module")
    findings = doctor.examine()
    assert findings.versions["numpy"] == "BROKEN"
    assert "pip install --force-reinstall numpy" in findings.broken[0]


def test_training_without_torch_names_the_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    Path("recipe.toml").write_text('name = "small"\n[data]\nfolder = "data"\n')
    for name in [name for name in sys.modules if name.startswith(("standout.train", "standout.net"))]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("train", "net"):  # what a fresh import would put there, the old modules' tests would find
        monkeypatch.delattr(f"standout.{name}", raising=False)
    assert main(["train", "recipe.toml", "--out", "runs"]) == 2
    assert "pip install 'standout[train]'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["cut", "blur", "color", "replace", "mask"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Examples" in out and f"standout {command} " in out and "--mask-from" in out


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    import standout as package

    for arguments in (["--version"], ["-V"]):
        assert standout(*arguments).stdout.decode().strip() == f"standout {package.__version__}"
        assert main(arguments) == 0
        assert capsys.readouterr().out.strip() == f"standout {package.__version__}"
    assert main(["--help"]) == 0
    assert "replace" in capsys.readouterr().out


def test_examples_are_lined_up() -> None:
    assert examples(("a", "one"), ("bcd", "two")).splitlines()[1].index("one") == (
        examples(("a", "one"), ("bcd", "two")).splitlines()[2].index("two")
    )


def test_long_examples_stand_below_what_they_do() -> None:
    lines = examples(("a" * 70, "one two three"), ("b", "four")).splitlines()
    assert [line.split("[/]")[0] for line in lines[1:]] == [
        "[dim]# one two three", f"[bold cyan]{'a' * 70}", "[dim]# four", "[bold cyan]b"
    ]  # fmt: skip
