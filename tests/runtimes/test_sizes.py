"""A session states the sizes it takes, refuses others, and everything that shows it photos obeys."""

import sys
import types
from dataclasses import replace
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from standout.benchmark import facts
from standout.data import find_pairs
from standout.errors import ModelError
from standout.evaluate import evaluate
from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session
from standout.runtimes.sizes import Size, sizes_of
from standout.segmenter import Segmenter

CARD = ModelCard("choosy", "1", "resnet18", (96, 64), second_look=1.3)
SIZES: list[tuple[Size, ...]] = [
    ((96, 64),),
    ((64, 96),),
    ((64, 64),),
    ((96, 64), (64, 96)),
    ((64, 96), (128, 96), (96, 64)),
    ((224, 224), (32, 32)),
]


class Choosy:
    """A network that falls over at photos of a size that it does not take, as Core ML does."""

    def __init__(self, sizes: tuple[Size, ...]) -> None:
        self.sizes, self.seen = sizes, []  # type: ignore[var-annotated]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.seen.append(batch.shape[2:])
        if batch.shape[2:] not in self.sizes:
            raise RuntimeError(f"{batch.shape[2:]} is not in the set of allowed sizes {self.sizes}")
        return batch[:, :1]

    def session(self, card: ModelCard = CARD) -> Session:
        return Session(self, card, "cpu", "choosy", self.sizes)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("shape", [(100, 60), (60, 100), (80, 80), (1, 300), (300, 1), (1, 1)])
def test_a_segmenter_shows_a_session_only_sizes_it_takes(sizes: tuple[Size, ...], shape: tuple[int, int]) -> None:
    for second_look in (1.0, 1.3, 2.0, 0.5):
        network = Choosy(sizes)
        mask = Segmenter(network.session(replace(CARD, second_look=second_look))).mask(np.zeros((*shape, 3), np.uint8))
        assert mask.shape == shape and len(network.seen) == 2


def test_the_size_nearest_to_the_wish_is_shown() -> None:
    upright_too = Choosy(((64, 96), (128, 96), (96, 64))).session()
    assert Segmenter(upright_too).looks(100, 60) == [(96, 64), (128, 96)], "the second look, larger, is one it takes"
    assert Segmenter(upright_too).looks(60, 100) == [(64, 96), (64, 96)]
    both_ways = Choosy(((96, 64), (64, 96))).session()
    assert Segmenter(both_ways).looks(100, 60) == [(96, 64)] * 2
    assert Segmenter(both_ways).looks(60, 100) == [(64, 96)] * 2
    assert Segmenter(Choosy(((64, 96),)).session()).looks(100, 60) == [(64, 96)] * 2
    assert Segmenter(Session(Choosy(()), CARD, "cpu", "any")).looks(100, 60) == [(96, 64), (128, 96)]


def test_a_session_refuses_other_sizes_whatever_computes_it() -> None:
    session = Session(lambda batch: batch[:, :1], CARD, "cpu", "careless", ((96, 64), (64, 96)))
    assert session.run(np.zeros((1, 3, 64, 96), np.float32)).shape == (1, 1, 64, 96)
    with pytest.raises(ModelError, match=r"choosy takes photos of 96x64 or 64x96 alone .* not of 128x96; fit them"):
        session.run(np.zeros((1, 3, 128, 96), np.float32))
    assert session.fixed is None and replace(session, sizes=((64, 96),)).fixed == (64, 96)
    with pytest.raises(ModelError, match="takes photos of 64x96 alone"):
        replace(session, sizes=((64, 96),)).run(np.zeros((1, 3, 96, 64), np.float32))


@pytest.mark.parametrize("sizes", SIZES)
def test_a_choosy_model_is_evaluated(data: Path, sizes: tuple[Size, ...]) -> None:
    pairs = [pair for pair in find_pairs(data) if pair.split == "val"]
    network = Choosy(sizes)
    assert evaluate(pairs, Segmenter(network.session())).facts["data"]["photos"] == len(pairs)
    assert set(network.seen) <= set(sizes)


def test_a_benchmark_asks_for_a_size_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Choosy(((64, 96), (128, 96))).session()
    monkeypatch.setattr(facts.runtimes, "open", lambda path, threads: session)
    monkeypatch.setattr(facts, "COUNTERS", {})
    assert facts.look("standout-mobile").size == (128, 96)
    assert facts.look("standout-mobile", size=(64, 96)).size == (64, 96)
    with pytest.raises(ModelError, match="takes only photos of 64x96 or 128x96, not of 320x256; use --size 64x96"):
        facts.look("standout-mobile", size=(320, 256))


