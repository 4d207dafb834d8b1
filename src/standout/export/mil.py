"""Computes the program in an .mlpackage step by step with torch, where Core ML itself does not run.

The steps are those of Apple's Model Intermediate Language (MIL), as coremltools reads them from the file. Each is
computed in the precision that the program states, on the weights that the file holds, so that a wrong conversion shows.
Differences in how Apple's own processors round do not show.

To add a step: a function in STEPS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools as ct
import numpy as np
import torch
from coremltools.converters.mil.frontend.milproto.load import load
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from standout.errors import ModelError
from standout.models.card import CARD_KEY, ModelCard
from standout.runtimes import Session, one_by_one
from standout.runtimes.coreml import sizes
from standout.support.quiet import hushed

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}
Inputs = dict[str, Any]
"""Name of an input of a step -> its value."""


def _padded(x: Inputs, value: float = 0.0) -> Tensor:
    """The input of a step that moves a window over it, padded as its pad type says.

    Raises ModelError for a pad type that is not known here.
    """
    if x["pad_type"] not in ("valid", "custom"):
        raise ModelError(f"pad type {x['pad_type']!r} is not known here")
    if x["pad_type"] == "valid":
        return F.pad(x["x"], (0, 0))
    top, bottom, left, right = (int(side) for side in x["pad"])
    return F.pad(x["x"], (left, right, top, bottom), value=value)


def _conv(x: Inputs) -> Tensor:
    """A convolution whose sums are in float32 and rounded once, as on processors that do not compute in half floats.

    torch's own convolution of half floats does the same many times slower.
    """
    strides, dilations = (tuple(int(one) for one in x[key]) for key in ("strides", "dilations"))
    weight, bias = x["weight"].float(), x.get("bias")
    bias = bias if bias is None else bias.float()
    found = F.conv2d(_padded(x).float(), weight, bias, strides, 0, dilations, int(x["groups"]))
    return found.to(x["x"].dtype)


def _max_pool(x: Inputs) -> Tensor:
    kernel, strides = (tuple(int(one) for one in x[key]) for key in ("kernel_sizes", "strides"))
    return F.max_pool2d(_padded(x, -float("inf")), kernel, strides, ceil_mode=bool(x["ceil_mode"]))


def _pad(x: Inputs) -> Tensor:
    pairs = np.asarray(x["pad"]).reshape(-1, 2)[::-1]  # torch lists the last dimension first
    return F.pad(x["x"], [int(side) for side in pairs.ravel()], value=float(x["constant_val"]))


def _upsample(x: Inputs) -> Tensor:
    factors = (float(x["scale_factor_height"]), float(x["scale_factor_width"]))
    return F.interpolate(x["x"], scale_factor=factors, mode="bilinear", align_corners=bool(x["align_corners"]))


def _dequantize(x: Inputs) -> Tensor:
    """Weights from 8 bits, with a scale for each slice along an axis."""
    shape = [1] * x["quantized_data"].ndim
    shape[int(x["axis"])] = -1
    scale, zero = (
        torch.as_tensor(np.asarray(x[key])).reshape(shape if np.ndim(x[key]) else ()) for key in ("scale", "zero_point")
    )
    weights: Tensor = (x["quantized_data"].float() - zero.float()).to(scale.dtype) * scale
    return weights


STEPS: dict[str, Callable[[Inputs], Tensor]] = {
    "add": lambda x: x["x"] + x["y"],
    "sub": lambda x: x["x"] - x["y"],
    "mul": lambda x: x["x"] * x["y"],
    "cast": lambda x: x["x"].to(DTYPES[str(x["dtype"])]),
    "clip": lambda x: x["x"].clamp(float(x["alpha"]), float(x["beta"])),
    "concat": lambda x: torch.cat(list(x["values"]), int(x["axis"])),
    "constexpr_affine_dequantize": _dequantize,
    "conv": _conv,
    "max_pool": _max_pool,
    "pad": _pad,
    "pixel_shuffle": lambda x: F.pixel_shuffle(x["x"], int(x["upscale_factor"])),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x["x"], int(x["downscale_factor"])),
    "reduce_mean": lambda x: x["x"].mean([int(axis) for axis in x["axes"]], keepdim=bool(x["keep_dims"])),
    "relu": lambda x: F.relu(x["x"]),
    "relu6": lambda x: F.relu6(x["x"]),
    "sigmoid": lambda x: torch.sigmoid(x["x"]),
    "sigmoid_hard": lambda x: (x["x"] * float(x["alpha"]) + float(x["beta"])).clamp(0, 1),
    "silu": lambda x: F.silu(x["x"]),
    "thresholded_relu": lambda x: F.threshold(x["x"], float(x["alpha"]), 0.0),
    "upsample_bilinear": _upsample,
}
"""Name of an operation in MIL -> the function that computes it from its inputs."""


def open(path: Path) -> Session:
    """The package at path as a Session, for photos of the sizes that it takes.

    Raises ModelError for a step that is not known here.
    """
    with hushed(f"reading {path}"):
        model = ct.models.MLModel(str(path), skip_model_load=True)
        spec = model.get_spec()
        program = load(spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir)
    operations = [one for one in program.functions["main"].operations if one.op_type != "const"]
    unknown = sorted({one.op_type for one in operations} - STEPS.keys())
    if unknown:
        raise ModelError(f"{path} cannot be checked here: its steps {', '.join(unknown)} are not known")
    card = ModelCard.from_json(model.user_defined_metadata[CARD_KEY], where=str(path))
    constants: dict[str, Any] = {}

    def run(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = np.rint(photo * 255)  # the input is a picture of 8 bits, as it will be on a phone
        values: dict[str, Any] = {"image": torch.from_numpy(pixels.astype(np.float32))}
        with torch.inference_mode():
            for one in operations:
                given = {name: _value(var, values, constants) for name, var in one.inputs.items() if var is not None}
                values[one.outputs[0].name] = STEPS[one.op_type](given)
        found: NDArray[np.float32] = values["probability"].float().numpy()
        return found

    return Session(one_by_one(run), card, "cpu", "torch for Core ML", sizes(model, card, path))


def _value(var: Any, values: dict[str, Any], constants: dict[str, Any]) -> Any:
    """The value of a step's input: the result of an earlier step, or a constant, with weights as tensors."""
    if isinstance(var, list | tuple):
        return [_value(one, values, constants) for one in var]
    if var.name in values:
        return values[var.name]
    if var.name not in constants:
        held = var.val
        constants[var.name] = torch.from_numpy(held.copy()) if isinstance(held, np.ndarray) and held.ndim > 1 else held
        if isinstance(held, np.ndarray) and held.ndim == 1 and held.dtype.kind == "f":
            constants[var.name] = torch.from_numpy(held.copy())
    return constants[var.name]
