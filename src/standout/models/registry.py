"""The registry of bundled models: a name -> a model file whose checksum is verified.

To add a model: put its file in weights/ and add a row with the sha256 of the file to REGISTRY. The first row is the
default model. scripts/bundle.py does both.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from standout.errors import ModelError, suggestion

WEIGHTS = Path(__file__).parent / "weights"
CHECKPOINT = ".safetensors"
"""Suffix of weights that can be trained on."""


@dataclass(frozen=True)
class Weights:
    """A bundled model file, the sha256 it must have, and what it is made for."""

    file: str
    sha256: str
    purpose: str

    @property
    def path(self) -> Path:
        """Where the file lies in the installed package."""
        return WEIGHTS / self.file


REGISTRY: dict[str, Weights] = {
    "standout-mobile": Weights(
        "standout-mobile.onnx",
        "ffc2c538d313b06fbf522061fa5851b19c20f4c8ca0ae18fa2a20a040d0fa30f",
        "photos and clips of all kinds",
    ),
    "standout-tiny": Weights(
        "standout-tiny.onnx",
        "7f4f16266b8e388eb0ddc70ea1b73ba25f3d8f52a7cbbc28fe71bb4a28bbe40b",
        "live pictures, long clips and small devices: three times as fast, finds small people less well",
    ),
    "standout-quality": Weights(
        "standout-quality.onnx",
        "4d12dd46b7023f605b8a1c02e81d7d21c5f33b72552a819144e5af3fcac740bb",
        "stills with small people, in one and a half times the time of the default",
    ),
}
DEFAULT = next(iter(REGISTRY))
"""The model that is used where none is named: the first in the registry."""


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(model: str | Path) -> Path:
    """The file of a bundled model's name, its checksum verified, or the model file at a path.

    Raises ModelError when there is neither, or when a bundled file is damaged.
    """
    if str(model) in REGISTRY:
        return _checked(str(model), REGISTRY[str(model)])
    return _given(model, "the path of a model file", folders=(".mlpackage",))


def find_checkpoint(model: str | Path) -> Path:
    """The trainable weights (.safetensors) of a bundled model's name, or the checkpoint at a path.

    Raises ModelError when there is neither.
    """
    if str(model) in REGISTRY:
        return REGISTRY[str(model)].path.with_suffix(CHECKPOINT)
    path = _given(model, f"a {CHECKPOINT} file")
    if path.suffix.lower() != CHECKPOINT:
        raise ModelError(f"{path} is no checkpoint; give the {CHECKPOINT} file that `standout train` wrote")
    return path


def _given(model: str | Path, kind: str, *, folders: tuple[str, ...] = ()) -> Path:
    path = Path(model)
    try:
        if path.is_file() or (path.suffix.lower() in folders and path.is_dir()):
            return path
        if path.is_dir():
            trained = path / f"model{CHECKPOINT}"
            raise ModelError(f"model {str(model)!r} is a folder; give {trained if trained.is_file() else kind}")
    except OSError as error:  # a name too long, a folder that may not be looked into
        raise ModelError(f"model {str(model)!r} cannot be looked at ({error.strerror}); give {kind}") from None
    hint = suggestion(str(model), REGISTRY, f"bundled: {', '.join(REGISTRY)}; or give {kind}")
    raise ModelError(f"model {str(model)!r} is neither a bundled model nor a file; {hint}")


def _checked(name: str, weights: Weights) -> Path:
    if not weights.path.is_file():
        raise ModelError(f"the bundled model {name} is missing ({weights.path}); reinstall standout")
    found = sha256(weights.path)
    if found != weights.sha256:
        raise ModelError(
            f"the bundled model {name} is damaged ({weights.path}: sha256 {found[:12]}..., "
            f"wanted {weights.sha256[:12]}...); reinstall standout"
        )
    return weights.path
