"""Checkpoint -> files for other runtimes, each with its proof.

target      "onnx", "openvino"
precision   "float32", "float16", "int8"

To add a target: a module with a function from an ONNX file to the target's, and a row in TARGETS.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from standout.dataset import Pair, read_pair
from standout.errors import InputError, MissingExtra, ModelError
from standout.export.int8 import to_int8
from standout.export.onnx import to_float16, to_onnx
from standout.export.openvino import to_openvino
from standout.export.proof import Proof, prove
from standout.files import write_atomic
from standout.net import checkpoint
from standout.pixels import fit, rectangle, to_input

__all__ = ["PRECISIONS", "TARGETS", "Proof", "export", "prove", "to_onnx"]

TARGETS = {"onnx": (".onnx", "onnx", "train"), "openvino": (".xml", "openvino", "openvino")}
"""Target -> suffix of its file, the package it needs, the extra that brings it."""

PRECISIONS = ("float32", "float16", "int8")

CALIBRATE = 100
"""Photos over which 8-bit scales are found."""


def export(
    source: Path,
    out: Path,
    *,
    target: str = "onnx",
    precision: str = "float32",
    pairs: Sequence[Pair] = (),
    overwrite: bool = False,
) -> Proof:
    """Writes the checkpoint at source to out, and returns the proof; without it nothing is written.

    pairs: labelled photos. Those of part train calibrate int8, and the others prove (all do both where none is of part
    train, or none of another). Without any, the proof is of drawn noise, without Dice, and int8 cannot be had.

    Raises ModelError when source is no checkpoint or the proof fails, InputError for int8 without photos, OutputError
    when out exists and overwrite is not set, MissingExtra when a package is not installed.
    """
    suffix, package, extra = TARGETS[target]
    if find_spec(package) is None:
        raise MissingExtra(f"exporting to {target}", extra)
    if precision == "int8" and not pairs:
        raise InputError("int8 needs photos to calibrate and to prove it with; give labelled ones: --data DIR")
    _, card = checkpoint.load(source)
    training = [pair for pair in pairs if pair.split == "train"] or list(pairs)
    proving = [pair for pair in pairs if pair.split != "train"] or list(pairs)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / out.with_suffix(suffix).name
        plain = Path(folder) / "plain.onnx"
        to_onnx(source, plain)
        _convert(plain, made, target=target, precision=precision, photos=training, size=card.size)
        inputs = list(_inputs(proving[:20], card.size)) or _noise(card.size)
        proof = replace(prove(source, made, precision=precision, inputs=inputs, pairs=proving), file=out.name)
        if proof.failure:
            raise ModelError(f"{out} is not written: as {target} in {precision}, {proof.failure}")
        for file in (made.with_suffix(".bin"), made):
            if file.exists():
                write_atomic(out.with_suffix(file.suffix), file.read_bytes(), overwrite=overwrite)
    return proof


def _convert(
    plain: Path, made: Path, *, target: str, precision: str, photos: Sequence[Pair], size: tuple[int, int]
) -> None:
    """The float32 ONNX file at plain to made."""
    middle = plain
    if precision == "int8":
        some = random.Random(0).sample(list(photos), min(CALIBRATE, len(photos)))
        middle = plain.with_name("int8.onnx")
        to_int8(plain, middle, _inputs(some, size))
    elif precision == "float16" and target == "onnx":
        middle = plain.with_name("half.onnx")
        to_float16(plain, middle)
    if target == "openvino":
        to_openvino(middle, made, half=precision == "float16")
    else:
        made.write_bytes(middle.read_bytes())


def _inputs(pairs: Sequence[Pair], size: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    for pair in pairs:
        photo, _ = read_pair(pair)
        yield to_input(fit(photo, rectangle(photo.shape[0], photo.shape[1], size))[0])


def _noise(size: tuple[int, int]) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [rng.random((1, 3, *shape), np.float32) for shape in (size, size[::-1])]
