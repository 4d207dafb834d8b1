"""The weights that training goes on from, kept bit for bit inside an exported ONNX file.

    state   name -> float16 or float32 array   a checkpoint's tensors, see checkpoint.state_of

The graph of an export holds folded weights: each batch norm is multiplied into the convolution before it, which makes
the file quick to load, and which rounding makes impossible to undo exactly. Dividing the folded weights by the batch
norm's scale again comes within one step of float16 of what they were, and nine times in ten it hits. So what is kept
is how many steps lie between the two, packed: half a bit a weight. Batch norms are kept as they are, and so is whatever
the graph does not hold under its own name.

All this stands in the file's `training_info`, which the ONNX standard has for what only training needs, and which
runtimes skip.

Read on its own, a batch norm costs every runtime a pass over the graph when it loads the file: leaving them unfolded in
the graph made opening standout-mobile 10 ms slower in ONNX Runtime.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from standout.errors import ModelError

Array = NDArray[np.generic]
State = dict[str, Array]

GRAPH = "trainable weights"
"""The name of the graph in `training_info` that holds them."""
STEPS = ".steps"
"""Behind the name of folded weights: the packed steps between what unfolding gives and what they were."""
PREFIX, HALF = "net.", "_float16"
"""What an export puts before and behind the names of a checkpoint's tensors; see export.onnx."""


def keep(model: onnx.ModelProto, state: Mapping[str, Array], norms: Mapping[str, tuple[str, float]]) -> None:
    """Adds the state to an exported model whose graph holds its weights folded.

    norms: name of a convolution -> name and epsilon of the batch norm that is folded into it.
    """
    held, graph = _held(model), onnx.GraphProto(name=GRAPH)
    for name, tensor in state.items():
        folded = held.get(name)
        norm = norms.get(name.removesuffix(".weight"))
        if norm is not None and folded is not None and folded.shape == tensor.shape and tensor.dtype == np.float16:
            steps = _order(tensor) - _order(_unfolded(folded, state, norm))
            graph.initializer.append(numpy_helper.from_array(_packed(steps), f"{name}{STEPS}"))
        elif folded is None or not _same(folded, tensor):
            graph.initializer.append(numpy_helper.from_array(tensor, name))
    del model.training_info[:]
    model.training_info.add().initialization.CopyFrom(graph)


def read(path: Path, wanted: Mapping[str, type[np.generic]], norms: Mapping[str, tuple[str, float]]) -> State:
    """The state in the ONNX file at path. wanted: the names of its tensors, and what each is written as.

    Raises ModelError when the file cannot be read, or was exported without these weights.
    """
    model = load(path)
    graphs = [one.initialization for one in model.training_info if one.initialization.name == GRAPH]
    if not graphs:
        raise ModelError(
            f"{path} holds no weights that can be trained: 8-bit exports have none, nor have files that an older "
            "standout exported; give the .safetensors file that it was made of, or export that again"
        )
    try:
        held, kept = _held(model), {one.name: numpy_helper.to_array(one) for one in graphs[0].initializer}
        state = {name: kept.get(name, held.get(name)) for name in wanted if f"{name}{STEPS}" not in kept}
        found = {name: tensor.astype(wanted[name]) for name, tensor in state.items() if tensor is not None}
        for name in wanted:
            if f"{name}{STEPS}" in kept:
                guess = _unfolded(held[name], found, norms[name.removesuffix(".weight")])
                steps = _unpacked(kept[f"{name}{STEPS}"].tobytes()).reshape(guess.shape)
                found[name] = _from_order(_order(guess) + steps)
    except (KeyError, ValueError, TypeError, zlib.error) as error:
        raise ModelError(f"{path} is damaged: its trainable weights cannot be read ({error}); get it again") from None
    return {name: found[name] for name in wanted if name in found}


def load(path: Path) -> onnx.ModelProto:
    """The ONNX file at path. Raises ModelError when it is none."""
    try:
        return onnx.load(path)
    except Exception as error:  # what protobuf raises depends on its build
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(f"{path} is not a readable ONNX file ({said}); get the file again") from None


def _held(model: onnx.ModelProto) -> State:
    """The graph's own weights, by the names that the checkpoint's tensors have."""
    return {
        one.name.removeprefix(PREFIX).removesuffix(HALF): numpy_helper.to_array(one)
        for one in model.graph.initializer
        if one.name.startswith(PREFIX)
    }


def _same(held: Array, tensor: Array) -> bool:
    """Whether the graph's tensor is the checkpoint's, at most widened."""
    return held.shape == tensor.shape and held.astype(tensor.dtype).tobytes() == tensor.tobytes()


def _unfolded(folded: Array, state: Mapping[str, Array], norm: tuple[str, float]) -> NDArray[np.float16]:
    """Folded weights without their batch norm, as near as float16 tells; 0 where its scale leaves nothing.

    Division and root are correctly rounded wherever NumPy runs (IEEE 754), so that every machine finds the same.
    """
    name, epsilon = norm
    gain, variance = (state[f"{name}.{part}"].astype(np.float32) for part in ("weight", "running_var"))
    scale = (gain / np.sqrt(variance + np.float32(epsilon))).reshape(-1, *[1] * (folded.ndim - 1))
    with np.errstate(all="ignore"):
        found = (folded.astype(np.float32) / scale).astype(np.float16)
    return np.where(np.isfinite(found), found, np.float16(0))


def _order(tensor: Array) -> NDArray[np.int32]:
    """Each number's place among all numbers of float16: neighbors differ by 1, and -0.0 comes right before 0.0.

    >>> _order(np.float16([-0.0, 0.0, 1.0, 1.001])).tolist()
    [-1, 0, 15360, 15361]
    """
    bits = tensor.astype(np.float16).view(np.int16).astype(np.int32)
    return np.where(bits < 0, -1 - (bits & 0x7FFF), bits)


def _from_order(places: NDArray[np.int32]) -> NDArray[np.float16]:
    """The numbers at these places.

    >>> _from_order(_order(np.float16([-2.5, -0.0, 0.0, 7.0]))).tolist()
    [-2.5, -0.0, 0.0, 7.0]
    """
    bits = np.where(places < 0, (-1 - places) | 0x8000, places)
    return bits.astype(np.uint16).view(np.float16)


def _packed(steps: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The steps, most of them 0, 1 or -1, in as few bytes as zlib finds: first their low bytes, then the others.

    >>> _unpacked(_packed(np.int32([0, -1, 1, 300, -65535])).tobytes()).tolist()
    [0, -1, 1, 300, -65535]
    """
    unsigned = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype("<u4").reshape(-1, 1)
    return np.frombuffer(zlib.compress(unsigned.view(np.uint8).T.tobytes(), 9), np.uint8)


def _unpacked(packed: bytes) -> NDArray[np.int32]:
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(4, -1)
    unsigned = np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.int64)
    return np.where(unsigned & 1, -(unsigned + 1) // 2, unsigned // 2).astype(np.int32)
