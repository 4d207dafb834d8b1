"""What is counted on a graph, held against what torch counts on the network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from torch import nn

from standout.benchmark import graphs
from standout.benchmark.facts import look
from standout.errors import ModelError
from standout.models.registry import find, find_checkpoint
from standout.net import checkpoint
from standout.net.cost import cost
from standout.runtimes import RUNTIMES


def norm_channels(path: Path) -> int:
    net, _ = checkpoint.load(path)
    return sum(module.num_features for module in net.modules() if isinstance(module, nn.BatchNorm2d))


@pytest.mark.parametrize("size", [(320, 256), (64, 96)])
def test_an_onnx_file_counts_as_its_checkpoint_does(size: tuple[int, int]) -> None:
    """To the last one; of parameters, a batch norm's gains are gone where it was folded."""
    wanted = cost(checkpoint.load(find_checkpoint("standout-mobile"))[0], size)
    found = look("standout-mobile", size=size)
    assert found.multiply_adds == wanted.multiply_adds
    assert found.parameters is not None
    assert wanted.parameters - found.parameters == norm_channels(find_checkpoint("standout-mobile")) > 10_000


def test_a_checkpoint_is_counted_by_torch(as_trained: Callable[[str], Path]) -> None:
    found = look(str(as_trained("standout-mobile")))
    wanted = cost(checkpoint.load(find_checkpoint("standout-mobile"))[0], (320, 256))
    assert (found.parameters, found.multiply_adds) == (wanted.parameters, wanted.multiply_adds)
    assert found.encoder == "mobilenetv2_100" and found.size == (320, 256)
    assert found.megabytes == pytest.approx(as_trained("standout-mobile").stat().st_size / 1e6)


def test_openvino_counts_the_same(tmp_path: Path) -> None:
    ov = pytest.importorskip("openvino")
    path = find("standout-mobile")
    for half in (False, True):  # weights in float16 are widened by a node of their own
        file = tmp_path / f"{half}.xml"
        ov.save_model(ov.Core().read_model(path), file, compress_to_fp16=half)
        assert graphs.of_openvino(file, (64, 96)) == graphs.of_onnx(path, (64, 96))


def model(nodes: Sequence[onnx.NodeProto], **weights: np.ndarray) -> onnx.ModelProto:
    """x (1, 3, 12, 20) through the nodes to y."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, "h", "w"])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    held = [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(list(nodes), "g", [x], [y], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def counted(made: onnx.ModelProto, folder: Path) -> tuple[int, int]:
    onnx.save(made, folder / "m.onnx")
    return graphs.of_onnx(folder / "m.onnx", (12, 20))


def test_layers_count_as_torch_counts_them(tmp_path: Path) -> None:
    grown = nn.ConvTranspose2d(3, 8, 2, stride=2)
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2])
    made = model([node], w=grown.weight.detach().numpy(), b=grown.bias.detach().numpy())
    wanted = cost(grown, (12, 20))
    assert counted(made, tmp_path) == (wanted.parameters, wanted.multiply_adds)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(20, 7), nn.Linear(36 * 7, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            rows = self.one(x)
            return self.two((rows @ rows.transpose(-1, -2) @ rows).flatten(1))

    net = Tokens()
    one, two = net.one, net.two
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["rows", "t"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "rows"], ["again"]),
        helper.make_node("Flatten", ["again"], ["flat"]),
        helper.make_node("Gemm", ["flat", "v", "c"], ["y"], transB=1),
    ]
    weights = {"w": one.weight.T, "b": one.bias, "v": two.weight, "c": two.bias}
    made = model(nodes, **{name: value.detach().numpy() for name, value in weights.items()})
    wanted = cost(net, (12, 20))
    assert counted(made, tmp_path) == (wanted.parameters, wanted.multiply_adds)


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_eight_bits_count_as_before(form: str, tmp_path: Path) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Once(CalibrationDataReader):
        rows = iter([{"x": np.random.default_rng(0).random((1, 3, 12, 20), np.float32)}])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.rows, None)

    rng = np.random.default_rng(0)
    conv = nn.Conv2d(3, 16, 3, padding=1)
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1])
    onnx.save(model([node], w=rng.normal(size=(16, 3, 3, 3)), b=rng.normal(size=16)), tmp_path / "plain.onnx")
    done = tmp_path / "done.onnx"
    quantize_static(tmp_path / "plain.onnx", done, Once(), quant_format=QuantFormat[form], per_channel=True)
    wanted = cost(conv, (12, 20))
    assert graphs.of_onnx(done, (12, 20)) == (wanted.parameters, wanted.multiply_adds)


def test_counting_needs_no_onnx_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert look("standout-mobile").multiply_adds


def test_without_torch_a_checkpoint_says_what_it_lacks(
    as_trained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNTIMES, "pytorch", replace(RUNTIMES["pytorch"], package="no_such_package"))
    found = look(str(as_trained("standout-mobile")))
    assert (found.lacking, found.parameters, found.multiply_adds) == ("standout[train]", None, None)
    assert found.megabytes > 1


def test_a_size_that_the_file_does_not_take_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not run at 33x47"):
        graphs.of_onnx(find("standout-mobile"), (33, 47))
