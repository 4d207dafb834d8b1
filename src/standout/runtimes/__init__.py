"""Runtimes: a model file and a device -> a session, ready to run.

runner   float32 (N, 3, h, w) in 0..1 -> float32 (N, 1, h, w) in 0..1

To add one: a module with open(path, *, device, threads) -> Session, named in RUNTIMES by the suffixes it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from standout.card import ModelCard
from standout.errors import MissingExtra, ModelError
from standout.types import Runner

RUNTIMES = {
    ".onnx": "onnx",
    ".safetensors": "pytorch",
}
"""Suffix of a model file -> the module here that opens it."""

EXTRAS = {"pytorch": ("running a checkpoint", "train")}
"""What a runtime's packages are for, and the extra that brings them, where the base install does not."""


@dataclass(frozen=True)
class Session:
    """A model that is ready to run: its runner, its card, the device it runs on and the runtime."""

    run: Runner
    card: ModelCard
    device: str
    runtime: str


def open(path: Path, *, device: str = "auto", threads: int | None = None) -> Session:
    """The model at path, ready to run. threads: for one call of the network; None = all cores.

    Raises ModelError when the file is damaged or not a standout model, SetupError when the device is not here,
    MissingExtra when the file needs packages that are not installed.
    """
    name = RUNTIMES.get(path.suffix.lower())
    if name is None:
        raise ModelError(f"{path} is no model file that standout can run; it runs {', '.join(RUNTIMES)}")
    try:
        runtime = import_module(f"standout.runtimes.{name}")
    except ModuleNotFoundError as error:
        if name not in EXTRAS or (error.name or "").startswith("standout"):
            raise
        raise MissingExtra(*EXTRAS[name]) from None
    session: Session = runtime.open(path, device=device, threads=threads)
    return session
