from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from standout import export, runtimes
from standout.errors import ModelError, SetupError
from standout.models.card import CARD_KEY, ModelCard
from standout.net import checkpoint
from standout.net.unet import UNet
from standout.runtimes import onnx as runtime

CARD = ModelCard("test", "0", "mobilenetv2_100", (64, 32), scores={"drawn": 0.5})


pytestmark = pytest.mark.slow  # a conversion takes twenty seconds


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose batch norms have lived: statistics and gains far from 0 and 1."""
    torch.manual_seed(0)
    net = UNet()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.7, 1.5)
            module.bias.data.uniform_(-0.5, 0.5)
    path = tmp_path_factory.mktemp("net") / "model.safetensors"
    checkpoint.save(net, CARD, path)
    with export.opened(path) as source:
        export.export(source, path.with_suffix(".onnx"))
    return path


def test_the_export_computes_what_the_checkpoint_does_at_any_size(trained: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = [(1, 3, 64, 32), (1, 3, 32, 64), (3, 3, 96, 128)]
    inputs = [rng.random(s, np.float32) for s in shapes]
    for inputs_of_a_kind in inputs:
        wanted = runtimes.open(trained).run(inputs_of_a_kind)
        got = runtime.open(trained.with_suffix(".onnx")).run(inputs_of_a_kind)
        np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_the_card_travels_inside(trained: Path) -> None:
    _, card = checkpoint.load(trained)
    assert len(card.sha256) == 64
    assert runtime.open(trained.with_suffix(".onnx")).card == card
    assert (card.name, card.size, card.scores) == (CARD.name, CARD.size, CARD.scores)


def test_the_file_names_nothing_of_the_machine(trained: Path) -> None:
    data = trained.with_suffix(".onnx").read_bytes()
    assert str(Path(export.__file__).parents[1]).encode() not in data
    assert b"site-packages" not in data


def test_a_damaged_checkpoint_is_refused(trained: Path, tmp_path: Path) -> None:
    data = bytearray(trained.read_bytes())
    data[-1000] ^= 0x40
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(data)
    with pytest.raises(ModelError, match="do not match the sha256 in its card"):
        checkpoint.load(damaged)
    damaged.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="not a readable safetensors"):
        checkpoint.load(damaged)


def test_models_that_are_not_ours_are_refused(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        runtime.open(path)
    model = onnx.load(trained.with_suffix(".onnx"))
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ModelError, match="no standout model card"):
        runtime.open(path)
    newer = CARD.to_json().replace('"card_version": 1', '"card_version": 99')
    onnx.helper.set_model_props(model, {CARD_KEY: newer})
    onnx.save(model, path)
    with pytest.raises(ModelError, match="card is version 99"):
        runtime.open(path)


@pytest.mark.parametrize(
    ("takes", "gives", "message"),
    [
        ((1, 1, 64, 64), (1, 1, 64, 64), r"it maps \(1, 1, 64, 64\) -> \(1, 1, 64, 64\); wanted \(N, 3, h, w\)"),
        ((1, 3, 64, 64), (1, 21, 64, 64), r"\(1, 21, 64, 64\); wanted"),
        ((1, 3, 224, 224), (1, 1000), r"-> \(1, 1000\)"),
        (("n", 4, 64, "w"), ("n", 1, 64, "w"), r"\(any, 4, 64, any\)"),
    ],
)
@pytest.mark.parametrize("reader", ["onnx", "openvino"])
def test_a_model_that_is_no_person_segmentation_net_is_refused(
    reader: str, takes: tuple[int | str, ...], gives: tuple[int | str, ...], message: str, tmp_path: Path
) -> None:
    """Whose card says otherwise."""
    kind = onnx.TensorProto.FLOAT
    node = onnx.helper.make_node("Identity" if takes == gives else "Reshape", ["x", "s"][: 1 + (takes != gives)], ["y"])
    fixed = [side if isinstance(side, int) else 64 for side in gives]
    shape = onnx.numpy_helper.from_array(np.array([0 if fixed[0] == 1 else 1, *fixed[1:]], np.int64), "s")
    graph = onnx.helper.make_graph(
        [node],
        "other",
        [onnx.helper.make_tensor_value_info("x", kind, takes)],
        [onnx.helper.make_tensor_value_info("y", kind, gives)],
        [shape] if takes != gives else [],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    onnx.helper.set_model_props(model, {CARD_KEY: CARD.to_json()})
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=f"m.onnx (is no person segmentation net: .*{message}|cannot be loaded)"):
        runtimes.open(tmp_path / "m.onnx", runtime=reader)


def test_a_device_that_is_not_here_is_an_error_never_a_fallback(trained: Path) -> None:
    missing = next(d for d in runtime.PROVIDERS if d not in runtime.devices())
    with pytest.raises(SetupError, match=f"'{missing}' is not available here"):
        runtime.open(trained.with_suffix(".onnx"), device=missing)
    with pytest.raises(SetupError, match="'tpu' is not known"):
        runtime.open(trained.with_suffix(".onnx"), device="tpu")