@pytest.mark.parametrize(
    ("takes", "wanted"),
    [
        ((1, 3, 320, 256), ((320, 256),)),
        ((None, 3, 320, 256), ((320, 256),)),
        ((1, 3, None, None), ()),
        ((None, 3, None, None), ()),
        ((None, 3, 320, None), None),
        ((None, 3, None, 256), None),
        ((4, 3, 320, 256), None),
    ],
)
def test_a_file_tells_its_sizes_by_its_shapes(takes: tuple[int | None, ...], wanted: tuple[Size, ...] | None) -> None:
    gives = (takes[0], 1, *takes[2:])
    if wanted is None:
        with pytest.raises(ModelError, match=r"m\.onnx takes photos of the shape \(.*\); wanted \(1 or any, 3, h, w\)"):
            sizes_of([takes], [gives], where="m.onnx")
    else:
        assert sizes_of([takes], [gives], where="m.onnx") == wanted


# ---------------------------------------------------------------------------------------------------------------------
# Core ML, computed by a stand-in that takes what its description says


class Description:
    """A program's input, as coremltools describes it."""

    def __init__(self, sizes: tuple[Size, ...], kind: str = "imageType") -> None:
        rows = [types.SimpleNamespace(height=height, width=width) for height, width in sizes]
        flexible = "enumeratedSizes" if len(sizes) > 1 else None if sizes else "imageSizeRange"
        first = rows[0] if rows else types.SimpleNamespace(height=0, width=0)
        picture = types.SimpleNamespace(
            WhichOneof=lambda group: flexible,
            enumeratedSizes=types.SimpleNamespace(sizes=rows),
            height=first.height,
            width=first.width,
        )
        held = types.SimpleNamespace(WhichOneof=lambda group: kind, imageType=picture)
        self.description = types.SimpleNamespace(input=[types.SimpleNamespace(type=held)])


def core_ml(monkeypatch: pytest.MonkeyPatch, sizes: tuple[Size, ...], *, described: object) -> Any:
    """runtimes.coreml on a Mac whose framework takes only those sizes."""

    class Model:
        def __init__(self, path: str, **_: object) -> None:
            self.user_defined_metadata = {CARD_KEY: CARD.to_json()}

        def get_spec(self) -> object:
            if described is None:
                raise RuntimeError("no description")
            return described

        def predict(self, given: dict[str, Any]) -> dict[str, np.ndarray]:
            width, height = given["image"].size
            if (height, width) not in sizes:
                raise RuntimeError(f"image size {height}x{width} is not in the set of allowed sizes")
            return {"probability": np.zeros((height, width), np.float16)}

    tools = types.ModuleType("coremltools")
    tools.ComputeUnit = types.SimpleNamespace(ALL=1, CPU_ONLY=2)  # type: ignore[attr-defined]
    tools.models = types.SimpleNamespace(MLModel=Model)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "coremltools", tools)
    found = find_spec("standout.runtimes.coreml")
    assert found is not None and found.loader is not None
    room = module_from_spec(found)  # one of its own: other tests have the real one
    found.loader.exec_module(room)
    monkeypatch.setattr(room, "sys", types.SimpleNamespace(platform="darwin"))
    return room


@pytest.mark.parametrize("sizes", [((96, 64), (64, 96)), ((64, 96),), ((96, 64), (64, 96), (128, 96), (96, 128))])
def test_core_ml_is_shown_what_its_program_describes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sizes: tuple[Size, ...]
) -> None:
    session = core_ml(monkeypatch, sizes, described=Description(sizes)).open(tmp_path)
    assert session.sizes == sizes and session.device == "coreml"
    for shape in ((100, 60, 3), (60, 100, 3)):
        assert Segmenter(session).mask(np.zeros(shape, np.uint8)).shape == shape[:2]


def test_core_ml_without_a_description_is_taken_at_its_cards_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sizes = ((96, 64), (64, 96))
    assert core_ml(monkeypatch, sizes, described=None).open(tmp_path).sizes == sizes


def test_core_ml_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    room = core_ml(monkeypatch, (), described=Description((), "multiArrayType"))
    with pytest.raises(ModelError, match="its input is no picture"):
        room.open(tmp_path)
    assert core_ml(monkeypatch, (), described=Description(())).open(tmp_path).sizes == ()
