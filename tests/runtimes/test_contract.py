"""What every installed runtime must do alike."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from standout import runtimes
from standout.errors import MissingExtra, ModelError, SetupError
from standout.models import find, find_checkpoint
from standout.runtimes import RUNTIMES

FILES = {"onnx": find("standout-mobile"), "pytorch": find_checkpoint("standout-mobile")}
INSTALLED = [name for name, one in RUNTIMES.items() if one.here]


def model_for(name: str) -> Path:
    return FILES.get(name, FILES["onnx"])


@pytest.fixture(scope="module", params=INSTALLED)
def session(request: pytest.FixtureRequest) -> runtimes.Session:
    return runtimes.open(model_for(request.param), runtime=request.param, threads=1)


def photos(n: int, height: int = 64, width: int = 96, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 3, height, width), np.float32)


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 96, 64), (2, 320, 256), (1, 256, 320)])
def test_probability_comes_back_for_each_photo(session: runtimes.Session, shape: tuple[int, int, int]) -> None:
    found = session.run(photos(*shape))
    assert found.shape == (shape[0], 1, *shape[1:]) and found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


def test_all_agree_with_onnx_runtime(session: runtimes.Session, sample: np.ndarray) -> None:
    """On a real photo; OpenVINO may compute in bfloat16, whose steps are 0.4 %."""
    from standout.pixels import fit, to_input

    batch = to_input(fit(sample, (320, 256))[0])
    wanted = runtimes.open(FILES["onnx"], runtime="onnx").run(batch)
    apart = np.abs(session.run(batch) - wanted)
    assert apart.mean() < 0.01
    assert (apart > 0.1).mean() < 0.01


def test_a_backward_view_and_one_photo_of_a_batch_give_the_same(session: runtimes.Session) -> None:
    batch = photos(2)
    alone = session.run(batch[1:])
    np.testing.assert_allclose(session.run(batch)[1:], alone, atol=2e-2)
    mirrored = session.run(batch[..., ::-1])
    np.testing.assert_allclose(session.run(np.ascontiguousarray(batch[..., ::-1])), mirrored, atol=1e-6)


def test_threads_do_not_disturb_one_another(session: runtimes.Session) -> None:
    batches = [photos(1, seed=seed) for seed in range(12)]
    alone = [session.run(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(session.run, batches))
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_card_comes_along(session: runtimes.Session) -> None:
    assert session.card.name == "standout-mobile" and session.card.size == (320, 256)
    assert session.device == "cpu" and session.runtime in RUNTIMES


@pytest.mark.parametrize("name", INSTALLED)
def test_a_damaged_file_and_a_strange_device_are_named(name: str, tmp_path: Path) -> None:
    broken = tmp_path / f"broken{model_for(name).suffix}"
    broken.write_bytes(model_for(name).read_bytes()[:4000])
    with pytest.raises(ModelError, match="broken"):
        runtimes.open(broken, runtime=name)
    with pytest.raises(SetupError, match="device 'quantum'"):
        runtimes.open(model_for(name), runtime=name, device="quantum")


def test_a_runtime_is_chosen_by_file_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes.Runtime, "here", property(lambda self: True))
    assert runtimes.choose(".onnx")[0] == "onnx"
    assert runtimes.choose(".xml")[0] == "openvino"
    assert runtimes.choose(".onnx", device="cuda")[0] == "onnx"
    assert runtimes.choose(".onnx", runtime="openvino") == ("openvino", "asked for")
    assert runtimes.choose(".safetensors")[0] == "pytorch"
    monkeypatch.setattr(runtimes.Runtime, "here", property(lambda self: self.package == "onnxruntime"))
    assert runtimes.choose(".onnx")[0] == "onnx"
    with pytest.raises(MissingExtra, match=r"pip install 'standout\[train\]'"):
        runtimes.choose(".safetensors")
    with pytest.raises(MissingExtra, match=r"pip install 'standout\[openvino\]'"):
        runtimes.choose(".onnx", runtime="openvino")


def test_what_no_runtime_can_do_is_explained() -> None:
    with pytest.raises(ModelError, match=r"notes is no model file that standout can run; it runs \.onnx"):
        runtimes.choose(".txt", where="notes")
    with pytest.raises(SetupError, match="runtime 'onyx' is not known; choose one of: auto"):
        runtimes.choose(".onnx", runtime="onyx")
    with pytest.raises(ModelError, match="runtime 'pytorch' does not run the model; onnx or openvino does"):
        runtimes.choose(".onnx", runtime="pytorch")
