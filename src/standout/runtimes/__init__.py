"""Runtimes: a model file and a device -> a session, ready to run.

runner   float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1
shape    tuple of int | None          as a file tells it; None: any

To add one: a module with open(path, *, device, threads) -> Session and a row in RUNTIMES. The contract tests then run
on it wherever its packages are installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from standout.card import ModelCard
from standout.errors import MissingExtra, ModelError, SetupError
from standout.system import cores
from standout.types import Runner


@dataclass(frozen=True)
class Runtime:
    """What a runtime reads and needs. extra: of standout, that brings its package; empty: the base install does.

    system: the only one it runs on, as sys.platform names it; empty: all.
    """

    module: str
    suffixes: tuple[str, ...]
    devices: tuple[str, ...]
    package: str
    extra: str = ""
    system: str = ""

    @property
    def here(self) -> bool:
        """Whether it can run: its package is installed (it is not loaded to find out), and this is its system."""
        return self.system in ("", sys.platform) and find_spec(self.package) is not None


RUNTIMES = {
    "onnx": Runtime("onnx", (".onnx",), ("cpu", "cuda", "coreml", "directml"), "onnxruntime"),
    "openvino": Runtime("openvino", (".xml", ".onnx"), ("cpu",), "openvino", "openvino"),
    "pytorch": Runtime("pytorch", (".safetensors", ".pt"), ("cpu", "cuda"), "torch", "train"),
    "litert": Runtime("litert", (".tflite",), ("cpu",), "ai_edge_litert", "litert"),
    "coreml": Runtime("coreml", (".mlpackage",), ("cpu", "coreml"), "coremltools", "coreml", "darwin"),
}
"""The first that is installed and runs the file on the device is what "auto" means."""


@dataclass(frozen=True)
class Session:
    """A model that is ready to run: its runner, its card, the device it runs on and the runtime.

    fixed: the only (h, w) it takes; None: any, in multiples of 32.
    """

    run: Runner
    card: ModelCard
    device: str
    runtime: str
    fixed: tuple[int, int] | None = None


def open(path: Path, *, runtime: str = "auto", device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged, not a standout model or not for this runtime, SetupError when the
    runtime or the device is not here, MissingExtra when packages are not installed.
    """
    name, _ = choose(path.suffix.lower(), runtime=runtime, device=device, where=str(path))
    session: Session = import_module(f"standout.runtimes.{RUNTIMES[name].module}").open(
        path, device=device, threads=threads or cores()
    )
    return session


def choose(suffix: str, *, runtime: str = "auto", device: str = "auto", where: str = "the model") -> tuple[str, str]:
    """The runtime for a file of this suffix, and why. Raises as open does."""
    reading = {name: one for name, one in RUNTIMES.items() if suffix in one.suffixes}
    if not reading:
        known = sorted({suffix for one in RUNTIMES.values() for suffix in one.suffixes})
        raise ModelError(f"{where} is no model file that standout can run; it runs {', '.join(known)}")
    if runtime != "auto":
        if runtime not in RUNTIMES:
            raise SetupError(f"runtime {runtime!r} is not known; choose one of: auto, {', '.join(RUNTIMES)}")
        if runtime not in reading:
            raise ModelError(f"runtime {runtime!r} does not run {where}; {' or '.join(reading)} does")
        if not RUNTIMES[runtime].here:
            raise _missing(f"runtime {runtime!r}", RUNTIMES[runtime])
        return runtime, "asked for"
    fitting = {name: one for name, one in reading.items() if device in ("auto", *one.devices)}
    for name, one in (fitting or reading).items():
        if one.here:
            return name, f"the first installed that runs {suffix} files" + ("" if device == "auto" else f" on {device}")
    raise _missing(f"running {where}", next(iter((fitting or reading).values())))


def _missing(what: str, one: Runtime) -> SetupError:
    if one.system not in ("", sys.platform):
        return SetupError(f"{what} works on {one.system} alone, and this is {sys.platform}; use an .onnx file here")
    return MissingExtra(what, one.extra)


def fixed_size(
    takes: Sequence[Sequence[int | None]], gives: Sequence[Sequence[int | None]], *, where: str
) -> tuple[int, int] | None:
    """The only (h, w) that a file with inputs and outputs of these shapes takes; None: any.

    Raises ModelError where it is no person segmentation net: one photo (N, 3, h, w) in, one mask (N, 1, h, w) out.

    >>> fixed_size([(1, 3, 320, 256)], [(1, 1, 320, 256)], where="m.onnx")
    (320, 256)
    >>> fixed_size([(None, 3, None, None)], [(None, 1, None, None)], where="m.onnx")
    """

    def fits(shapes: Sequence[Sequence[int | None]], channels: int) -> bool:
        return len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] in (channels, None)

    if not fits(takes, 3) or not fits(gives, 1):
        shown = " -> ".join(
            ", ".join("(" + ", ".join("any" if side is None else str(side) for side in one) + ")" for one in shapes)
            for shapes in (takes, gives)
        )
        raise ModelError(f"{where} is no person segmentation net: it maps {shown}; wanted (N, 3, h, w) -> (N, 1, h, w)")
    _, _, height, width = takes[0]
    return None if height is None or width is None else (height, width)


def one_by_one(run: Runner) -> Runner:
    """A runner for any N from one that takes a single photo at a time."""
    import numpy as np

    return lambda batch: np.concatenate([run(batch[i : i + 1]) for i in range(len(batch))])
