"""What every installed exporter must do alike, on the bundled checkpoint and 16 real portraits."""

import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from standout import export, runtimes
from standout.data import Pair, find_pairs
from standout.errors import InputError, MissingExtra, ModelError, OutputError, SetupError
from standout.export import TARGETS, Proof, Source, opened
from standout.export.onnx import quantized
from standout.export.proof import MOST_APART, MOST_LOST
from standout.models.card import CARD_KEY, ModelCard
from standout.models.registry import REGISTRY, find, find_checkpoint
from standout.net import checkpoint
from standout.net.unet import UNet
from standout.runtimes import RUNTIMES
from tests.models.test_card import FULL

pytestmark = pytest.mark.usefixtures("converted_once")

ONCE = Source.once
"""As it is without converted_once."""

BUNDLED = find_checkpoint("standout-mobile")
KINDS = [(name, kind) for name, one in TARGETS.items() if one.here for kind in one.precisions]


@pytest.fixture(scope="module")
def portraits(people: Path) -> list[Pair]:
    """Selfies: one of the first eight of eg1800 loses more in OpenVINO's bfloat16 than all 124 published do."""
    pairs = [pair for pair in find_pairs(people) if pair.source == "picsart"]
    return [pair for part in ("train", "val") for pair in [one for one in pairs if one.split == part][:8]]


@pytest.fixture(scope="module")
def source(portraits: list[Pair]) -> Iterator[Source]:
    with opened(BUNDLED, pairs=portraits) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("target", "precision"), KINDS)
def test_an_export_is_proved_and_carries_its_card(
    target: str, precision: str, source: Source, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"mine{TARGETS[target].suffix}"
    proof = export.export(source, out, target=target, precision=precision)
    said = capfd.readouterr()
    assert said.out == "" and "WARNING" not in said.err, "converters chatter; users read only what is for them"
    assert (proof.failure, proof.file, proof.precision) == ("", out.name, precision)
    assert proof.dice is not None and proof.dice.n == 8 and proof.dice.mean > -MOST_LOST[precision]
    assert proof.mean < MOST_APART[precision] and proof.largest > proof.mean
    if precision == "float32" and target != "openvino":  # which computes in bfloat16 where it can
        assert proof.largest < 0.01
    most = {"float32": 8.5, "float16": 4.8, "int8": 4.0}[precision]
    assert most / 2.2 < proof.megabytes < most
    found = list(tmp_path.iterdir())
    assert sorted(file.suffix for file in found) == sorted({out.suffix, *([".bin"] if out.suffix == ".xml" else [])})
    held = b"".join(file.read_bytes() for one in found for file in ([one] if one.is_file() else one.rglob("*.*ml*")))
    assert b"site-packages" not in held and str(tmp_path).encode() not in held
    if any(one.here for one in RUNTIMES.values() if out.suffix in one.suffixes):
        card = runtimes.open(out).card
        assert card == checkpoint.load(BUNDLED)[1]
        assert proof.milliseconds is not None and proof.milliseconds > 0
    with pytest.raises(OutputError, match="exists and is kept"):
        export.export(source, out, target=target, precision=precision)


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY)
def test_in_8_bits_the_first_steps_and_the_last_stay_in_floats(name: str, portraits: list[Pair]) -> None:
    """The stem, the depthwise convolution behind it, and the logits: their rounding would show most."""
    import onnx

    with opened(find_checkpoint(name), pairs=portraits) as source:
        graph = onnx.load(quantized(source)).graph
    steps = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    in_floats = [steps.get(node.input[1]) is None for node in convolutions]
    assert in_floats == [True, True] + [False] * (len(convolutions) - 2)
    assert steps[graph.output[0].name].op_type == "Sigmoid"


