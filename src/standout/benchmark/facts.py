"""The facts of a model file that need no timing: encoder, parameters, multiply-adds, megabytes.

size            (h, w)   of the photo for which multiply-adds are counted
multiply-adds   of convolutions and matrix products, as net.cost counts them for a checkpoint
parameters      as the file holds them: an export has folded its batch norms, so each of their channels counts once
                (a bias), while it counts twice in the checkpoint (gain and bias)

To add a kind of file: a function like those in graphs.py and a row in COUNTERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from standout import runtimes
from standout.benchmark import graphs
from standout.benchmark.graphs import Size
from standout.errors import MissingExtra, ModelError, SetupError
from standout.models.registry import find
from standout.runtimes import RUNTIMES
from standout.runtimes.sizes import or_list

PHOTO = (320, 256)
"""The size that is assumed if a model's card cannot be read here."""


@dataclass(frozen=True)
class Facts:
    """The facts of a model; those that cannot be found out here are None.

    lacking: what to install to find them out, such as "standout[train]". megabytes: of all the model's files.
    """

    model: str
    path: Path
    size: Size
    megabytes: float
    encoder: str | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    lacking: str = ""


def look(model: str, *, size: Size | None = None) -> Facts:
    """The facts of a bundled model or of a model file.

    size: (h, w) of the photo; None means the size on the model's card.

    Raises ModelError when there is no such model, when the file is damaged or not made by standout, and when it does
    not take photos of that size.
    """
    path = find(model)
    suffix = path.suffix.lower()
    megabytes = sum(file.stat().st_size for file in _files(path)) / 1e6
    try:
        session = runtimes.open(path, threads=1)
    except SetupError as error:
        extra = next(one.extra for one in RUNTIMES.values() if suffix in one.suffixes)
        lacking = f"standout[{extra}]" if isinstance(error, MissingExtra) else ""
        return Facts(model, path, size or PHOTO, megabytes, lacking=lacking)
    card = session.card
    size = size or session.rectangle(2, 1, card.size)
    if session.sizes and size not in session.sizes:
        raise ModelError(
            f"{model} takes only photos of {or_list(session.sizes)}, not of {size[0]}x{size[1]}; "
            f"use --size {session.sizes[0][0]}x{session.sizes[0][1]}, or leave --size out"
        )
    parameters, multiply_adds = COUNTERS[suffix](path, size) if suffix in COUNTERS else (None, None)
    return Facts(model, path, size, megabytes, card.encoder, parameters, multiply_adds)


def _files(path: Path) -> list[Path]:
    """All files of a model: a model of OpenVINO has two, and a model of Core ML is a folder."""
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix.lower() == ".xml" and weights.is_file() else [path]


def _of_checkpoint(path: Path, size: Size) -> tuple[int, int]:
    from standout.net import checkpoint
    from standout.net.cost import cost

    found = cost(checkpoint.load_any(path)[0], size)
    return found.parameters, found.multiply_adds


COUNTERS: dict[str, Callable[[Path, Size], tuple[int, int]]] = {
    ".onnx": graphs.of_onnx,
    ".xml": graphs.of_openvino,
    ".safetensors": _of_checkpoint,
}
"""Suffix -> the function that counts parameters and multiply-adds; for other files they stay unknown."""
