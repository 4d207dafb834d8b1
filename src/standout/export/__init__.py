"""Checkpoint -> files for other runtimes, each with a proof that it computes what the checkpoint does.

precision   "float32", "float16", "int8"

To add a target: a module with convert(source, made, precision), and a row in TARGETS. The tests then run on it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from standout.errors import InputError, MissingExtra, ModelError
from standout.export.proof import Proof, prove
from standout.export.source import Source, opened
from standout.support.atomic import write_atomic, write_folder_atomic
from standout.support.quiet import hushed

__all__ = ["PRECISIONS", "TARGETS", "Proof", "Source", "check", "export", "opened"]

PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class Target:
    """A kind of file that can be written.

    package: what makes it. extra: the extra of standout that installs that package. precisions: what the file can hold.
    """

    suffix: str
    package: str
    extra: str
    precisions: tuple[str, ...] = PRECISIONS

    @property
    def here(self) -> bool:
        """Whether its package is installed; the package is not loaded to find out."""
        return find_spec(self.package) is not None


TARGETS = {
    "onnx": Target(".onnx", "onnx", "train"),
    "openvino": Target(".xml", "openvino", "openvino"),
    "coreml": Target(".mlpackage", "coremltools", "coreml"),
    "torchscript": Target(".pt", "torch", "train", ("float32",)),
    "litert": Target(".tflite", "litert_torch", "litert"),
}


def check(source: Source, target: str, precision: str) -> None:
    """Raises MissingExtra when the target's package is not installed, InputError for a precision that is not possible.

    A precision is not possible if the target does not know it; int8 also needs photos.
    """
    kind = TARGETS[target]
    if not kind.here:
        raise MissingExtra(f"exporting to {target}", kind.extra)
    if precision not in kind.precisions:
        raise InputError(f"{target} is not made in {precision}; choose {' or '.join(kind.precisions)}")
    if precision == "int8" and not source.training:
        raise InputError("int8 needs labeled photos, to calibrate it and to compare Dice; give them by --data DIR")


def export(
    source: Source, out: Path, *, target: str = "onnx", precision: str = "float32", overwrite: bool = False
) -> Proof:
    """Writes the source (see opened) to out, and returns the proof; if the proof fails, nothing is written.

    Raises ModelError when the proof fails, InputError for a precision that the target does not know and for int8
    without photos, OutputError when out exists and overwrite is not set, MissingExtra when a package is not installed.
    """
    check(source, target, precision)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / out.name
        with hushed(f"making {out} of {source.path}"):
            convert: Callable[[Source, Path, str], None] = import_module(f"standout.export.{target}").convert
            convert(source, made, precision)
        proof = replace(prove(source, made, target=target, precision=precision), file=out.name)
        if proof.failure:
            raise ModelError(f"{out} is not written: as {target} in {precision}, {proof.failure}")
        for file in sorted(Path(folder).iterdir()):  # OpenVINO's .bin comes before the .xml that names it
            if file.is_dir():
                write_folder_atomic(out.parent / file.name, file, overwrite=overwrite)
            else:
                write_atomic(out.parent / file.name, file.read_bytes(), overwrite=overwrite)
    return proof
