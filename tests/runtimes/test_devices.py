"""Each runtime judges its own devices, and what is broken is named, whatever a runtime raises."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from standout import runtimes
from standout.cli import doctor, main
from standout.errors import MissingExtra, ModelError, SetupError
from standout.models.registry import find, find_checkpoint
from standout.runtimes import RUNTIMES, onnx
from tests.conftest import SAMPLE

torch = pytest.importorskip("torch")


@pytest.fixture
def cuda_for(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Makes CUDA there for torch, or for ONNX Runtime, and not for the other."""

    def there(runtime: str) -> None:
        providers = ["CPUExecutionProvider", *(["CUDAExecutionProvider"] if runtime == "onnx" else [])]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: runtime == "pytorch")
        monkeypatch.setattr(onnx.ort, "get_available_providers", lambda: providers)

    return there


@pytest.mark.parametrize(("has", "lacks"), [("pytorch", "onnx"), ("onnx", "pytorch")])
def test_cuda_is_there_for_the_runtime_that_has_it(cuda_for, has: str, lacks: str) -> None:  # type: ignore[no-untyped-def]
    cuda_for(has)
    assert runtimes.devices(has) == ["cpu", "cuda"] and runtimes.devices(lacks) == ["cpu"]
    assert runtimes.choose_device("cuda", runtime=has) == ("cuda", "asked for")
    with pytest.raises(
        SetupError, match=rf"'cuda' is not available here to {RUNTIMES[lacks].title} \(available: cpu\)"
    ):
        runtimes.choose_device("cuda", runtime=lacks)
    suffix = {"pytorch": ".safetensors", "onnx": ".onnx"}
    runtimes.check(suffix[has], device="cuda")
    with pytest.raises(SetupError, match="is not available here"):
        runtimes.check(suffix[lacks], device="cuda")


@pytest.mark.parametrize(("has", "lacks"), [("pytorch", "onnx"), ("onnx", "pytorch")])
def test_doctor_tells_each_runtimes_devices(cuda_for, has: str, lacks: str) -> None:  # type: ignore[no-untyped-def]
    cuda_for(has)
    found = doctor.Findings()
    doctor._devices(found)
    assert found.devices[has].endswith("on cpu, cuda") and found.devices[lacks].endswith("on cpu")


def test_doctor_names_a_runtime_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def fall_over() -> list[str]:
        raise OSError("libtorch_cpu.so: cannot open shared object file")

    from standout.runtimes import pytorch

    monkeypatch.setattr(pytorch, "devices", fall_over)
    found = doctor.examine()
    assert found.devices["pytorch"] == "BROKEN" and found.devices["onnx"].startswith("runs .onnx on cpu")
    assert any("PyTorch does not load (libtorch_cpu.so" in one and "reinstall torch" in one for one in found.broken)


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("checkpoint", [], "'cuda' is not available here to PyTorch (available: cpu); torch finds no CUDA device here"),
        ("onnx", [], "'cuda' is not available here to ONNX Runtime (available: cpu); install onnxruntime-gpu"),
        (
            "onnx",
            ["--runtime", "openvino"],
            "'cuda' is not known to OpenVINO; choose one of: auto, cpu; --runtime onnx",
        ),
        ("onnx", ["--runtime", "onyx"], "runtime 'onyx' is not known"),
    ],
)
def test_a_command_says_what_its_runtime_lacks(  # type: ignore[no-untyped-def]
    cuda_for,
    as_trained,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    arguments: list[str],
    message: str,
) -> None:
    """Even where nothing is left to do."""
    cuda_for("pytorch" if model == "onnx" else "onnx")
    if "openvino" in arguments and not RUNTIMES["openvino"].here:
        pytest.skip("needs openvino")
    path = as_trained("standout-mobile") if model == "checkpoint" else find("standout-mobile")
    out = tmp_path / "out.png"
    for _ in range(2):
        command = ["cut", str(SAMPLE), "-o", str(out), "--model", str(path), "--device", "cuda", *arguments]
        assert main(command) == 2
        assert message in capsys.readouterr().err
        out.write_bytes(b"done already")


def test_every_runtime_says_which_devices_it_knows() -> None:
    for name, one in RUNTIMES.items():
        if not one.here:
            with pytest.raises((MissingExtra, SetupError)):
                runtimes.choose_device("cpu", runtime=name)
            assert runtimes.devices(name) == []
            continue
        assert runtimes.devices(name)[0] == one.devices[0] == runtimes.choose_device("auto", runtime=name)[0]
        with pytest.raises(SetupError, match=rf"device 'tpu' is not known to {one.title}; choose one of: auto, cpu"):
            runtimes.choose_device("tpu", runtime=name)


