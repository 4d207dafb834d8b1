"""Runtimes: a model file and a device -> a session, ready to run.

runner   float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1

To add one: a module with open(path, *, device, threads) -> Session and a row in RUNTIMES. The contract tests then run
on it wherever its packages are installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from standout.card import ModelCard
from standout.errors import MissingExtra, ModelError, SetupError
from standout.types import Runner


@dataclass(frozen=True)
class Runtime:
    """What a runtime reads and needs. extra: of standout, that brings its package; empty: the base install does."""

    module: str
    suffixes: tuple[str, ...]
    devices: tuple[str, ...]
    package: str
    extra: str = ""

    @property
    def here(self) -> bool:
        """Whether its package is installed; it is not loaded to find out."""
        return find_spec(self.package) is not None


RUNTIMES = {
    "onnx": Runtime("onnx", (".onnx",), ("cpu", "cuda", "coreml", "directml"), "onnxruntime"),
    "openvino": Runtime("openvino", (".xml", ".onnx"), ("cpu",), "openvino", "openvino"),
    "pytorch": Runtime("pytorch", (".safetensors",), ("cpu", "cuda"), "torch", "train"),
}
"""The first that is installed and runs the file on the device is what "auto" means."""


@dataclass(frozen=True)
class Session:
    """A model that is ready to run: its runner, its card, the device it runs on and the runtime."""

    run: Runner
    card: ModelCard
    device: str
    runtime: str


def open(path: Path, *, runtime: str = "auto", device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged, not a standout model or not for this runtime, SetupError when the
    runtime or the device is not here, MissingExtra when packages are not installed.
    """
    name, _ = choose(path.suffix.lower(), runtime=runtime, device=device, where=str(path))
    session: Session = import_module(f"standout.runtimes.{RUNTIMES[name].module}").open(
        path, device=device, threads=threads
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
            raise MissingExtra(f"runtime {runtime!r}", RUNTIMES[runtime].extra)
        return runtime, "asked for"
    fitting = {name: one for name, one in reading.items() if device in ("auto", *one.devices)}
    for name, one in (fitting or reading).items():
        if one.here:
            return name, f"the first installed that runs {suffix} files" + ("" if device == "auto" else f" on {device}")
    raise MissingExtra(f"running {where}", next(one.extra for one in (fitting or reading).values()))
