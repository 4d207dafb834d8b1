"""What every installed runtime must do alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from standout import export, runtimes
from standout.errors import MissingExtra, ModelError, SetupError
from standout.models.registry import find, find_checkpoint
from standout.runtimes import RUNTIMES
from tests.conftest import MadeOnce, converting_once

ONNX = find("standout-mobile")
FILES = {
    "onnx": ONNX,
    "openvino": ONNX,
    "pytorch": Path("m.safetensors"),
    "torchscript": Path("m.pt"),
    "litert": Path("m.tflite"),
}
"""Which file each runtime is tried with; those without a folder are made first."""
HERE = [
    pytest.param(name, marks=[pytest.mark.slow] if name in ("torchscript", "litert") else [])
    for name, file in FILES.items()
    if RUNTIMES["pytorch" if name == "torchscript" else name].here
]


@pytest.fixture(scope="session")
def made(made_once: MadeOnce, as_trained: Callable[[str], Path]) -> Callable[[str], tuple[Path, str]]:
    """Name in FILES -> the file and the runtime."""

    def find(name: str) -> tuple[Path, str]:
        def convert(path: Path) -> None:
            with converting_once(made_once), export.opened(find_checkpoint("standout-mobile")) as source:
                export.export(source, path, target=name)

        file = as_trained("standout-mobile") if name == "pytorch" else FILES[name]
        if file.parent == Path():
            file = made_once(f"contract-{file}", convert)
        return file, "pytorch" if name == "torchscript" else name

    return find


@pytest.fixture(scope="module", params=HERE)
def session(request: pytest.FixtureRequest, made: Callable[[str], tuple[Path, str]]) -> runtimes.Session:
    file, name = made(request.param)
    return runtimes.open(file, runtime=name, threads=1)


def photos(n: int, height: int = 64, width: int = 96, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 3, height, width), np.float32)


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 96, 64), (2, 320, 256), (1, 256, 320)])
def test_probability_comes_back_for_each_photo(session: runtimes.Session, shape: tuple[int, int, int]) -> None:
    count, *sides = (shape[0], *session.fixed) if session.fixed else shape
    found = session.run(photos(count, *sides))
    assert found.shape == (count, 1, *sides) and found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


def test_all_agree_with_onnx_runtime(session: runtimes.Session, sample: np.ndarray) -> None:
    """On a real photo; OpenVINO may compute in bfloat16, whose steps show where a network is in doubt."""
    from standout.masks.letterbox import fit, to_input

    batch = to_input(fit(sample, (320, 256))[0])
    wanted = runtimes.open(ONNX, runtime="onnx").run(batch)
    apart = np.abs(session.run(batch) - wanted)
    mean, share = (0.02, 0.05) if session.runtime == "openvino" else (0.001, 0.001)
    assert apart.mean() < mean and (apart > 0.1).mean() < share


@pytest.mark.skipif(not RUNTIMES["openvino"].here, reason="needs openvino")
def test_openvino_computes_small_networks_in_float32(sample: np.ndarray) -> None:
    """Where the processor is faster in bfloat16, too: that moves probabilities by 0.01 and more."""
    from standout.masks.letterbox import fit, to_input

    batch = to_input(fit(sample, (256, 192))[0])
    tiny = find("standout-tiny")
    wanted, found = (runtimes.open(tiny, runtime=name, threads=1).run(batch) for name in ("onnx", "openvino"))
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_a_backward_view_and_one_photo_of_a_batch_give_the_same(session: runtimes.Session) -> None:
    batch = photos(2, *(session.fixed or (64, 96)))
    alone = session.run(batch[1:])
    np.testing.assert_allclose(session.run(batch)[1:], alone, atol=2e-2)
    mirrored = session.run(batch[..., ::-1])
    np.testing.assert_allclose(session.run(np.ascontiguousarray(batch[..., ::-1])), mirrored, atol=1e-6)


def test_a_gpu_sees_batches_of_few_sizes() -> None:
    seen = []

    def run(batch: np.ndarray) -> np.ndarray:
        seen.append(len(batch))
        return batch[:, :1]

    for count in (1, 2, 3, 5, 8, 31, 32):
        batch = photos(count, 8, 8)
        np.testing.assert_array_equal(runtimes.in_few_sizes(run, 32)(batch), batch[:, :1])
    assert seen == [1, 2, 4, 8, 8, 32, 32]


def test_threads_do_not_disturb_one_another(session: runtimes.Session) -> None:
    batches = [photos(1, *(session.fixed or (64, 96)), seed=seed) for seed in range(12)]
    alone = [session.run(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(session.run, batches))
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_card_comes_along(session: runtimes.Session) -> None:
    assert session.card.name == "standout-mobile" and session.card.size == (320, 256)
    assert session.device == "cpu" and session.runtime in RUNTIMES


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("kept", [0, 100, 4000, 1_000_000])
def test_a_damaged_file_is_named(name: str, kept: int, tmp_path: Path, made: Callable[[str], tuple[Path, str]]) -> None:
    file, runtime = made(name)
    broken = tmp_path / f"broken{file.suffix}"
    broken.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelError, match="broken"):
        runtimes.open(broken, runtime=runtime)


@pytest.mark.parametrize("name", HERE)
def test_a_card_of_broken_text_is_named(name: str, tmp_path: Path, made: Callable[[str], tuple[Path, str]]) -> None:
    """Bytes that are no UTF-8, in the middle of the card."""
    file, runtime = made(name)
    broken = tmp_path / f"broken{file.suffix}"
    data = file.read_bytes()
    assert b"standout-mobile" in data
    broken.write_bytes(data.replace(b"standout-mobile", b"standout-mob\xb1\xff\xc3"))
    with pytest.raises(ModelError, match="broken"):
        runtimes.open(broken, runtime=runtime)


@pytest.mark.parametrize("name", HERE)
def test_a_strange_device_is_named(name: str, made: Callable[[str], tuple[Path, str]]) -> None:
    file, runtime = made(name)
    with pytest.raises(SetupError, match="device 'quantum'"):
        runtimes.open(file, runtime=runtime, device="quantum")


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
    with pytest.raises(ModelError, match=r"notes is no model file that standout can run; it runs \.mlpackage, \.onnx"):
        runtimes.choose(".txt", where="notes")
    with pytest.raises(SetupError, match="runtime 'onyx' is not known; choose one of: auto"):
        runtimes.choose(".onnx", runtime="onyx")
    with pytest.raises(ModelError, match="runtime 'pytorch' does not run the model; onnx or openvino does"):
        runtimes.choose(".onnx", runtime="pytorch")