# ---------------------------------------------------------------------------------------------------------------------
# files


WRONG = {".onnx": "onnx", ".xml": "openvino", ".safetensors": "pytorch", ".pt": "pytorch", ".tflite": "litert"}


@pytest.mark.parametrize("suffix", WRONG)
@pytest.mark.parametrize("held", ["onnx", "checkpoint", "text", "nothing", "zip", "folder"])
def test_a_file_under_a_wrong_suffix_is_named(
    suffix: str, held: str, as_trained: Callable[[str], Path], tmp_path: Path
) -> None:
    if not RUNTIMES[WRONG[suffix]].here:
        pytest.skip(f"needs {WRONG[suffix]}")
    path = tmp_path / f"odd{suffix}"
    if held in ("onnx", "checkpoint"):
        right = {"onnx": ".onnx", "checkpoint": ".safetensors"}[held]
        if right == suffix:
            return
        shutil.copy(find("standout-tiny") if held == "onnx" else as_trained("standout-tiny"), path)
    elif held == "zip":
        shutil.make_archive(str(tmp_path / "made"), "zip", tmp_path, ".")
        (tmp_path / "made.zip").rename(path)
    elif held == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"" if held == "nothing" else b"<net>not a model</net>\n" * 9)
    if (held, suffix) == ("onnx", ".xml"):  # OpenVINO looks into the file, and runs it
        assert runtimes.open(path).card.name == "standout-tiny"
        return
    with pytest.raises(ModelError, match=r"odd\."):
        runtimes.open(path)


def test_folders_and_other_files_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is a folder; give the path of a model file"):
        find(tmp_path)
    with pytest.raises(ModelError, match=r"is a folder; give a \.safetensors file"):
        find_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    for look in (find, find_checkpoint):
        with pytest.raises(ModelError, match=rf"is a folder; give {tmp_path / 'model.safetensors'}"):
            look(tmp_path)
    (tmp_path / "m.tflite").write_bytes(b"")
    with pytest.raises(ModelError, match=r"\.tflite is no checkpoint; give the \.safetensors file"):
        find_checkpoint(tmp_path / "m.tflite")
    assert find_checkpoint("standout-mobile") == find_checkpoint(find("standout-mobile")) == find("standout-mobile")
    with pytest.raises(ModelError, match="cannot be looked at"):
        find("x" * 5000 + ".onnx")
    (tmp_path / "m.mlpackage").mkdir()
    assert find(tmp_path / "m.mlpackage").is_dir()
    with pytest.raises(ModelError, match="is a folder"):
        find_checkpoint(tmp_path / "m.mlpackage")


def test_a_checkpoint_that_does_not_fit_its_card_is_named(as_trained: Callable[[str], Path], tmp_path: Path) -> None:
    from dataclasses import replace

    from safetensors.torch import load_file, save_file

    from standout.models.card import CARD_KEY
    from standout.net import checkpoint

    good = as_trained("standout-tiny")
    card, state = checkpoint.load(good)[1], load_file(good)
    name = next(key for key, value in state.items() if value.ndim == 4)
    changes = {
        "another shape": state | {name: state[name].flatten()},
        "a layer too few": {key: value for key, value in state.items() if key != name},
        "a layer too many": state | {"more": torch.zeros(2)},
        "another kind of number": {key: value.to(torch.bfloat16) for key, value in state.items()},
        "no number": state | {name: torch.zeros(3, dtype=torch.int64)},
    }
    path = tmp_path / "odd.safetensors"
    for what, changed in changes.items():
        held = {key: value.contiguous() for key, value in changed.items()}
        whole = all(value.dtype in checkpoint.KEPT for value in held.values())
        told = replace(card, sha256=checkpoint.fingerprint(held) if whole else card.sha256)
        save_file(held, path, metadata={CARD_KEY: told.to_json()})
        with pytest.raises(ModelError, match=r"odd\.safetensors (does not fit the network|is damaged)"):
            print(what, checkpoint.load(path))  # the name shows which one went through
    told = replace(card, encoder="resnet_of_another_world")
    save_file(state, path, metadata={CARD_KEY: told.to_json()})
    with pytest.raises(ModelError, match="resnet_of_another_world"):
        checkpoint.load(path)
