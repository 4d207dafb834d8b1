"""Parameters and multiply-adds, counted in the graph of an exported file.

shapes   list of list of int   of a node's inputs; a node without learnt parameters or products counts as 0
size     (h, w)                of the photo for which multiply-adds are counted

To add an operation: a row in WEIGHTS, and in PRODUCTS if it is a matrix product.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from standout.errors import ModelError

Size = tuple[int, int]
Shape = list[int]


class Node(NamedTuple):
    """An operation by its ONNX name. constants: how many numbers of its inputs are in the file; 0 if not known."""

    operation: str
    inputs: list[Shape]
    output: Shape
    constants: int = 0


WEIGHTS = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (1, 2),
    "ConvInteger": (1,),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (3,),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
}
"""ONNX operation -> the places of those inputs that are learnt."""

PRODUCTS = {"MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3), "Gemm": (0, 1)}
"""ONNX matrix product -> the places of its two factors."""

BYTES = {"float": 4, "float16": 2, "double": 8}


def of_onnx(path: Path, size: Size) -> tuple[int, int]:
    """Parameters and multiply-adds of an ONNX file, from the shapes that ONNX Runtime records when it runs it once.

    That needs no package beyond the base install, and shapes that depend on the photo's size are known exactly. Raises
    ModelError when the file does not run at that size.
    """
    return _sums(_run_once(path, size))


def _run_once(path: Path, size: Size) -> list[Node]:
    """The nodes of an ONNX file as ONNX Runtime runs them."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # it would fuse and rename layers
    options.add_session_config_entry("session.disable_prepacking", "1")  # packed weights would not be recorded
    options.log_severity_level = 3
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "run")
        try:
            session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            session.run(None, {session.get_inputs()[0].name: np.zeros((1, 3, *size), np.float32)})
        except Exception as error:  # ONNX Runtime raises a private class for each kind of failure
            reason = str(error).strip().splitlines()[0][:200]
            raise ModelError(f"{path} does not run at {size[0]}x{size[1]} ({reason}); try another --size") from None
        events = json.loads(Path(session.end_profiling()).read_text())
    return [_node(event["args"]) for event in events if "input_type_shape" in event.get("args", {})]


def _node(told: dict[str, Any]) -> Node:
    """The node that ONNX Runtime's profile describes."""
    inputs, outputs = (
        [(kind, shape) for one in told[key] for kind, shape in one.items()]
        for key in ("input_type_shape", "output_type_shape")
    )
    kinds = {kind for kind, _ in inputs}
    size = BYTES.get(min(kinds), 0) if len(kinds) == 1 else 0
    constants = int(told["parameter_size"]) // size if size else 0
    return Node(told["op_name"], [shape for _, shape in inputs], outputs[0][1] if outputs else [], constants)


def _sums(nodes: list[Node]) -> tuple[int, int]:
    """The parameters and the multiply-adds of all nodes."""
    return sum(map(_learnt, nodes)), sum(map(_multiplied, nodes))


def _learnt(node: Node) -> int:
    """The number of a node's parameters.

    >>> _learnt(Node("Conv", [[1, 3, 8, 8], [16, 3, 3, 3], [16]], [1, 16, 8, 8]))
    448
    """
    if node.operation in ("Add", "Mul"):  # biases and gains; Sub and Div are left out, as they normalize the photo
        return node.constants if any(one and math.prod(one) == node.constants for one in node.inputs) else 0
    if node.operation in (
        "MatMul",
        "MatMulInteger",
    ):  # attention multiplies computed tensors of 3 or 4 dimensions
        return math.prod(node.inputs[1]) if len(node.inputs[1]) == 2 else 0
    places = WEIGHTS.get(node.operation, ())
    return sum(math.prod(node.inputs[place]) for place in places if place < len(node.inputs))


def _multiplied(node: Node) -> int:
    """The number of a node's multiply-adds: a convolution uses each weight once for each pixel of its result.

    >>> _multiplied(Node("Conv", [[1, 3, 8, 8], [16, 3, 3, 3], [16]], [1, 16, 8, 8])) == 8 * 8 * 16 * 27
    True
    """
    if node.operation in ("Conv", "ConvInteger", "QLinearConv"):
        weight = node.inputs[WEIGHTS[node.operation][0]]
        return node.output[0] * math.prod(node.output[2:]) * math.prod(weight)
    if node.operation == "ConvTranspose":
        return node.inputs[0][0] * math.prod(node.inputs[0][2:]) * math.prod(node.inputs[1])
    if node.operation in PRODUCTS:
        first, second = (node.inputs[place] for place in PRODUCTS[node.operation])
        # (m, k) by (k, n) is (m, n), and either factor may be transposed: the sizes' quotient is k squared
        squared = math.prod(first[-2:]) * math.prod(second[-2:]) // math.prod(node.output[-2:])
        return math.prod(node.output) * math.isqrt(squared)
    return 0


OPENVINO = {"Convolution": "Conv", "GroupConvolution": "Conv", "MatMul": "MatMul", "Add": "Add"}
"""OpenVINO's operation -> the ONNX operation that is counted in the same way.

Its Multiply is left out, since files in 8 bits use it for scales.
"""


def of_openvino(path: Path, size: Size) -> tuple[int, int]:
    """Parameters and multiply-adds of an OpenVINO file for a photo of that size.

    Raises ModelError when the file does not take such a photo.
    """
    import openvino as ov

    model = ov.Core().read_model(path)
    try:
        model.reshape([1, 3, *size])
    except RuntimeError:
        raise ModelError(f"{path} does not run at {size[0]}x{size[1]}; try another --size") from None
    nodes: list[Node] = []
    computed: set[str] = set()
    for node in model.get_ordered_ops():
        kind, inputs = node.get_type_name(), node.input_values()
        fixed = [one for one in inputs if one.get_node().get_name() not in computed]
        # A node counts as computed if it depends on the photo's pixels. One that depends only on the photo's shape,
        # which is fixed by now, is a constant.
        if kind == "Parameter" or (len(fixed) < len(inputs) and kind != "ShapeOf"):
            computed.add(node.get_name())
        if kind in OPENVINO and len(fixed) < len(inputs):
            constants = math.prod(fixed[0].get_shape()) if fixed else 0
            shapes = [list(one.get_shape()) for one in inputs]
            nodes.append(Node(OPENVINO[kind], shapes, list(node.output(0).get_shape()), constants))
    return _sums(nodes)