@pytest.mark.slow
@pytest.mark.skipif(not TARGETS["litert"].here, reason="needs litert-torch")
def test_in_8_bits_litert_keeps_floats_at_both_ends_and_where_it_joins(portraits: list[Pair], tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    out = tmp_path / "m.tflite"
    with opened(find_checkpoint("standout-tiny"), pairs=portraits) as source:
        export.export(source, out, target="litert", precision="int8")
    model = schema.ModelT.InitFromPackedBuf(out.read_bytes(), 0)
    graph, known = model.subgraphs[0], schema.BuiltinOperator
    kinds = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    steps = [(kinds[step.opcodeIndex], graph.tensors[step.outputs[0]].type) for step in graph.operators]
    convolutions = [held for kind, held in steps if kind == known.CONV_2D]
    assert convolutions.count(schema.TensorType.INT8) > 0.8 * len(convolutions)
    assert convolutions[0] == steps[-1][1] == schema.TensorType.FLOAT32
    assert {held for kind, held in steps if kind == known.CONCATENATION} == {schema.TensorType.FLOAT32}
    assert graph.tensors[graph.inputs[0]].type == schema.TensorType.FLOAT32


FIXED = [name for name, one in TARGETS.items() if one.here and name not in ("torchscript", "litert")]


@pytest.mark.slow
@pytest.mark.parametrize("target", FIXED)
def test_a_fixed_size_is_what_the_file_takes(target: str, tmp_path: Path, sample: np.ndarray) -> None:
    from standout.segmenter import Segmenter

    out = tmp_path / f"mine{TARGETS[target].suffix}"
    with opened(BUNDLED, fixed=(192, 256)) as source:
        proof = export.export(source, out, target=target)
    assert proof.size.startswith("192x256 alone")
    if target == "coreml":
        return  # no Mac to open it; its own description is checked below
    session = runtimes.open(out)
    assert session.fixed == (192, 256) and session.card.size == (256, 192)
    upright = np.ascontiguousarray(sample[:, 100:400])
    mask = Segmenter(out).mask(upright)  # letterboxed, and looked at twice, one photo at a time
    assert mask.shape == upright.shape[:2] and mask[200:, 100:200].mean() > 0.9 and mask[:50, :40].mean() < 0.1


@pytest.mark.slow
@pytest.mark.skipif(not TARGETS["coreml"].here, reason="needs coremltools")
def test_core_ml_takes_pictures_of_either_orientation_on_ios_16(tmp_path: Path) -> None:
    import coremltools as ct

    with opened(BUNDLED) as source:
        proof = export.export(source, tmp_path / "m.mlpackage", target="coreml", precision="float16")
    assert proof.size == "320x256 and 256x320" and proof.milliseconds is None and "torch" in proof.runtime
    spec = ct.models.MLModel(str(tmp_path / "m.mlpackage"), skip_model_load=True).get_spec()
    assert spec.specificationVersion == 7, "iOS 16"
    image, probability = spec.description.input[0], spec.description.output[0]
    assert image.name == "image" and image.type.imageType.colorSpace == image.type.imageType.RGB
    sizes = {(one.height, one.width) for one in image.type.imageType.enumeratedSizes.sizes}
    assert sizes == {(320, 256), (256, 320)}
    assert probability.type.imageType.colorSpace == probability.type.imageType.GRAYSCALE_FLOAT16


@pytest.mark.slow
@pytest.mark.skipif(not TARGETS["coreml"].here, reason="needs coremltools")
def test_a_core_ml_program_that_computes_something_else_fails_its_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from standout.export import mil

    monkeypatch.setitem(mil.STEPS, "sigmoid", lambda x: x["x"].sigmoid() * 0.5)
    with (
        opened(BUNDLED) as source,
        pytest.raises(ModelError, match=r"is not written: as coreml in float32, probability differs by 0\."),
    ):
        export.export(source, tmp_path / "m.mlpackage", target="coreml")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delitem(mil.STEPS, "sigmoid")
    with opened(BUNDLED) as source, pytest.raises(ModelError, match="its steps sigmoid are not known"):
        export.export(source, tmp_path / "m.mlpackage", target="coreml")


def test_what_is_shared_is_made_once(portraits: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from standout.export import source as room

    made, opened_, measured = [], [], []

    def counted(into: list[object], function):  # type: ignore[no-untyped-def]
        def count(*arguments, **named):  # type: ignore[no-untyped-def]
            into.append(arguments)
            return function(*arguments, **named)

        return count

    def copied(network: object, card: object, path: Path, *, fixed: object) -> None:
        shutil.copy(find("standout-mobile"), path)  # how it is made is another test's business

    monkeypatch.setattr(Source, "once", ONCE)
    monkeypatch.setattr("standout.export.onnx.to_onnx", counted(made, copied))
    monkeypatch.setattr(room.pytorch, "open", counted(opened_, room.pytorch.open))
    monkeypatch.setattr(room, "measure", counted(measured, room.measure))
    with opened(BUNDLED, pairs=portraits[-2:]) as source:
        for n, target in enumerate(("onnx", "openvino", "onnx")):
            export.export(source, tmp_path / f"m{n}{TARGETS[target].suffix}", target=target)
    assert len(made) == 1 and len(measured) == 1
    assert sum(path == BUNDLED for path, *_ in opened_) == 1


def test_what_a_proof_allows() -> None:
    from standout.evaluate.intervals import Mean

    def failure(precision: str, mean: float, lost: float, *, drawn: bool = False) -> str:
        dice = Mean(-lost, -lost - 0.001, -lost + 0.001, 9)
        return Proof("f", precision, "onnx", 1, 1, 0.1, mean, drawn=drawn, dice=dice).failure

    assert failure("float32", 0.0, 0.0) == failure("int8", 0.01, 0.0019) == ""
    assert failure("float32", 0.0, -0.01) == "", "better is no failure"
    assert "Dice fell by 0.0030 (0.0020 to 0.0040) over 9 photos, more than 0.002" in failure("int8", 0.0, 0.003)
    assert "probability differs by 0.0300 on average" in failure("float16", 0.03, 0.0)
    assert failure("float16", 0.029, 0.0, drawn=True) == "" != failure("float16", 0.031, 0.0, drawn=True)
    assert set(MOST_LOST) == set(MOST_APART) == set(export.PRECISIONS)


def test_what_cannot_be_had_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(BUNDLED) as source:
        with pytest.raises(InputError, match="torchscript is not made in int8; choose float32"):
            export.export(source, tmp_path / "m.pt", target="torchscript", precision="int8")
        with pytest.raises(InputError, match="give them by --data DIR"):
            export.export(source, tmp_path / "m.onnx", precision="int8")
        monkeypatch.setitem(TARGETS, "openvino", replace(TARGETS["openvino"], package="no_such_package"))
        with pytest.raises(MissingExtra, match=r"exporting to openvino needs .*standout\[openvino\]"):
            export.export(source, tmp_path / "m.xml", target="openvino")
    with (
        pytest.raises(InputError, match="size 100x64: both sides must be multiples of 32"),
        opened(BUNDLED, fixed=(100, 64)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A small checkpoint whose card says something else than the defaults in everything, and more than is known."""
    torch.manual_seed(0)
    path = tmp_path / "odd.safetensors"
    checkpoint.save(UNet(FULL.encoder, decoder=FULL.decoder), FULL, path)
    return path


def card_within(file: Path) -> str:
    """The card's text, by the means of the format itself."""
    match file.suffix:
        case ".onnx":
            import onnx

            return {one.key: one.value for one in onnx.load(file).metadata_props}[CARD_KEY]
        case ".xml":
            import openvino as ov

            return str(ov.Core().read_model(file).get_rt_info([CARD_KEY]).astype(str))
        case ".pt":
            held = {CARD_KEY: ""}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.jit.load(str(file), _extra_files=held)
            text = held[CARD_KEY]
            return text if isinstance(text, str) else text.decode()
        case ".tflite":
            return runtimes.open(file).card.to_json()
    import coremltools as ct

    model = ct.models.MLModel(str(file), skip_model_load=True)
    assert model.license == FULL.license and model.version == FULL.version
    return model.user_defined_metadata[CARD_KEY]


@pytest.mark.slow
@pytest.mark.parametrize("target", [name for name, one in TARGETS.items() if one.here])
def test_every_field_of_the_card_travels_in_every_format(target: str, odd: Path, tmp_path: Path) -> None:
    """Unknown ones of newer cards too; in every precision that needs no photos. And it is seen at its two looks."""
    wanted = checkpoint.load(odd)[1]
    assert wanted == replace(FULL, sha256=wanted.sha256)
    with opened(odd) as source:
        for precision in TARGETS[target].precisions:
            if precision == "int8":
                continue
            out = tmp_path / f"{precision}{TARGETS[target].suffix}"
            proof = export.export(source, out, target=target, precision=precision)
            assert ModelCard.from_json(card_within(out), where="here") == wanted
            size = {"coreml": "96x64 and 64x96", "litert": "96x64 alone"}.get(target, "any")
            assert proof.size == size


def test_a_file_that_does_not_take_what_it_is_shown_fails_its_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Core ML did with the second look, which asked for a third size; here in a file that says it takes any."""
    from standout.export import proof as room

    whole = runtimes.open(find("standout-mobile"), threads=1)

    def choosy(batch: np.ndarray) -> np.ndarray:
        if batch.shape[2:] not in {(320, 256), (256, 320)}:
            raise ModelError(f"image size {batch.shape[2:]} is not in the set of allowed sizes")
        return whole.run(batch)

    monkeypatch.setattr(room, "_open", lambda made, target: replace(whole, run=choosy))
    monkeypatch.setattr("standout.export.onnx.convert", lambda source, made, precision: made.write_bytes(b"m"))
    with opened(BUNDLED) as source, pytest.raises(ModelError, match="not in the set of allowed sizes"):
        export.export(source, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
    stated = replace(whole, run=choosy, sizes=((320, 256), (256, 320)))
    monkeypatch.setattr(room, "_open", lambda made, target: stated)
    with opened(BUNDLED) as source:
        assert export.export(source, tmp_path / "m.onnx").size == "320x256 and 256x320"


def test_a_checkpoint_is_compared_at_the_size_and_with_the_card_of_its_export(portraits: list[Pair]) -> None:
    """TorchScript takes any size, so that nothing else tells the checkpoint which one was asked for."""
    with opened(BUNDLED, fixed=(192, 256), pairs=portraits[-1:]) as source:
        for sizes in ((), ((192, 256),)):
            session = source.session(sizes)
            assert session.card == source.card and session.card.size == (256, 192)
            assert {one.shape for one in source.looked_at(sizes)} <= {(1, 3, 256, 192), (1, 3, 192, 256)}


def test_core_ml_is_run_on_a_mac_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.mlpackage").mkdir()
    monkeypatch.setattr("standout.runtimes.sys.platform", "linux")
    with pytest.raises(SetupError, match="works on darwin alone, and this is linux"):
        runtimes.open(tmp_path / "m.mlpackage")
